import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import Fastify, { type FastifyHttpOptions, type FastifyInstance, type RouteOptions } from 'fastify';
import { Compressor } from '../compress/compressor.ts';
import { LiveSettings } from '../config/live-settings.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { systemClock } from '../kernel/clock.ts';
import { HttpRecorder } from '../track/http-recorder.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import type { RequestObservation } from '../track/observation.ts';
import { RequestContext } from '../track/request-scope.ts';
import { LoadReport } from './load-report.ts';
import { OverloadGuard } from './overload-guard.ts';
import { RequestLayers } from './request-layers.ts';
import { trackRequests } from './request-tracking.ts';
import { connectionSettings, limitBody, readSecurityHeaders, type SecurityOptions } from './security-layer.ts';

interface World {
  readonly app: FastifyInstance;
  /** Sets these and no others, while it runs. */
  readonly change: (values: SettingValues) => void;
  readonly seen: RequestObservation[];
  /** What compression has decided. */
  readonly outcomes: string[];
  /** Sends one request over a connection of its own, and reads the answer as it comes. */
  readonly ask: (path: string, headers?: OutgoingHttpHeaders, method?: string) => Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface WorldOptions {
  readonly fastify?: FastifyHttpOptions<Server>;
  readonly security?: SecurityOptions | false;
  readonly readHeaders?: typeof readSecurityHeaders;
  readonly poolWaitMs?: () => number;
  readonly maxBodyBytes?: number;
  readonly routes: (app: FastifyInstance) => void;
}

async function world(t: TestContext, options: WorldOptions): Promise<World> {
  const { fastify = {}, security = false, poolWaitMs = () => 0, maxBodyBytes = null, routes } = options;
  const app = Fastify({ forceCloseConnections: true, ...fastify });
  // What is tested here happens right after the start, with few requests.
  const always = { 'overload.startGraceMs': 0, 'overload.minRequests': 1, 'security.maxBodyBytes': maxBodyBytes };
  const settings = new LiveSettings(always);
  const recorder = new HttpRecorder(systemClock);
  const seen: RequestObservation[] = [];
  const resources = new DisposableStack();
  resources.use(
    recorder.attach({
      record: (observation) => {
        if (observation.kind === 'request') seen.push({ ...observation });
      },
    }),
  );
  const loopDelay = new LoopDelay(systemClock);
  const guard = resources.use(
    new OverloadGuard({
      clock: systemClock,
      loopDelay,
      settings,
      poolWaitMs,
      busiest: () => null,
      onChange: () => {},
    }),
  );
  const outcomes: string[] = [];
  const compressor = resources.use(
    new Compressor({ settings, loopDelay, recorder: { sent: (series) => outcomes.push(series) } }),
  );
  const layers = new RequestLayers({
    settings,
    clock: systemClock,
    guard,
    report: new LoadReport(systemClock),
    compressor,
    security,
    readHeaders: options.readHeaders ?? readSecurityHeaders,
  });
  resources.use(trackRequests(app, { recorder, context: new RequestContext(), tenantOf: null, layers }));
  layers.install(app);
  layers.secure(app);
  t.after(async () => {
    await app.close();
    resources.dispose();
  });
  routes(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo; // `as`: it listens on TCP
  return {
    app,
    change: (values) => assert.equal(settings.swap({ ...always, ...values }).state, 'applied'),
    seen,
    outcomes,
    ask: async (path, headers = {}, method = 'GET') => {
      const sent = request({ port, host: '127.0.0.1', path, method, headers, agent: false });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // `as`: Node's own event
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer); // `as`: no encoding is set
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
    },
  };
}

const long = { rows: Array.from({ length: 200 }, (_, id) => ({ id, title: `Task number ${id}`, done: false })) };
const text = JSON.stringify(long);

test('a body is sent in the coding that the client likes, and counted as it was sent', async (t) => {
  const { ask, seen } = await world(t, {
    routes: (app) => app.get('/', async (_, reply) => reply.header('etag', '"a"').send(long)),
  });
  const decoders = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync };
  for (const [coding, decode] of Object.entries(decoders)) {
    const { headers, body } = await ask('/', { 'accept-encoding': coding });
    assert.equal(headers['content-encoding'], coding);
    assert.equal(headers.vary, 'accept-encoding');
    assert.equal(headers.etag, 'W/"a"');
    assert.equal(headers['content-length'], String(body.length));
    assert.equal(decode(body).toString(), text);
    assert.match(String(headers['server-timing']), /total;dur=[\d.]+, compress;dur=[\d.]+/);
  }
  const plain = await ask('/');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.headers.vary, 'accept-encoding');
  assert.equal(plain.headers.etag, '"a"');
  assert.equal(plain.body.toString(), text);
  await sleep(20);
  const [zstd, , , whole] = seen;
  assert.ok((zstd?.bytesSent ?? 0) < (whole?.bytesSent ?? 0) / 3);
  assert.ok((whole?.bytesSent ?? 0) > text.length);
  assert.ok((zstd?.bytesReceived ?? 0) > 40 && (zstd?.bytesReceived ?? 0) < 400);
});

