import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { PrincipalVerifier } from '../access/signed-principal.ts';
import { LiveSettings } from '../config/live-settings.ts';
import { systemClock } from '../kernel/clock.ts';
import { CompressionRecorder } from '../track/compression-recorder.ts';
import { HttpRecorder } from '../track/http-recorder.ts';
import { KnownNames } from '../track/known-names.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import type { Observation } from '../track/observation.ts';
import { PageCounts } from '../track/page-counts.ts';
import { RequestContext } from '../track/request-scope.ts';
import { type AutopilotPluginOptions, autopilot } from './fastify.ts';
import { type Agent, type AgentInternals, internals } from './hosted-agent.ts';

const KEY = 'k'.repeat(64);

interface FakeAgent extends Agent {
  readonly seen: Observation[];
  readonly listened: number[];
}

/** An agent without anything behind it, whose control plane answers at `address`. */
function fakeAgent(t: TestContext, address: () => string | null): FakeAgent {
  const seen: Observation[] = [];
  const listened: number[] = [];
  const resources = new DisposableStack();
  const http = new HttpRecorder(systemClock);
  resources.use(http.attach({ record: (observation) => seen.push({ ...observation }) }));
  t.after(() => resources.dispose());
  const inside: AgentInternals = {
    clock: systemClock,
    loopDelay: new LoopDelay(systemClock),
    http,
    compression: new CompressionRecorder(systemClock),
    context: new RequestContext(),
    names: new KnownNames(),
    settings: new LiveSettings(),
    poolWaitMs: () => 0,
    busiestRoute: () => null,
    service: 'orders',
    linkKey: KEY,
    scrape: () => Promise.resolve({ status: 200, headers: {}, body: 'scraped' }),
    controlPlaneAddress: address,
    expectListening: () => {},
    listening: (port) => listened.push(port),
    onClose: (resource) => resources.use(resource),
  };
  return {
    seen,
    listened,
    instrument: (pool) => pool,
    job: async (_kind, _run, work) => await work(),
    followJobConcurrency: () => ({ [Symbol.dispose]: () => {} }),
    paging: new PageCounts(inside.settings),
    status: { state: 'disabled' },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    [internals]: inside,
  };
}

