import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, afterEach, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import QueryStream from 'pg-query-stream';
import { PgRecorder } from '../../packages/autopilot/src/host/pg-instrumentation.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import type { Observation } from '../../packages/autopilot/src/track/observation.ts';
import { RequestContext, RequestScope } from '../../packages/autopilot/src/track/request-scope.ts';
import { StatementRegistry } from '../../packages/autopilot/src/track/statement-registry.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor } from '../support/postgres.ts';

leakCheck(after);

interface CursorOf {
  read(rows: number): Promise<readonly object[]>;
  close(): Promise<void>;
}

// pg-cursor has no types of its own.
const Cursor = createRequire(import.meta.url)('pg-cursor') as new (
  text: string,
  values?: unknown[],
) => pg.Submittable & CursorOf;

class CustomPromise<T> extends Promise<T> {}

interface Instrumented {
  readonly pool: pg.Pool;
  readonly seen: Observation[];
  readonly context: RequestContext;
  readonly detach: () => void;
  /** Texts of the statements that were measured, in order of their ends. */
  readonly texts: () => readonly string[];
}

let url = '';

function plainPool(t: TestContext, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 3, ...config });
  pool.on('error', () => {});
  t.after(() => (pool.ended ? undefined : pool.end()));
  return pool;
}

function instrumented(t: TestContext, config: pg.PoolConfig = {}): Instrumented {
  const pool = plainPool(t, config);
  const context = new RequestContext();
  context.enable();
  const seen: Observation[] = [];
  const recorder = new PgRecorder({
    pool,
    poolName: 'main',
    database: 'main',
    clock: systemClock,
    context,
    statements: new StatementRegistry(),
  });
  const attached = recorder.attach({ record: (observation) => seen.push(observation) });
  const detach = (): void => attached[Symbol.dispose]();
  t.after(detach);
  return {
    pool,
    seen,
    context,
    detach,
    texts: () => seen.flatMap((one) => (one.kind === 'statement' ? [one.statement.text] : [])),
  };
}

/** What a caller sees, made comparable: errors with their fields, results with their rows. */
function describeOutcome(value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message } = value;
    return { error: name, message, code: Reflect.get(value, 'code'), position: Reflect.get(value, 'position') };
  }
  if (Array.isArray(value)) return value.map(describeOutcome);
  if (value instanceof pg.Result) {
    const { command, rowCount, rows, fields } = value;
    return { command, rowCount, rows, fields: fields.map(({ name }) => name) };
  }
  if (typeof value === 'function') return 'function';
  return value;
}

async function outcomeOf(run: () => unknown): Promise<unknown> {
  try {
    return describeOutcome(await run());
  } catch (error) {
    return { thrown: describeOutcome(error) };
  }
}

