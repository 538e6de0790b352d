import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { systemClock } from '../kernel/clock.ts';
import { HttpRecorder } from '../track/http-recorder.ts';
import { KnownNames } from '../track/known-names.ts';
import type { RequestObservation } from '../track/observation.ts';
import { RequestContext } from '../track/request-scope.ts';
import { type TenantOf, trackRequests } from './request-tracking.ts';

interface World {
  readonly app: FastifyInstance;
  readonly recorder: HttpRecorder;
  readonly context: RequestContext;
  readonly names: KnownNames;
  readonly seen: RequestObservation[];
  /** Waits until `count` requests have ended. */
  readonly ended: (count: number) => Promise<readonly RequestObservation[]>;
  readonly listen: (host?: string) => Promise<number>;
}

interface WorldOptions {
  readonly fastify?: FastifyServerOptions;
  readonly tenantOf?: TenantOf;
  readonly before?: (app: FastifyInstance) => void;
}

function world(t: TestContext, { fastify = {}, tenantOf, before }: WorldOptions = {}): World {
  const app = Fastify({ forceCloseConnections: true, ...fastify });
  const recorder = new HttpRecorder(systemClock);
  const context = new RequestContext();
  const seen: RequestObservation[] = [];
  const attached = recorder.attach({
    record: (observation) => {
      if (observation.kind === 'request') seen.push({ ...observation });
    },
  });
  before?.(app);
  const names = new KnownNames();
  const tracking = trackRequests(app, { recorder, context, tenantOf: tenantOf ?? null, names });
  t.after(async () => {
    await app.close();
    tracking[Symbol.dispose]();
    attached[Symbol.dispose]();
  });
  return {
    app,
    recorder,
    context,
    names,
    seen,
    ended: async (count) => {
      for (let i = 0; i < 400 && seen.length < count; i++) await sleep(5);
      assert.equal(seen.length, count, JSON.stringify(seen.map(({ route, status }) => [route, status])));
      assert.equal(recorder.active, 0);
      return seen;
    },
    listen: async (host = '127.0.0.1') => {
      await app.listen({ port: 0, host });
      return (app.server.address() as AddressInfo).port; // `as`: it listens on TCP
    },
  };
}

/** Speaks HTTP by hand, so that every byte of the answer is counted. */
class RawClient {
  readonly socket: Socket;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('error', () => {});
  }

  static async open(t: TestContext, port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return new RawClient(socket);
  }

  /** Sends, waits until the answer holds `until`, and gives the bytes that came meanwhile. */
  async ask(text: string, until: string): Promise<number> {
    this.received = '';
    this.socket.write(text);
    for (let i = 0; i < 400 && !this.received.includes(until); i++) await sleep(5);
    assert.ok(this.received.includes(until), this.received);
    await sleep(5);
    return this.received.length;
  }
}

const get = (path: string, extra = ''): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${extra}\r\n`;

test('requests are named by method and pattern, with status, duration and tenant', async (t) => {
  const { app, listen, ended, names } = world(t, {
    // `as`: sent once
    tenantOf: ({ headers }) => ({ id: headers['x-tenant'] as string, name: 'Acme Inc.' }),
  });
  app.get('/tasks/:id', async () => ({ ok: true }));
  app.all('/any', async () => 'x');
  app.register(async (child) => child.post('/deep', async () => sleep(30)), { prefix: '/v1' });
  app.get('/fails', async () => {
    throw new Error('expected');
  });
  const url = `http://127.0.0.1:${await listen()}`;
  await (await fetch(`${url}/tasks/7`, { headers: { 'x-tenant': 'acme' } })).text();
  await (await fetch(`${url}/any`, { method: 'PUT' })).text();
  await (
    await fetch(`${url}/v1/deep`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  ).text();
  await (await fetch(`${url}/fails`)).text();
  await (await fetch(`${url}/tasks/8`, { method: 'HEAD' })).text();
  const seen = await ended(5);
  assert.deepEqual(
    seen.map(({ route, status, tenant }) => [route, status, tenant]),
    [
      ['GET /tasks/:id', 200, 'acme'],
      ['PUT /any', 200, null],
      ['POST /v1/deep', 200, null],
      ['GET /fails', 500, null],
      ['HEAD /tasks/:id', 200, null],
    ],
  );
  assert.ok((seen[2]?.durationMs ?? 0) >= 29);
  assert.deepEqual(names.since(0), [{ kind: 'tenant', id: 'acme', name: 'Acme Inc.' }]);
});

