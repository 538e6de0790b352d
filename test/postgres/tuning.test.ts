/** Trials on a real database: an index is found, built, measured and kept; harm is taken back; what was interrupted is healed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { trialJobs } from '../../packages/autopilot/src/api/optimization/tuning-answers.ts';
import { withLayer } from '../../packages/autopilot/src/config/content.ts';
import { settingsOf } from '../../packages/autopilot/src/config/registry.ts';
import type { ConfigContent } from '../../packages/autopilot/src/contract/configuration.ts';
import { nameFor } from '../../packages/autopilot/src/postgres/apply-session.ts';
import type { Trial } from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import type { IndexChange } from '../../packages/autopilot/src/tune/index-actuator.ts';
import type { ValuesChange } from '../../packages/autopilot/src/tune/values-actuator.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { readingRole } from '../support/planner-world.ts';
import { type TestDatabase, throwawayServer } from '../support/postgres.ts';
import { type TuningWorld, tuningWorld } from '../support/tuning-world.ts';
import { until } from '../support/until.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

let database: TestDatabase;
let world: TuningWorld;
const stops: (() => Promise<void> | void)[] = [];
/** The server's log. */
const logged: string[] = [];

before(async () => {
  // One of its own, for its log.
  const options = { onLog: (line: string) => void logged.push(line) };
  const server = await throwawayServer({ after: (fn) => stops.push(fn), afterEach: () => {} }, options);
  database = { name: 'postgres', url: server.url('postgres'), server };
  world = await tuningWorld(database.url);
  await world.run(`CREATE EXTENSION pg_stat_statements;
    CREATE TABLE task (id int PRIMARY KEY, board int NOT NULL, title text NOT NULL, state int NOT NULL);
    INSERT INTO task SELECT i, i % 2000, 'task ' || i, i % 5 FROM generate_series(1, 40000) i;
    CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL, words text NOT NULL);
    INSERT INTO note SELECT i, 'note ' || i, repeat('word ' || i || ' ', 5) FROM generate_series(1, 3000) i`);
  await world.run('VACUUM ANALYZE');
});
after(async () => {
  await world[Symbol.asyncDispose]();
  for (const stop of stops) await stop();
});

const LIST = 'SELECT title FROM task WHERE board = $1 ORDER BY id';
const OTHER = 'SELECT title FROM task WHERE id = $1';
const WRITE = 'UPDATE note SET body = $2, words = $3 WHERE id = $1';

async function work(): Promise<void> {
  for (let at = 0; at < 10; at++) {
    await world.run(LIST, [at * 7]);
    await world.run(OTHER, [1 + at * 11]);
  }
}

async function indexes(): Promise<readonly string[]> {
  const { rows } = await world.run(
    `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
     WHERE t.relname IN ('task', 'note') AND NOT i.indisprimary ORDER BY 1`,
  );
  return rows.map(({ name }) => String(name));
}

