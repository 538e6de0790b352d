/** Applications that use a control plane elsewhere, over HTTP, instead of starting one. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, createAgent } from '@teamflow/autopilot';
import { createClient } from '@teamflow/autopilot/client';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import type { Dashboard, InstanceList } from '../../packages/autopilot/src/contract/performance.ts';
import type { Scope } from '../../packages/autopilot/src/contract/principal.ts';
import { type ControlPlane, createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { AgentHttpChannel } from '../../packages/autopilot/src/link/http-channel.ts';
import { type DownMessage, LINK_PROTOCOL } from '../../packages/autopilot/src/link/protocol.ts';
import { leakCheck } from '../support/leak-check.ts';
import { routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
const OLD = 'old-key-0123456789abcdef0123456789abcdef';
const NEW = 'new-key-0123456789abcdef0123456789abcdef';

async function plane(
  t: TestContext,
  linkKeys: readonly string[],
  more: { readonly port?: number; readonly linkScope?: Scope; readonly onTrouble?: (message: string) => void } = {},
): Promise<ControlPlane> {
  const made = await createControlPlane({ port: 0, token: TOKEN, linkKeys, ...more });
  t.after(() => made.close());
  return made;
}

function agentOf(t: TestContext, url: string, key: string, service = 'orders', instance = 'one'): Agent {
  const variables = { AUTOPILOT_URL: url, AUTOPILOT_LINK_KEY: key, AUTOPILOT_INSTANCE: instance };
  Object.assign(process.env, variables);
  try {
    const agent = createAgent({ service, databaseUrl: null });
    t.after(() => agent.close());
    return agent;
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

async function until(reached: () => boolean | Promise<boolean>, withinMs = 8_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await reached()); await sleep(25)) {
    assert.ok(performance.now() < end, `not within ${withinMs} ms`);
  }
}

async function asked<Answer>(base: string, path: string): Promise<Answer> {
  const response = await fetch(`${base}/api/v1/performance${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Answer; // `as`: held to its shape in api.test.ts
}

async function stateOf(address: string, service: string): Promise<string | undefined> {
  const { instances } = await asked<InstanceList>(address, `/instances?service=${service}`);
  return instances[0]?.state;
}

test('two services share one control plane, each asked through its own application', async (t) => {
  const shared = await plane(t, [OLD]);
  const bases: string[] = [];
  for (const service of ['orders', 'billing']) {
    const agent = agentOf(t, shared.address, OLD, service);
    const app = fastify();
    t.after(() => app.close());
    await app.register(autopilot, { agent, principal: () => ({ id: 'u1', scopes: ['read'] as const }) });
    app.get(`/${service}`, () => ({ ok: true }));
    bases.push(await app.listen({ port: 0, host: '127.0.0.1' }));
    await until(() => agent.status.state === 'linked');
    assert.equal(agent.status.state !== 'disabled' && agent.status.controlPlane, shared.address);
  }
  for (const [at, service] of ['orders', 'billing'].entries()) {
    const base = bases[at] ?? '';
    assert.equal((await fetch(`${base}/${service}`)).status, 200);
    await until(async () => {
      const response = await fetch(`${base}/api/v1/performance/dashboard`);
      assert.equal(response.status, 200);
      const document = (await response.json()) as Dashboard; // `as`: as above
      assert.equal(document.service, service);
      return document.slowestRoutes.some(({ route }) => route === `GET /${service}`);
    });
  }
});

test('a wrong key is refused with a reason, which the status has and the log once; both ends go on', async (t) => {
  const trouble: string[] = [];
  const shared = await plane(t, [OLD], { onTrouble: (message) => trouble.push(message) });
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const agent = agentOf(t, shared.address, NEW);
  await until(() => agent.status.state === 'refused' && warnings.length > 0);
  assert.match(agent.status.state === 'refused' ? String(agent.status.trouble) : '', /signed with another link key/);
  assert.equal(warnings.length, 1);
  assert.ok(!JSON.stringify([warnings, trouble]).includes('0123456789abcdef'));
  await asked(shared.address, '/health');
});

test('keys are rotated: the control plane takes both, agents change, the old one goes', async (t) => {
  const first = await plane(t, [OLD]);
  const agent = agentOf(t, first.address, OLD);
  await until(() => agent.status.state === 'linked');
  await first.close();
  const both = await plane(t, [NEW, OLD], { port: first.port });
  await until(() => agent.status.state === 'linked');
  const renewed = agentOf(t, both.address, NEW, 'orders', 'two');
  await until(() => renewed.status.state === 'linked');
  await both.close();
  await plane(t, [NEW], { port: first.port });
  await until(() => renewed.status.state === 'linked' && agent.status.state === 'refused');
});

test('a principal gets no more than the key may grant', async (t) => {
  const shared = await plane(t, [OLD], { linkScope: 'operate' });
  const agent = agentOf(t, shared.address, OLD);
  const app = fastify();
  t.after(() => app.close());
  await app.register(autopilot, { agent, principal: () => ({ id: 'u1', scopes: ['admin'] as const }) });
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  await until(() => agent.status.state === 'linked');
  const fits = await fetch(`${base}/api/v1/performance/health`);
  assert.equal(fits.status, 200);
});

test('an agent whose control plane is down waits, and brings what it has kept when it is there', async (t) => {
  const first = await plane(t, [OLD]);
  const { port, address } = first;
  await first.close();
  const agent = agentOf(t, address, OLD);
  await until(() => agent.status.state === 'unlinked' && /can't be reached/.test(String(agent.status.trouble)));
  await sleep(2_500);
  const later = await plane(t, [OLD], { port });
  await until(() => agent.status.state === 'linked');
  await until(async () => (await stateOf(later.address, 'orders')) === 'live');
  const { releases } = await asked<Dashboard>(later.address, '/dashboard?minutes=1');
  assert.ok(releases.length <= 1);
  await agent.close();
  await until(async () => (await stateOf(later.address, 'orders')) === 'gone');
});

test('one protocol version behind is answered in its own, others are refused with what to do', async (t) => {
  const shared = await plane(t, [OLD]);
  const answerTo = async (protocol: number): Promise<unknown> => {
    const channel = new AgentHttpChannel({ url: new URL(shared.address), key: OLD });
    t.after(() => channel.close());
    const answer = new Promise((resolve) => channel.onMessage(resolve));
    const origin = { service: 'orders', instance: String(protocol), release: '1' };
    channel.send({ kind: 'hello', protocol, origin, pid: 1, startedAt: 0, databases: [] });
    return await answer;
  };
  for (const protocol of [LINK_PROTOCOL, LINK_PROTOCOL - 1]) {
    const answer = (await answerTo(protocol)) as DownMessage; // what the channel heard
    assert.ok(answer.kind === 'welcome');
    assert.deepEqual([answer.protocol, answer.address], [protocol, shared.address]);
  }
  assert.match(JSON.stringify(await answerTo(LINK_PROTOCOL - 2)), /refused.*later release of the agent/);
  assert.match(JSON.stringify(await answerTo(LINK_PROTOCOL + 1)), /refused.*the control plane.*first/);
});

test('a change of configuration goes over HTTP into the application, and an agent of the release before is passed over', async (t) => {
  const shared = await plane(t, [OLD]);
  const agent = agentOf(t, shared.address, OLD);
  const app = fastify();
  t.after(() => app.close());
  await app.register(autopilot, { agent, principal: () => null });
  app.get('/', () => ({ ok: true }));
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  const older = new AgentHttpChannel({ url: new URL(shared.address), key: OLD });
  t.after(() => older.close());
  const heard: DownMessage[] = [];
  older.onMessage((message) => heard.push(message));
  const origin = { service: 'orders', instance: 'older', release: '0' };
  older.send({ kind: 'hello', protocol: LINK_PROTOCOL - 1, origin, pid: 1, startedAt: 0, databases: [] });
  const client = createClient({ baseUrl: shared.address, token: () => TOKEN });
  const about = { service: 'orders' };
  await until(async () => {
    const { instances } = await client.listConfigInstances(about).catch(() => ({ instances: [] }));
    return instances.some(({ instance, version }) => instance === 'one' && version === 0) && heard.length > 0;
  });
  const timing = async (): Promise<string | null> => (await fetch(base)).headers.get('server-timing');
  assert.match((await timing()) ?? '', /total/);
  const change = await client.patchConfig({ answers: { serverTiming: 'off' } }, { ...about, ifVersion: 0 });
  assert.deepEqual(
    change.instances
      .filter(({ instance }) => instance !== 'control-plane')
      .map(({ instance, state }) => [instance, state]),
    [['one', 'applied']],
  );
  assert.equal(await timing(), null);
  await client.restoreConfigVersion(0, { ...about, ifVersion: 1 });
  assert.match((await timing()) ?? '', /total/);
  const { instances } = await client.listConfigInstances(about);
  assert.deepEqual(
    instances.flatMap(({ instance, version }) => (instance === 'control-plane' ? [] : [[instance, version]])),
    [
      ['older', null],
      ['one', 2],
    ],
  );
  assert.deepEqual(
    [...new Set(heard.map(({ kind }) => kind))],
    ['welcome'],
    'it is sent nothing that it does not know',
  );
});

test('what answers without the key is told nothing', async (t) => {
  let bodies = '';
  const impostor = createServer((request, response) => {
    request.on('data', (piece: Buffer) => {
      bodies += piece.toString();
    });
    response
      .writeHead(200, { 'x-autopilot-channel': 'c', 'x-autopilot-link-proof': 'x' })
      .write('{"kind":"welcome"}\n');
  });
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    impostor.closeAllConnections();
    impostor.close();
  });
  const { port } = impostor.address() as AddressInfo; // it listens on a port
  const agent = agentOf(t, `http://127.0.0.1:${port}`, OLD);
  await until(() => agent.status.state === 'refused');
  assert.match(agent.status.state === 'refused' ? String(agent.status.trouble) : '', /does not hold the link key/);
  assert.ok(bodies.includes('"hello"') && !bodies.includes('"windows"') && !bodies.includes(OLD));
});

test('percentiles of two processes together, and of another service, are those of the raw durations', async (t) => {
  const shared = await plane(t, [OLD]);
  const start = Math.floor(Date.now() / 1000) * 1000 - 5_000;
  const raw: Record<string, number[]> = { orders: [], billing: [] };
  let seed = 7;
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (const [service, instance, scale] of [
    ['orders', 'one', 3],
    ['orders', 'two', 40],
    ['billing', 'one', 700],
  ] as const) {
    // Long tails, and two processes that have nothing in common: a mean of their percentiles would be far off.
    const durations = Array.from({ length: 2_000 }, () => scale * Math.exp(1.2 * random() + 3 * random() ** 8));
    raw[service]?.push(...durations);
    const channel = new AgentHttpChannel({ url: new URL(shared.address), key: OLD });
    t.after(() => channel.close());
    const heard: DownMessage[] = [];
    channel.onMessage((message) => heard.push(message));
    const origin = { service, instance, release: '1' };
    channel.send({ kind: 'hello', protocol: LINK_PROTOCOL, origin, pid: 1, startedAt: start, databases: [] });
    await until(() => heard.some(({ kind }) => kind === 'welcome'));
    const windows = [windowOf(start, [routeOf('GET /', durations)])];
    channel.send({ kind: 'windows', sequence: 1, windows, statements: [] });
    await until(() => heard.some(({ kind }) => kind === 'ack'));
  }
  for (const [service, durations] of Object.entries(raw)) {
    const { traffic } = await asked<Dashboard>(shared.address, `/dashboard?minutes=1&service=${service}`);
    assert.equal(traffic.requests, durations.length);
    durations.sort((a, b) => a - b);
    for (const [quantile, answered] of [
      [0.5, traffic.p50Ms],
      [0.95, traffic.p95Ms],
      [0.99, traffic.p99Ms],
    ] as const) {
      const exact = durations[Math.ceil(quantile * durations.length) - 1] ?? Number.NaN;
      assert.ok(Math.abs((answered ?? 0) / exact - 1) < 0.025, `${service} p${quantile}: ${answered} for ${exact}`);
    }
  }
});
