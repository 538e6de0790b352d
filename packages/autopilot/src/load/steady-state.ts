/**
 * Whether, and from when on, a run was in a steady state.
 *
 *   MSER:  d* = argmin over d of  Var(y_d .. y_n) / (n - d)      the truncation that makes the mean of the rest surest
 *
 * (White 1997, "An effective truncation heuristic for bias reduction in simulation output".) A d* in the second half
 * means that the run never settled. MSER does not see a slow drift, so that the rest's halves are compared as well:
 * they differ when the difference is over 10 % and over three standard errors of it.
 * Applied to the median response time and to the requests done of each window, the later start counts.
 */
export type SteadyState =
  | { readonly state: 'steady'; readonly fromMs: number; readonly untilMs: number }
  | { readonly state: 'unsteady'; readonly reason: string }
  | { readonly state: 'not-judged'; readonly reason: string };

/** What is looked at of each window. */
export interface SteadySample {
  readonly fromMs: number;
  readonly durationMs: number;
  readonly done: number;
  readonly p50Ms: number | null;
}

const FEWEST_WINDOWS = 10;
const DRIFT_RATIO = 0.1;
const DRIFT_ERRORS = 3;

/** `constantFromMs`: since when the plan asks for the same, on the windows' clock; windows before it are left out. */
export function findSteadyState(windows: readonly SteadySample[], constantFromMs: number): SteadyState {
  const longest = Math.max(0, ...windows.map(({ durationMs }) => durationMs));
  // A window that the end of the load cut short has fewer requests for no other reason.
  const judged = windows.filter(({ fromMs, durationMs }) => fromMs >= constantFromMs && durationMs >= longest);
  if (judged.length < FEWEST_WINDOWS) {
    const reason =
      windows.length < FEWEST_WINDOWS
        ? `the run has ${windows.length} windows of ${longest} ms, ${FEWEST_WINDOWS} are needed`
        : `the plan asks for the same load in ${judged.length} windows only, ${FEWEST_WINDOWS} are needed`;
    return { state: 'not-judged', reason };
  }
  const series = [
    { name: 'the requests done', values: judged.map(({ done }) => done) },
    { name: 'the median response time', values: judged.map(({ p50Ms }) => p50Ms ?? Number.NaN) },
  ];
  let start = 0;
  for (const { name, values } of series) {
    if (values.some(Number.isNaN)) return { state: 'unsteady', reason: `${name} can't be told for every window` };
    const truncated = truncation(values);
    if (truncated > values.length / 2) return { state: 'unsteady', reason: `${name} never settled` };
    start = Math.max(start, truncated);
  }
  for (const { name, values } of series) {
    const reason = driftOf(name, values.slice(start));
    if (reason !== undefined) return { state: 'unsteady', reason };
  }
  const first = judged[start];
  const last = judged.at(-1);
  if (first === undefined || last === undefined) return { state: 'unsteady', reason: 'nothing is left' };
  return { state: 'steady', fromMs: first.fromMs, untilMs: last.fromMs + last.durationMs };
}

/** How many values MSER leaves out at the beginning. */
function truncation(values: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  let count = 0;
  let mean = 0;
  let squares = 0;
  // From the end, with Welford's running variance; the last few are too few to say anything.
  for (let at = values.length - 1; at >= 0; at--) {
    const value = values[at] ?? 0;
    count++;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
    const score = squares / count / count;
    if (count >= FEWEST_WINDOWS / 2 && score <= least) {
      least = score;
      best = at;
    }
  }
  return best;
}

function driftOf(name: string, values: readonly number[]): string | undefined {
  const half = Math.floor(values.length / 2);
  const early = momentsOf(values.slice(0, half));
  const late = momentsOf(values.slice(half));
  const ratio = early.mean === 0 ? 0 : late.mean / early.mean - 1;
  const error = Math.sqrt(early.variance / early.count + late.variance / late.count);
  if (Math.abs(ratio) <= DRIFT_RATIO || Math.abs(late.mean - early.mean) <= DRIFT_ERRORS * error) return undefined;
  return `${name} goes ${ratio > 0 ? 'up' : 'down'} by ${Math.abs(100 * ratio).toFixed(0)} % from the first half to the second`;
}

function momentsOf(values: readonly number[]): { count: number; mean: number; variance: number } {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  return { count, mean, variance };
}