test('an index is recommended, tried, found to help and kept; the prediction is compared with what was measured', async () => {
  await world.run('SELECT pg_stat_statements_reset()');
  for (let round = 0; round < 5; round++) await work();
  const { desk, journal } = world.sources;
  const { recommendations } = await desk.list('orders', true);
  const one = recommendations.find(({ verdict }) => verdict === 'change');
  assert.ok(one !== undefined, JSON.stringify(recommendations));
  assert.ok(one.automatic, one.obstacle ?? '');
  assert.match(one.change.join(), /CREATE INDEX CONCURRENTLY .* ON "public"."task" \("board"/);
  assert.ok((one.predicted?.effect ?? 1) < 0.5 && (one.predicted?.savedMsPerHour ?? 0) > 0);
  const planned = await desk.autoTune('orders', { mode: 'plan', categories: ['indexes'] }, 'ann', 'person');
  assert.deepEqual(
    planned.steps.map(({ allowed, refusals }) => [allowed, refusals]),
    [[true, []]],
  );
  const alone = await desk.autoTune('orders', { mode: 'plan', categories: ['indexes'] }, 'autopilot', 'autopilot');
  assert.match(alone.steps[0]?.refusals.join() ?? '', /mode: .* "ask"/);
  assert.deepEqual([await journal.history('orders', 9), await indexes()], [[], []], 'planning changes nothing');
  for (let look = 0; look < 3; look++) {
    await desk.autoTune('orders', { mode: 'apply', categories: ['indexes'] }, 'autopilot', 'autopilot');
  }
  const [refused, ...more] = await journal.history('orders', 9);
  assert.deepEqual([refused?.state, more], ['refused', []], 'what the same guard refuses is written down once');
  assert.match(refused?.reason ?? '', /mode: .* "ask"/);
  const trial = await desk.apply('orders', one.id, 'ann', 'person');
  await assert.rejects(desk.apply('orders', one.id, 'ann', 'person'), { code: 'AP_ORDER_REFUSED', message: /scope: / });
  const jobs = trialJobs(world.sources);
  assert.deepEqual(
    [await jobs.find('no such'), (await jobs.find(trial.id))?.state, (await jobs.find(trial.id))?.kind],
    [null, 'running', 'trial'],
  );
  const ended = await world.finish(trial.id, work);
  assert.equal(ended.state, 'kept', ended.reason);
  const { state, progress, result } = (await jobs.find(trial.id)) ?? {};
  assert.deepEqual([state, progress, result], ['done', 1, `/api/v1/optimization/trials/${trial.id}`]);
  assert.equal((await indexes()).length, 1);
  const { trials, within } = await desk.calibration('orders');
  assert.equal(trials, 1);
  assert.ok(within <= 1);
  const steps = (await journal.notes(trial.id, ['step'])).map(({ detail }) => JSON.stringify(detail));
  assert.equal(steps.length, 4, steps.join('\n'));
  assert.deepEqual(await journal.notes(trial.id, ['before', 'after']), [], 'samples go at the end');
  await world.sources.runner.revert(ended, 'Not wanted after all.');
  assert.equal((await journal.read(trial.id))?.state, 'reverted');
  assert.deepEqual(await indexes(), []);
});

test('indexes that make a statement slower are taken back, and the report says what was measured', async () => {
  let at = 0;
  const write = async (): Promise<void> => {
    for (let call = 0; call < 10; call++) {
      at++;
      await world.run(WRITE, [1 + (at % 3000), `note ${at}`, `word ${at} `.repeat(20)]);
      await world.run(OTHER, [1 + at]);
    }
  };
  await write();
  const { rows } = await world.run(
    `SELECT query, queryid::text AS id FROM pg_stat_statements WHERE query LIKE 'UPDATE note%' OR query LIKE 'SELECT title FROM task WHERE id%'`,
  );
  const idOf = (word: string): string => String(rows.find(({ query }) => String(query).startsWith(word))?.id);
  const names = ['harm_a', 'harm_b', 'harm_c', 'harm_d', 'harm_e', 'harm_f'];
  const change: IndexChange = {
    kind: 'indexes',
    service: 'orders',
    subject: 'Six indexes that nobody needs',
    author: 'ann',
    origin: 'person',
    database: 'main',
    create: names.map((name, index) => ({
      schema: 'public',
      name,
      ddl: `CREATE INDEX CONCURRENTLY ${name} ON note ${index % 2 === 0 ? `USING gin (to_tsvector('english', words))` : '(md5(words), md5(body))'}`,
    })),
    drop: [],
  };
  const trial = await world.sources.runner.propose({
    change,
    scope: 'database main',
    about: {
      category: 'indexes',
      recommendation: 'by hand',
      database: 'main',
      question: { affected: [idOf('UPDATE')], controls: [idOf('SELECT')] },
      texts: { [idOf('UPDATE')]: WRITE },
      predicted: { effect: 0.9, low: 0.5, high: 1, savedMsPerHour: 0, learntFrom: 0 },
    },
  });
  const ended = await world.finish(trial.id, write);
  assert.equal(ended.state, 'reverted', ended.reason);
  assert.match(ended.reason, /% more/);
  assert.deepEqual(await indexes(), []);
});

test('an index that another one begins with is dropped when the workload is planned without it as well, and can be had back', async () => {
  await world.run(`CREATE INDEX doubled ON task (board); CREATE INDEX doubling ON task (board, id);
    ANALYZE task; SELECT pg_stat_statements_reset()`);
  for (let round = 0; round < 5; round++) await work();
  world.clock.advance(60_000);
  const { desk, runner, journal } = world.sources;
  const { recommendations } = await desk.list('orders', true);
  const one = recommendations.find(({ change }) => change.join().includes('DROP INDEX'));
  assert.deepEqual(one?.change, ['DROP INDEX CONCURRENTLY "public"."doubled";'], JSON.stringify(recommendations));
  const { id } = await desk.apply('orders', one?.id ?? '', 'ann', 'person');
  // Whether it is kept hangs on what else this machine does; trial-runner.test.ts says when.
  const watching = await until(
    60_000,
    async () => {
      await work();
      world.clock.advance(1_000);
      await runner.tick();
      return await journal.read(id);
    },
    (trial) => trial?.state === 'watching',
  );
  assert.deepEqual(await indexes(), ['doubling']);
  if (watching !== null) await runner.revert(watching, 'Not wanted after all.');
  assert.deepEqual([(await journal.read(id))?.state, await indexes()], ['reverted', ['doubled', 'doubling']]);
  await world.run('DROP INDEX doubled, doubling');
});

test('a nonsensical random_page_cost is taken back as soon as a statement is slower for it', async () => {
  await world.run('CREATE INDEX task_board ON task (board); SELECT pg_stat_statements_reset()');
  const scan = 'SELECT count(*) FROM note';
  // For a database a setting holds in new connections.
  const ask = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    for (let at = 0; at < 10; at++) {
      await client.query(LIST, [at * 7]);
      await client.query(scan);
    }
    await client.end();
  };
  await ask();
  const { rows } = await world.run(
    `SELECT query, queryid::text AS id FROM pg_stat_statements WHERE query LIKE 'SELECT title FROM task WHERE board%' OR query LIKE 'SELECT count(%) FROM note%'`,
  );
  const idOf = (word: string): string => String(rows.find(({ query }) => String(query).startsWith(word))?.id);
  const change: ValuesChange = {
    kind: 'server-settings',
    service: 'orders',
    subject: 'random_page_cost from 4 to 1000000',
    author: 'ann',
    origin: 'person',
    database: 'main',
    place: { kind: 'database' },
    values: [{ name: 'random_page_cost', value: '1000000' }],
  };
  const question = { affected: [idOf('SELECT title')], controls: [idOf('SELECT count')] };
  const about = { category: 'settings', recommendation: 'by hand', database: 'main', question, texts: {} };
  const predicted = { effect: 0.9, low: 0.5, high: 1, savedMsPerHour: 0, learntFrom: 0 };
  const trial = await world.sources.runner.propose({ change, scope: 'database main', about: { ...about, predicted } });
  const ended = await world.finish(trial.id, ask);
  assert.equal(ended.state, 'reverted', ended.reason);
  assert.match(ended.reason, /% more/);
  const kept = await world.run(`SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database()`);
  assert.equal(kept.rowCount, 0);
  await world.run('DROP INDEX task_board');
});

