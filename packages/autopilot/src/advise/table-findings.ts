import type { DatabaseFinding, DatabaseTable } from '../contract/database.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { countText, percentText, quoted, sizeText } from './finding.ts';

/**
 * Limits under which nothing is worth a sentence, so that a healthy database hears none. Small tables are read whole
 * whatever is done (PgHero leaves out those under 500 rows), and percentages of little are noise.
 */
const MIN_ROWS = 10_000;
const MIN_DEAD_ROWS = 1_000;
const DEAD_RATIO = 0.2;
const MIN_BLOAT_BYTES = 10_000_000;
const BLOAT_RATIO = 0.4;
const MIN_SCANS = 50;
/** Autovacuum looks once a minute, and has other tables too. */
const SETTLED_MS = 10 * 60_000;
/** A sequential scan that reads this many rows each time is no look-up of something small. */
const MIN_ROWS_A_SCAN = 5_000;
const MIN_UPDATES = 10_000;
const HOT_RATIO = 0.2;
const MIN_PAGE_BYTES = 100_000_000;
const CACHE_HIT_RATIO = 0.9;
/** autovacuum_freeze_max_age is 200 million by default: past twice of it vacuum has not kept up. */
const FREEZE_WARNING = 400_000_000;
const FREEZE_CRITICAL = 1_500_000_000;

type Finding = Omit<DatabaseFinding, 'subject'>;

/** What is wrong with a table, each with its reason; none: nothing. */
export function tableFindings(table: DatabaseTable, now: EpochMs): readonly DatabaseFinding[] {
  const subject = `${table.schema}.${table.table}`;
  return [
    wraparound(table),
    vacuumOff(table),
    deadRows(table),
    bloat(table),
    neverAnalyzed(table),
    staleStatistics(table, now),
    sequentialScans(table),
    lostHotUpdates(table),
    coldCache(table),
    noPrimaryKey(table),
  ]
    .filter((finding) => finding !== null)
    .map((finding) => ({ ...finding, subject }));
}

function vacuumSql(table: DatabaseTable, options: string): string {
  return `VACUUM (${options}) ${quoted(table.schema, table.table)};`;
}

function wraparound(table: DatabaseTable): Finding | null {
  const age = Math.max(table.transactionAge, table.multixactAge);
  if (age < FREEZE_WARNING) return null;
  return {
    kind: 'wraparound',
    severity: age >= FREEZE_CRITICAL ? 'critical' : 'warning',
    message: `Its oldest row was frozen ${countText(age)} transactions ago; at 2.1 billion the server takes no more writes.`,
    remedy: 'Freeze it, and find out what held vacuum back.',
    sql: vacuumSql(table, 'FREEZE'),
    evidence: { transactionAge: table.transactionAge, multixactAge: table.multixactAge },
  };
}

function vacuumOff(table: DatabaseTable): Finding | null {
  if (table.autovacuum.enabled || table.kind === 'partitioned') return null;
  const own = table.options.some((option) => option.startsWith('autovacuum_enabled='));
  return {
    kind: 'autovacuum-off',
    severity: 'warning',
    message: own
      ? 'Autovacuum is switched off for this table: dead rows stay until somebody vacuums it, and statistics grow old.'
      : 'Autovacuum is switched off on the server.',
    remedy: 'Switch it on.',
    sql: own
      ? `ALTER TABLE ${quoted(table.schema, table.table)} RESET (autovacuum_enabled);`
      : 'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();',
    evidence: { deadRows: table.deadRows },
  };
}

function deadRows(table: DatabaseTable): Finding | null {
  const { deadRows: dead, deadRatio, autovacuum } = table;
  if (dead < MIN_DEAD_ROWS || deadRatio === null || deadRatio < DEAD_RATIO || autovacuum.vacuumProgress < 1)
    return null;
  return {
    kind: 'dead-rows',
    severity: deadRatio >= 0.5 ? 'critical' : 'warning',
    message: `${countText(dead)} of its rows (${percentText(deadRatio)}) are dead: every scan reads them, and autovacuum, due at ${countText(autovacuum.vacuumThreshold)}, has not come.`,
    remedy: 'Vacuum it; if it comes back, let autovacuum come earlier to this table.',
    sql: vacuumSql(table, 'ANALYZE'),
    evidence: { deadRows: dead, deadRatio, vacuumThreshold: autovacuum.vacuumThreshold },
  };
}

function bloat(table: DatabaseTable): Finding | null {
  if (table.bloat === null || table.bloat.bytes < MIN_BLOAT_BYTES || table.bloat.ratio < BLOAT_RATIO) return null;
  return {
    kind: 'table-bloat',
    severity: 'warning',
    message: `About ${sizeText(table.bloat.bytes)} of its ${sizeText(table.tableBytes)} (${percentText(table.bloat.ratio)}) hold nothing; scans read them all the same.`,
    remedy:
      'pg_repack rewrites it while it is used; VACUUM FULL does too, but locks it for as long as it takes. New rows fill the space as it is, so leave it if the table grows.',
    sql: null,
    evidence: { bloatBytes: table.bloat.bytes, bloatRatio: table.bloat.ratio, method: table.bloat.method },
  };
}

