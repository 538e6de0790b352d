/** What a database did is counted through a reset, a restart of ours and statements that come and go; settings act at once. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { LiveSettings } from '../../packages/autopilot/src/config/live-settings.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { DatabaseCollector } from '../../packages/autopilot/src/observe/database-collector.ts';
import { ObservedDatabase } from '../../packages/autopilot/src/postgres/observed-database.ts';
import { statementStepsMs } from '../../packages/autopilot/src/storage/database-history.ts';
import { PostgresDatabaseHistory } from '../../packages/autopilot/src/storage/postgres/postgres-database-history.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { observedWorld } from '../support/observed-world.ts';
import { throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

const TEXT = 'SELECT title FROM task WHERE id = $1';

test('statements are counted through a reset and a restart, tables and connections with them, our own apart', async (t) => {
  const server = await throwawayCluster();
  const { run, urls } = await observedWorld(t, server);
  await run('CREATE EXTENSION pg_stat_statements; CREATE TABLE task (id int PRIMARY KEY, title text)');
  await run(`INSERT INTO task SELECT i, 'secret' FROM generate_series(1, 2000) i`);
  await run('SELECT pg_stat_force_next_flush()');
  const store = await metricDatabase(t, server);
  const clock = new FakeClock(1_700_000_000_000);
  const settings = new LiveSettings({ 'observe.plansPerMinute': 0 });
  const open = (): { collector: DatabaseCollector; history: PostgresDatabaseHistory; close: () => Promise<void> } => {
    const history = new PostgresDatabaseHistory(store.url);
    const database = new ObservedDatabase(urls.monitor);
    const collector = new DatabaseCollector({
      name: 'main',
      database: () => database,
      history,
      clock,
      settings: () => settings.current.observe,
    });
    return { collector, history, close: () => Promise.all([database.close(), history.close()]).then(() => {}) };
  };
  const call = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) await run(TEXT, [1 + at]);
  };
  const pass = async (collector: DatabaseCollector, turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      clock.advance(15_000);
      await collector.turn();
      assert.equal(collector.status.trouble, null);
    }
  };

  await call(3);
  const first = open();
  t.after(() => first.close());
  await first.collector.turn();
  await call(40);
  await pass(first.collector, 1);
  await run('SELECT pg_stat_statements_reset()');
  await call(7);
  await pass(first.collector, 4);
  await run('DELETE FROM task WHERE id > 1900');
  await call(5);
  // As after a kill: what the first one had not handed on is not lost.
  await pass(first.collector, 1);
  const second = open();
  t.after(() => second.close());
  await pass(second.collector, 5);
  const from = clock.now() - 3_600_000;
  const increases = await second.history.increases('main', statementStepsMs.minute, from, clock.now() + 1);
  const standings = await second.history.standings('main');
  const textOf = (queryId: string): string => standings.find((one) => one.queryId === queryId)?.text ?? '';
  const calls = Object.fromEntries(increases.map(({ queryId, counters }) => [textOf(queryId), counters.calls]));
  assert.equal(calls[TEXT], 40 + 7 + 5, JSON.stringify(calls));
  assert.ok(Object.keys(calls).every((text) => !text.includes('/* autopilot */') && !text.includes('secret')));
  const samples = await second.history.samples('main', from, clock.now() + 1);
  const last = samples.at(-1)?.values ?? {};
  assert.ok((last['readings'] ?? 0) > 0 && (last['readingMs'] ?? 0) > 0, 'what it costs is told by the server');
  assert.ok((last['connections'] ?? 0) >= 1);
  assert.equal(last['unseenCalls'], 0);
  const [hour] = await second.history.tableHours('main', from - 3_600_000, clock.now() + 1, 'public.task');
  assert.ok(
    hour !== undefined && hour.totalBytes !== null && hour.totalBytes > 0 && hour.inserted === 2_000,
    JSON.stringify(hour),
  );

  // Settings act at the next turn.
  const { readAt } = second.collector.status;
  settings.swap({ 'observe.plansPerMinute': 0, 'observe.collect': false });
  await pass(second.collector, 2);
  assert.equal(second.collector.status.readAt, readAt);
  const often = { 'observe.collectMs': 1_000, 'observe.tablesMs': 1_000, 'observe.sizesMs': 10_000 };
  settings.swap({ ...often, 'observe.plansPerMinute': 0 });
  await pass(second.collector, 5);
  const counted = second.collector.tables;
  clock.advance(1_000);
  await second.collector.turn();
  assert.equal(second.collector.status.readAt, clock.now());
  assert.notEqual(second.collector.tables, counted);
  const sizeOf = async (minutes: number): Promise<number> => {
    clock.advance(minutes * 60_000);
    await second.collector.turn();
    const hours = await second.history.tableHours('main', from - 3_600_000, clock.now() + 1, 'public.task');
    return hours.at(-1)?.totalBytes ?? 0;
  };
  const before = await sizeOf(16);
  await run(`INSERT INTO task SELECT i, repeat('x', 100) FROM generate_series(10000, 20000) i`);
  clock.advance(1_000);
  await second.collector.turn();
  assert.ok((await sizeOf(11)) > before);

  // Plans are looked at when that is wanted, and a change of them is told.
  const planned = async () => (await second.history.plans('main', null)).map(({ fingerprint }) => fingerprint);
  assert.deepEqual(await planned(), []);
  await run(`GRANT SELECT ON task TO ${new URL(urls.monitor).username}; ANALYZE task`);
  settings.swap({ ...often, 'observe.plansPerMinute': 60 });
  const minute = async (): Promise<void> => {
    await call(30);
    clock.advance(16 * 60_000);
    await second.collector.turn();
    assert.equal(second.collector.status.trouble, null);
  };
  await minute();
  await minute();
  const usual = await planned();
  assert.ok(usual.length >= 1);
  await run('ALTER TABLE task DROP CONSTRAINT task_pkey');
  await minute();
  const changed = await planned();
  assert.equal(changed.length, usual.length + 1, 'a scan of the table is another plan');
  const trends = await second.collector.statementTrends();
  const changes = [...trends.values()].flatMap(({ planChange }) => planChange ?? []);
  assert.equal(changes.length, 1);
  assert.ok((changes[0]?.cost ?? 0) > 5 * (changes[0]?.costBefore ?? 0), JSON.stringify(changes));
});