test('settings and storage parameters that were set by halves are given back; whole ones are watched and can be taken back', async () => {
  const order = (id: string, kind: string, place: object, names: readonly (readonly [string, string])[]): Trial => {
    const values = names.map(([name, value]) => ({ name, value }));
    const undo = { values: names.map(([name]) => ({ name, value: null })), made: values };
    const at = new Date().toISOString();
    const head = { id, service: 'orders', kind, subject: id, author: 'ann', origin: 'autopilot' } as const;
    const plan = { database: 'main', place };
    const change = { ...plan, values } as never;
    const rest = { change, undo: { ...plan, ...undo } as never, scope: `scope ${id}`, about: null, at, updatedAt: at };
    return { ...head, state: 'applying', reason: '', ...rest };
  };
  const written = async (): Promise<readonly string[]> => {
    const { rows } = await world.run(`SELECT name || '=' || setting AS pair FROM pg_file_settings
      WHERE name IN ('checkpoint_completion_target', 'checkpoint_warning') AND sourcefile LIKE '%auto.conf'
      UNION ALL SELECT unnest(reloptions) FROM pg_class WHERE relname = 'note' ORDER BY 1`);
    return rows.map(({ pair }) => String(pair));
  };
  const state = async (id: string): Promise<string | undefined> => (await world.journal.read(id))?.state;
  const settings = [
    ['checkpoint_completion_target', '0.85'],
    ['checkpoint_warning', '31s'],
  ] as const;
  await world.run(`ALTER SYSTEM SET checkpoint_completion_target = '0.85'`);
  await world.journal.write(order('half', 'server-settings', { kind: 'system' }, settings));
  await world.orders.heal(0);
  assert.deepEqual([await state('half'), await written()], ['reverted', []]);
  for (const [name, value] of settings) await world.run(`ALTER SYSTEM SET ${name} = '${value}'`);
  await world.journal.write(order('whole', 'server-settings', { kind: 'system' }, settings));
  const options = [['autovacuum_vacuum_scale_factor', '0.05']] as const;
  await world.run('ALTER TABLE note SET (autovacuum_vacuum_scale_factor = 0.05)');
  const place = { kind: 'table', schema: 'public', table: 'note' };
  await world.journal.write(order('option', 'table-options', place, options));
  await world.orders.heal(0);
  assert.deepEqual([await state('whole'), await state('option')], ['watching', 'watching']);
  const { rows } = await world.run(`SELECT setting FROM pg_settings WHERE name = 'checkpoint_completion_target'`);
  assert.equal(rows[0]?.setting, '0.85', 'a file that nobody had read again is in force');
  // What somebody has changed since stays.
  await world.run(`ALTER SYSTEM SET checkpoint_warning = '32s'`);
  for (const id of ['whole', 'option']) {
    const trial = await world.journal.read(id);
    if (trial !== null) await world.orders.revert(trial, 'Enough.');
  }
  assert.deepEqual(await written(), ['checkpoint_warning=32s']);
  await world.run('ALTER SYSTEM RESET checkpoint_warning');
  await world.run('SELECT pg_reload_conf()');
});

