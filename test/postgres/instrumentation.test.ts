import assert from 'node:assert/strict';
import { after, afterEach, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import QueryStream from 'pg-query-stream';
import { PgRecorder } from '../../packages/autopilot/src/host/pg-instrumentation.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { CodePlaces } from '../../packages/autopilot/src/track/code-places.ts';
import type { Observation } from '../../packages/autopilot/src/track/observation.ts';
import { RequestContext, RequestScope } from '../../packages/autopilot/src/track/request-scope.ts';
import { StatementRegistry } from '../../packages/autopilot/src/track/statement-registry.ts';
import { leakCheck } from '../support/leak-check.ts';
import { Cursor, outcomeOf, scenarios, withClient } from '../support/pool-scenarios.ts';
import { databaseFor } from '../support/postgres.ts';

leakCheck(after);

class CustomPromise<T> extends Promise<T> {}

interface Instrumented {
  readonly pool: pg.Pool;
  readonly seen: Observation[];
  readonly context: RequestContext;
  readonly places: CodePlaces;
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
  const places = new CodePlaces(systemClock);
  const recorder = new PgRecorder({
    pool,
    poolName: 'main',
    database: 'main',
    clock: systemClock,
    context,
    statements: new StatementRegistry(),
    places,
    leakedAfterSeconds: 1,
  });
  const attached = recorder.attach({ record: (observation) => seen.push(observation) });
  const detach = (): void => attached[Symbol.dispose]();
  t.after(detach);
  return {
    pool,
    seen,
    context,
    places,
    detach,
    texts: () => seen.flatMap((one) => (one.kind === 'statement' ? [one.statement.text] : [])),
  };
}

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

  test('a connection that its request never gave back is counted and told with the line that took it', async (t) => {
    const { pool, seen, context, places } = instrumented(t);
    const request = new RequestScope(0);
    request.route = 'GET /leaks';
    const client = await context.run(request, () => pool.connect());
    const levels = () => seen.filter((one) => one.kind === 'pool-level');
    try {
      await pool.query('select 1');
      for (let round = 0; levels().length < 1 && round < 600; round++) await sleep(50);
      assert.equal(levels()[0]?.leaked, 0, 'its request may still want it');
      assert.equal(levels()[0]?.opened, 2);
      assert.equal(levels()[0]?.agesMs.length, 2);
      request.ended = true;
      for (let round = 0; levels().at(-1)?.leaked !== 1 && round < 600; round++) await sleep(50);
    } finally {
      client.release();
    }
    const [leak] = places.since(0).filter(({ kind }) => kind === 'leak');
    assert.deepEqual([leak?.key, leak?.route, leak?.count], ['main', 'GET /leaks', 1]);
    assert.match(leak?.frames[0] ?? '', /instrumentation\.test\.ts:\d+$/);
  });

  test('where a statement is sent from is seen through the pool, and behind an await', async (t) => {
    const { pool, context, places } = instrumented(t);
    const request = new RequestScope(0);
    request.route = 'GET /loops';
    await context.run(request, async () => {
      for (let time = 0; time < 12; time++) await pool.query('select 1 as repeated');
    });
    assert.deepEqual(
      request.repeats().map(({ statement, calls }) => [statement.text, calls]),
      [['select ? as repeated', 12]],
    );
    const [place] = places.since(0);
    assert.equal(place?.route, 'GET /loops');
    assert.match(place.frames[0] ?? '', /instrumentation\.test\.ts:\d+$/);
  });

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
    const uses = seen.filter((one) => one.kind === 'pool-use');
    assert.equal(uses.length, 3, 'what was given back');
    assert.ok((uses[0]?.useMs ?? 0) >= 55 && (uses[2]?.useMs ?? 0) >= 145);
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
    assert.equal(level?.agesMs.length, 1);
    assert.deepEqual(level && { ...level, atMs: 0, agesMs: [] }, {
      kind: 'pool-level',
      atMs: 0,
      pool: 'main',
      database: 'main',
      size: 1,
      idle: 1,
      waiting: 0,
      max: 3,
      opened: 1,
      closed: 0,
      agesMs: [],
      leaked: 0,
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
    assert.equal(pool.listenerCount('release'), 0);
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
