/** What the HTTP API says of a watched database, with every set of rights, joined with what agents report. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type ControlWorld, clientOf, controlWorld } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { observedWorld, readers } from '../support/observed-world.ts';
import { olderServer, olderServerSkip, throwawayCluster } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { gaugeOf, histogramOf, routeOf, seriesOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const TEXT = 'SELECT title FROM task WHERE id = $1';

/** Ten requests that call one statement eight times each. */
async function reportRepeated(world: ControlWorld): Promise<void> {
  const now = Math.floor(world.clock.now() / 1000) * 1000;
  const durationMs = histogramOf(Array.from({ length: 80 }, () => 3));
  await world
    .link('one')
    .windows(
      [
        windowOf(now - 1000, [
          routeOf('GET /board', [12, 15, 20, 40, 30, 12, 12, 12, 12, 12]),
          seriesOf('statement', 'feed', { calls: 80, rows: 80, durationMs }, { database: 'main' }),
          seriesOf(
            'pool',
            'main',
            { max: gaugeOf(4), acquired: 1_500, waitMs: histogramOf([0.5, 0.75]), useMs: histogramOf([2, 2, 2, 2]) },
            { database: 'main' },
          ),
          seriesOf('route-statement', 'feed', { calls: 80, totalMs: 240 }, { route: 'GET /board' }),
        ]),
      ],
      [{ id: 'feed', database: 'main', text: TEXT }],
    );
}

