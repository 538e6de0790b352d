import type { DatabaseTable } from '../contract/database.ts';
import type { AutovacuumAdvice } from '../contract/database-maintenance.ts';
import { countText, percentText, quoted } from './finding.ts';

/** How a table changes, of which advice is made. */
export interface Churn {
  readonly deadRowsPerDay: number | null;
  readonly insertedRowsPerDay: number | null;
}

const MIN_ROWS = 10_000;
/** Dead rows that autovacuum should come for: as many as a scan does not notice. */
const AIM = 0.05;
const LOWEST_FACTOR = 0.005;
/** A table is worth a vacuum every ten minutes at most. */
const MOST_A_DAY = 144;
/** Under that many vacuums a day advice changes nothing that anybody would see. */
const LEAST_A_DAY = 0.2;
/** Rows that are only inserted want their pages marked all-visible, and frozen, now and then. */
const INSERT_DAYS = 7;

/**
 * Settings of a table's own by which autovacuum comes before a twentieth of its rows are dead, and for tables that only grow
 * once a week, so that index-only scans work and freezing is no flood. With n rows, d dead a day:
 *
 *   comes now every      (threshold + factor x n) / d days
 *   advised factor       0.05, raised so that it comes at most every ten minutes: d / 144 / n
 */
export function autovacuumAdvice(table: DatabaseTable, churn: Churn): AutovacuumAdvice | null {
  if (table.kind !== 'table' || table.liveRows < MIN_ROWS || !table.autovacuum.enabled) return null;
  return forDeadRows(table, churn) ?? forInserts(table, churn);
}

function forDeadRows(table: DatabaseTable, { deadRowsPerDay }: Churn): AutovacuumAdvice | null {
  if (deadRowsPerDay === null || deadRowsPerDay <= 0) return null;
  const { liveRows: rows, autovacuum } = table;
  const nowPerDay = deadRowsPerDay / autovacuum.vacuumThreshold;
  // At its threshold it has more dead rows than it should.
  if (autovacuum.vacuumThreshold / rows < 2 * AIM) return null;
  const factor = rounded(Math.max(LOWEST_FACTOR, Math.min(AIM, 1), deadRowsPerDay / MOST_A_DAY / rows));
  const perDay = deadRowsPerDay / (factor * rows);
  if (factor * rows * 1.5 >= autovacuum.vacuumThreshold || perDay < LEAST_A_DAY) return null;
  return {
    table: `${table.schema}.${table.table}`,
    option: 'autovacuum_vacuum_scale_factor',
    value: factor,
    because: `${countText(deadRowsPerDay)} of its rows become dead a day, and autovacuum waits for ${countText(autovacuum.vacuumThreshold)} (${percentText(autovacuum.vacuumThreshold / rows)} of its rows).`,
    vacuumsPerDayNow: nowPerDay,
    vacuumsPerDay: perDay,
    sql: optionSql(table, `autovacuum_vacuum_scale_factor = ${factor}`),
  };
}

function forInserts(table: DatabaseTable, { deadRowsPerDay, insertedRowsPerDay }: Churn): AutovacuumAdvice | null {
  const { autovacuum, liveRows } = table;
  if (insertedRowsPerDay === null || insertedRowsPerDay <= 0 || autovacuum.insertThreshold === null) return null;
  if ((deadRowsPerDay ?? 0) > insertedRowsPerDay / 100) return null;
  const everyDays = autovacuum.insertThreshold / insertedRowsPerDay;
  if (everyDays <= 2 * INSERT_DAYS) return null;
  const factor = rounded(Math.max(0.001, (INSERT_DAYS * insertedRowsPerDay) / liveRows));
  return {
    table: `${table.schema}.${table.table}`,
    option: 'autovacuum_vacuum_insert_scale_factor',
    value: factor,
    because: `It is only inserted into, ${countText(insertedRowsPerDay)} rows a day; autovacuum comes for them every ${countText(everyDays)} days, and index-only scans read the table until then.`,
    vacuumsPerDayNow: 1 / everyDays,
    vacuumsPerDay: 1 / INSERT_DAYS,
    sql: optionSql(table, `autovacuum_vacuum_insert_scale_factor = ${factor}`),
  };
}

function optionSql({ schema, table }: DatabaseTable, option: string): string {
  return `ALTER TABLE ${quoted(schema, table)} SET (${option});`;
}

function rounded(factor: number): number {
  return Number(factor.toPrecision(2));
}