test('HEAD says what GET would, without its length; 304, 204, parts and small bodies stay as they are', async (t) => {
  const { ask } = await world(t, {
    routes: (app) => {
      app.get('/long', async () => long);
      app.get('/short', async () => ({ a: 1 }));
      app.get('/none', async (_, reply) => reply.code(204).send());
      app.get('/same', async (_, reply) => reply.code(304).header('etag', '"a"').send());
      app.get('/part', async (_, reply) => reply.code(206).header('content-range', 'bytes 0-1999/9000').send(text));
      app.get('/raw', async (_, reply) => reply.header('cache-control', 'no-transform').send(long));
    },
  });
  const any = { 'accept-encoding': 'gzip' };
  const head = await ask('/long', any, 'HEAD');
  assert.equal(head.headers['content-encoding'], 'gzip');
  assert.equal(head.headers['content-length'], undefined);
  assert.equal(head.headers.vary, 'accept-encoding');
  assert.equal((await ask('/long', {}, 'HEAD')).headers['content-length'], String(text.length));
  for (const path of ['/short', '/none', '/same', '/part', '/raw']) {
    const { headers } = await ask(path, any);
    assert.equal(headers['content-encoding'], undefined, path);
    assert.equal(headers.vary, path === '/same' || path === '/part' ? 'accept-encoding' : undefined, path);
  }
  assert.equal((await ask('/same', any)).headers.etag, '"a"');
});

test('streams are coded as they flow, no faster than their reader, and end with it', async (t) => {
  let made = 0;
  let closed = false;
  const { ask, app } = await world(t, {
    routes: (instance) => {
      instance.get('/finite', async (_, reply) =>
        reply.type('text/plain').send(Readable.from(['a'.repeat(5_000), 'b'])),
      );
      instance.get('/endless', async (_, reply) => {
        const source = new Readable({
          read() {
            made++;
            // Random, so that it does not become small: what can't be sent must not be made.
            this.push(Buffer.from(Array.from({ length: 8_192 }, () => 32 + Math.floor(Math.random() * 90))));
          },
        });
        source.on('close', () => {
          closed = true;
        });
        return reply.type('text/plain').send(source);
      });
    },
  });
  const { headers, body } = await ask('/finite', { 'accept-encoding': 'br' });
  assert.equal(headers['content-encoding'], 'br');
  assert.equal(brotliDecompressSync(body).toString(), `${'a'.repeat(5_000)}b`);
  const { port } = app.server.address() as AddressInfo; // `as`: it listens on TCP
  const sent = request({
    port,
    host: '127.0.0.1',
    path: '/endless',
    headers: { 'accept-encoding': 'gzip' },
    agent: false,
  });
  sent.on('error', () => {});
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // `as`: Node's own event
  answer.on('error', () => {});
  answer.pause();
  // It stops by itself once the buffers on the way are full.
  let before = -1;
  for (let i = 0; i < 100 && made !== before; i++) {
    before = made;
    await sleep(50);
  }
  assert.equal(made, before);
  sent.destroy();
  for (let i = 0; i < 100 && !closed; i++) await sleep(10);
  assert.ok(closed);
});

test('the application’s own hooks see the body as it is, and their headers stay', async (t) => {
  let seen: unknown;
  const { ask } = await world(t, {
    routes: (app) => {
      app.addHook('onSend', async (_request, reply, payload) => {
        seen = payload;
        void reply.header('server-timing', 'mine;dur=1').header('vary', 'cookie');
        return payload;
      });
      app.get('/', async () => long);
    },
  });
  const { headers } = await ask('/', { 'accept-encoding': 'gzip' });
  assert.equal(seen, text);
  assert.equal(headers.vary, 'cookie, accept-encoding');
  assert.match(String(headers['server-timing']), /^mine;dur=1, total;dur=/);
});