test('statements of server and applications are one list; plans are shown and nothing is executed', async (t) => {
  const { run, urls } = await observedWorld(t, await throwawayCluster());
  await run(`CREATE EXTENSION pg_stat_statements; CREATE TABLE task (id int PRIMARY KEY, title text, state int);
    INSERT INTO task SELECT i, 'secret', i FROM generate_series(1, 20000) i; ANALYZE task; SELECT pg_stat_statements_reset()`);
  await run('SELECT pg_sleep(0) FROM task WHERE id = 1');
  for (let id = 1; id <= 7; id++) await run(TEXT, [id]);
  for (let at = 0; at < 3; at++) await run(`SELECT id FROM task WHERE state = ${at}`);
  await run(`DELETE FROM task WHERE state = -1`);
  await using world = await controlWorld({ watch: { main: urls.monitor } });
  await reportRepeated(world);
  const client = clientOf(world);
  const list = await client.listSlowQueries({ thresholdMs: 0 });
  assert.ok(list.countedSince !== null);
  const feed = list.statements.find(({ text }) => text === TEXT);
  assert.ok(feed !== undefined, JSON.stringify(list.statements.map(({ text }) => text)));
  assert.equal(feed.calls, 7, 'the server has counted');
  assert.equal(feed.statement, 'feed', 'and the application measured');
  assert.ok(feed.p95Ms !== null && Math.abs(feed.p95Ms - 3) < 0.2);
  assert.deepEqual(feed.routes, [
    { route: 'GET /board', callsPerRequest: 8, repeats: 0, callsPerRepeat: null, frames: [], tenants: [] },
  ]);
  assert.deepEqual(
    feed.findings.map(({ kind, evidence }) => [kind, evidence['route']]),
    [['n-plus-one', 'GET /board']],
  );
  assert.ok(!JSON.stringify(list).includes('secret'));
  const [pool] = (await client.getDatabaseConnections()).poolAdvice;
  assert.deepEqual(
    pool && { ...pool, predictions: pool.predictions.map(({ size }) => size), reasons: pool.reasons.length },
    {
      pool: 'main',
      database: 'main',
      instances: 1,
      size: 4,
      ratePerSecond: 1_500,
      useMs: 2,
      useVariation: 0,
      waitMeanMs: 0.625,
      predictions: [1, 2, 3, 4, 5, 6, 8],
      action: 'leave',
      advised: 4,
      reasons: 1,
    },
  );
  const waits = pool?.predictions.map(({ waitMeanMs }) => waitMeanMs) ?? [];
  assert.deepEqual(waits.slice(0, 3), [null, null, null], 'three connections would be in use without a pause');
  assert.ok((waits[3] ?? 9) < 1 && (waits[6] ?? 9) < 0.01, JSON.stringify(waits));
  assert.ok(!JSON.stringify(list).includes('/* autopilot */'));
  const scan = list.statements.find(({ text }) => text.startsWith('SELECT id FROM task WHERE state'));
  await run(`GRANT SELECT, DELETE ON task TO ${new URL(urls.monitor).username}`);
  const plan = await client.getStatementPlan({ queryId: scan?.queryId ?? '' });
  assert.match(plan.steps[0]?.label ?? '', /Seq Scan on task/);
  assert.ok(plan.findings.some(({ kind }) => kind === 'scan-for-few-rows'));
  const remove = list.statements.find(({ text }) => text.startsWith('DELETE'));
  const removal = await client.getStatementPlan({ queryId: remove?.queryId ?? '' });
  assert.match(removal.steps[0]?.label ?? '', /ModifyTable on task/);
  // Carried out once where it only reads, with values that nobody is told.
  const measured = await client.measureStatementPlan({ queryId: scan?.queryId ?? '' });
  const found = measured.steps.at(-1);
  assert.deepEqual([measured.values, found?.actualRows, found?.loops], ['typical', 1, 1], JSON.stringify(measured));
  assert.ok((found?.pages ?? 0) > 10 && (found?.misjudged ?? 9) < 2 && found?.condition?.includes('?'));
  const given = await client.measureStatementPlan({ queryId: scan?.queryId ?? '', parameters: ['-1'] });
  assert.deepEqual([given.values, given.steps.at(-1)?.actualRows], ['given', 0]);
  await assert.rejects(client.measureStatementPlan({ queryId: scan?.queryId ?? '', parameters: [] }), { status: 400 });
  await assert.rejects(client.measureStatementPlan({ queryId: remove?.queryId ?? '' }), /It writes/);
  const sleeps = list.statements.find(({ text }) => text.startsWith('SELECT pg_sleep'));
  await assert.rejects(
    client.measureStatementPlan({ queryId: sleeps?.queryId ?? '' }),
    /pg_sleep\(\), which may do more/,
  );
  const { rows } = await run('SELECT count(*)::int AS count FROM task');
  assert.equal(rows[0]?.['count'], 20_000);
  await assert.rejects(client.getStatementPlan({ queryId: '1' }), { status: 404 });
  // Advice for all of that is a job; what comes of it is kept.
  assert.deepEqual(await client.getIndexAdvice(), { name: 'main', running: null, latest: null, outdated: false });
  const job = await client.startIndexAdvice({ seconds: 5 });
  await assert.rejects(client.startIndexAdvice(), { status: 409 });
  assert.equal((await client.getIndexAdvice()).running?.id, job.id);
  await until(
    60_000,
    () => client.getJob(job.id),
    ({ state }) => state !== 'running',
  );
  const { latest } = await client.getIndexAdvice();
  assert.equal(latest?.state, 'done', latest?.message);
  assert.match(latest.advice?.create[0]?.ddl ?? '', /ON "public"."task" \("state"/, latest.message);
  assert.match(latest.advice?.create[0]?.statements[0]?.planBefore.join(' ') ?? '', /Seq Scan on task/);
  assert.ok((latest.advice?.coverage.timeRatio ?? 0) > 0.1);
  const recommended = await client.listDatabaseIndexes();
  assert.deepEqual([recommended.recommended, recommended.advisedAt], [latest.advice?.create, latest.endedAt]);
  // The default threshold is a setting, and takes effect at once.
  assert.deepEqual((await client.listSlowQueries()).statements, []);
  const { version } = await client.getConfig();
  await client.patchConfig({ observe: { slowMs: 0, statementsMs: 1_000, overviewMs: 1_000 } }, { ifVersion: version });
  world.clock.advance(1_000);
  assert.ok((await client.listSlowQueries()).statements.length >= 3);
  // Pages of one list.
  const first = await client.listSlowQueries({ limit: 1 });
  assert.equal(first.statements.length, 1);
  const second = await client.listSlowQueries({ limit: 1, cursor: first.page.next ?? '' });
  assert.notEqual(second.statements[0]?.text, first.statements[0]?.text);
  const back = await client.listSlowQueries({ limit: 1, cursor: second.page.previous ?? '' });
  assert.equal(back.statements[0]?.text, first.statements[0]?.text);
  // Watched for longer, the list tells of the last hour, and history of each minute.
  assert.equal((await client.listSlowQueries()).range, null);
  const collected = async (): Promise<void> => {
    const readAt = async (): Promise<string | null> =>
      (await client.listDatabases()).databases[0]?.collection.readAt ?? null;
    const before = await readAt();
    world.clock.advance(61_000);
    await until(30_000, readAt, (now) => now !== before);
  };
  await collected();
  await run(TEXT, [3]);
  await collected();
  assert.ok(((await client.listDatabases()).databases[0]?.collection.cost?.readings ?? 0) > 0);
  world.clock.advance(11 * 60_000);
  const lately = await client.listSlowQueries();
  assert.ok(lately.range !== null);
  assert.equal(lately.statements.find(({ text }) => text === TEXT)?.calls, 1);
  const past = await client.getDatabaseHistory({ queryId: feed.queryId ?? '' });
  assert.deepEqual(past.frame.columns['calls'], [1]);
  assert.equal(past.text, TEXT);
  const whole = await client.getDatabaseHistory();
  assert.ok((whole.frame.columns['connections'] ?? []).every((one) => (one ?? 0) >= 1));
  assert.ok((await client.getDatabaseHistory({ table: 'public.task' })).frame.at.length >= 1);
  await assert.rejects(client.getDatabaseHistory({ queryId: '1', table: 'public.task' }), { status: 400 });
});

const servers = [
  { version: 18, server: throwawayCluster, skip: false },
  { version: 15, server: olderServer, skip: olderServerSkip() },
] as const;

for (const { version, server, skip } of servers) {
  test(`every call answers with every set of rights on ${version}, and is read no more often than it may`, {
    skip,
  }, async (t) => {
    const { run, urls } = await observedWorld(t, await server());
    await run('CREATE TABLE task (id int PRIMARY KEY, title text)');
    for (const reader of readers) {
      await using world = await controlWorld({ watch: { main: urls[reader] } });
      const client = clientOf(world);
      const { databases } = await client.listDatabases();
      assert.equal(databases[0]?.server?.readsAllStatistics, reader !== 'nobody');
      const analysis = await client.getDatabaseAnalysis();
      assert.equal(analysis.sizes.tables, 1);
      assert.deepEqual([analysis.replication.standbys, analysis.io === null], [[], version < 16]);
      assert.ok(analysis.growth.runsOut.some(({ what }) => what.startsWith('transaction identifiers of ')));
      assert.equal((await client.getDatabaseMaintenance()).name, 'main');
      assert.equal((await client.getDatabaseHistory()).name, 'main');
      assert.equal((await client.listDatabaseTables()).tables[0]?.table, 'task');
      const { tables: alone, gaps } = await client.listDatabaseTables({ exact: 'public.task' });
      assert.deepEqual([alone.length, gaps.find(({ reading }) => reading === 'exact bloat')?.cause], [1, 'extension']);
      await assert.rejects(client.listDatabaseTables({ exact: 'public.nothing' }), { status: 400 });
      const { indexes, declined } = await client.listDatabaseIndexes();
      assert.deepEqual(
        indexes.map(({ index }) => index),
        ['task_pkey'],
      );
      assert.deepEqual(declined, [{ index: 'public.task_pkey', reason: 'A constraint needs it.' }]);
      assert.deepEqual((await client.listDatabaseIndexes({ findings: true })).indexes, []);
      assert.ok((await client.getDatabaseConnections()).view.maxConnections > 0);
      const slow = await client.listSlowQueries();
      assert.deepEqual(
        slow.gaps.filter(({ reading }) => reading === 'statements').map(({ cause }) => cause),
        ['extension'],
      );
      const readings = (await client.getDatabaseAnalysis()).cost.readings;
      await client.listDatabaseTables();
      assert.equal((await client.getDatabaseAnalysis()).cost.readings, readings, 'what is fresh is not read again');
      world.clock.advance(15_000);
      await client.listDatabaseTables();
      assert.ok((await client.getDatabaseAnalysis()).cost.readings > readings);
      await assert.rejects(client.listDatabaseTables({ database: 'mian' }), /"main" was probably meant|not watched/);
    }
  });
}

test('how old answers may be is a setting, and a database that is away is said to be', async (t) => {
  const { run, urls } = await observedWorld(t, await throwawayCluster());
  await run('CREATE TABLE task (id int PRIMARY KEY, title text)');
  // How old what is shown may be is a setting.
  await run('CREATE EXTENSION pg_stat_statements');
  await using named = await controlWorld({ service: 'orders', watch: { main: urls.superuser } });
  const asked = clientOf(named);
  const slow = async (): Promise<string> => JSON.stringify(await asked.listSlowQueries({ limit: 200, thresholdMs: 0 }));
  const tables = async (): Promise<number> => (await asked.listDatabaseTables({ limit: 200 })).tables.length;
  const rarely = { statementsMs: 600_000, overviewMs: 600_000 };
  await asked.patchConfig({ observe: rarely }, { ifVersion: 0 });
  const before = await tables();
  assert.doesNotMatch(await slow(), /count\(title\)/);
  await run('SELECT count(title) FROM task WHERE id < 7');
  await run('CREATE TABLE later (id int)');
  named.clock.advance(16_000);
  assert.doesNotMatch(await slow(), /count\(title\)/);
  assert.equal(await tables(), before);
  await asked.patchConfig({ observe: { statementsMs: 1_000, overviewMs: 1_000 } }, { ifVersion: 1 });
  named.clock.advance(1_000);
  assert.match(await slow(), /count\(title\)/);
  assert.equal(await tables(), before + 1);
  await using away = await controlWorld({ watch: { main: 'postgres://nobody@127.0.0.1:1/none' } });
  const client = clientOf(away);
  const [main] = (await client.listDatabases()).databases;
  assert.equal(main?.server, null);
  assert.match(main?.trouble ?? '', /can not be reached/);
  await assert.rejects(client.getDatabaseAnalysis(), { status: 503 });
  await using none = await controlWorld();
  await assert.rejects(clientOf(none).getDatabaseAnalysis(), { status: 404 });
});
