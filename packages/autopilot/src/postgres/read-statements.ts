import type { DatabaseGap, DatabaseServer, StatementStatistics } from '../contract/database.ts';
import { longestList, normalizeStatement } from '../kernel/statement-text.ts';
import { isOwnStatement, type ObservedDatabase, OWN_MARK } from './observed-database.ts';
import { grants } from './read-server.ts';
import { type Reading, readOr } from './reading.ts';
import type { ServerShape } from './server-shape.ts';

/** How much room pg_stat_statements has, and how often it had to make some. */
export interface StatementRoom {
  /** Entries made room for since the reset; null: the extension is older than 1.9 and does not count them. */
  readonly evictions: number | null;
  readonly resetAt: string | null;
  readonly max: number | null;
}

/** What pg_stat_statements holds of one database. */
export interface StatementsReading {
  readonly statements: readonly StatementStatistics[];
  readonly room: StatementRoom;
}

/** What is asked of pg_stat_statements. */
export interface StatementsRequest {
  /** Those that took most time; default all. */
  readonly limit?: number;
  /** Those that are this slow on average; default 0. */
  readonly minMeanMs?: number;
  /** Texts cost most of the reading: without them `text` is '' and the autopilot's own statements are among the rest. */
  readonly texts?: boolean;
  /** Only these, with texts. */
  readonly queryIds?: readonly string[];
}

interface StatementRow {
  readonly [column: string]: unknown;
  readonly query_id: string | null;
  readonly role: string;
  readonly query: string | null;
  readonly calls: number;
  readonly total_ms: number;
  readonly mean_ms: number;
  readonly min_ms: number;
  readonly max_ms: number;
  readonly deviation_ms: number;
  readonly rows: number;
  readonly plan_ms: number;
  readonly hit: number;
  readonly read: number;
  readonly dirtied: number;
  readonly temp_read: number;
  readonly temp_written: number;
  readonly read_ms: number;
  readonly write_ms: number;
  readonly wal_bytes: number;
}

const nothing: StatementsReading = { statements: [], room: { evictions: null, resetAt: null, max: null } };
const HIDDEN = '<insufficient privilege>';

/** Statements of the database with what they cost, most time first; a gap when they are not counted or not visible. */
export async function readStatements(
  database: ObservedDatabase,
  shape: ServerShape,
  server: DatabaseServer,
  request: StatementsRequest = {},
): Promise<Reading<StatementsReading>> {
  if (!shape.has('pg_stat_statements')) return { value: nothing, gaps: [await missingExtension(database, server)] };
  const reading = await readOr(
    { reading: 'statements', rightRemedy: grants.statistics(server.role) },
    nothing,
    async () => ({ statements: await rowsOf(database, shape, request), room: await roomOf(database, shape) }),
  );
  const hidden = reading.value.statements.filter(({ text }) => text === HIDDEN);
  if (hidden.length === 0) return withoutOwn(reading, reading.gaps);
  const gap: DatabaseGap = {
    reading: 'statements',
    cause: 'right',
    reason: `The texts of ${hidden.length} statements are those of other roles, which ${server.role} may not see.`,
    remedy: grants.statistics(server.role),
  };
  return withoutOwn(reading, [...reading.gaps, gap]);
}

function withoutOwn(
  { value: { statements, room } }: Reading<StatementsReading>,
  gaps: readonly DatabaseGap[],
): Reading<StatementsReading> {
  const others = statements.filter(({ text }) => text !== HIDDEN && !isOwnStatement(text));
  // The extension replaces literals of what it can parse; statements like SET keep theirs.
  const safe = others.map((one) => ({
    ...one,
    text: normalizeStatement(one.text),
    listValues: longestList(one.text),
  }));
  return { value: { statements: safe, room }, gaps };
}

/** As isOwnStatement says; here too, so that the autopilot's statements take no places of a limited list. */
const OWN = ` AND position('${OWN_MARK}' IN s.query) = 0 AND s.query !~ '\\mautopilot\\.[a-z_]+'`;