test('a build that waits is ended when somebody takes it back, and leaves nothing', async () => {
  await work();
  const { rows } = await world.run(
    `SELECT queryid::text AS id FROM pg_stat_statements WHERE query LIKE 'SELECT title FROM task WHERE board%'`,
  );
  const index = { schema: 'public', name: 'waiting', ddl: 'CREATE INDEX CONCURRENTLY waiting ON note (body)' };
  const head = { kind: 'indexes', service: 'orders', subject: 'Waiting', author: 'ann', origin: 'person' } as const;
  const change: IndexChange = { ...head, database: 'main', create: [index], drop: [] };
  const question = { affected: [String(rows[0]?.['id'])], controls: [] };
  const predicted = { effect: 0.9, low: 0.5, high: 1, savedMsPerHour: 0, learntFrom: 0 };
  const about = { category: 'indexes', recommendation: 'by hand', database: 'main', question, texts: {}, predicted };
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  await blocker.query('BEGIN; UPDATE note SET body = body WHERE id = 1');
  const { runner } = world.sources;
  const { id } = await runner.propose({ change, scope: 'database main', about });
  await until(
    60_000,
    async () => {
      const state = (await world.journal.read(id))?.state;
      if (state === 'applying') return await indexes();
      await work();
      world.clock.advance(1_000);
      await runner.tick();
      return [];
    },
    (names) => names.includes('waiting'),
  );
  const building = await world.journal.read(id);
  assert.ok(building !== null);
  const taken = runner.revert(building, 'Taken back by ann.');
  // What is left of it goes once nobody can be using it any more.
  await until(
    60_000,
    () => world.run(`SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%' AND pid <> pg_backend_pid()`),
    ({ rowCount }) => rowCount === 1,
  );
  await blocker.query('ROLLBACK');
  await taken;
  await blocker.end();
  const ended = await world.journal.read(id);
  assert.deepEqual([ended?.state, await indexes()], ['reverted', []], ended?.reason);
  assert.match(ended?.reason ?? '', /Taken back by ann/);
  world.trouble.length = 0;
});

