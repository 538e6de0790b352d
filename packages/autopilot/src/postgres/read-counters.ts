import type pg from 'pg';
import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import { type ObservedDatabase, OWN_MARK } from './observed-database.ts';
import type { ServerShape } from './server-shape.ts';
import { arraysOf, type CountedStatements, type StatementCounts } from './statement-counts.ts';

/**
 * What is read regularly, made to be cheap: no texts, no sizes, rows as arrays, and everything in one transaction. Cost for 1,000
 * tables and 5,000 statements: 5 ms of the server for statements, 3 for tables, 1 for the rest.
 */

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
  /** Of transactions, that were given out since the server was made. */
  readonly identifiers: number;
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
  /** null: not asked for, or pg_stat_statements is not there. */
  readonly statements: CountedStatements | null;
  readonly database: CountedDatabase;
  /** null: not asked for. */
  readonly tables: readonly CountedTable[] | null;
}

/** @throws AutopilotError AP_DATABASE_UNREACHABLE, AP_DATABASE_REFUSED; the server's own errors as they are */
export async function readCounters(
  database: ObservedDatabase,
  shape: ServerShape,
  { tables, counts = null }: { readonly tables: boolean; readonly counts?: StatementCounts | null },
): Promise<CountersReading> {
  return await database.within(async (client) => ({
    statements: counts !== null && shape.has('pg_stat_statements') ? await counts.read(client, shape) : null,
    database: await databaseOf(client),
    tables: tables ? await tablesOf(client) : null,
  }));
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
       deadlocks::float8, pg_snapshot_xmax(pg_current_snapshot())::text::float8
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
    identifiers: count(6),
  };
}

async function tablesOf(client: pg.ClientBase): Promise<readonly CountedTable[]> {
  const rows = await arraysOf(
    client,
    // What pg_stat_user_tables is made of, without what is not wanted of it: half of the cost.
    `SELECT ${OWN_MARK} c.oid, n.nspname || '.' || c.relname, pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid),
       pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
       pg_stat_get_tuples_hot_updated(c.oid), pg_stat_get_vacuum_count(c.oid) + pg_stat_get_autovacuum_count(c.oid),
       pg_stat_get_mod_since_analyze(c.oid)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm', 'p') AND ${APPLICATION_SCHEMAS}`,
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