async function rowsOf(
  database: ObservedDatabase,
  shape: ServerShape,
  { limit, minMeanMs = 0, texts = true, queryIds }: StatementsRequest,
): Promise<StatementStatistics[]> {
  const column = (names: readonly string[], instead = '0'): string =>
    shape.column('pg_stat_statements', 's', names, instead);
  const calls = 'sum(s.calls)::float8';
  const total = `sum(${column(['total_exec_time', 'total_time'])})::float8`;
  // One statement has a row for each role, and one more for being called from a function.
  const rows = await database.read<StatementRow>(
    `SELECT s.queryid::text AS query_id, coalesce(r.rolname, s.userid::text)::text AS role, ${texts ? 'min(s.query)' : "''"} AS query,
       ${calls} AS calls, ${total} AS total_ms, ${total} / nullif(${calls}, 0) AS mean_ms,
       min(${column(['min_exec_time', 'min_time'])})::float8 AS min_ms, max(${column(['max_exec_time', 'max_time'])})::float8 AS max_ms,
       max(${column(['stddev_exec_time', 'stddev_time'])})::float8 AS deviation_ms, sum(s.rows)::float8 AS rows,
       sum(${column(['total_plan_time'])})::float8 AS plan_ms,
       sum(s.shared_blks_hit)::float8 AS hit, sum(s.shared_blks_read)::float8 AS read, sum(s.shared_blks_dirtied)::float8 AS dirtied,
       sum(s.temp_blks_read)::float8 AS temp_read, sum(s.temp_blks_written)::float8 AS temp_written,
       sum(${column(['shared_blk_read_time', 'blk_read_time'])})::float8 AS read_ms,
       sum(${column(['shared_blk_write_time', 'blk_write_time'])})::float8 AS write_ms,
       sum(${column(['wal_bytes'])})::float8 AS wal_bytes
     FROM ${shape.nameOf('pg_stat_statements')}${texts ? '' : '(false)'} s LEFT JOIN pg_roles r ON r.oid = s.userid
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND ($3::text[] IS NULL OR s.queryid::text = ANY ($3))${texts ? OWN : ''}
     GROUP BY s.queryid, r.rolname, s.userid
     HAVING sum(s.calls) > 0 AND ${total} / sum(s.calls) >= $1
     ORDER BY total_ms DESC LIMIT $2`,
    [minMeanMs, limit ?? null, queryIds ?? null],
  );
  // Of other roles' statements one without rights sees neither id nor text.
  return rows
    .filter(({ query_id }) => texts || query_id !== null)
    .map((row) => ({
      queryId: row.query_id ?? '',
      role: row.role,
      text: row.query ?? '',
      calls: row.calls,
      totalMs: row.total_ms,
      meanMs: row.mean_ms,
      minMs: row.min_ms,
      maxMs: row.max_ms,
      deviationMs: row.deviation_ms,
      rows: row.rows,
      planMs: row.plan_ms,
      buffersHit: row.hit,
      buffersRead: row.read,
      buffersDirtied: row.dirtied,
      tempBuffersRead: row.temp_read,
      tempBuffersWritten: row.temp_written,
      readMs: row.read_ms,
      writeMs: row.write_ms,
      walBytes: row.wal_bytes,
      listValues: 0,
    }));
}

async function roomOf(database: ObservedDatabase, shape: ServerShape): Promise<StatementRoom> {
  const max = `(SELECT setting::int FROM pg_settings WHERE name = 'pg_stat_statements.max')`;
  const from = shape.has('pg_stat_statements_info') ? `FROM ${shape.nameOf('pg_stat_statements_info')} i` : '';
  const [row] = await database.read<{ evictions: number | null; reset_at: Date | null; max: number | null }>(
    `SELECT ${from === '' ? 'NULL::float8' : 'i.dealloc::float8'} AS evictions,
       ${from === '' ? 'NULL::timestamptz' : 'i.stats_reset'} AS reset_at, ${max} AS max ${from}`,
  );
  return { evictions: row?.evictions ?? null, resetAt: row?.reset_at?.toISOString() ?? null, max: row?.max ?? null };
}

/** What has to be done before statements are counted: the library, a restart, the extension. */
async function missingExtension(database: ObservedDatabase, server: DatabaseServer): Promise<DatabaseGap> {
  const [row] = await database.read<{ available: boolean; libraries: string | null }>(
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
       (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS libraries`,
  );
  const reading = 'statements';
  const libraries = row?.libraries ?? null;
  if (row?.available !== true) {
    return {
      reading,
      cause: 'extension',
      reason: 'The extension pg_stat_statements is not on this server.',
      remedy:
        'Install the contrib package of PostgreSQL. Without it, statements are those that the application reports.',
    };
  }
  const create = 'CREATE EXTENSION pg_stat_statements;';
  if (libraries !== null && !libraries.includes('pg_stat_statements')) {
    const all = [libraries, 'pg_stat_statements'].filter((one) => one !== '').join(',');
    return {
      reading,
      cause: 'setting',
      reason: `pg_stat_statements is not loaded: shared_preload_libraries is "${libraries}".`,
      remedy: `ALTER SYSTEM SET shared_preload_libraries = '${all}'; restart the server; then, in ${server.database}: ${create}`,
    };
  }
  return {
    reading,
    cause: 'extension',
    reason: `The extension pg_stat_statements is not in the database ${server.database}.`,
    remedy: `As its owner or a superuser, in ${server.database}: ${create}${libraries === null ? ' It must be in shared_preload_libraries too, which this role may not see.' : ''}`,
  };
}

/** What statements say, by their ids: those that are still counted. Cost: of all texts, 19 ms for 5,000. */
export async function readStatementTexts(
  database: ObservedDatabase,
  shape: ServerShape,
  queryIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly text: string; readonly isOwn: boolean }>> {
  const rows = await database.read<{ query_id: string; query: string }>(
    `SELECT s.queryid::text AS query_id, min(s.query) AS query FROM ${shape.nameOf('pg_stat_statements')} s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND s.queryid = ANY ($1::int8[]) AND s.query <> '${HIDDEN}'
     GROUP BY s.queryid`,
    [queryIds],
  );
  return new Map(
    rows.map(({ query_id, query }) => [query_id, { text: normalizeStatement(query), isOwn: isOwnStatement(query) }]),
  );
}