/** Calls with a callback at its end and gives what that was called with, its `this`, and what the call returned. */
function called(
  run: (callback: (this: unknown, ...args: unknown[]) => void) => unknown,
): Promise<{ args: unknown; self: unknown; returned: unknown }> {
  return new Promise((resolve, reject) => {
    try {
      const box: { returned?: unknown } = {};
      box.returned = run(function (...args) {
        const self = this === undefined ? 'undefined' : (this as object).constructor.name; // `as`: an object, when there is one
        setImmediate(() => resolve({ args: args.map(describeOutcome), self, returned: typeof box.returned }));
      });
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

type Scenario = readonly [name: string, run: (pool: pg.Pool) => unknown, statements: readonly string[]];

/** pg's overloads name each form; here the form is the point. */
interface AnyQuery {
  query(...args: unknown[]): unknown;
}
const any = (target: unknown): AnyQuery => target as AnyQuery;

async function withClient<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

const scenarios: readonly Scenario[] = [
  ['pool, text', (pool) => pool.query('select 1 as a'), ['select ? as a']],
  ['pool, text and values', (pool) => pool.query('select $1::int as a', [7]), ['select $1::int as a']],
  [
    'pool, config',
    (pool) => pool.query({ text: 'select $1::int as a', values: [7], rowMode: 'array' }),
    ['select $1::int as a'],
  ],
  ['pool, config and values', (pool) => pool.query({ text: 'select $1::int as a' }, [7]), ['select $1::int as a']],
  [
    'pool, named twice',
    async (pool) => {
      await pool.query({ name: 'n', text: 'select $1::int as a', values: [1] });
      return pool.query({ name: 'n', text: 'select $1::int as a', values: [2] });
    },
    ['select $1::int as a', 'select $1::int as a'],
  ],
  ['pool, callback', (pool) => called((done) => pool.query('select 1 as a', done)), ['select ? as a']],
  [
    'pool, values and callback',
    (pool) => called((done) => pool.query('select $1::int as a', [7], done)),
    ['select $1::int as a'],
  ],
  ['pool, callback, error', (pool) => called((done) => pool.query('select nothing', done)), ['select nothing']],
  ['pool, error', (pool) => pool.query('select * from nowhere'), ['select * from nowhere']],
  ['pool, several statements', (pool) => pool.query('select 1 as a; select 2 as b'), ['select ? as a; select ? as b']],
  ['pool, empty', (pool) => pool.query(''), ['(empty)']],
  ['pool, nothing at all', (pool) => any(pool).query(), []],
  ['pool, a function first', (pool) => any(pool).query(() => {}), []],
  ['pool, values that are no list', (pool) => any(pool).query('select 1', 'x'), ['select ?']],
  ['client, text', (pool) => withClient(pool, (client) => client.query('select 1 as a')), ['select ? as a']],
  [
    'client, callback in config',
    (pool) =>
      withClient(pool, (client) => called((done) => any(client).query({ text: 'select 1 as a', callback: done }))),
    ['select ? as a'],
  ],
  [
    'client, config and callback',
    (pool) =>
      withClient(pool, (client) => {
        const config = { text: 'select $1::int as a', values: [1] };
        return called((done) => any(client).query(config, done)).then((outcome) => ({
          outcome,
          keys: Object.keys(config),
        }));
      }),
    ['select $1::int as a'],
  ],
  [
    'client, no callback that can be called',
    (pool) => withClient(pool, async (client) => any(client).query('select 1', [], 'x')),
    ['select ?'],
  ],
  ['client, null', (pool) => withClient(pool, async (client) => any(client).query(null)), []],
  ['client, neither text nor name', (pool) => withClient(pool, async (client) => any(client).query({})), []],
  [
    'client, a name that nobody prepared',
    (pool) => withClient(pool, (client) => client.query({ name: 'gone', values: [] } as unknown as pg.QueryConfig)),
    ['EXECUTE "gone"'],
  ],
  [
    'client, transaction',
    (pool) =>
      withClient(pool, async (client) => {
        await client.query('begin');
        await client.query('create temporary table k (a int)');
        const inserted = await client.query('insert into k select generate_series(1, 5)');
        const failed = await outcomeOf(() => client.query('insert into k values ($1)', ['no number']));
        await client.query('rollback');
        return [inserted.rowCount, failed];
      }),
    [
      'begin',
      'create temporary table k (a int)',
      'insert into k select generate_series(?, ?)',
      'insert into k values ($1)',
      'rollback',
    ],
  ],
  [
    'client, pg.Query with events',
    (pool) =>
      withClient(pool, async (client) => {
        const query = new pg.Query('select generate_series(1, 3) as a');
        const events: unknown[] = [];
        query.on('row', (row: unknown) => events.push(row));
        query.on('error', (error: Error) => events.push(describeOutcome(error)));
        const returned = any(client).query(query);
        await once(query, 'end');
        return [events, returned === query];
      }),
    ['select generate_series(?, ?) as a'],
  ],
  [
    'client, pg.Query with a callback',
    (pool) =>
      withClient(pool, (client) =>
        called((done) =>
          any(client).query(new pg.Query('update pg_class set relname = relname where false'), done),
        ).then(({ args, self }) => ({ args, self })),
      ),
    ['update pg_class set relname = relname where false'],
  ],
  [
    'client, pg.Query that fails',
    (pool) =>
      withClient(pool, async (client) => {
        const query = new pg.Query('select nothing');
        any(client).query(query);
        const [error] = await once(query, 'error');
        return error;
      }),
    ['select nothing'],
  ],
  [
    'client, stream',
    (pool) =>
      withClient(pool, async (client) => {
        const stream = client.query(new QueryStream('select generate_series(1, $1) as a', [250], { batchSize: 10 }));
        let sum = 0;
        for await (const row of stream) sum += (row as { a: number }).a; // `as`: the statement's only column
        return sum;
      }),
    ['select generate_series(?, $1) as a'],
  ],
  [
    'client, stream left early',
    (pool) =>
      withClient(pool, async (client) => {
        const stream = client.query(new QueryStream('select generate_series(1, 100000) as a'));
        for await (const row of stream) {
          assert.ok(row);
          break;
        }
        const { rows } = await client.query('select 2 as b');
        return rows;
      }),
    ['select generate_series(?, ?) as a', 'select ? as b'],
  ],
  [
    'client, stream that fails',
    (pool) =>
      withClient(pool, async (client) => {
        const stream = client.query(new QueryStream('select 1 / (3 - generate_series(1, 5)) as a'));
        const rows: unknown[] = [];
        const outcome = await outcomeOf(async () => {
          for await (const row of stream) rows.push(row);
        });
        return [outcome, (await client.query('select 3 as c')).rows];
      }),
    ['select ? / (? - generate_series(?, ?)) as a', 'select ? as c'],
  ],
  [
    'client, cursor',
    (pool) =>
      withClient(pool, async (client) => {
        const cursor = client.query(new Cursor('select generate_series(1, 10) as a'));
        const first = await cursor.read(3);
        const second = await cursor.read(100);
        await cursor.close();
        return [first.length, second.length];
      }),
    ['select generate_series(?, ?) as a'],
  ],
  [
    'connect, callback',
    (pool) =>
      new Promise((resolve) => {
        const returned = pool.connect((error, client, release) => {
          const outcome = [error, typeof client?.query, client?.release === release];
          release();
          setImmediate(() => resolve([outcome, returned]));
        });
      }),
    [],
  ],
  [
    'connect, released twice',
    async (pool) => {
      const client = await pool.connect();
      client.release();
      return outcomeOf(() => client.release());
    },
    [],
  ],
  [
    'after the end',
    async (pool) => {
      await pool.end();
      return [
        await outcomeOf(() => pool.query('select 1')),
        await outcomeOf(() => pool.connect()),
        await outcomeOf(() => called((done) => pool.query('select 1', done))),
      ];
    },
    [],
  ],
];

describe('an instrumented pool', async () => {
  ({ url } = await databaseFor({ after: (fn) => after(() => fn()), afterEach }));

  for (const [name, run, statements] of scenarios) {
    test(`behaves like an untouched one: ${name}`, async (t) => {
      const expected = await outcomeOf(() => run(plainPool(t)));
      const { pool, texts, seen } = instrumented(t);
      assert.deepEqual(await outcomeOf(() => run(pool)), expected);
      assert.deepEqual(texts(), statements);
      const acquired = seen.filter((one) => one.kind === 'pool-wait' && !one.failed).length;
      assert.ok(acquired <= Math.max(1, statements.length), `${acquired} connections for ${statements.length} calls`);
    });
  }

  test('counts rows, failures and time as the caller sees them', async (t) => {
    const { pool, seen } = instrumented(t);
    await pool.query('select generate_series(1, 40)');
    await pool.query('select pg_sleep(0.1)');
    await assert.rejects(pool.query('select 1 / 0'));
    await pool.query('select 1; select generate_series(1, 4)');
    const stream = await withClient(pool, async (client) => {
      const rows = client.query(new QueryStream('select generate_series(1, 20)', [], { batchSize: 5 }));
      let count = 0;
      for await (const row of rows) {
        assert.ok(row);
        count++;
        await sleep(5);
      }
      return count;
    });
    assert.equal(stream, 20);
    const calls = seen.filter((one) => one.kind === 'statement');
    assert.deepEqual(
      calls.map(({ rows, failed }) => [rows, failed]),
      [
        [40, false],
        [1, false],
        [0, true],
        [5, false],
        [20, false],
      ],
    );
    assert.ok((calls[1]?.durationMs ?? 0) >= 99);
    // The caller took 5 ms a row.
    assert.ok((calls[4]?.durationMs ?? 0) >= 70);
  });

  test('a broken connection ends its call, as a failure', async (t) => {
    const { pool, seen, texts } = instrumented(t);
    const outcome = outcomeOf(() => pool.query('select pg_sleep(30)'));
    const killer = plainPool(t);
    for (let i = 0; i < 100; i++) {
      const { rowCount } = await killer.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%' and datname = current_database()`,
      );
      if (rowCount !== 0) break;
      await sleep(10);
    }
    assert.match(JSON.stringify(await outcome), /terminat/);
    assert.deepEqual(texts(), ['select pg_sleep(?)']);
    assert.ok(seen.some((one) => one.kind === 'statement' && one.failed));
    assert.equal((await pool.query('select 1 as a')).rowCount, 1);
  });

  test('the wait for a connection is measured, and a wait in vain', async (t) => {
    const { pool, seen } = instrumented(t, { max: 1, connectionTimeoutMillis: 150 });
    const held = await pool.connect();
    const waiting = pool.query('select 1');
    await sleep(60);
    held.release();
    await waiting;
    const again = await pool.connect();
    await assert.rejects(pool.query('select 1'), /timeout/);
    again.release();
    const waits = seen.filter((one) => one.kind === 'pool-wait');
    assert.deepEqual(
      waits.map(({ failed }) => failed),
      [false, false, false, true],
    );
    assert.ok((waits[1]?.waitMs ?? 0) >= 55 && (waits[1]?.waitMs ?? 0) < 150);
    assert.ok((waits[3]?.waitMs ?? 0) >= 145);
  });

  test('calls belong to the request that made them, however connections are shared', async (t) => {
    const { pool, seen, context } = instrumented(t, { max: 2 });
    const scopes = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const scope = new RequestScope(systemClock.monotonicMs());
        scope.route = `GET /${i}`;
        await context.run(scope, async () => {
          await pool.query(`select ${i} as a`);
          await Promise.all([pool.query('select pg_sleep(0.01)'), pool.query('select pg_sleep(0.01)')]);
          await new Promise<void>((resolve, reject) => {
            pool.query('select $1::int', [i], (error) => {
              if (error) reject(error);
              // What a callback starts is the request's too.
              else pool.query('select 1 as nested').then(() => resolve(), reject);
            });
          });
          await withClient(pool, (client) => client.query('select 2 as held'));
        });
        return { scope, durationMs: systemClock.monotonicMs() - scope.startedAtMs };
      }),
    );
    const routes = new Map<string | null, number>();
    for (const one of seen) {
      if (one.kind === 'statement') routes.set(one.route, (routes.get(one.route) ?? 0) + 1);
    }
    for (const { scope, durationMs } of scopes) {
      assert.equal(routes.get(scope.route), 6);
      assert.equal(scope.databaseCalls, 6);
      const databaseMs = scope.databaseMs(0);
      assert.ok(databaseMs > 10 && databaseMs <= durationMs, `${databaseMs} of ${durationMs}`);
    }
    assert.equal(routes.get(null), undefined);
    await pool.query('select 1');
    const last = seen.findLast((one) => one.kind === 'statement');
    assert.equal(last?.kind === 'statement' && last.route, null);
  });

  test('gauges of the pool come once a second', async (t) => {
    const { pool, seen } = instrumented(t);
    await pool.query('select 1');
    await sleep(1_100);
    const level = seen.find((one) => one.kind === 'pool-level');
    assert.deepEqual(level && { ...level, atMs: 0 }, {
      kind: 'pool-level',
      atMs: 0,
      pool: 'main',
      database: 'main',
      size: 1,
      idle: 1,
      waiting: 0,
      max: 3,
    });
  });

  test('disposing restores pool and clients, those in use too', async (t) => {
    const { pool, seen, detach } = instrumented(t);
    const client = await pool.connect();
    await client.query('select 1');
    assert.equal(Object.hasOwn(pool, 'connect'), true);
    detach();
    assert.equal(Object.hasOwn(pool, 'connect'), false);
    assert.equal(Object.hasOwn(client, 'query'), false);
    assert.equal(pool.listenerCount('remove'), 0);
    const count = seen.length;
    await client.query('select 2');
    client.release();
    await pool.query('select 3');
    assert.equal(seen.length, count);
  });

  test('a wrapper of somebody else around ours keeps working', async (t) => {
    const { pool, seen, detach } = instrumented(t);
    const ours: unknown = Reflect.get(pool, 'connect');
    let calls = 0;
    Object.assign(pool, {
      connect(this: pg.Pool, ...args: unknown[]): unknown {
        calls++;
        return Reflect.apply(ours as (...all: unknown[]) => unknown, this, args);
      },
    });
    await pool.query('select 1');
    detach();
    await pool.query('select 1');
    assert.equal(calls, 2);
    assert.equal(seen.filter((one) => one.kind === 'statement').length, 1);
  });

  test("a pool's own kind of promise stays its own kind", async (t) => {
    const { pool } = instrumented(t, { Promise: CustomPromise });
    const connecting = pool.connect();
    assert.ok(connecting instanceof CustomPromise);
    (await connecting).release();
  });

  test('an error leads to the line that made the call', async (t) => {
    const lines = async (pool: pg.Pool): Promise<string> => {
      async function theCaller(): Promise<void> {
        await withClient(pool, (client) => client.query('select nothing'));
      }
      try {
        await theCaller();
      } catch (error) {
        return String((error as Error).stack); // `as`: pg throws errors
      }
      return '';
    };
    assert.match(await lines(plainPool(t)), /theCaller/);
    assert.match(await lines(instrumented(t).pool), /theCaller/);
  });

  test('Kysely works on it: queries, transactions, streams', async (t) => {
    const { pool, texts, seen } = instrumented(t);
    interface Tables {
      kysely_items: { id: number; name: string };
    }
    const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool, cursor: Cursor as never }) });
    await database.schema.createTable('kysely_items').addColumn('id', 'integer').addColumn('name', 'text').execute();
    await database.transaction().execute(async (transaction) => {
      for (const length of [1, 3, 2]) {
        await transaction
          .insertInto('kysely_items')
          .values(Array.from({ length }, (_, i) => ({ id: i, name: `secret ${i}` })))
          .execute();
      }
    });
    await assert.rejects(
      database.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('kysely_items').execute();
        throw new Error('expected');
      }),
    );
    const rows = await database
      .selectFrom('kysely_items')
      .selectAll()
      .where('name', 'in', ['secret 0', 'secret 1'])
      .execute();
    assert.equal(rows.length, 5);
    let streamed = 0;
    for await (const row of database.selectFrom('kysely_items').selectAll().stream(2)) {
      assert.ok(row);
      streamed++;
    }
    assert.equal(streamed, 6);
    await sql`select ${'secret'}::text, 'secret'`.execute(database);
    const insert = 'insert into "kysely_items" ("id", "name") values ($1, $2)';
    assert.deepEqual(texts(), [
      'create table "kysely_items" ("id" integer, "name" text)',
      'begin',
      insert,
      insert,
      insert,
      'commit',
      'begin',
      'delete from "kysely_items"',
      'rollback',
      'select * from "kysely_items" where "name" in (?)',
      'select * from "kysely_items"',
      'select $1::text, ?',
    ]);
    const inserted = seen.flatMap((one) =>
      one.kind === 'statement' && one.statement.text === insert ? [one.rows] : [],
    );
    assert.deepEqual(inserted, [1, 3, 2]);
    await database.destroy();
  });
});
