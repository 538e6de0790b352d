import type { SlowStatement } from '../contract/database.ts';
import { isPlannable } from '../contract/statement-plan.ts';
import type { ObservedStatement } from '../planner/workload.ts';

/** Statements as they were counted. */
export type ObservedWorkload = readonly ObservedStatement[];

/** What the server counts and the applications measure, as a workload to advise for. */
export function observedWorkload(statements: readonly SlowStatement[]): ObservedWorkload {
  const planned = statements.filter(({ text }) => isPlannable(text));
  return planned.map(({ text, queryId, calls, totalMs, rowsPerCall }) => ({
    // Where only the applications know a statement its literals are "?".
    sql: queryId === null ? withParameters(text) : text,
    calls,
    totalMs,
    rows: (rowsPerCall ?? 1) * calls,
  }));
}

/** `?` as the next free `$n`, but not in quoted names; an operator that is written like that is found out by the parser. */
function withParameters(text: string): string {
  const numbers = [...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
  let next = Math.max(0, ...numbers);
  return text.replaceAll(/"[^"]*"|\?(?![|&])/g, (found) => {
    if (found !== '?') return found;
    next += 1;
    return `$${next}`;
  });
}
