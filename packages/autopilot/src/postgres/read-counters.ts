import type pg from 'pg';
import { type StatementCounter, statementCounters } from '../contract/statement-counters.ts';
import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import { type ObservedDatabase, OWN_MARK } from './observed-database.ts';
import type { ServerShape } from './server-shape.ts';

/**
 * What is read regularly, made to be cheap: no texts, no sizes, rows as arrays, and everything in one transaction. Cost for 1,000
 * tables and 5,000 statements: 8 ms of the server for statements, 8 for tables, 1 for the rest.
 */

/** A statement's counters since `since`. */
export interface CountedStatement {
  readonly queryId: string;
  readonly role: string;
  /** null: since the reset of all, or older than PostgreSQL 17. */
  readonly since: string | null;
  readonly counters: Readonly<Record<StatementCounter, number>>;
}

/** All statements that the server counts, and how often it had to forget some. */
export interface CountedStatements {
  readonly statements: readonly CountedStatement[];
  /** Times that the least used twentieth was forgotten, since the reset; null: older than pg_stat_statements 1.9. */
  readonly evictions: number | null;
  /** ms since 1970, as the server's clock has it; null: not told. */
  readonly resetAt: number | null;
  /** When they were read, by the same clock. */
  readonly at: number;
  /** Places for statements. */
  readonly max: number | null;
}

/** The database as a whole: levels of now, and counters since its server counts. */
export interface CountedDatabase {
  readonly connections: number;
  readonly active: number;
  readonly idleInTransaction: number;
  readonly waitingForLocks: number;
  /** ms; of the oldest transaction, 0 when there is none. */
  readonly oldestTransactionMs: number;
  readonly transactions: number;
  readonly rollbacks: number;
  readonly pagesHit: number;
  readonly pagesRead: number;
  readonly tempBytes: number;
  readonly deadlocks: number;
}

/** A table's counters since its server counts. */
export interface CountedTable {
  readonly oid: string;
  /** With its schema: "public.tasks". */
  readonly relation: string;
  readonly liveRows: number;
  readonly deadRows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly hotUpdated: number;
  readonly vacuums: number;
  readonly changedSinceAnalyze: number;
}

/** What one reading found. */
export interface CountersReading {
  /** null: pg_stat_statements is not there. */
  readonly statements: CountedStatements | null;
  readonly database: CountedDatabase;
  /** null: not asked for. */
  readonly tables: readonly CountedTable[] | null;
}

/** @throws AutopilotError AP_DATABASE_UNREACHABLE, AP_DATABASE_REFUSED; the server's own errors as they are */
export async function readCounters(
  database: ObservedDatabase,
  shape: ServerShape,
  { tables }: { readonly tables: boolean },
): Promise<CountersReading> {
  return await database.within(async (client) => ({
    statements: shape.has('pg_stat_statements') ? await statementsOf(client, shape) : null,
    database: await databaseOf(client),
    tables: tables ? await tablesOf(client) : null,
  }));
}

type Cell = string | number | null;

async function arraysOf(client: pg.ClientBase, text: string): Promise<Cell[][]> {
  const { rows } = await client.query<Cell[]>({ text, rowMode: 'array' });
  return rows;
}

async function statementsOf(client: pg.ClientBase, shape: ServerShape): Promise<CountedStatements> {
  const column = (names: readonly string[]): string => shape.column('pg_stat_statements', 's', names, '0');
  const expressions: Readonly<Record<StatementCounter, string>> = {
    calls: 's.calls',
    totalMs: column(['total_exec_time', 'total_time']),
    rows: 's.rows',
    planMs: column(['total_plan_time']),
    buffersHit: 's.shared_blks_hit',
    buffersRead: 's.shared_blks_read',
    buffersDirtied: 's.shared_blks_dirtied',
    tempBuffersRead: 's.temp_blks_read',
    tempBuffersWritten: 's.temp_blks_written',
    readMs: column(['shared_blk_read_time', 'blk_read_time']),
    writeMs: column(['shared_blk_write_time', 'blk_write_time']),
    walBytes: column(['wal_bytes']),
  };
  const since = shape.column('pg_stat_statements', 's', ['stats_since'], 'NULL');
  // Of other roles' statements one without rights sees no id. Neither cast nor added nor joined there: with thousands of statements
  // that is most of what the reading takes, and here it is little.
  const rows = await arraysOf(
    client,
    `SELECT ${OWN_MARK} s.queryid, s.userid, (${since})::text, ${statementCounters.map((name) => expressions[name]).join(', ')}
     FROM ${shape.nameOf('pg_stat_statements')}(false) s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.queryid IS NOT NULL`,
  );
  const roles = new Map(
    (await arraysOf(client, `SELECT ${OWN_MARK} oid, rolname FROM pg_roles`)).map(([oid, name]) => [oid, String(name)]),
  );
  const info = shape.has('pg_stat_statements_info')
    ? `i.dealloc::float8, (extract(epoch FROM i.stats_reset) * 1000)::float8 FROM ${shape.nameOf('pg_stat_statements_info')} i`
    : 'NULL, NULL';
  const [head = []] = await arraysOf(
    client,
    `SELECT ${OWN_MARK} current_setting('pg_stat_statements.max', true), (extract(epoch FROM clock_timestamp()) * 1000)::float8, ${info}`,
  );
  const [max, at, evictions, resetAt] = head;
  return {
    statements: addedUp(rows, roles),
    evictions: typeof evictions === 'number' ? evictions : null,
    resetAt: typeof resetAt === 'number' ? resetAt : null,
    at: Number(at),
    max: max === null || max === undefined ? null : Number(max),
  };
}

