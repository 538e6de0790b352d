import type { AutovacuumState, DatabaseTable } from '../contract/database.ts';
import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import { type ColumnWidths, readColumnWidths } from './column-widths.ts';
import type { ObservedDatabase } from './observed-database.ts';
import type { Reading } from './reading.ts';
import { type RelationSizes, readSizes } from './relation-sizes.ts';
import type { ServerShape } from './server-shape.ts';
import { tableBloat } from './table-bloat.ts';

/** A table as the catalog and the statistics have it. */
export interface TableRow {
  readonly [column: string]: unknown;
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  readonly kind: DatabaseTable['kind'];
  readonly partition_of: string | null;
  readonly pages: number;
  readonly tuples: number;
  readonly options: string[];
  readonly toast_options: string[];
  readonly has_primary_key: boolean;
  readonly age: number;
  readonly multixact_age: number;
  readonly live: number;
  readonly dead: number;
  readonly seq_scan: number;
  readonly seq_read: number;
  readonly idx_scan: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly hot: number;
  readonly changed: number;
  readonly inserted_since_vacuum: number;
  readonly hits: number;
  readonly reads: number;
  readonly last_vacuum: Date | null;
  readonly last_autovacuum: Date | null;
  readonly last_analyze: Date | null;
  readonly last_autoanalyze: Date | null;
  readonly vacuums: number;
  readonly autovacuums: number;
}

/** Autovacuum's settings of the server, as numbers; by name without `autovacuum_`. */
export type AutovacuumSettings = Readonly<Record<string, number>>;

/** Every table with what the server counts of it, largest first. Findings are added by who judges them. */
export async function readTables(
  database: ObservedDatabase,
  shape: ServerShape,
): Promise<Reading<readonly DatabaseTable[]>> {
  const rows = await readTableRows(database, shape);
  const sizes = await readSizes(database, 'tables');
  const widths = await readColumnWidths(database);
  const autovacuum = await readAutovacuumSettings(database);
  const tables = rows.map((row) => tableOf(row, sizes.value.get(row.oid) ?? null, widths.value, autovacuum));
  return { value: tables.sort((a, b) => b.totalBytes - a.totalBytes), gaps: [...sizes.gaps, ...widths.gaps] };
}

/** Cost: 11 ms for 1,000 tables. */
async function readTableRows(database: ObservedDatabase, shape: ServerShape): Promise<TableRow[]> {
  const inserted = shape.column('pg_stat_all_tables', 's', ['n_ins_since_vacuum'], '0');
  return await database.read<TableRow>(
    `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS table,
       CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
       (SELECT pn.nspname || '.' || p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid AND c.relispartition LIMIT 1) AS partition_of,
       c.relpages::float8 AS pages, c.reltuples::float8 AS tuples, coalesce(c.reloptions, '{}') AS options,
       coalesce(t.reloptions, '{}') AS toast_options,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') AS has_primary_key,
       CASE WHEN c.relfrozenxid::text <> '0' THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid))::float8 ELSE 0 END AS age,
       CASE WHEN c.relminmxid::text <> '0' THEN mxid_age(c.relminmxid)::float8 ELSE 0 END AS multixact_age,
       coalesce(s.n_live_tup, 0)::float8 AS live, coalesce(s.n_dead_tup, 0)::float8 AS dead,
       coalesce(s.seq_scan, 0)::float8 AS seq_scan, coalesce(s.seq_tup_read, 0)::float8 AS seq_read,
       coalesce(s.idx_scan, 0)::float8 AS idx_scan, coalesce(s.n_tup_ins, 0)::float8 AS inserted,
       coalesce(s.n_tup_upd, 0)::float8 AS updated, coalesce(s.n_tup_del, 0)::float8 AS deleted,
       coalesce(s.n_tup_hot_upd, 0)::float8 AS hot, coalesce(s.n_mod_since_analyze, 0)::float8 AS changed,
       coalesce(${inserted}, 0)::float8 AS inserted_since_vacuum,
       coalesce(io.heap_blks_hit + coalesce(io.idx_blks_hit, 0), 0)::float8 AS hits,
       coalesce(io.heap_blks_read + coalesce(io.idx_blks_read, 0), 0)::float8 AS reads,
       s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze,
       coalesce(s.vacuum_count, 0)::float8 AS vacuums, coalesce(s.autovacuum_count, 0)::float8 AS autovacuums
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
     LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
     LEFT JOIN pg_statio_all_tables io ON io.relid = c.oid
     WHERE c.relkind IN ('r', 'p', 'm') AND ${APPLICATION_SCHEMAS}`,
  );
}

