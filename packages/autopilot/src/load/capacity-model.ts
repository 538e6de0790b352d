import { Random } from './random.ts';

/**
 * How throughput grows with what is asked at once: the Universal Scalability Law (N. Gunther, "Guerrilla Capacity Planning", 2007).
 *
 *   X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))
 *
 * lambda: what one alone gets done a second; sigma: the share that only one can do at a time (contention); kappa: the cost of
 * agreeing (coherence), which makes throughput fall beyond N* = sqrt((1 - sigma) / kappa).
 *
 * N / X is linear in 1/lambda, sigma/lambda and kappa/lambda: least squares of relative errors, none of the three below 0
 * (every set of them is tried). Intervals: 90 %, from 400 fits to points with residuals drawn anew.
 */
export interface CapacityModel {
  readonly state: 'fitted';
  readonly lambda: Estimate;
  readonly sigma: Estimate;
  readonly kappa: Estimate;
  /** The most that gets done a second, whatever is asked. */
  readonly peakPerSecond: Estimate;
  /** With how many at once that is reached; null: throughput only nears it. */
  readonly peakConcurrency: number | null;
  /** Root mean square of the relative residuals. */
  readonly residual: number;
  /** What it says of other loads, on one instance like the one measured and on several. Absent in reports of earlier releases. */
  readonly predictions?: readonly CapacityPrediction[];
}

/** What is expected of so many requests at once, spread evenly over so many instances. */
export interface CapacityPrediction {
  readonly instances: number;
  readonly concurrency: number;
  readonly ratePerSecond: Estimate;
  readonly responseMs: Estimate;
}

/** A figure with its 90 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What every prediction for several instances has to be read with. */
export const BEST_CASE = 'More instances are the best case: those that share a database share its limits too.';

/** Data that carry no model. */
export interface NoCapacityModel {
  readonly state: 'refused';
  readonly reason: string;
}

/** What was done at a concurrency. */
export interface CapacityPoint {
  /** Requests under way at once, on average. */
  readonly concurrency: number;
  /** Done a second. */
  readonly ratePerSecond: number;
}

const FEWEST_POINTS = 5;
const FEWEST_SPREAD = 4;
const MOST_RESIDUAL = 0.2;
/** Throughput that is still over this share of what no contention would give says nothing of where it ends. */
const STRAIGHT = 0.9;
const WIDEST_INTERVAL = 3;
const REFITS = 400;
/** Predicted: these multiples of the highest concurrency that was measured, on so many instances. */
const PREDICTED_LOADS: readonly number[] = [0.25, 0.5, 1, 2];
const PREDICTED_INSTANCES: readonly number[] = [1, 2, 4];

/** Fits the model to steps of a run, or says why they can't carry it. */
export function fitCapacity(points: readonly CapacityPoint[], seed = 1): CapacityModel | NoCapacityModel {
  const usable = points.filter(({ concurrency, ratePerSecond }) => concurrency > 0 && ratePerSecond > 0);
  const concurrencies = usable.map(({ concurrency }) => concurrency);
  const refused = (reason: string): NoCapacityModel => ({ state: 'refused', reason });
  if (usable.length < FEWEST_POINTS) {
    return refused(
      `There are ${usable.length} steps with figures, and ${FEWEST_POINTS} are needed for three parameters.`,
    );
  }
  const spread = Math.max(...concurrencies) / Math.min(...concurrencies);
  if (spread < FEWEST_SPREAD) {
    return refused(
      `Between the steps the requests under way differ by a factor of ${spread.toFixed(1)} only; ${FEWEST_SPREAD} is needed to see a bend.`,
    );
  }
  const fitted = fit(usable);
  if (fitted === null)
    return refused('The steps are on no curve of the model: throughput does not grow with what is asked.');
  const ratios = usable.map((point) => point.ratePerSecond / throughputOf(fitted, point.concurrency));
  const residual = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - 1) ** 2, 0) / ratios.length);
  if (residual > MOST_RESIDUAL) {
    return refused(
      `The steps lie ${percent(residual)} off the curve on average, more than the ${percent(MOST_RESIDUAL)} that a prediction could bear: the service does not behave the same at the same load, or has more than one bottleneck.`,
    );
  }
  const most = Math.max(...concurrencies);
  if (throughputOf(fitted, most) > STRAIGHT * fitted.lambda * most) {
    return refused(
      `Throughput still grew in step with what was asked at the highest load: where it ends lies beyond what was tried.`,
    );
  }
  const random = new Random(seed, 7);
  const refits: Parameters[] = [];
  for (let at = 0; at < REFITS; at++) {
    const redrawn = usable.map(({ concurrency }) => ({
      concurrency,
      ratePerSecond: throughputOf(fitted, concurrency) * (ratios[random.integer(0, ratios.length - 1)] ?? 1),
    }));
    const refit = fit(redrawn);
    if (refit !== null) refits.push(refit);
  }
  const estimate = (of: (parameters: Parameters) => number): Estimate => {
    const sorted = refits.map(of).sort((a, b) => a - b);
    const rank = (q: number): number => sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
    const value = of(fitted);
    return { value, low: Math.min(value, rank(0.05)), high: Math.max(value, rank(0.95)) };
  };
  const peak = estimate(peakOf);
  if (!(peak.high <= WIDEST_INTERVAL * peak.low)) {
    return refused(
      `The most it could do lies between ${Math.round(peak.low)} and ${Number.isFinite(peak.high) ? Math.round(peak.high) : 'any number'} a second, too wide to be of use: measure more steps near where it bends.`,
    );
  }
  const { sigma, kappa } = fitted;
  return {
    state: 'fitted',
    lambda: estimate((parameters) => parameters.lambda),
    sigma: estimate((parameters) => parameters.sigma),
    kappa: estimate((parameters) => parameters.kappa),
    peakPerSecond: peak,
    peakConcurrency: kappa > 0 && sigma < 1 ? Math.sqrt((1 - sigma) / kappa) : null,
    residual,
    predictions: PREDICTED_LOADS.flatMap((load) =>
      PREDICTED_INSTANCES.map((instances) => {
        const concurrency = Math.max(1, load * most);
        const of = (parameters: Parameters): ReturnType<typeof predict> => predict(parameters, concurrency, instances);
        return {
          instances,
          concurrency,
          ratePerSecond: estimate((parameters) => of(parameters).ratePerSecond),
          responseMs: estimate((parameters) => of(parameters).responseMs),
        };
      }),
    ),
  };
}