/** Says what it was asked, as JSON. */
async function echo(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer); // `as`: no encoding is set
  const body = Buffer.concat(chunks);
  const { method, url, headers } = incoming;
  outgoing.setHeader('content-type', 'application/json');
  outgoing.setHeader('x-from', 'control plane');
  outgoing.end(JSON.stringify({ method, url, headers, body: body.toString('latin1') }));
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface World {
  readonly app: FastifyInstance;
  readonly agent: FakeAgent;
  readonly url: () => Promise<string>;
  /** What the control plane was asked when `path` was asked of the application. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Echo>;
}

async function world(
  t: TestContext,
  options: Omit<AutopilotPluginOptions, 'agent'> = {},
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown = echo,
): Promise<World> {
  const control = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const { port } = control.address() as AddressInfo; // `as`: it listens on TCP
  const agent = fakeAgent(t, () => `http://127.0.0.1:${port}`);
  const app = Fastify({ bodyLimit: 1_000 });
  await app.register(autopilot, { agent, ...options });
  let listening: Promise<string> | null = null;
  const url = (): Promise<string> => (listening ??= app.listen({ port: 0, host: '127.0.0.1' }));
  t.after(async () => {
    await app.close();
    control.closeAllConnections();
    control.close();
  });
  return {
    app,
    agent,
    url,
    ask: async (path, init) => (await (await fetch((await url()) + path, init)).json()) as Echo, // `as`: echo() wrote it
  };
}

function principalIn(asked: Echo): unknown {
  const verifier = new PrincipalVerifier([{ key: KEY, maxScopes: ['admin'] }], systemClock);
  const header = asked.headers['x-autopilot-principal'];
  return header === undefined ? null : verifier.verify(header);
}

test('the control plane answers under the application, and the application keeps the rest', async (t) => {
  const { app, ask, url, agent } = await world(t);
  app.get('/api/v1/tasks', async () => 'mine');
  for (const path of [
    '/api/v1/performance/dashboard?minutes=5&x=%20',
    '/api/v1/optimization/trials',
    '/api/v1/config',
    '/api/v1/config/versions/3',
    '/api/v1/jobs/7',
    '/api/v1/access/tokens',
    '/autopilot/',
    '/autopilot/assets/a.js',
  ]) {
    assert.equal((await ask(path)).url, path);
  }
  assert.equal(await (await fetch(`${await url()}/api/v1/tasks`)).text(), 'mine');
  const head = await fetch(`${await url()}/autopilot/`, { method: 'HEAD' });
  assert.equal(head.headers.get('x-from'), 'control plane');
  assert.deepEqual(
    agent.seen.map((one) => one.kind === 'request' && one.route),
    ['GET /api/v1/tasks'],
  );
  assert.equal(agent[internals]?.http.active, 0);
  assert.deepEqual(agent.listened, [Number(new URL(await url()).port)]);
});

test('bodies of any kind and size reach it as they are', async (t) => {
  const { ask } = await world(t);
  const body = `{"broken json": ${'x'.repeat(5_000)}`;
  for (const type of ['application/json', 'application/merge-patch+json', 'text/plain', 'application/octet-stream']) {
    const asked = await ask('/api/v1/config', { method: 'PATCH', body, headers: { 'content-type': type } });
    assert.equal(asked.body, body);
    assert.equal(asked.headers['content-type'], type);
    assert.equal(asked.method, 'PATCH');
  }
  assert.equal((await ask('/api/v1/jobs/7', { method: 'DELETE' })).method, 'DELETE');
  assert.equal((await ask('/api/v1/jobs/7', { method: 'POST' })).body, '');
});

test('the principal comes from the application, after its own hooks, whichever way it answers', async (t) => {
  const answers: (() => unknown)[] = [
    () => ({ id: 'a', scopes: ['read'] }),
    async () => ({ id: 'b', scopes: ['admin'] }),
    () => null,
    () => undefined,
    () => ({ id: '', scopes: ['read'] }),
    () => ({ id: 7, scopes: ['read'] }),
    async () => {
      throw new Error('expected');
    },
  ];
  let hooked = 0;
  const { app, ask } = await world(t, {
    principal: (request) => {
      if (Reflect.get(request, 'user') === 'somebody') hooked++;
      assert.equal(request.headers['content-type'], 'application/json');
      return answers.shift()?.() as null; // `as`: also what JavaScript callers may answer
    },
  });
  app.decorateRequest('user', null);
  app.addHook('preHandler', async (request) => {
    Object.assign(request, { user: 'somebody' });
  });
  const accepted = (id: string, scopes: readonly string[]): unknown => ({
    state: 'accepted',
    principal: { id, scopes, by: 'session' },
  });
  const path = '/api/v1/performance/health';
  const forged = { headers: { 'x-autopilot-principal': 'forged', 'content-type': 'application/json' } };
  assert.deepEqual(principalIn(await ask(path, forged)), accepted('a', ['read']));
  assert.deepEqual(principalIn(await ask(path, forged)), accepted('b', ['read', 'operate', 'admin']));
  for (let i = 0; i < 5; i++) assert.equal(principalIn(await ask(path, forged)), null);
  assert.equal(answers.length, 0);
  // The dashboard's files are the same for everybody.
  assert.equal(principalIn(await ask('/autopilot/', forged)), null);
  assert.equal(hooked, 7);
});

test('a prefix is put before what is forwarded, and taken off again', async (t) => {
  const { ask, url } = await world(t, { prefix: '/internal' });
  assert.equal((await ask('/internal/api/v1/performance/routes?a=b')).url, '/api/v1/performance/routes?a=b');
  assert.equal((await ask('/internal/autopilot/')).url, '/autopilot/');
  assert.equal((await fetch(`${await url()}/autopilot/`)).status, 404);
});

test('headers that the application has set go out too, those of the control plane win', async (t) => {
  const { app, url } = await world(t);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-request-id', 'r1').header('x-from', 'application');
  });
  const answer = await fetch(`${await url()}/autopilot/`);
  assert.equal(answer.headers.get('x-request-id'), 'r1');
  assert.equal(answer.headers.get('x-from'), 'control plane');
});

test('an open stream does not keep the application from closing', async (t) => {
  const { app, url } = await world(t, {}, (_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.write('data: 1\n\n');
  });
  const answer = await fetch(`${await url()}/api/v1/performance/metrics`);
  const reader = answer.body?.getReader();
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'data: 1\n\n');
  const before = performance.now();
  await app.close();
  assert.ok(performance.now() - before < 1_000);
  assert.equal((await reader?.read())?.done, true);
});

test('/metrics is the agent’s, unless the application has one of its own, declared before or after', async (t) => {
  const { app, url, agent } = await world(t);
  app.get('/:id', async () => 'by id');
  app.get('/:number(^\\d+$)', async () => 'by number');
  assert.equal(await (await fetch(`${await url()}/metrics?x=1`)).text(), 'scraped');
  assert.equal(await (await fetch(`${await url()}/metric`)).text(), 'by id');
  assert.equal(await (await fetch(`${await url()}/17`)).text(), 'by number');
  assert.equal(agent.seen.length, 2);

  const own = await world(t);
  own.app.get('/metrics', async () => 'mine');
  assert.equal(await (await fetch(`${await own.url()}/metrics`)).text(), 'mine');
  const before = Fastify();
  t.after(() => before.close());
  before.get('/metrics', async () => 'mine');
  await before.register(autopilot, { agent: fakeAgent(t, () => null), prefix: '/internal' });
  assert.equal((await before.inject('/metrics')).body, 'mine');
  assert.equal((await before.inject('/internal/metrics')).body, 'scraped');
});

test('mistakes are told when registering', async (t) => {
  const agent = fakeAgent(t, () => null);
  const app = Fastify();
  t.after(() => app.close());
  for (const prefix of ['internal', '/internal/', '/'])
    await assert.rejects(async () => Fastify().register(autopilot, { agent, prefix }), { code: 'AP_PREFIX_INVALID' });
  await app.register(autopilot, { agent });
  await assert.rejects(async () => app.register(autopilot, { agent }), { code: 'AP_REGISTERED_TWICE' });
});

test('an agent that is switched off leaves the application as it is', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  const listeners = app.server.listenerCount('request');
  await app.register(autopilot, { agent: { ...fakeAgent(t, () => null), [internals]: null } });
  assert.equal(app.server.listenerCount('request'), listeners);
  assert.equal((await app.inject('/autopilot/')).statusCode, 404);
  await sleep(0);
});
