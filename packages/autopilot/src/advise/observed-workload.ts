import type { SlowStatement } from '../contract/database.ts';
import { isPlannable } from '../contract/statement-plan.ts';
import type { ObservedStatement } from '../planner/workload.ts';

/** Statements as they were counted. */
export type ObservedWorkload = readonly ObservedStatement[];

/** What the server counts and the applications measure, as a workload to advise for. */
export function observedWorkload(statements: readonly SlowStatement[]): ObservedWorkload {
  const planned = statements.filter(({ text }) => isPlannable(text));
  return planned.map(({ text, calls, totalMs, rowsPerCall }) => ({
    sql: text,
    calls,
    totalMs,
    rows: (rowsPerCall ?? 1) * calls,
  }));
}
