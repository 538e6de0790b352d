/** A prediction and what came of it: time after : before. */
export interface PredictedMeasured {
  /** What it was about: each kind of advice errs in its own way. */
  readonly category: string;
  /** As the model had it, before what was learnt from earlier trials mended it. */
  readonly modelled: number;
  readonly measured: number;
  readonly low: number;
  readonly high: number;
}

/** How far predictions can be trusted. */
export interface Calibration {
  readonly trials: number;
  /** Of them, within the interval that was told. */
  readonly within: number;
  /** What the next one of the model is multiplied with. */
  readonly bias: number;
  /** The interval is the mended prediction divided and multiplied by it. */
  readonly factor: number;
}

/** Of four predictions in five. */
const LEVEL = 0.8;
/** Older ones were made by another workload, and another release. */
const NEWEST = 50;
/** "No bias" counts as so many trials. */
const UNBIASED = 3;
/**
 * What is believed before anything was measured, as so many trials: planners are often wrong by a factor of two or three, the more the
 * smaller what is left.
 */
const prior: readonly number[] = [0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.1];

/**
 * Split conformal intervals (Vovk, Gammerman & Shafer 2005; Lei et al. 2018, JASA 113) with the prior as pseudo-observations: the
 * width is the ceil((n + 1) x 0.8)-th smallest error, so that the next measurement is within it in four cases of five if trials are
 * exchangeable. The error of a trial is |log(measured / predicted)|, the prediction mended by the bias of all others (jackknife+,
 * Barber et al. 2021, Annals of Statistics 49): its own result must not make it look better. The bias is the mean of the logarithms
 * of measured : modelled, drawn towards none.
 *
 * @param past newest first
 */
export function calibrate(past: readonly PredictedMeasured[]): Calibration {
  const newest = past.slice(0, NEWEST).filter(({ modelled, measured }) => modelled > 0 && measured > 0);
  const logs = newest.map(({ modelled, measured }) => Math.log(measured / modelled));
  const sum = logs.reduce((total, one) => total + one, 0);
  const errors = logs.map((log) => Math.abs(log - (sum - log) / (logs.length - 1 + UNBIASED)));
  // The prior gives way once there is as much that was measured.
  const all = [...errors, ...(errors.length >= prior.length ? [] : prior)].toSorted((a, b) => a - b);
  const rank = Math.min(all.length, Math.ceil((all.length + 1) * LEVEL));
  const width = all[rank - 1] ?? 1;
  return {
    trials: newest.length,
    within: newest.filter(({ measured, low, high }) => measured >= low && measured <= high).length,
    bias: Math.exp(sum / (logs.length + UNBIASED)),
    factor: Math.exp(Math.max(0.05, width)),
  };
}

/** Each kind of advice by itself. */
export function calibrateEach(past: readonly PredictedMeasured[]): ReadonlyMap<string, Calibration> {
  const byCategory = Map.groupBy(past, ({ category }) => category);
  return new Map(Array.from(byCategory, ([category, ones]) => [category, calibrate(ones)]));
}
