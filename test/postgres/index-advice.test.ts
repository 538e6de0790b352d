import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { adviseIndexes } from '../../packages/autopilot/src/advise/index-advisor.ts';
import { ShadowKeeper } from '../../packages/autopilot/src/advise/shadow-keeper.ts';
import type { IndexAdvice } from '../../packages/autopilot/src/contract/index-advice.ts';
import { makeShop, readingRole, shopStatements } from '../support/planner-world.ts';
import { type TestDatabase, throwawayServer } from '../support/postgres.ts';

const program = join(import.meta.dirname, '../../packages/autopilot/src/cli/main.ts');
let database: TestDatabase;
let url = '';
/** Statements that write, with who sent them. */
const log: string[] = [];

const serverOptions = {
  settings: { log_statement: 'mod', log_line_prefix: '%u ' },
  onLog: (line: string): void => void log.push(line),
};

const started = throwawayServer({ after, afterEach }, serverOptions);

before(async () => {
  const server = await started;
  // The server is this file's own and goes with all that is in it.
  database = { name: 'postgres', url: server.url('postgres'), server };
  await makeShop(database);
  // Things that an advisor could stumble over.
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`CREATE TABLE wide (${Array.from({ length: 500 }, (_, at) => `c${at} int`).join(', ')});
    CREATE TABLE "Tabelle ä" ("Spalte ö" text); ALTER TABLE "Tabelle ä" ENABLE ROW LEVEL SECURITY;
    CREATE TABLE pairs (id int PRIMARY KEY, a int, b int); INSERT INTO pairs SELECT i, i % 30, i % 30 FROM generate_series(1, 20000) i;
    CREATE STATISTICS pairs_common (mcv) ON a, b FROM pairs; ANALYZE pairs`);
  await client.end();
  url = await readingRole(database, 'advice_reader');
});

/** A copy is brought up to date in less time than it is built. */
const shadows = new ShadowKeeper();
after(() => shadows.close());

/** Of the shop's, enough for two tables and their join, and for one in partitions. */
const statements = [...shopStatements.slice(1, 9), `SELECT count(*) FROM events WHERE order_id = 77`];

const ddl = ({ create }: IndexAdvice): readonly string[] => create.map((one) => one.ddl);