test('a pool of one connection is taken back when requests wait for it', async () => {
  // An application that takes the size when it opens its pool anew.
  // All connections are open before it is used: what that takes is no request's.
  const poolOf = async (max: number): Promise<pg.Pool> => {
    const opened = new pg.Pool({ connectionString: database.url, max });
    await Promise.all(Array.from({ length: max }, () => opened.query('SELECT pg_sleep(0.01)')));
    return opened;
  };
  let [pool, size] = [await poolOf(10), 10];
  const serve = async (): Promise<void> => {
    const wanted = settingsOf(world.configured()).database.poolMax ?? 10;
    if (wanted !== size) {
      await pool.end();
      [pool, size] = [await poolOf(wanted), wanted];
    }
    const waves = [];
    for (let wave = 0; wave < 2; wave++) {
      const request = async (): Promise<number> => {
        const begunMs = performance.now();
        await pool.query('SELECT pg_sleep(0.012)');
        return performance.now() - begunMs;
      };
      waves.push(...(await Promise.all(Array.from({ length: 10 }, request))));
    }
    const second = Math.floor(world.clock.now() / 1_000) * 1_000;
    await world.metrics.append(originOf('a'), [windowOf(second, [routeOf('GET /tasks', waves)])]);
  };
  for (let second = 0; second < 10; second++) {
    await serve();
    world.clock.advance(1_000);
  }
  const revise = (content: ConfigContent): ConfigContent => withLayer(content, null, { 'database.poolMax': 1 });
  const proposal = { service: 'orders', ifVersion: null, author: 'ann', note: '', cause: 'trial', revise } as const;
  const trial = await world.sources.settings.begin(proposal, null);
  const ended = await world.finish(trial.id, serve);
  assert.equal(ended.state, 'reverted', ended.reason);
  assert.match(ended.reason, /% more|p99|Fewer requests/);
  assert.deepEqual(world.configured(), {});
  await pool.end();
});

test('interrupted builds leave nothing; one that was finished is watched further', async () => {
  const order = (id: string, name: string): Trial => {
    const plan = (one: readonly object[], other: readonly object[]) =>
      ({ database: 'main', create: [...one], drop: [...other] }) as never;
    const index = { schema: 'public', name, ddl: `CREATE INDEX CONCURRENTLY ${name} ON note (body)` };
    const at = new Date().toISOString();
    return {
      id,
      service: 'orders',
      kind: 'indexes',
      subject: name,
      author: 'ann',
      origin: 'autopilot',
      state: 'applying',
      reason: '',
      change: plan([index], []),
      undo: plan([], [index]),
      scope: `scope ${id}`,
      about: null,
      at,
      updatedAt: at,
    };
  };
  // A build that waits for a transaction, whose process is gone: its connection is still at it.
  const blocker = new pg.Client({ connectionString: database.url });
  const builder = new pg.Client({ connectionString: database.url, application_name: nameFor('half build') });
  builder.on('error', () => {});
  await Promise.all([blocker.connect(), builder.connect()]);
  await blocker.query('BEGIN; UPDATE note SET body = body WHERE id = 1');
  const building = builder.query('CREATE INDEX CONCURRENTLY half ON note (body)').catch(() => {});
  await until(10_000, indexes, (names) => names.includes('half'));
  await world.journal.write(order('half build', 'half'));
  const healed = world.orders.heal(0);
  await building;
  await blocker.query('ROLLBACK');
  await healed;
  await Promise.all([blocker.end(), builder.end().catch(() => {})]);
  assert.deepEqual([(await world.journal.read('half build'))?.state, await indexes()], ['reverted', []]);
  await world.run('CREATE INDEX whole ON note (body)');
  await world.journal.write(order('whole build', 'whole'));
  await world.orders.heal(0);
  assert.deepEqual([(await world.journal.read('whole build'))?.state, await indexes()], ['watching', ['whole']]);
  const trial = await world.journal.read('whole build');
  if (trial !== null) await world.orders.revert(trial, 'Enough.');
  assert.deepEqual(await indexes(), []);
  // Somebody has made another one of that name since: it is not ours to drop, whatever was left open.
  for (const theirs of [
    'CREATE UNIQUE INDEX theirs ON note (body, id)',
    'CREATE INDEX theirs ON note (words)',
    'CREATE INDEX theirs ON task (board)',
  ]) {
    await world.run(theirs);
    const id = `left ${theirs}`;
    await world.journal.write(order(id, 'theirs'));
    await world.orders.heal(0);
    assert.deepEqual([(await world.journal.read(id))?.state, await indexes()], ['reverted', ['theirs']]);
    await world.run('DROP INDEX theirs');
  }
  assert.deepEqual(world.trouble, []);
});