test('every request that is refused is counted, wherever it was refused', async (t) => {
  const { app, listen, ended } = world(t, {
    fastify: { bodyLimit: 100 },
    before: (early) => {
      early.addHook('onRequest', async (request, reply) => {
        if (request.headers['x-refuse'] === 'send') await reply.code(401).send({ no: true });
        if (request.headers['x-refuse'] === 'throw') throw new Error('expected');
      });
    },
  });
  app.get('/a', async () => 'a');
  app.post('/b', async () => 'b');
  const port = await listen();
  const client = await RawClient.open(t, port);
  await client.ask(get('/nowhere'), 'not found');
  await client.ask(get('/%zz'), 'not a valid url');
  await client.ask(get('/a', 'x-refuse: send\r\n'), '"no":true');
  await client.ask(get('/a', 'x-refuse: throw\r\n'), '500');
  const big = `POST /b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n${'x'.repeat(200)}`;
  await client.ask(big, '413');
  await (await RawClient.open(t, port)).ask(
    'POST /b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{x}',
    '400',
  );
  await (await RawClient.open(t, port)).ask('this is no HTTP\r\n\r\n', '400');
  await (await RawClient.open(t, port)).ask(get('/a', `x-long: ${'x'.repeat(20_000)}\r\n`), '431');
  const seen = await ended(8);
  assert.deepEqual(
    seen.map(({ route, status }) => [route, status]),
    [
      ['(unmatched)', 404],
      ['(unmatched)', 400],
      ['GET /a', 401],
      ['GET /a', 500],
      ['POST /b', 413],
      ['POST /b', 400],
      ['(unmatched)', 400],
      ['(unmatched)', 431],
    ],
  );
});

test('a client that goes away leaves an aborted request and no active one', async (t) => {
  const { app, recorder, listen, ended } = world(t);
  app.get('/slow', async () => sleep(150, 'late'));
  app.get('/stream', async (_request, reply) => {
    const body = new Readable({ read: () => {} });
    body.push('first');
    return reply.send(body);
  });
  app.post('/upload', async () => 'never');
  const port = await listen();
  const slow = await RawClient.open(t, port);
  slow.socket.write(get('/slow'));
  const stream = await RawClient.open(t, port);
  await stream.ask(get('/stream'), 'first');
  const upload = await RawClient.open(t, port);
  upload.socket.write(
    'POST /upload HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  await sleep(40);
  assert.equal(recorder.active, 3);
  for (const client of [slow, stream, upload]) client.socket.destroy();
  const seen = await ended(3);
  assert.ok(seen.every(({ aborted }) => aborted));
  assert.deepEqual(
    new Map(seen.map(({ route, status }) => [route, status])),
    new Map([
      ['GET /slow', 0],
      ['GET /stream', 200],
      ['POST /upload', 0],
    ]),
  );
  await sleep(200);
  await ended(3);
});

test('bytes are those that went over the connection, response by response', async (t) => {
  const { app, listen, ended } = world(t);
  app.get('/small', async () => 'hello');
  app.get('/large', async () => 'x'.repeat(300_000));
  app.get('/stream', async (_request, reply) => reply.send(Readable.from(['a', 'b'.repeat(10_000), 'c-end'])));
  app.get('/same', async (_request, reply) => reply.code(304).send());
  const client = await RawClient.open(t, await listen());
  const received = [
    await client.ask(get('/small'), 'hello'),
    await client.ask(get('/large'), 'x'.repeat(300_000)),
    await client.ask(get('/stream'), '0\r\n\r\n'),
    await client.ask(get('/small').replace('GET', 'HEAD'), '\r\n\r\n'),
    await client.ask(get('/same'), '\r\n\r\n'),
    await client.ask(get('/small'), 'hello'),
  ];
  const seen = await ended(6);
  assert.deepEqual(
    seen.map(({ bytesSent }) => bytesSent),
    received,
  );
  // Pipelined: the sum is right, wherever the line between the two is drawn.
  const both = await client.ask(get('/small') + get('/small').replace('/small', '/stream'), '0\r\n\r\n');
  const [a, b] = (await ended(8)).slice(6);
  assert.equal((a?.bytesSent ?? 0) + (b?.bytesSent ?? 0), both);
});

test('the context of a request reaches its handler, also behind a body, and nobody else', async (t) => {
  const { app, context, listen, ended } = world(t, {
    before: (early) => {
      early.addHook('onRequest', async () => {
        routes.push(context.current() !== undefined);
      });
    },
  });
  const routes: unknown[] = [];
  context.enable();
  const handler = async (): Promise<string> => {
    await sleep(5);
    const scope = context.current();
    scope?.enterDatabase(10);
    scope?.leaveDatabase(12);
    return scope?.route ?? 'none';
  };
  app.get('/get', handler);
  app.post('/post', handler);
  const port = await listen();
  const url = `http://127.0.0.1:${port}`;
  const post = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat(200_000)),
  };
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, async () => (await fetch(`${url}/get`)).text()),
    ...Array.from({ length: 20 }, async () => (await fetch(`${url}/post`, post)).text()),
  ]);
  assert.deepEqual(new Set(answers.slice(0, 20)), new Set(['GET /get']));
  assert.deepEqual(new Set(answers.slice(20)), new Set(['POST /post']));
  assert.deepEqual(new Set(routes), new Set([true]));
  assert.equal(context.current(), undefined);
  assert.ok((await ended(40)).every(({ databaseMs }) => databaseMs === 2));
  // Injected requests run in the middle of their caller: nothing stays with it.
  assert.equal((await app.inject('/get')).body, 'GET /get');
  assert.equal(context.current(), undefined);
  await ended(41);
});