function neverAnalyzed(table: DatabaseTable): Finding | null {
  if (table.lastAnalyzeAt !== null || table.lastAutoanalyzeAt !== null) return null;
  if (table.kind !== 'table' || table.liveRows < MIN_ROWS || table.changedSinceAnalyze < table.liveRows / 2)
    return null;
  return {
    kind: 'never-analyzed',
    severity: 'warning',
    message: `It was never analyzed, with ${countText(table.liveRows)} rows: the planner guesses.`,
    remedy: 'Analyze it.',
    sql: `ANALYZE ${quoted(table.schema, table.table)};`,
    evidence: { liveRows: table.liveRows },
  };
}

function staleStatistics(table: DatabaseTable, now: EpochMs): Finding | null {
  const analyzed = Math.max(
    ...[table.lastAnalyzeAt, table.lastAutoanalyzeAt].map((at) => Date.parse(at ?? '')).filter((at) => at > 0),
  );
  // Of late: autovacuum has not had its turn yet.
  if (!Number.isFinite(analyzed) || now - analyzed < SETTLED_MS) return null;
  // Autovacuum comes within a minute of its threshold; three times of it is more than being on its way.
  if (table.changedSinceAnalyze < MIN_ROWS || table.autovacuum.analyzeProgress < 3) return null;
  return {
    kind: 'stale-statistics',
    severity: 'warning',
    message: `${countText(table.changedSinceAnalyze)} rows have changed since it was last analyzed: the planner knows another table.`,
    remedy: 'Analyze it.',
    sql: `ANALYZE ${quoted(table.schema, table.table)};`,
    evidence: { changedSinceAnalyze: table.changedSinceAnalyze, analyzeThreshold: table.autovacuum.analyzeThreshold },
  };
}

function sequentialScans(table: DatabaseTable): Finding | null {
  const { sequentialScans: scans, sequentialRowsRead, liveRows, indexScans } = table;
  const rowsAScan = sequentialRowsRead / Math.max(1, scans);
  if (scans < MIN_SCANS || liveRows < MIN_ROWS || rowsAScan < MIN_ROWS_A_SCAN || scans < indexScans / 10) return null;
  return {
    kind: 'sequential-scans',
    severity: 'warning',
    message: `It was read from end to end ${countText(scans)} times, ${countText(rowsAScan)} rows each time (${countText(indexScans)} scans used an index).`,
    remedy: 'Look at the statements that read it, and at the indexes that are advised for them.',
    sql: null,
    evidence: { sequentialScans: scans, rowsAScan, indexScans },
  };
}

function lostHotUpdates(table: DatabaseTable): Finding | null {
  if (table.rowsUpdated < MIN_UPDATES || table.hotRatio === null || table.hotRatio >= HOT_RATIO) return null;
  return {
    kind: 'few-hot-updates',
    severity: 'info',
    message: `Of ${countText(table.rowsUpdated)} updates ${percentText(table.hotRatio)} stayed on their page: the others wrote into every index, too.`,
    remedy:
      'Where updated columns are not indexed, room on the pages helps (fillfactor 80 to 90); otherwise an index on a column that changes often is dear.',
    sql: `ALTER TABLE ${quoted(table.schema, table.table)} SET (fillfactor = 85);`,
    evidence: { rowsUpdated: table.rowsUpdated, hotRatio: table.hotRatio },
  };
}

function coldCache(table: DatabaseTable): Finding | null {
  if (table.cacheHitRatio === null || table.cacheHitRatio >= CACHE_HIT_RATIO || table.totalBytes < MIN_PAGE_BYTES)
    return null;
  if (table.sequentialScans + table.indexScans < 1000) return null;
  return {
    kind: 'cache-misses',
    severity: 'info',
    message: `${percentText(1 - table.cacheHitRatio)} of the pages read of it were not in shared_buffers.`,
    remedy: 'See which statements read most pages of it, and the advice about shared_buffers.',
    sql: null,
    evidence: { cacheHitRatio: table.cacheHitRatio, totalBytes: table.totalBytes },
  };
}

function noPrimaryKey(table: DatabaseTable): Finding | null {
  if (table.hasPrimaryKey || table.kind !== 'table' || table.partitionOf !== null || table.liveRows < MIN_ROWS)
    return null;
  return {
    kind: 'no-primary-key',
    severity: 'info',
    message: 'It has no primary key: rows can not be told apart, and logical replication can not update them.',
    remedy: 'Give it one.',
    sql: null,
    evidence: { liveRows: table.liveRows },
  };
}
