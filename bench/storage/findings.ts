import type { BenchGoal, BenchRow } from '../result.ts';
import type { Mix } from './workload.ts';

/** What the parts of this benchmark gather, and what they have in common. */
export interface Findings {
  readonly rows: BenchRow[];
  readonly goals: BenchGoal[];
  readonly notes: string[];
}

/** 200 series with the pool and the process. */
export const TWO_HUNDRED: Mix = { route: 70, tenant: 30, statement: 98 };
export const FIFTY_ROUTES: Mix = { route: 50, tenant: 0, statement: 0 };
export const MB = 1_000_000;

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** How long it took, in ms. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}