test('injected requests and those of a second server are measured', async (t) => {
  const { app, listen, ended } = world(t);
  app.get('/a', async () => 'a');
  await app.inject('/a');
  await app.inject('/nowhere');
  const seen = await ended(2);
  assert.deepEqual(
    seen.map(({ route, status, aborted }) => [route, status, aborted]),
    [
      ['GET /a', 200, false],
      ['(unmatched)', 404, false],
    ],
  );
  const port = await listen('localhost');
  // `as`: it listens on TCP
  for (const { address, family } of app.addresses() as AddressInfo[])
    await (await fetch(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}/a`)).text();
  await ended(2 + app.addresses().length);
});

test('tenants that fail, or are none, break nothing', async (t) => {
  const answers: unknown[] = [null, undefined, '', 7, Promise.resolve('later'), 'x'.repeat(1_000)];
  const { app, ended } = world(t, {
    tenantOf: () => {
      if (answers.length === 0) throw new Error('expected');
      return answers.shift() as string; // `as`: what JavaScript callers may answer
    },
  });
  app.get('/a', async () => 'a');
  for (let i = 0; i < 7; i++) await app.inject('/a');
  const tenants = (await ended(7)).map(({ tenant }) => tenant);
  assert.deepEqual(tenants, [null, null, null, null, null, 'x'.repeat(128), null]);
});

test('a route that says so is not measured', async (t) => {
  const { app, recorder, seen } = world(t);
  app.get('/live', { config: { autopilot: { track: false } } }, async () => 'x');
  await app.inject('/live');
  await sleep(10);
  assert.deepEqual(seen, []);
  assert.equal(recorder.active, 0);
});

test('HTTP/2 is measured too', async (t) => {
  // Fastify's types tell the two kinds of server apart, tracking does not.
  const { app, ended, listen } = world(t, { fastify: { http2: true } as FastifyServerOptions });
  app.get('/a', async () => 'hello');
  const client = connectHttp2(`http://127.0.0.1:${await listen()}`);
  const ask = client.request({ ':path': '/a' });
  ask.resume();
  await once(ask, 'end');
  const gone = client.request({ ':path': '/nowhere' });
  gone.resume();
  await once(gone, 'end');
  client.close();
  const seen = await ended(2);
  assert.deepEqual(
    seen.map(({ route, status, aborted }) => [route, status, aborted]),
    [
      ['GET /a', 200, false],
      ['(unmatched)', 404, false],
    ],
  );
  assert.equal(seen[0]?.bytesSent, 5);
});

test('after disposing requests pass untouched', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  const recorder = new HttpRecorder(systemClock);
  const seen: unknown[] = [];
  const attached = recorder.attach({ record: (observation) => seen.push({ ...observation }) });
  const listeners = app.server.listenerCount('request');
  const tracking = trackRequests(app, { recorder, context: new RequestContext(), tenantOf: null });
  app.get('/a', async () => 'a');
  await app.inject('/a');
  tracking[Symbol.dispose]();
  attached[Symbol.dispose]();
  assert.equal(app.server.listenerCount('request'), listeners);
  assert.equal((await app.inject('/a')).body, 'a');
  assert.equal(seen.length, 1);
  assert.equal(recorder.active, 0);
});

test('requests with a mark that the control plane vouches for are of a test, those with any other are not', async (t) => {
  const { app, recorder, ended } = world(t, { tenantOf: () => 'acme' });
  app.get('/tasks', () => 'ok');
  const mark = 'm'.repeat(43);
  const ask = async (given: string | undefined, path = '/tasks'): Promise<void> =>
    void (await app.inject({ url: path, headers: given === undefined ? {} : { 'x-autopilot-load-mark': given } }));
  await ask(mark);
  recorder.marks.learn([createHash('sha256').update(mark).digest('base64url'), 7, 'short', null]);
  for (const given of [undefined, mark, 'n'.repeat(43), 'm'.repeat(10_000), '']) await ask(given);
  await ask(mark, '/nowhere');
  recorder.marks.learn([]);
  await ask(mark);
  assert.deepEqual(
    (await ended(8)).map(({ isTest, tenant }) => [isTest, tenant]),
    [
      [false, 'acme'],
      [false, 'acme'],
      [true, null],
      [false, 'acme'],
      [false, 'acme'],
      [false, 'acme'],
      [true, null],
      [false, 'acme'],
    ],
  );
});