test('a workload gets the indexes that make it cheaper, which the real server then uses', async () => {
  const advice = await adviseIndexes({ url, shadows, workload: statements.join(';\n'), searchMs: 3_000 });
  assert.equal(advice.verdict, 'change', advice.reason);
  assert.equal(advice.fidelity.same, advice.fidelity.compared);
  assert.ok(advice.savedRatio > 0.2, String(advice.savedRatio));
  assert.ok(advice.rejected.length > 0 && advice.rejected.every(({ reason }) => reason !== ''));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const total = async (): Promise<number> => {
      let sum = 0;
      for (const sql of statements) {
        const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`);
        sum += rows[0]['QUERY PLAN'][0].Plan['Total Cost'];
      }
      return sum;
    };
    const before = await total();
    const steps = advice.create.flatMap((one) => one.steps);
    assert.ok(steps.filter((sql) => sql.includes('ATTACH PARTITION')).length >= 2, steps.join('\n'));
    for (const sql of steps) {
      assert.match(sql, /CONCURRENTLY|ON ONLY|ATTACH/);
      await client.query(sql);
    }
    assert.deepEqual((await client.query('SELECT FROM pg_index WHERE NOT indisvalid')).rowCount, 0);
    const saved = 1 - (await total()) / before;
    assert.ok(Math.abs(saved - advice.savedRatio) < 0.1, `${saved} for ${advice.savedRatio}`);
    await client.query(
      (
        await client.query<{ drop: string }>(
          `SELECT string_agg('DROP INDEX ' || indexrelid::regclass, ';') AS drop FROM pg_index
           WHERE indrelid IN ('orders'::regclass, 'customers'::regclass, '"Order Items"'::regclass, 'events'::regclass)
             AND NOT indisunique AND indexrelid NOT IN ('orders_customer'::regclass, 'events_kind'::regclass)`,
        )
      ).rows[0]?.drop ?? '',
    );
  } finally {
    await client.end();
  }
});

test('what can not be planned is said, small tables get none, and what else is missing is named', async () => {
  const asked = [
    `SELECT * FROM "Order Items" WHERE sku = $1 AND quantity = $2`,
    'SELECT * FROM nothing',
    `SET work_mem = '1MB'`,
    'SELECT * FROM pg_temp.gone',
    'SELEKT 1',
    'EXECUTE prepared(1)',
    `/* ü; */ SELECT "Spalte ö" FROM "Tabelle ä" WHERE "Spalte ö" = 'x'`,
    'SELECT c499 FROM wide WHERE c250 = 7',
    `WITH RECURSIVE up AS (SELECT 1::bigint AS id UNION ALL SELECT o.id + 1 FROM up JOIN orders o ON o.id = up.id) SELECT * FROM up`,
    'SELECT * FROM orders WHERE data @> $1',
    'SELECT * FROM orders WHERE note = $1 AND data = $2',
    'SELECT * FROM orders ORDER BY random() LIMIT 5',
  ];
  const workload = asked.map((sql) => ({ sql, calls: 10, totalMs: 10, rows: 2_000 }));
  const advice = await adviseIndexes({ url, shadows, workload, searchMs: 5_000 });
  assert.equal(advice.skipped.length, 6, JSON.stringify(advice.skipped));
  assert.match(advice.skipped.find(({ sql }) => sql.includes('Spalte'))?.reason ?? '', /row-level security/);
  assert.equal(advice.coverage.statements, 6);
  assert.ok(
    ddl(advice).some((sql) => /ON "public"."Order Items" \("sku"/.test(sql)),
    ddl(advice).join('\n'),
  );
  assert.ok(
    ddl(advice).some((sql) => /USING gin \("data"\)/.test(sql)),
    ddl(advice).join('\n'),
  );
  const reasons = new Map(advice.rejected.map((one) => [one.ddl, one.reason]));
  assert.match(reasons.get('CREATE INDEX ON "public"."wide"') ?? '', /^It has 0 pages/);
  // 100 notes and 50 documents, but each note always has the same document.
  assert.ok(
    advice.statistics.some((one) => one.ddl.endsWith('ON "note", "data" FROM "public"."orders"')),
    JSON.stringify(advice.statistics),
  );
  assert.match(advice.hints.find(({ sql }) => sql.includes('random()'))?.hint ?? '', /TABLESAMPLE/);
  assert.ok(log.some((line) => line.startsWith('postgres ') && line.includes('CREATE TABLE wide')));
  assert.deepEqual(
    log.filter((line) => line.startsWith('advice_reader ') && line.includes('LOG:')),
    [],
  );
});

test('a table that is written more than it is read gets no index', async () => {
  const read = `SELECT * FROM "Order Items" WHERE sku = 'sku-3'`;
  const write = `INSERT INTO "Order Items" (id, "order id", sku, quantity) VALUES ($1, $2, $3, $4)`;
  const writes = Array.from({ length: 1_500 }, () => write).join(';');
  // That much is known also without a value of any row.
  const { create, notes, fidelity } = await adviseIndexes({
    url,
    shadows,
    workload: read,
    searchMs: 5_000,
    withoutSamples: true,
  });
  assert.equal(create.length, 1);
  assert.deepEqual([fidelity.same, fidelity.compared], [1, 1]);
  assert.ok(notes.some((note) => note.includes('No value of a row')));
  const advice = await adviseIndexes({ url, shadows, workload: `${read};${writes}`, searchMs: 5_000 });
  assert.deepEqual(ddl(advice), []);
  assert.ok(advice.rejected.some(({ reason }) => reason.includes('writes')));
});

test('where the copy does not plan like the server there is no advice', async () => {
  // Common pairs are not in the copy, which takes the columns for independent.
  const workload = 'SELECT * FROM pairs WHERE a = 7 AND b = 7 ORDER BY id LIMIT 20';
  const { verdict, reason, fidelity, create } = await adviseIndexes({ url, shadows, workload, searchMs: 1_000 });
  assert.deepEqual([verdict, fidelity.compared, fidelity.same, create.length], ['leave', 1, 0, 0], reason);
  assert.match(reason, /The shadow plans only 0 of 1 statements as the server does/);
});

test('the command line says it in words', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'advice-'));
  try {
    const file = join(directory, 'workload.sql');
    writeFileSync(file, `SELECT * FROM orders WHERE created_at > '2026-01-27'`);
    const counted = await readingRole(database, 'counted_reader');
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(`ALTER ROLE counted_reader SET log_statement = 'all'`);
    await client.end();
    const args = ['-C', 'source', program, 'db', 'advise', '--url', counted, '--workload', file, '--budget', '1GB'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.match(stdout, /CREATE INDEX CONCURRENTLY "orders_created_at_idx" ON "public"\."orders" \("created_at"\)/);
    assert.match(stdout, /planned 1 of 1 as the server does/);
    const sent = Number(/was sent (\d+) statements/.exec(stdout)?.[1]);
    assert.ok(sent < 30, String(sent));
    // The last one may be logged after the command has ended.
    const logged = (): number => log.filter((line) => line.startsWith('counted_reader LOG:')).length;
    assert.ok(logged() >= sent - 1 && logged() <= sent + 1, `${logged()} for ${sent}`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
