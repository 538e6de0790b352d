import pg from 'pg';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { DatabaseCollector } from '../../packages/autopilot/src/observe/database-collector.ts';
import { ObservedDatabase, OWN_MARK } from '../../packages/autopilot/src/postgres/observed-database.ts';
import { migrate } from '../../packages/autopilot/src/storage/migrate.ts';
import { PostgresDatabaseHistory } from '../../packages/autopilot/src/storage/postgres/postgres-database-history.ts';
import { type BenchServer, startServer } from '../databases/bench-database.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';

/** Statements that differ, of each table. */
const SHAPES = [
  (table: string): string => `SELECT name FROM ${table} WHERE id = 1`,
  (table: string): string => `SELECT id FROM ${table} WHERE name = 'a'`,
  (table: string): string => `SELECT count(*) FROM ${table}`,
  (table: string): string => `UPDATE ${table} SET name = 'b' WHERE id = 1`,
  (table: string): string => `SELECT id, name FROM ${table} ORDER BY id LIMIT 10`,
] as const;
const COLLECT_MS = 15_000;
const TURNS_A_MINUTE = 60_000 / COLLECT_MS;
/** Statements that are called between two readings; the minute's share of a busy application. */
const BUSY_STATEMENTS = 250;

/**
 * What reading a large database regularly costs: CPU of the control plane's side (reading, deltas, handing on to its history),
 * and time of the observed database as it counts it itself. Minutes pass as fast as they can; what is done in each is
 * that of a real one.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const tables = quick ? 100 : 1_000;
  const minutes = quick ? 4 : 30;
  const settings = { collect: true, collectMs: COLLECT_MS, tablesMs: 60_000, sizesMs: 900_000, plansPerMinute: 3 };
  await using server = await startServer(18);
  const url = await newDatabase(server, 'observed');
  const historyUrl = await newDatabase(server, 'history');
  await using stack = new AsyncDisposableStack();
  const client = await connected(stack, url);
  const historyClient = await connected(stack, historyUrl);
  await migrate(historyClient);
  await client.query('CREATE EXTENSION pg_stat_statements');
  const names = Array.from({ length: tables }, (_, at) => `work_${at}`);
  for (let at = 0; at < names.length; at += 100)
    await client.query(
      names
        .slice(at, at + 100)
        .map(
          (name) =>
            `CREATE TABLE ${name} (id int PRIMARY KEY, name text); INSERT INTO ${name} SELECT i, 'n' || i FROM generate_series(1, 10) i`,
        )
        .join(';'),
    );
  await client.query('SELECT pg_stat_statements_reset()');
  const statements = names.flatMap((name) => SHAPES.map((shape) => shape(name)));
  for (const text of statements) await client.query(text);
  log(`database: ${tables} tables, ${statements.length} statements`);

  const history = new PostgresDatabaseHistory(historyUrl);
  stack.defer(() => history.close());
  const observed = new ObservedDatabase(url, { maxConnections: 1 });
  stack.defer(() => observed.close());
  const clock = new FakeClock(1_700_000_000_000);
  const collector = new DatabaseCollector({
    name: 'main',
    database: () => observed,
    history,
    clock,
    settings: () => settings,
  });

  const first = await costOf(client, () => collector.turn());
  const atFirst = await ownStatements(client);
  const costs: Cost[] = [];
  let next = 0;
  for (let minute = 0; minute < minutes; minute++) {
    let minuteCost = { cpuMs: 0, databaseMs: 0 };
    for (let turn = 0; turn < TURNS_A_MINUTE; turn++) {
      for (let at = 0; at < BUSY_STATEMENTS; at++) await client.query(statements[next++ % statements.length] ?? '');
      clock.advance(COLLECT_MS);
      const cost = await costOf(client, () => collector.turn());
      minuteCost = { cpuMs: minuteCost.cpuMs + cost.cpuMs, databaseMs: minuteCost.databaseMs + cost.databaseMs };
    }
    if (collector.status.trouble !== null) throw new Error(collector.status.trouble);
    costs.push(minuteCost);
  }
  const mean = (of: (cost: Cost) => number): number => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  const worst = (of: (cost: Cost) => number): number => Math.max(...costs.map(of));
  const rowOf = (name: string, cpuMs: number | null, databaseMs: number): BenchRow => ({
    what: name,
    'CPU ms': cpuMs,
    'database ms': databaseMs,
  });
  const dearest = [...(await ownStatements(client))]
    .map(([text, ms]) => ({ text, ms: (ms - (atFirst.get(text) ?? 0)) / minutes }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 5);
  const share = mean(({ cpuMs }) => cpuMs) / 60_000;
  const databaseMs = mean((cost) => cost.databaseMs);
  return {
    rows: [
      rowOf('the first reading', first.cpuMs, first.databaseMs),
      rowOf(
        'a minute, mean',
        mean(({ cpuMs }) => cpuMs),
        databaseMs,
      ),
      rowOf(
        'a minute, worst',
        worst(({ cpuMs }) => cpuMs),
        worst((cost) => cost.databaseMs),
      ),
      ...dearest.map(({ text, ms }) => rowOf(`of a minute: ${text}`, null, ms)),
    ],
    goals: [
      { goal: 'collecting takes under 0.5 % of a core', measured: `${(100 * share).toFixed(3)} %`, met: share < 0.005 },
      {
        goal: 'collecting takes under 150 ms of database time a minute',
        measured: `${databaseMs.toFixed(1)} ms`,
        met: databaseMs < 150,
      },
    ],
    notes: [
      `${tables} tables, ${statements.length} statements, of which ${BUSY_STATEMENTS * TURNS_A_MINUTE} are called each minute; ${minutes} minutes, sizes every 15 of them. Both sides run on this machine.`,
      'Database time is total_exec_time of our own statements in the observed database; writing to the history is in the CPU, and not in the database time.',
    ],
  };
}

interface Cost {
  readonly cpuMs: number;
  readonly databaseMs: number;
}

/** What something costs this process, and the observed database. */
async function costOf(client: pg.Client, act: () => Promise<void>): Promise<Cost> {
  const before = await ownMs(client);
  const cpu = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1_000, databaseMs: (await ownMs(client)) - before };
}

/** Time of each of our own statements in the observed database, by how its text begins. */
async function ownStatements(client: pg.Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ text: string; ms: number }>(
    `SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 70) AS text, sum(total_exec_time)::float8 AS ms FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND position($1 IN query) > 0 GROUP BY 1`,
    [OWN_MARK],
  );
  return new Map(rows.map(({ text, ms }) => [text, ms]));
}

async function ownMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT coalesce(sum(total_exec_time), 0)::float8 AS ms FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND position($1 IN query) > 0`,
    [OWN_MARK],
  );
  return rows[0]?.ms ?? 0;
}

async function newDatabase({ server }: BenchServer, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  return server.url(name);
}

async function connected(stack: AsyncDisposableStack, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  stack.defer(() => client.end());
  return client;
}