test('every answer has an id; a trusted proxy gives its own, anybody else’s is ignored', async (t) => {
  const routes = (app: FastifyInstance): void => {
    app.get('/', async (incoming) => ({ id: incoming.id }));
  };
  const plain = await world(t, { routes });
  const made = await plain.ask('/', { 'x-request-id': 'forged', 'x-forwarded-for': '10.0.0.1' });
  assert.match(String(made.headers['x-request-id']), /^[\w-]{12}\.[\da-z]+$/);
  assert.equal(JSON.parse(made.body.toString()).id, made.headers['x-request-id']);
  assert.ok((await plain.ask('/nowhere')).headers['x-request-id']);

  const behind = await world(t, { routes, fastify: { trustProxy: true } });
  const proxied = { 'x-forwarded-for': '10.0.0.1', 'x-request-id': 'from-proxy.1' };
  const taken = await behind.ask('/', proxied);
  assert.equal(taken.headers['x-request-id'], 'from-proxy.1');
  assert.equal(JSON.parse(taken.body.toString()).id, 'from-proxy.1');
  const odd = await behind.ask('/', { ...proxied, 'x-request-id': 'a b' });
  assert.notEqual(odd.headers['x-request-id'], 'a b');
  assert.notEqual((await behind.ask('/', { 'x-request-id': 'direct' })).headers['x-request-id'], 'direct');
});

test('each header is for whom its setting says, in the form the balancer asks for', async (t) => {
  const { ask, change } = await world(t, {
    fastify: { trustProxy: true },
    routes: (app) => app.get('/', async () => 'x'),
  });
  const proxied = { 'x-forwarded-for': '10.0.0.1' };
  assert.equal((await ask('/', proxied)).headers['endpoint-load-metrics'], undefined);
  change({ 'answers.serverTiming': 'proxies', 'answers.requestId': 'off', 'answers.loadReport': 'proxies' });
  const direct = await ask('/');
  assert.equal(direct.headers['server-timing'], undefined);
  assert.equal(direct.headers['x-request-id'], undefined);
  assert.equal(direct.headers['endpoint-load-metrics'], undefined);
  const answer = await ask('/', proxied);
  assert.match(String(answer.headers['server-timing']), /^total;dur=/);
  assert.match(
    String(answer.headers['endpoint-load-metrics']),
    /^TEXT cpu_utilization=[\d.]+, mem_utilization=[\d.]+, application_utilization=[\d.]+, rps_fractional=[\d.]+, eps=[\d.]+$/,
  );
  const json = await ask('/', { ...proxied, 'endpoint-load-metrics-format': 'json' });
  const report = /^JSON (.*)$/.exec(String(json.headers['endpoint-load-metrics']))?.[1] ?? '';
  assert.equal(typeof JSON.parse(report).cpu_utilization, 'number');
});

test('each layer is switched off and on while the service runs', async (t) => {
  const { ask, change, seen } = await world(t, {
    security: { rateLimits: { perAddress: 2, exemptLoopback: false } },
    routes: (app) => app.get('/', async () => long),
  });
  const any = { 'accept-encoding': 'gzip' };
  assert.equal((await ask('/', any)).headers['x-content-type-options'], 'nosniff');
  change({ 'security.headers': false, 'security.rateLimits': false, 'compression.enabled': false });
  for (const _ of [1, 2, 3]) {
    const off = await ask('/', any);
    assert.equal(off.status, 200);
    assert.equal(off.headers['content-encoding'], undefined);
    assert.equal(off.headers['x-content-type-options'], undefined);
  }
  change({});
  assert.equal((await ask('/', any)).headers['content-encoding'], 'gzip');
  assert.equal((await ask('/', any)).status, 429);
  await sleep(20);
  assert.equal(seen.length, 6);
});