test('a role that may only read gets recommendations and plans, and nothing is written; it is refused by name; what is declined stays so', async (t) => {
  const url = await readingRole(database, 'tuning_reader');
  await world.run('GRANT pg_monitor TO tuning_reader');
  // Whatever it asks the server for but reads is in the server's log from now on. What is kept is kept elsewhere.
  await world.run(`ALTER ROLE tuning_reader SET log_statement = 'mod'`);
  const elsewhere = await metricDatabase(t, database.server);
  const journal = new PostgresJournal(elsewhere.url);
  t.after(() => journal.close());
  await using reading = await tuningWorld(url, { journal });
  for (let round = 0; round < 5; round++) await work();
  const plan = await reading.sources.desk.autoTune('orders', { mode: 'plan' }, 'ann', 'person');
  assert.ok(plan.steps.length > 0);
  const asReader = new pg.Client({ connectionString: url });
  await asReader.connect();
  await assert.rejects(asReader.query('DELETE FROM task'), { code: '42501' });
  await asReader.end();
  const isWrite = (line: string): boolean => /LOG: {2}(statement|execute [^:]*): /.test(line);
  await until(
    10_000,
    () => Promise.resolve(logged),
    (lines) => lines.some(isWrite),
  );
  assert.deepEqual(
    logged.filter(isWrite).map((line) => line.replace(/^.*?LOG: {2}/, '')),
    ['statement: DELETE FROM task'],
    'but for the one that shows that the log tells of writes',
  );
  const { steps } = await reading.sources.desk.autoTune(
    'orders',
    { mode: 'apply', categories: ['indexes'] },
    'ann',
    'person',
  );
  assert.match(steps[0]?.refusals.join() ?? '', /rights: the role may not change "public"."task"/);
  assert.deepEqual([await reading.journal.history('orders', 9), await indexes()], [[], []]);
  const id = steps[0]?.recommendation ?? '';
  const dismissed = await reading.sources.desk.dismiss('orders', id, 'ann', 'We drop this table soon.');
  assert.deepEqual([dismissed.state, dismissed.dismissal?.author], ['dismissed', 'ann']);
  assert.deepEqual(
    (await reading.sources.desk.autoTune('orders', { categories: ['indexes'] }, 'ann', 'person')).steps,
    [],
  );
});

test('what is older than optimization.adviseMs is worked out again; optimization.application says whether its settings are tried', async () => {
  const bare = new URL(database.url);
  bare.pathname = '/template1';
  // It counts no statements: that is soon said.
  const settings = {
    'optimization.adviseMs': 1_800_000,
    'optimization.application': 'off',
    'compression.effort': 'smallest',
  };
  await using quiet = await tuningWorld(bare.href, { settings });
  const { desk } = quiet.sources;
  const first = await desk.list('orders', true);
  assert.match(first.recommendations.map(({ reason }) => reason).join(), /nothing to advise for/);
  const second = Math.floor(quiet.clock.now() / 1_000) * 1_000 - 10_000;
  await quiet.metrics.append(originOf('a'), [windowOf(second, [routeOf('GET /tasks', [5, 6, 7])])]);
  const about = { mode: 'plan', categories: ['application'] } as const;
  await desk.list('orders', true);
  const { steps } = await desk.autoTune('orders', about, 'ann', 'person');
  assert.deepEqual(
    steps.map(({ change, refusals }) => [change, refusals]),
    [[['PATCH /api/v1/config {"compression":{"effort":"adaptive"}}'], ['mode: this category is off.']]],
  );
  quiet.clock.advance(1_799_000);
  assert.equal((await desk.list('orders', false)).computing, false);
  quiet.clock.advance(2_000);
  assert.equal((await desk.list('orders', false)).computing, true);
  const renewed = await until(
    60_000,
    () => desk.list('orders', false),
    ({ computing }) => !computing,
  );
  assert.ok((renewed.computedAt ?? 0) > (first.computedAt ?? 0));
});
