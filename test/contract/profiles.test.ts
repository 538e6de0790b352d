/** A profile of a real application, over a real link: whose time and whose memory it was. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Agent, createAgent } from '@teamflow/autopilot';
import { ApiError, type Client, createClient } from '@teamflow/autopilot/client';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify, { type FastifyInstance } from 'fastify';
import type { Profile, ProfileTree } from '../../packages/autopilot/src/contract/profile.ts';
import { type ControlPlane, createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { leakCheck } from '../support/leak-check.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
const KEY = 'a-link-key-for-tests-0123456789abcdef0123456789abcdef';
let plane: ControlPlane;
let agent: Agent;
let app: FastifyInstance;
let client: Client;
let base = '';
const kept: unknown[] = [];

function burnLong(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

function burnShort(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

function takeMemory(count: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({ index, text: `item ${index}` }));
}

before(async () => {
  plane = await createControlPlane({ port: 0, token: TOKEN, linkKeys: [KEY] });
  const variables = { AUTOPILOT_URL: plane.address, AUTOPILOT_LINK_KEY: KEY, AUTOPILOT_INSTANCE: 'one' };
  Object.assign(process.env, variables);
  agent = createAgent({ service: 'orders', databaseUrl: null });
  for (const name of Object.keys(variables)) delete process.env[name];
  app = fastify();
  await app.register(autopilot, { agent, principal: () => null });
  app.get('/long', async () => {
    burnLong(8);
    // The rest in another turn of the loop: it is this request's all the same.
    await new Promise((resolve) => setImmediate(resolve));
    burnLong(8);
    return { ok: true };
  });
  app.get('/short', () => {
    burnShort(4);
    return { ok: true };
  });
  app.get('/fat', () => {
    kept.length = 0;
    kept.push(takeMemory(20_000));
    return { ok: true };
  });
  base = await app.listen({ port: 0, host: '127.0.0.1' });
  client = createClient({ baseUrl: plane.address, token: () => TOKEN });
  await until(
    20_000,
    async () => agent.status.state,
    (state) => state === 'linked',
  );
});

after(async () => {
  await app.close();
  await agent.close();
  await plane.close();
});

/** Profiles while some routes are asked, over and over. */
async function profiled(kind: 'cpu' | 'allocation', routes: readonly string[]): Promise<ProfileTree> {
  const started = await client.startProfile({ kind, seconds: 2 });
  assert.deepEqual([started.state, started.instance, started.startedBy], ['running', 'one', 'administrator']);
  let isOver = false;
  const load = routes.map(async (route) => {
    while (!isOver) await (await fetch(base + route)).text();
  });
  const second = await client.startProfile({ instance: 'one' }).catch((error: unknown) => error);
  assert.ok(second instanceof ApiError && second.problem.code === 'AP_PROFILE_RUNNING');
  const done = await until<Profile>(
    40_000,
    () => client.getProfile(started.id),
    ({ state }) => state !== 'running',
  );
  isOver = true;
  await Promise.all(load);
  assert.equal(done.reason, null);
  assert.ok(done.tree !== null);
  return done.tree;
}

/** What each of the uppermost took with all below it. */
function totals({ frames, nodes }: ProfileTree): ReadonlyMap<string, number> {
  const sums = nodes.map(([, , self = 0]) => self);
  for (let index = nodes.length - 1; index >= 0; index--) {
    const parent = nodes[index]?.[1] ?? -1;
    if (parent >= 0) sums[parent] = (sums[parent] ?? 0) + (sums[index] ?? 0);
  }
  return new Map(
    nodes.flatMap(([frame = 0, parent], index) =>
      parent === -1 ? [[frames[frame]?.name ?? '', sums[index] ?? 0]] : [],
    ),
  );
}

/** What a function took by itself, by the uppermost above its calls. */
function above({ frames, nodes }: ProfileTree, name: string): ReadonlyMap<string, number> {
  const tops = new Map<string, number>();
  for (const [index, [frame = 0, , self = 0]] of nodes.entries()) {
    if (frames[frame]?.name !== name) continue;
    let at = index;
    for (let up = nodes[at]?.[1] ?? -1; up !== -1; up = nodes[at]?.[1] ?? -1) at = up;
    const top = frames[nodes[at]?.[0] ?? 0]?.name ?? '';
    tops.set(top, (tops.get(top) ?? 0) + self);
  }
  return tops;
}

/** The share of what a function took that was taken for a route. */
function shareOf(tree: ProfileTree, name: string, route: string): number {
  const tops = above(tree, name);
  return (tops.get(route) ?? 0) / [...tops.values()].reduce((sum, one) => sum + one, 0);
}

test('processor time goes to the route whose code took it, across turns of the loop', async () => {
  const tree = await profiled('cpu', ['/long', '/short']);
  const took = totals(tree);
  const [long = 0, short = 0] = [took.get('GET /long'), took.get('GET /short')];
  // One after the other on one loop: 16 ms to 4 ms a round.
  assert.ok(long / (long + short) > 0.65 && long / (long + short) < 0.93, JSON.stringify([...took]));
  assert.ok((long + short) / tree.total > 0.6, JSON.stringify([...took]));
  // A sample at the very edge of a slice, or of a request that was under way before, may be anybody's.
  assert.ok(shareOf(tree, 'burnLong', 'GET /long') > 0.9, JSON.stringify([...above(tree, 'burnLong')]));
  assert.ok(shareOf(tree, 'burnShort', 'GET /short') > 0.9, JSON.stringify([...above(tree, 'burnShort')]));
  const frame = tree.frames.find(({ name }) => name === 'burnLong');
  assert.equal(frame?.file, 'test/contract/profiles.test.ts', 'nothing of where the machine keeps it');
  assert.ok(tree.nodes.length < 8_100);
});

test('memory is estimated to be of the route whose functions took it', async () => {
  const tree = await profiled('allocation', ['/fat', '/short']);
  const took = totals(tree);
  assert.ok((took.get('GET /fat') ?? 0) > 10 * (took.get('GET /short') ?? 0), JSON.stringify([...took]));
  assert.ok(above(tree, 'takeMemory').has('GET /fat'));
  assert.ok(tree.notes.some((note) => note.includes('estimated')));
  const { profiles } = await client.listProfiles();
  assert.deepEqual(
    profiles.map(({ kind, state, tree: calls }) => [kind, state, calls]),
    [
      ['allocation', 'done', null],
      ['cpu', 'done', null],
    ],
  );
});

test('who is not there, or not known, is refused with what to do', async () => {
  const codeOf = async (asked: Promise<unknown>): Promise<string> => {
    const error = await asked.catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ApiError, String(error));
    return error.problem.code;
  };
  assert.equal(await codeOf(client.startProfile({ instance: 'nobody' })), 'AP_INSTANCE_NOT_LINKED');
  assert.equal(await codeOf(client.startProfile({ seconds: 61 })), 'AP_PARAMETER_INVALID');
  assert.equal(await codeOf(client.getProfile('nothing')), 'AP_PROFILE_UNKNOWN');
});