test('browsers are protected: pages may load from here only, data nothing at all; the application’s own words win', async (t) => {
  const { ask } = await world(t, {
    security: {},
    routes: (app) => {
      app.get('/data', async () => ({ a: 1 }));
      app.get('/page', async (_, reply) => reply.type('text/html').send('<p>'));
      app.get('/own', async (_, reply) => reply.header('content-security-policy', "default-src 'self'").send('x'));
    },
  });
  const data = await ask('/data');
  assert.equal(data.headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
  assert.equal(data.headers['x-frame-options'], 'SAMEORIGIN');
  assert.equal(data.headers['access-control-allow-origin'], undefined);
  assert.match(String((await ask('/page')).headers['content-security-policy']), /default-src 'self'/);
  assert.equal((await ask('/own')).headers['content-security-policy'], "default-src 'self'");
  assert.ok((await ask('/nowhere')).headers['x-content-type-options']);
  // A package that is broken costs its headers and no answer; it is tried once.
  const readHeaders = t.mock.fn((): never => assert.fail('half installed'));
  const broken = await world(t, { security: {}, readHeaders, routes: (app) => app.get('/', async () => 'x') });
  for (const _ of [1, 2]) assert.ok((await broken.ask('/')).headers['x-request-id']);
  assert.equal(readHeaders.mock.callCount(), 1);
});

test('one address, session or token can ask so often and no more; what is refused is counted', async (t) => {
  const limited = async (rateLimits: NonNullable<SecurityOptions['rateLimits']>, trustProxy = false): Promise<World> =>
    world(t, {
      fastify: { trustProxy },
      security: { rateLimits, session: ({ headers }) => headers.cookie },
      routes: (app) => app.get('/', async () => 'x'),
    });
  const statuses = async ({ ask }: World, ...headers: OutgoingHttpHeaders[]): Promise<number[]> => {
    const found: number[] = [];
    for (const one of headers) found.push((await ask('/', one)).status);
    return found;
  };
  const byAddress = await limited({ perAddress: 2, exemptLoopback: false });
  assert.deepEqual(await statuses(byAddress, {}, { cookie: 'a' }, { authorization: 'b' }), [200, 200, 429]);
  const refused = await byAddress.ask('/');
  assert.match(String(refused.headers['content-type']), /^application\/problem\+json/);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal(JSON.parse(refused.body.toString()).code, 'AP_RATE_LIMITED');
  await sleep(20);
  assert.deepEqual(
    byAddress.seen.map(({ route, status }) => [route, status]),
    [200, 200, 429, 429].map((status) => ['GET /', status]),
  );
  const bySession = await limited({ perSession: 1, exemptLoopback: false });
  assert.deepEqual(await statuses(bySession, { cookie: 'a' }, { cookie: 'a' }, { cookie: 'b' }), [200, 429, 200]);
  const byToken = await limited({ perToken: 1, exemptLoopback: false });
  assert.deepEqual(await statuses(byToken, { 'x-api-key': 'a' }, { 'x-api-key': 'a' }, {}), [200, 429, 200]);
  const exempt = await limited({ perAddress: 1 });
  assert.deepEqual(await statuses(exempt, {}, {}, {}), [200, 200, 200]);
  // A client that says of itself that it is this machine, to a proxy on it.
  const forwarded = await limited({ perAddress: 1 }, true);
  const forged = { 'x-forwarded-for': '127.0.0.1' };
  assert.deepEqual(await statuses(forwarded, {}, {}, forged, forged), [200, 200, 200, 429]);
});

test('the host’s own limits and headers replace ours', async (t) => {
  const { default: rateLimit } = await import('@fastify/rate-limit');
  const { ask } = await world(t, {
    security: { rateLimits: { perAddress: 1, exemptLoopback: false } },
    routes: (app) => app.register(rateLimit, { max: 2 }).after(() => app.get('/', async () => 'x')),
  });
  assert.deepEqual([(await ask('/')).status, (await ask('/')).status, (await ask('/')).status], [200, 200, 429]);
});

test('a caller who waits too long for a connection closes the routes that need one, and no others', async (t) => {
  let waitMs = 0;
  const { ask, change, seen } = await world(t, {
    poolWaitMs: () => waitMs,
    routes: (app) => {
      app.get('/asks', async (_request, reply) => {
        const { scopeOf } = await import('./request-tracking.ts');
        scopeOf(reply.raw)?.countCall();
        return 'x';
      });
      app.get('/static', async () => 'x');
      app.get('/sign-in', { config: { autopilot: { essential: true } } }, async (_request, reply) => {
        const { scopeOf } = await import('./request-tracking.ts');
        scopeOf(reply.raw)?.countCall();
        return 'x';
      });
    },
  });
  await ask('/asks');
  await ask('/sign-in');
  waitMs = 60_000;
  await sleep(250);
  const refused = await ask('/asks');
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal(JSON.parse(refused.body.toString()).code, 'AP_OVERLOADED');
  assert.equal((await ask('/static')).status, 200);
  assert.equal((await ask('/sign-in')).status, 200);
  change({ 'overload.poolWaitMs': 90_000 });
  await sleep(250);
  assert.equal((await ask('/asks')).status, 200, 'overload.poolWaitMs allows it now');
  waitMs = 0;
  // Less than may be set, so that any heap is too full.
  change({ 'overload.heapRatio': 0.000_1 });
  await sleep(250);
  assert.match((await ask('/static')).body.toString(), /The heap is \d+ % full/);
  assert.equal((await ask('/sign-in')).status, 200);
  change({});
  await sleep(250);
  assert.equal((await ask('/asks')).status, 200);
  await sleep(20);
  assert.deepEqual(
    seen.filter(({ shed }) => shed).map(({ route, status }) => [route, status]),
    [
      ['GET /asks', 503],
      ['GET /static', 503],
    ],
  );
});

test('who sends a head or a body too slowly is cut off in the time that the application allows', async (t) => {
  const { app } = await world(t, {
    fastify: { requestTimeout: 400, http: { headersTimeout: 200, connectionsCheckingInterval: 50 } },
    routes: (routes) => routes.post('/', async () => 'taken'),
  });
  const { port } = app.server.address() as AddressInfo; // `as`: it listens on TCP
  for (const bytes of [
    'POST / HTTP/1.1\r\nhost: here\r\nx-slow: ',
    'POST / HTTP/1.1\r\nhost: here\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf',
  ]) {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      answer += piece;
    });
    socket.write(bytes);
    await once(socket, 'close');
    assert.match(answer, /^HTTP\/1\.1 408 /);
  }
});