/**
 * What the model says of so many requests at once, spread over so many instances like the one measured. That is the best
 * case: instances that share a database share its limits too.
 */
export function predictLoad(
  model: CapacityModel,
  concurrency: number,
  instances = 1,
): { readonly ratePerSecond: number; readonly responseMs: number } {
  return predict(
    { lambda: model.lambda.value, sigma: model.sigma.value, kappa: model.kappa.value },
    concurrency,
    instances,
  );
}

function predict(
  parameters: Parameters,
  concurrency: number,
  instances: number,
): { readonly ratePerSecond: number; readonly responseMs: number } {
  const ratePerSecond = instances * throughputOf(parameters, concurrency / instances);
  // Little's law: N = X R.
  return { ratePerSecond, responseMs: (1000 * concurrency) / ratePerSecond };
}

interface Parameters {
  readonly lambda: number;
  readonly sigma: number;
  readonly kappa: number;
}

/** Below one at once there is nobody to contend with. */
function throughputOf({ lambda, sigma, kappa }: Parameters, n: number): number {
  const others = Math.max(0, n - 1);
  return (lambda * n) / (1 + sigma * others + kappa * n * others);
}

function peakOf({ lambda, sigma, kappa }: Parameters): number {
  if (kappa > 0) return throughputOf({ lambda, sigma, kappa }, Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa)));
  return sigma > 0 ? lambda / sigma : Number.POSITIVE_INFINITY;
}

/** Every set of the three terms that are not 0 is solved; the best that has none below 0 is the least-squares answer. */
function fit(points: readonly CapacityPoint[]): Parameters | null {
  let best: { readonly parameters: Parameters; readonly error: number } | null = null;
  for (const terms of [[0], [0, 1], [0, 2], [0, 1, 2]]) {
    const rows = points.map(({ concurrency, ratePerSecond }) => {
      const others = Math.max(0, concurrency - 1);
      const weight = ratePerSecond / concurrency;
      return [1, others, concurrency * others].map((value) => value * weight);
    });
    const solution = solve(
      terms.map((row) => [
        ...terms.map((column) => rows.reduce((sum, terms) => sum + (terms[row] ?? 0) * (terms[column] ?? 0), 0)),
        rows.reduce((sum, terms) => sum + (terms[row] ?? 0), 0),
      ]),
    );
    if (solution === null || solution.some((value) => value < 0) || !((solution[0] ?? 0) > 0)) continue;
    const full = [0, 0, 0];
    terms.forEach((term, at) => {
      full[term] = solution[at] ?? 0;
    });
    const [a = 0, b = 0, c = 0] = full;
    const error = rows.reduce((sum, [x = 0, y = 0, z = 0]) => sum + (a * x + b * y + c * z - 1) ** 2, 0);
    if (best === null || error < best.error) {
      best = { parameters: { lambda: 1 / a, sigma: b / a, kappa: c / a }, error };
    }
  }
  return best?.parameters ?? null;
}

/** Gauss' elimination with pivoting; the last column is the right-hand side. null: singular. */
function solve(matrix: readonly (readonly number[])[]): readonly number[] | null {
  const rows = matrix.map((row) => [...row]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column; row < size; row++) {
      if (Math.abs(rows[row]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = row;
    }
    const chosen = rows[pivot];
    const other = rows[column];
    const head = chosen?.[column] ?? 0;
    if (chosen === undefined || other === undefined || Math.abs(head) < 1e-300) return null;
    rows[pivot] = other;
    rows[column] = chosen;
    rows.forEach((row, at) => {
      if (at === column) return;
      const factor = (row[column] ?? 0) / head;
      for (let cell = column; cell <= size; cell++) row[cell] = (row[cell] ?? 0) - factor * (chosen[cell] ?? 0);
    });
  }
  const solution = rows.map((row, at) => (row[size] ?? 0) / (row[at] ?? 0));
  return solution.every(Number.isFinite) ? solution : null;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`;
}
