/** A prediction and what came of it: time after : before. */
export interface PredictedMeasured {
  readonly predicted: number;
  readonly measured: number;
  readonly low: number;
  readonly high: number;
}

/** How far predictions can be trusted. */
export interface Calibration {
  readonly trials: number;
  readonly within: number;
  /** The interval is the prediction divided and multiplied by it. */
  readonly factor: number;
}

/** Of four predictions in five. */
const LEVEL = 0.8;
/**
 * What is believed before anything was measured, as so many trials: planners are often wrong by a factor of two or three, the more the
 * smaller what is left.
 */
const prior: readonly number[] = [0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.1];

/**
 * Split conformal intervals (Vovk, Gammerman & Shafer 2005; Lei et al. 2018, JASA 113) with the prior as pseudo-observations: the
 * width is the ceil((n + 1) x 0.8)-th smallest of |log(measured / predicted)|, so that the next measurement is within it in four cases
 * of five if trials are exchangeable. The newest 50 count.
 */
export function calibrate(past: readonly PredictedMeasured[]): Calibration {
  const newest = past.slice(0, 50).filter(({ predicted, measured }) => predicted > 0 && measured > 0);
  const errors = newest.map(({ predicted, measured }) => Math.abs(Math.log(measured / predicted)));
  // The prior gives way once there is twice as much that was measured.
  const all = [...errors, ...(errors.length >= 2 * prior.length ? [] : prior)].toSorted((a, b) => a - b);
  const rank = Math.min(all.length, Math.ceil((all.length + 1) * LEVEL));
  const width = all[rank - 1] ?? 1;
  return {
    trials: newest.length,
    within: newest.filter(({ measured, low, high }) => measured >= low && measured <= high).length,
    factor: Math.exp(Math.max(0.05, width)),
  };
}

/** The geometric mean of measured : predicted, drawn towards 1: predictions that are always too bright are dimmed. */
export function biasOf(past: readonly PredictedMeasured[]): number {
  const logs = past
    .slice(0, 50)
    .filter(({ predicted, measured }) => predicted > 0 && measured > 0)
    .map(({ predicted, measured }) => Math.log(measured / predicted));
  const sum = logs.reduce((total, one) => total + one, 0);
  // A normal prior worth three trials.
  return Math.exp(sum / (logs.length + 3));
}
