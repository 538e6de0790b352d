import type { DatabaseTable } from '../contract/database.ts';
import type { MaintenanceDue } from '../contract/database-maintenance.ts';
import { countText, percentText, quoted } from './finding.ts';

const MIN_DEAD_ROWS = 1_000;
const MIN_CHANGED_ROWS = 1_000;
/** Autovacuum comes within a minute or so of its threshold: half as much again is late. */
const LATE = 1.5;
/** Well before the server would freeze by itself in the middle of the day, at autovacuum_freeze_max_age. */
const FREEZE_AGE = 400_000_000;

/** Numbers of a table that say whether it is to be vacuumed or analyzed. */
export type TableNumbers = Pick<
  DatabaseTable,
  'schema' | 'table' | 'liveRows' | 'deadRows' | 'changedSinceAnalyze' | 'transactionAge' | 'kind'
> & { readonly autovacuum: Pick<DatabaseTable['autovacuum'], 'analyzeThreshold' | 'enabled'> };

/** What is to be done to a table because autovacuum has not; null: nothing. `deadRatio`: from which share of dead rows on. */
export function maintenanceDue(table: TableNumbers, deadRatio: number): MaintenanceDue | null {
  if (table.kind !== 'table') return null;
  const name = `${table.schema}.${table.table}`;
  const sqlName = quoted(table.schema, table.table);
  const rows = table.liveRows + table.deadRows;
  const needsAnalyze =
    table.changedSinceAnalyze >= MIN_CHANGED_ROWS &&
    table.changedSinceAnalyze >= LATE * table.autovacuum.analyzeThreshold;
  const vacuum = (reason: string, urgency: number): MaintenanceDue => ({
    table: name,
    operation: 'vacuum',
    analyze: needsAnalyze,
    reason,
    urgency,
    sql: needsAnalyze ? `VACUUM (ANALYZE) ${sqlName};` : `VACUUM ${sqlName};`,
  });
  if (table.transactionAge >= FREEZE_AGE) {
    return vacuum(
      `Its oldest row was frozen ${countText(table.transactionAge)} transactions ago.`,
      table.transactionAge / FREEZE_AGE + 1,
    );
  }
  const share = rows === 0 ? 0 : table.deadRows / rows;
  if (table.deadRows >= MIN_DEAD_ROWS && share >= deadRatio) {
    return vacuum(`${countText(table.deadRows)} of its rows (${percentText(share)}) are dead.`, share / deadRatio);
  }
  if (!needsAnalyze) return null;
  return {
    table: name,
    operation: 'analyze',
    analyze: true,
    reason: `${countText(table.changedSinceAnalyze)} rows have changed since it was analyzed; autovacuum analyzes from ${countText(table.autovacuum.analyzeThreshold)} on.`,
    urgency: table.changedSinceAnalyze / Math.max(1, table.autovacuum.analyzeThreshold) / 10,
    sql: `ANALYZE ${sqlName};`,
  };
}
