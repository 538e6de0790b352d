/** What one statement saves, and how sure that is. */
export interface EstimatedSaving {
  /** For all calls, in the planner's units. */
  readonly saved: number;
  /** That the planner expects of a call before anything is changed. */
  readonly rowsExpected: number;
  /** That calls were counted to return; null: nobody counted. */
  readonly rowsCounted: number | null;
  /** The server does not know the plan that it is saved by. */
  readonly isUnknown: boolean;
}

/** Costs are never exact, however well the copy plans. */
const leastDoubt = 0.05;
/** So many times more or fewer rows are the planner's daily bread. */
const usualFactor = 2;

/**
 * Between what a workload's cost is cut, as ratios of it: each statement's saving less and plus what it may be off. That is what costs were
 * measured to be off, and more where calls return another number of rows than the planner expects: of ten times as many, nine tenths.
 */
export function savingInterval(
  savings: readonly EstimatedSaving[],
  { costBefore, costError }: { readonly costBefore: number; readonly costError: number },
): { readonly low: number; readonly high: number; readonly misjudged: number } {
  let [low, high, misjudged] = [0, 0, 0];
  for (const { saved, rowsExpected, rowsCounted, isUnknown } of savings) {
    const factor = rowsCounted === null ? 1 : Math.max(rowsCounted, 1) / Math.max(rowsExpected, 1);
    const off = Math.max(factor, 1 / factor);
    const doubt = Math.max(leastDoubt, Math.min(1, costError), off > usualFactor ? 1 - 1 / off : 0);
    if (off > usualFactor) misjudged += 1;
    const size = Math.abs(saved) * doubt;
    low += isUnknown && saved > 0 ? -size : saved - size;
    high += saved + size;
  }
  const whole = Math.max(costBefore, 1e-9);
  return { low: Math.max(0, low / whole), high: Math.min(1, high / whole), misjudged };
}
