/** Several processes of a service on one database: one control plane leads, the others stand by, and no request is lost or counted twice. */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, createAgent } from '@teamflow/autopilot';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { until } from '../support/until.ts';

leakCheck(after);

/** What the issue allows from the end of a leader to the next one. */
const TAKEOVER_MS = 10_000;
/** The same, until the next one has gone on with an open trial. */
const TRIAL_TAKEOVER_MS = 30_000;

interface Fleet {
  readonly first: HostApplication;
  readonly second: HostApplication;
  /** Asks through the second one's control plane. */
  readonly client: Client;
  readonly leader: () => Promise<{ readonly epoch: number; readonly address: string }>;
  /** Until when both have written what they did. */
  readonly writtenUntil: () => Promise<number>;
}

async function fleetOf(t: TestContext): Promise<Fleet> {
  const { url } = await databaseFor(t, { server: await throwawayCluster() });
  const host = async (instance: string, token: string): Promise<HostApplication> => {
    const started = await startHostApplication({
      HOST_DATABASE_URL: url,
      AUTOPILOT_INSTANCE: instance,
      AUTOPILOT_TOKEN: token.padEnd(40, 'x'),
    });
    t.after(() => started[Symbol.asyncDispose]());
    return started;
  };
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.after(() => pool.end());
  const leader = async (): Promise<{ epoch: number; address: string }> => {
    const { rows } = await pool.query<{ epoch: string; address: string }>(
      'SELECT epoch, address FROM autopilot.leader',
    );
    return { epoch: Number(rows[0]?.epoch), address: rows[0]?.address ?? '' };
  };
  const first = await host('one', 'first-');
  await until(
    TAKEOVER_MS,
    () => leader().catch(() => null),
    (found) => found?.address === first.controlPlaneUrl,
  );
  const second = await host('two', 'second-');
  const client = createClient({ baseUrl: second.controlPlaneUrl, token: () => second.token });
  await bothLive(client);
  const writtenUntil = async (): Promise<number> => {
    const { rows } = await pool.query<{ end: string }>(
      `SELECT min("end") AS end FROM (
         SELECT max(start_ms + duration_ms) AS "end" FROM autopilot.windows GROUP BY scope_id) AS of_each`,
    );
    return Number(rows[0]?.end);
  };
  return { first, second, client, leader, writtenUntil };
}

async function bothLive(client: Client): Promise<void> {
  const states = async (): Promise<string> =>
    (await client.listInstances({ service: 'host' })).instances
      .map(({ instance, state }) => `${instance} ${state}`)
      .join(', ');
  await until(2 * TAKEOVER_MS, states, (text) => text === 'one live, two live');
}

interface Counted {
  readonly requests: number;
  readonly complete: boolean;
}

/** Requests of a route, of all instances, since the minute `from`. */
async function requestsOf(client: Client, from: number, route = 'GET /query'): Promise<Counted> {
  const { frame } = await client.getMetrics({
    service: 'host',
    kind: 'route',
    route,
    measure: ['requests'],
    from: new Date(from).toISOString(),
    to: new Date(Math.ceil(Date.now() / 60_000) * 60_000).toISOString(),
    step: 60_000,
  });
  const requests = (frame.columns['requests'] ?? []).reduce((sum: number, value) => sum + (value ?? 0), 0);
  return { requests, complete: frame.complete };
}

/** Asks both applications until it is stopped; resolves with how many answers there were. */
function drive(fleet: Fleet): () => Promise<number> {
  let stopped = false;
  const loops = [fleet.first, fleet.second].map(async ({ url }) => {
    let answered = 0;
    while (!stopped) {
      const response = await fetch(`${url}/query`);
      await response.text();
      if (response.ok) answered++;
      await sleep(10);
    }
    return answered;
  });
  return async () => {
    stopped = true;
    return (await Promise.all(loops)).reduce((sum, count) => sum + count, 0);
  };
}

const HOST = { service: 'host' };
const TRIED = { compression: { minBytes: 4_096 } };

/** Tries a setting; resolves when something was measured. */
async function openTrial(client: Client): Promise<string> {
  const { version } = await client.getConfig(HOST);
  await client.patchConfig({ optimization: { sampleMs: 1_000 } }, { ...HOST, ifVersion: version });
  // What nobody has asked for yet can't be judged.
  const begun = await until(
    TRIAL_TAKEOVER_MS,
    () => client.trySettings(TRIED, HOST).catch(() => null),
    (trial) => trial !== null,
  );
  assert.ok(begun !== null);
  await until(
    TRIAL_TAKEOVER_MS,
    () => samplesOf(client, begun.id),
    (samples) => samples > 0,
  );
  return begun.id;
}

/** What was measured of a trial so far; 0 while nobody can say. */
async function samplesOf(client: Client, trial: string): Promise<number> {
  return await client.getTrial(trial).then(
    ({ moments }) => moments.length,
    () => 0,
  );
}

