/** Tables are vacuumed and analyzed as jobs: asked for or by itself, within limits, cancellable, journalled, and never stuck. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Client, type ConfigPatch, createClient } from '../../packages/autopilot/src/client.ts';

import type { Job } from '../../packages/autopilot/src/contract/load-tests.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { type ControlWorld, controlWorld, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { observedWorld } from '../support/observed-world.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const LONG_MS = 60_000;

function clientOf(world: ControlWorld): Client {
  world.link('one');
  return createClient({
    baseUrl: 'http://127.0.0.1',
    token: () => TOKEN,
    fetch: (input, init) => world.plane.handler(new Request(input, init)),
  });
}

async function over(client: Client, { id }: Job): Promise<Job> {
  return await until(
    LONG_MS,
    () => client.getJob(id),
    ({ state }) => state !== 'running',
  );
}

async function change(client: Client, patch: ConfigPatch): Promise<void> {
  const { version } = await client.getConfig();
  await client.patchConfig(patch, { ifVersion: version });
}

test('vacuum and analyze as jobs, within limits, told what held rows back, cancelled, by itself', async (t) => {
  const server = await throwawayCluster();
  const { run, urls } = await observedWorld(t, server);
  await run(`CREATE TABLE task (id int PRIMARY KEY, state int, filler text) WITH (autovacuum_enabled = false);
    INSERT INTO task SELECT i, 0, repeat('x', 200) FROM generate_series(1, 20000) i;
    CREATE TABLE calm (id int PRIMARY KEY);
    CREATE SCHEMA east; CREATE TABLE east.twin (id int PRIMARY KEY);
    CREATE SCHEMA west; CREATE TABLE west.twin (id int PRIMARY KEY)`);
  await run('VACUUM ANALYZE task');
  const spoil = async (): Promise<void> => {
    await run('UPDATE task SET state = state + 1 WHERE id <= 8000');
    await run('SELECT pg_stat_force_next_flush()');
  };
  await spoil();
  await using world = await controlWorld({ watch: { main: urls.superuser, plain: urls.monitor } });
  const client = clientOf(world);

  const before = await client.getDatabaseMaintenance();
  assert.deepEqual(
    before.due.map(({ table, operation, sql }) => [table, operation, sql]),
    [['public.task', 'vacuum', 'VACUUM (ANALYZE) "public"."task";']],
  );
  assert.equal(before.refusal, null);

  const done = await over(client, await client.vacuumTables({}));
  assert.deepEqual([done.state, done.kind, done.progress, done.reason], ['done', 'vacuum', 1, null]);
  world.clock.advance(15_000);
  const later = await client.getDatabaseMaintenance();
  assert.deepEqual(later.due, []);
  const [job] = later.jobs;
  assert.ok((job?.tables[0]?.deadRowsBefore ?? 0) >= 8_000 && job?.tables[0]?.deadRowsAfter === 0);
  assert.deepEqual(
    later.runs.map(({ table, state, byItself }) => [table, state, byItself]),
    [['public.task', 'done', false]],
  );
  assert.equal((await over(client, await client.analyzeTables({ tables: ['task', 'public.calm'] }))).state, 'done');

  // What is not allowed, and what is not there.
  await assert.rejects(client.vacuumTables({ tables: ['nothing'] }), { status: 404 });
  await assert.rejects(client.vacuumTables({ tables: ['twin'] }), /may be any of (east|west)\.twin, (east|west)\.twin/);
  await assert.rejects(client.vacuumTables({}), { status: 409 });
  await assert.rejects(client.vacuumTables({ tables: ['task'], full: true }), { status: 400 });
  const full = await over(client, await client.vacuumTables({ tables: ['task'], full: true, confirm: 'task' }));
  assert.equal(full.state, 'done');
  const refused = await over(client, await client.vacuumTables({ tables: ['task'] }, { database: 'plain' }));
  assert.equal(refused.state, 'failed');
  assert.match(refused.reason ?? '', /may not vacuum/);
  await change(client, { maintenance: { protectedWindows: ['00:00-24:00'] } });
  await assert.rejects(client.vacuumTables({ tables: ['task'] }), /protected windows/);
  await change(client, { maintenance: { protectedWindows: [], costDelayMs: 100 } });

  const deadRatioOf = async (deadRatio: number): Promise<number> => {
    await change(client, { maintenance: { deadRatio } });
    return (await client.getDatabaseMaintenance()).due.filter(({ operation }) => operation === 'vacuum').length;
  };
  await spoil();
  world.clock.advance(15_000);
  assert.deepEqual([await deadRatioOf(0.9), await deadRatioOf(0.05)], [0, 1]);
  // Who waits for a lock, or takes too long, is given up.
  await change(client, { maintenance: { costDelayMs: 100, statementTimeoutMs: 1_000 } });
  const cut = await over(client, await client.vacuumTables({ tables: ['task'] }));
  assert.match(cut.reason ?? '', /statement timeout/);
  await change(client, { maintenance: { statementTimeoutMs: 3_600_000, lockTimeoutMs: 10 } });
  await run('BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE');
  const locked = await over(client, await client.vacuumTables({ tables: ['task'] }));
  await run('ROLLBACK');
  assert.match(locked.reason ?? '', /lock timeout.* maintenance\.lockTimeoutMs \(10 ms\)/);
  // Load: two that are at work are one too many.
  const workers = [0, 1].map(() => new pg.Client({ connectionString: urls.superuser }));
  await Promise.all(workers.map((one) => one.connect()));
  const working = workers.map((one) => one.query('SELECT pg_sleep(60)').catch(() => {}));
  await change(client, { maintenance: { maxActive: 1, lockTimeoutMs: 1_000 } });
  await until(
    LONG_MS,
    () => client.getDatabaseMaintenance(),
    ({ refusal }) => refusal?.startsWith('load:') === true,
  );
  await run(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'`);
  await Promise.all(working);
  await Promise.all(workers.map((one) => one.end()));
  await change(client, { maintenance: { maxActive: 16 } });

  // It rests so long after each portion that there is time to see it and to cancel it.
  await spoil();
  const slow = await client.vacuumTables({ tables: ['task'] });
  await assert.rejects(client.vacuumTables({ tables: ['calm'] }), { status: 409 });
  await until(
    LONG_MS,
    () => client.getJob(slow.id),
    ({ progress }) => progress > 0,
  );
  assert.equal((await client.cancelJob(slow.id)).state, 'cancelled');
  const [ended] = (await client.getDatabaseMaintenance()).runs;
  assert.equal(ended?.state, 'ended');
  await change(client, { maintenance: { costDelayMs: 0 } });

  // An old snapshot keeps the rows; who holds it is named.
  const holder = new pg.Client({ connectionString: urls.superuser });
  await holder.connect();
  t.after(() => holder.end());
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  const { rows } = await holder.query<{ pid: number }>(
    'SELECT pg_backend_pid() AS pid FROM calm RIGHT JOIN (SELECT) s ON true',
  );
  await spoil();
  const held = await over(client, await client.vacuumTables({ tables: ['task'] }));
  assert.equal(held.state, 'done');
  assert.match(held.reason ?? '', new RegExp(`the transaction ${rows[0]?.pid} may still see them`));
  await holder.query('ROLLBACK');

  // By itself, when it is told to.
  await spoil();
  await change(client, { maintenance: { automatic: true, everyMs: 1_000 }, observe: { overviewMs: 1_000 } });
  const own = await until(
    LONG_MS,
    async () => {
      world.clock.advance(61_000);
      return (await client.getDatabaseMaintenance()).runs.find(({ byItself, state }) => byItself && state === 'done');
    },
    (found) => found !== undefined,
  );
  assert.equal(own?.table, 'public.task');
  // And no more often than it is told to: it looks about once a second.
  const begun = async (): Promise<number> => {
    const { runs, jobs } = await client.getDatabaseMaintenance();
    return runs.length + jobs.filter(({ state }) => state === 'running').length;
  };
  await change(client, { maintenance: { everyMs: 3_600_000 } });
  const runs = await begun();
  await spoil();
  world.clock.advance(61_000);
  await delay(1_500);
  assert.equal(await begun(), runs);
  await change(client, { maintenance: { everyMs: 1_000 } });
  await until(LONG_MS, begun, (count) => count > runs);
  assert.deepEqual(world.trouble, []);
});

test('what a control plane that was killed left open is closed at the next start', async (t) => {
  const server = await throwawayCluster();
  const { run, urls } = await observedWorld(t, server);
  await run('CREATE TABLE task (id int PRIMARY KEY)');
  const store = await metricDatabase(t, server);
  const journal = new PostgresJournal(store.url);
  t.after(() => journal.close());
  const work = { database: 'main', schema: 'public', table: 'task', operation: 'vacuum', analyze: false, full: false };
  await journal.write({
    id: randomUUID(),
    service: 'orders',
    kind: 'maintenance',
    subject: 'VACUUM public.task in main',
    author: 'ann',
    origin: 'person',
    state: 'applying',
    reason: 'Asked for by ann.',
    change: { ...work, job: randomUUID() },
    undo: null,
    scope: null,
    about: null,
    at: new Date().toISOString(),
    updatedAt: new Date().toISOString(),
  });
  await using world = await controlWorld({ watch: { main: urls.superuser }, databaseUrl: store.url });
  const client = clientOf(world);
  const runs = await until(
    LONG_MS,
    async () => (await client.getDatabaseMaintenance()).runs,
    ([run1]) => run1 !== undefined && run1.state !== 'running',
  );
  assert.deepEqual(
    runs.map(({ state }) => state),
    ['ended'],
  );
  assert.equal((await over(client, await client.vacuumTables({ tables: ['task'] }))).state, 'done');
});
