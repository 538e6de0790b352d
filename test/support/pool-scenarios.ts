import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import pg from 'pg';
import QueryStream from 'pg-query-stream';

/** Every way to call a pool or a client, for tests that hold an instrumented one to what an untouched one does. */

interface CursorOf {
  read(rows: number): Promise<readonly object[]>;
  close(): Promise<void>;
}

// pg-cursor has no types of its own.
export const Cursor = createRequire(import.meta.url)('pg-cursor') as new (
  text: string,
  values?: unknown[],
) => pg.Submittable & CursorOf;

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

export async function outcomeOf(run: () => unknown): Promise<unknown> {
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

export async function withClient<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

export const scenarios: readonly Scenario[] = [
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