describe('a fleet', { concurrency: true }, () => {
  it('a leader that is killed, or stopped for longer than its lease, is followed within 10 s, also in its open trial; nothing is lost or counted twice', async (t) => {
    const fleet = await fleetOf(t);
    const from = Math.floor(Date.now() / 60_000) * 60_000;
    const before = await fleet.leader();
    assert.equal(before.address, fleet.first.controlPlaneUrl);
    const stop = drive(fleet);
    const trial = await openTrial(fleet.client);
    const known = await samplesOf(fleet.client, trial);
    process.kill(await fleet.first.controlPlanePid(), 'SIGKILL');
    const killedAt = Date.now();
    // The other one, or the one that was started in its place.
    const second = await until(TAKEOVER_MS, fleet.leader, ({ epoch }) => epoch > before.epoch);
    assert.equal(second.epoch, before.epoch + 1);
    await until(
      TRIAL_TAKEOVER_MS - (Date.now() - killedAt),
      () => samplesOf(fleet.client, trial),
      (now) => now > known,
    );
    await assert.rejects(fleet.client.trySettings(TRIED, HOST), { status: 409 }, 'one is open in this scope');
    await bothLive(fleet.client);

    const [leads, follows] =
      second.address === fleet.second.controlPlaneUrl ? [fleet.second, fleet.first] : [fleet.first, fleet.second];
    const pid = await leads.controlPlanePid();
    process.kill(pid, 'SIGSTOP');
    let third: Awaited<ReturnType<Fleet['leader']>>;
    try {
      third = await until(TAKEOVER_MS, fleet.leader, ({ epoch }) => epoch > second.epoch);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal(third.epoch, second.epoch + 1);
    assert.notEqual(third.address, second.address);
    const client = createClient({ baseUrl: third.address, token: () => follows.token });
    await bothLive(client);
    // The one that led answers as the others do: by asking the new leader, which alone knows both.
    await bothLive(createClient({ baseUrl: second.address, token: () => leads.token }));
    assert.deepEqual(await fleet.leader(), third);
    const { canary, authorName } = await client.getTrial(trial);
    assert.deepEqual([canary?.others, canary?.promotedAt], [1, null], 'one of two tries it, whoever leads');
    assert.equal(authorName, null);
    assert.equal((await client.revertTrial(trial)).state, 'reverted');
    const { trials } = await client.listTrials(HOST);
    assert.deepEqual(
      trials.filter(({ category }) => category !== null).map(({ id }) => id),
      [trial],
    );

    const answered = await stop();
    const stoppedAt = Date.now();
    assert.ok(answered > 200, `${answered} requests`);
    const told = (): Promise<Counted> => requestsOf(client, from);
    await until(40_000, told, ({ requests }) => requests === answered);
    // From now on also while history catches up with what the link has brought, and when it has.
    const honest = async (): Promise<Counted> => {
      const counted = await told();
      if (counted.complete) assert.equal(counted.requests, answered);
      assert.ok(counted.requests <= answered);
      return counted;
    };
    await until(40_000, honest, ({ complete }) => complete);
    await until(
      40_000,
      async () => [await honest(), await fleet.writtenUntil()] as const,
      ([, end]) => end > stoppedAt,
    );
    assert.deepEqual(await told(), { requests: answered, complete: true });
  });

  it('an application whose control plane is down is served as ever, and what it did is in history', async (t) => {
    const { url } = await databaseFor(t, { server: await throwawayCluster() });
    const key = 'a-link-key-for-tests-0123456789abcdef';
    // Makes the schema, and ends.
    const before = await createControlPlane({ port: 0, linkKeys: [key], databaseUrl: url });
    await until(
      10_000,
      () => Promise.resolve(before.role?.kind),
      (kind) => kind === 'leading',
    );
    await before.close();
    const agent = agentFor({ AUTOPILOT_URL: before.address, AUTOPILOT_LINK_KEY: key, AUTOPILOT_DATABASE_URL: url });
    t.after(() => agent.close());
    const app = fastify();
    t.after(() => app.close());
    await app.register(autopilot, { agent });
    app.get('/', () => ({ ok: true }));
    const base = await app.listen({ port: 0, host: '127.0.0.1' });
    const from = Math.floor(Date.now() / 60_000) * 60_000;
    for (let asked = 0; asked < 50; asked++) assert.equal((await fetch(base)).status, 200);
    assert.equal(agent.status.state, 'unlinked');
    await agent.close();
    const token = 'third-'.padEnd(40, 'x');
    const later = await createControlPlane({ port: 0, token, databaseUrl: url });
    t.after(() => later.close());
    const client = createClient({ baseUrl: later.address, token: () => token });
    await until(
      20_000,
      () => requestsOf(client, from, 'GET /'),
      ({ requests }) => requests === 50,
    );
  });
});

/** Started with these variables, of which nothing else in this process knows. */
function agentFor(variables: Readonly<Record<string, string>>): Agent {
  Object.assign(process.env, variables);
  try {
    return createAgent({ service: 'host' });
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}