/** A statement is counted once by itself and once within functions: one row each, of one statement and role. */
function addedUp(rows: readonly Cell[][], roles: ReadonlyMap<Cell | undefined, string>): readonly CountedStatement[] {
  const statements = new Map<string, CountedStatement & { readonly counters: Record<StatementCounter, number> }>();
  for (const [queryId, user, counted, ...values] of rows) {
    const id = `${queryId} ${user}`;
    const since = counted === null || counted === undefined ? null : String(counted);
    const known = statements.get(id);
    if (known !== undefined) {
      for (const [at, name] of statementCounters.entries()) known.counters[name] += Number(values[at] ?? 0);
      if (since !== null && (known.since === null || since < known.since)) statements.set(id, { ...known, since });
      continue;
    }
    const named = statementCounters.map((name, at) => [name, Number(values[at] ?? 0)]);
    statements.set(id, {
      queryId: String(queryId),
      role: roles.get(user) ?? String(user),
      since,
      // Every name is written.
      counters: Object.fromEntries(named) as Record<StatementCounter, number>,
    });
  }
  return [...statements.values()];
}

async function databaseOf(client: pg.ClientBase): Promise<CountedDatabase> {
  const [levels = []] = await arraysOf(
    client,
    `SELECT ${OWN_MARK} count(*)::int, count(*) FILTER (WHERE state = 'active')::int,
       count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int,
       count(*) FILTER (WHERE wait_event_type = 'Lock')::int,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)) * 1000, 0)::float8
     FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  const [counted = []] = await arraysOf(
    client,
    `SELECT ${OWN_MARK} xact_commit::float8, xact_rollback::float8, blks_hit::float8, blks_read::float8, temp_bytes::float8,
       deadlocks::float8
     FROM pg_stat_database WHERE datname = current_database()`,
  );
  const level = (at: number): number => Number(levels[at] ?? 0);
  const count = (at: number): number => Number(counted[at] ?? 0);
  return {
    connections: level(0),
    active: level(1),
    idleInTransaction: level(2),
    waitingForLocks: level(3),
    oldestTransactionMs: level(4),
    transactions: count(0) + count(1),
    rollbacks: count(1),
    pagesHit: count(2),
    pagesRead: count(3),
    tempBytes: count(4),
    deadlocks: count(5),
  };
}

async function tablesOf(client: pg.ClientBase): Promise<readonly CountedTable[]> {
  const rows = await arraysOf(
    client,
    `SELECT ${OWN_MARK} s.relid::text, s.schemaname || '.' || s.relname, s.n_live_tup::float8, s.n_dead_tup::float8,
       s.n_tup_ins::float8, s.n_tup_upd::float8, s.n_tup_del::float8, s.n_tup_hot_upd::float8,
       (s.vacuum_count + s.autovacuum_count)::float8, s.n_mod_since_analyze::float8
     FROM pg_stat_user_tables s JOIN pg_namespace n ON n.nspname = s.schemaname WHERE ${APPLICATION_SCHEMAS}`,
  );
  return rows.map(([oid, relation, live, dead, inserted, updated, deleted, hot, vacuums, changed]) => ({
    oid: String(oid),
    relation: String(relation),
    liveRows: Number(live),
    deadRows: Number(dead),
    inserted: Number(inserted),
    updated: Number(updated),
    deleted: Number(deleted),
    hotUpdated: Number(hot),
    vacuums: Number(vacuums),
    changedSinceAnalyze: Number(changed),
  }));
}