test('security.headersTimeoutMs and security.requestTimeoutMs rule connections live, and null is what was there before', async (t) => {
  const { app } = await world(t, { security: {}, routes: () => {} });
  const own = [app.server.headersTimeout, app.server.requestTimeout];
  assert.deepEqual(own, [10_000, 60_000]);
  const live = new LiveSettings();
  live.use(connectionSettings(app));
  const now = (values: SettingValues): number[] => {
    live.swap(values);
    return [app.server.headersTimeout, app.server.requestTimeout];
  };
  assert.deepEqual(now({ 'security.headersTimeoutMs': 2_000, 'security.requestTimeoutMs': 3_000 }), [2_000, 3_000]);
  assert.deepEqual(now({ 'security.requestTimeoutMs': 3_000 }), [10_000, 3_000]);
  assert.deepEqual(now({}), own);
});

test('security.maxBodyBytes is what routes are added with, and raises none of their own limits', async (t) => {
  const post = async (maxBodyBytes: number | null, path: string, bytes: number): Promise<number> => {
    const app = Fastify({ bodyLimit: 3_000 });
    t.after(() => app.close());
    const limit = (route: RouteOptions): void => limitBody(app, route, maxBodyBytes);
    app.addHook('onRoute', limit);
    app.post('/usual', async () => 'taken');
    app.post('/small', { bodyLimit: 1_500 }, async () => 'taken');
    const answer = await app.inject({
      method: 'POST',
      url: path,
      payload: 'x'.repeat(bytes),
      headers: { 'content-type': 'text/plain' },
    });
    return answer.statusCode;
  };
  assert.deepEqual([await post(null, '/usual', 2_500), await post(2_000, '/usual', 2_500)], [200, 413]);
  assert.deepEqual([await post(2_000, '/small', 1_600), await post(9_000, '/usual', 3_500)], [413, 413]);
  const { app } = await world(t, {
    security: {},
    maxBodyBytes: 1_024,
    routes: (routes) => routes.post('/', async () => 'taken'),
  });
  const answer = await app.inject({
    method: 'POST',
    url: '/',
    payload: 'x'.repeat(1_025),
    headers: { 'content-type': 'text/plain' },
  });
  assert.equal(answer.statusCode, 413);
});
