/** One block of a phase: what the calls in it took on average, and what else was going on meanwhile. */
export interface Block {
  /** Of calls; blocks count alike, so they should hold about as many. */
  readonly calls: number;
  /** Natural logarithm of the mean. */
  readonly logMean: number;
  /** What explains it beside the change, as logarithms: the latency of statements the change does not touch, the load. Equally many in all blocks. */
  readonly covariates: readonly number[];
}

/** What two phases say of a change. Effects are ratios after : before; 0.8 is a fifth less. */
export interface Comparison {
  readonly blocksBefore: number;
  readonly blocksAfter: number;
  /** null: too few blocks to tell. */
  readonly effect: number | null;
  /** Holds the true effect at every look at once with the confidence asked for; null ends are open. */
  readonly interval: readonly [number | null, number | null];
  /** How many times likelier the data are with an effect than without one: 20 is what a 5 % test asks. */
  readonly evidence: number;
  /** Lag-1 autocorrelation of the blocks' residuals that was allowed for. */
  readonly autocorrelation: number;
}

/**
 * Sequential comparison of block means, valid however often it is looked at.
 *
 * Model: logMean = level + effect x (is after) + slopes x covariates + noise. The evidence is the Bayes factor of the t-test with a
 * normal prior on effect / noise and right Haar priors on everything else (Gonen et al. 2005, The American Statistician 59):
 *   B = (1 + N g)^(-1/2) [ (1 + t^2 / (v (1 + N g))) / (1 + t^2 / v) ]^(-(v + 1) / 2)
 * with N = noise^2 / variance of the effect's estimate, v the degrees of freedom. Because of those priors it is a test martingale
 * under "no effect", whatever level, slopes and noise are (Hendriksen, de Heide, Grunwald 2021, Bayesian Analysis 16), so that
 * P(B ever reaches 1/alpha) <= alpha (Ville), and its inversion is a confidence sequence (Johari et al. 2022, Operations Research
 * 70, do the same with known variance). With one g only, B is at most (1 + N g)^(v / 2) whatever t is, so that few blocks, or many
 * that resemble their neighbours, could never say anything, not even of a factor of five (the "information paradox" of Liang et al.
 * 2008, JASA 103). So the prior is a mixture over g with heavy tails, as that of Zellner & Siow (1980) is; a mean of test martingales
 * is one. The covariates are those of CUPED (Deng et al. 2013, WSDM), with the slope taken within
 * phases, so that a load that differs between them widens the interval instead of passing for an effect.
 *
 * Blocks that resemble their neighbours say less: N and v are reduced by (1 - r) / (1 + r), r their residuals' lag-1
 * autocorrelation within phases, mended for its bias (Kendall 1954) and never below 0.
 */
export function compareSequentially(before: readonly Block[], after: readonly Block[], alpha: number): Comparison {
  const none: Comparison = {
    blocksBefore: before.length,
    blocksAfter: after.length,
    effect: null,
    interval: [null, null],
    evidence: 1,
    autocorrelation: 0,
  };
  if (before.length < leastBlocks || after.length < leastBlocks) return none;
  const fit = fitPhases(before, after);
  const autocorrelation = residualAutocorrelation([fit.residualsBefore, fit.residualsAfter]);
  const kept = (1 - autocorrelation) / (1 + autocorrelation);
  const degrees = fit.degrees * kept;
  if (degrees < 2) return { ...none, autocorrelation };
  const precision = fit.precision * kept;
  // The same buffers in every call have no variance at all; a change of a percent is none that matters.
  const noise = Math.max(fit.noise, leastNoise);
  const standardError = noise / Math.sqrt(precision);
  const t = fit.effect / standardError;
  const evidence = bayesFactor(t, precision, degrees);
  const reach = reachOf(alpha, precision, degrees, furthestReach / standardError);
  const half = reach === null ? null : reach * standardError;
  return {
    ...none,
    effect: Math.exp(fit.effect),
    interval: half === null ? [null, null] : [Math.exp(fit.effect - half), Math.exp(fit.effect + half)],
    evidence,
    autocorrelation,
  };
}

/** Fewer have no variance worth the name. */
const leastBlocks = 4;
/** Of block means, as a ratio. */
const leastNoise = 0.01;
/**
 * Variances of the effect before it is seen, in units of the noise of a block: mostly about one block's noise, and each four times
 * as large half as likely. See {@link compareSequentially}.
 */
const priors: readonly { readonly variance: number; readonly weight: number }[] = Array.from(
  { length: 11 },
  (_, at) => ({
    variance: 4 ** at,
    weight: 0.5 ** Math.min(at + 1, 10),
  }),
);
/** An end that is further away, as a logarithm, says nothing: a factor of a million. */
const furthestReach = Math.log(1e6);