/** The settings that decide when autovacuum comes. */
async function readAutovacuumSettings(database: ObservedDatabase): Promise<AutovacuumSettings> {
  const rows = await database.read<{ name: string; value: number }>(
    `SELECT substr(name, 12) AS name, CASE setting WHEN 'on' THEN 1 WHEN 'off' THEN 0 ELSE setting::float8 END AS value
     FROM pg_settings WHERE name = 'autovacuum' OR (name LIKE 'autovacuum\\_%' AND vartype IN ('integer', 'real', 'bool'))`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name === '' ? 'enabled' : name, value]));
}

/** Null for a size: nobody has been able to measure it now, so the pages of the last vacuum or analyze are taken. */
function tableOf(
  row: TableRow,
  sizes: RelationSizes | null,
  widths: ColumnWidths,
  autovacuum: AutovacuumSettings,
): DatabaseTable {
  const tableBytes = sizes?.mainBytes ?? row.pages * 8192;
  // Where nothing was counted since a reset, what the last vacuum or analyze saw.
  const liveRows = row.live > 0 ? row.live : Math.max(0, row.tuples);
  const totalRows = liveRows + row.dead;
  const pagesTouched = row.hits + row.reads;
  return {
    schema: row.schema,
    table: row.table,
    kind: row.kind,
    partitionOf: row.partition_of,
    totalBytes: sizes?.totalBytes ?? tableBytes,
    tableBytes,
    indexBytes: sizes?.indexBytes ?? 0,
    toastBytes: sizes === null ? 0 : Math.max(0, sizes.totalBytes - sizes.indexBytes - sizes.mainBytes),
    liveRows,
    deadRows: row.dead,
    deadRatio: totalRows === 0 ? null : row.dead / totalRows,
    sequentialScans: row.seq_scan,
    sequentialRowsRead: row.seq_read,
    indexScans: row.idx_scan,
    rowsInserted: row.inserted,
    rowsUpdated: row.updated,
    rowsDeleted: row.deleted,
    hotRatio: row.updated === 0 ? null : row.hot / row.updated,
    changedSinceAnalyze: row.changed,
    insertedSinceVacuum: row.inserted_since_vacuum,
    cacheHitRatio: pagesTouched === 0 ? null : row.hits / pagesTouched,
    lastVacuumAt: row.last_vacuum?.toISOString() ?? null,
    lastAutovacuumAt: row.last_autovacuum?.toISOString() ?? null,
    lastAnalyzeAt: row.last_analyze?.toISOString() ?? null,
    lastAutoanalyzeAt: row.last_autoanalyze?.toISOString() ?? null,
    vacuums: row.vacuums,
    autovacuums: row.autovacuums,
    bloat: tableBloat(row, tableBytes, widths),
    autovacuum: autovacuumOf(row, autovacuum),
    transactionAge: row.age,
    multixactAge: row.multixact_age,
    growthBytesPerDay: null,
    hasPrimaryKey: row.has_primary_key,
    options: row.options,
    findings: [],
  };
}

/**
 * When autovacuum comes, by the rules of its manual ("The Autovacuum Daemon"): base + factor x rows, the table's own options
 * before the server's, and from 18 on no more than autovacuum_vacuum_max_threshold.
 */
function autovacuumOf(row: TableRow, settings: AutovacuumSettings): AutovacuumState {
  const own = new Map(row.options.map((option) => option.split('=', 2) as [string, string])); // name=value, as the catalog has them
  const setting = (name: string, otherwise: number): number => {
    const value = own.get(`autovacuum_${name}`);
    return value === undefined ? (settings[name] ?? otherwise) : Number(value);
  };
  const rows = Math.max(0, row.tuples);
  const most = setting('vacuum_max_threshold', -1);
  const scaled = setting('vacuum_threshold', 50) + setting('vacuum_scale_factor', 0.2) * rows;
  const vacuumThreshold = most < 0 ? scaled : Math.min(most, scaled);
  const analyzeThreshold = setting('analyze_threshold', 50) + setting('analyze_scale_factor', 0.1) * rows;
  const insertBase = setting('vacuum_insert_threshold', -1);
  const ownSwitch = own.get('autovacuum_enabled');
  return {
    enabled: settings['enabled'] !== 0 && !/^(?:false|off|0|no)$/i.test(ownSwitch ?? ''),
    vacuumThreshold,
    analyzeThreshold,
    insertThreshold: insertBase < 0 ? null : insertBase + setting('vacuum_insert_scale_factor', 0.2) * rows,
    vacuumProgress: row.dead / Math.max(1, vacuumThreshold),
    analyzeProgress: row.changed / Math.max(1, analyzeThreshold),
    vacuumDueAt: null,
  };
}