function bayesFactor(t: number, precision: number, degrees: number): number {
  const squared = (t * t) / degrees;
  const factors = priors.map(({ variance, weight }) => {
    const shrink = 1 + precision * variance;
    const log = -0.5 * Math.log(shrink) - ((degrees + 1) / 2) * (Math.log1p(squared / shrink) - Math.log1p(squared));
    return weight * Math.exp(Math.min(log, 700));
  });
  return sumOf(factors);
}

/** The |t| at which the evidence is 1 / alpha, which grows with |t|; null: it is beyond `most`. */
function reachOf(alpha: number, precision: number, degrees: number, most: number): number | null {
  const isEnough = (t: number): boolean => bayesFactor(t, precision, degrees) >= 1 / alpha;
  if (!isEnough(most)) return null;
  let [low, high] = [0, 1];
  while (!isEnough(high)) [low, high] = [high, 2 * high];
  while (high - low > 1e-10 * high) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

interface PhaseFit {
  readonly effect: number;
  readonly noise: number;
  /** noise^2 / variance of the effect. */
  readonly precision: number;
  readonly degrees: number;
  readonly residualsBefore: readonly number[];
  readonly residualsAfter: readonly number[];
}

/** Least squares with one level a phase and slopes in common (analysis of covariance). */
function fitPhases(before: readonly Block[], after: readonly Block[]): PhaseFit {
  const width = before[0]?.covariates.length ?? 0;
  const phases = [before, after].map((blocks) => {
    const centre = meanOf(blocks.map(({ logMean }) => logMean));
    const centres = Array.from({ length: width }, (_, at) => meanOf(blocks.map((one) => one.covariates[at] ?? 0)));
    const rows = blocks.map(({ logMean, covariates }) => ({
      y: logMean - centre,
      x: centres.map((value, at) => (covariates[at] ?? 0) - value),
    }));
    return { centre, centres, rows };
  });
  const rows = phases.flatMap((phase) => phase.rows);
  const products = Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (__, j) => sumOf(rows.map(({ x }) => (x[i] ?? 0) * (x[j] ?? 0)))),
  );
  const cross = Array.from({ length: width }, (_, i) => sumOf(rows.map(({ x, y }) => (x[i] ?? 0) * y)));
  const slopes = solve(products, cross);
  const [first, second] = phases;
  const shift = (first?.centres ?? []).map((value, at) => (second?.centres[at] ?? 0) - value);
  const spread = solve(products, shift);
  const used = slopes.filter((slope) => slope !== 0).length;
  const residuals = phases.map((phase) =>
    phase.rows.map(({ x, y }) => y - sumOf(x.map((value, at) => value * (slopes[at] ?? 0)))),
  );
  const degrees = Math.max(1, rows.length - 2 - used);
  const noise = Math.sqrt(sumOf(residuals.flat().map((one) => one * one)) / degrees);
  return {
    effect: (second?.centre ?? 0) - (first?.centre ?? 0) - sumOf(shift.map((value, at) => value * (slopes[at] ?? 0))),
    noise,
    precision: 1 / (1 / before.length + 1 / after.length + sumOf(shift.map((value, at) => value * (spread[at] ?? 0)))),
    degrees,
    residualsBefore: residuals[0] ?? [],
    residualsAfter: residuals[1] ?? [],
  };
}

/** Gauss-Jordan for one or two unknowns; what does not vary gets 0. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): readonly number[] {
  const rows = matrix.map((row, at) => [...row, right[at] ?? 0]);
  const width = right.length;
  const scale = Math.max(...matrix.map((row, at) => row[at] ?? 0), 0);
  const free = new Set<number>();
  for (let at = 0; at < width; at++) {
    const row = rows[at];
    const pivot = row?.[at] ?? 0;
    if (row === undefined || pivot <= 1e-9 * Math.max(scale, 1e-9)) {
      free.add(at);
      continue;
    }
    for (let column = 0; column <= width; column++) row[column] = (row[column] ?? 0) / pivot;
    for (const other of rows) {
      if (other === row) continue;
      const factor = other[at] ?? 0;
      for (let column = 0; column <= width; column++) {
        other[column] = (other[column] ?? 0) - factor * (row[column] ?? 0);
      }
    }
  }
  return rows.map((row, at) => (free.has(at) ? 0 : (row[width] ?? 0)));
}

function residualAutocorrelation(phases: readonly (readonly number[])[]): number {
  let neighbours = 0;
  let squares = 0;
  let count = 0;
  for (const residuals of phases) {
    for (const [at, one] of residuals.entries()) {
      squares += one * one;
      if (at > 0) neighbours += one * (residuals[at - 1] ?? 0);
    }
    count += residuals.length;
  }
  // What is left of rounding resembles nothing.
  if (squares < count * 1e-12) return 0;
  const measured = neighbours / squares;
  // Each phase's own mean was taken away, which makes neighbours look less alike: by (1 + 3 r) / n of each phase.
  const mended = measured + (phases.length * (1 + 3 * Math.max(0, measured))) / count;
  return Math.min(0.95, Math.max(0, mended));
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : sumOf(values) / values.length;
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
