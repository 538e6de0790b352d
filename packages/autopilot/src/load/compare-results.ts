import { bucketUpperBound, ExponentialHistogram } from '../kernel/histogram.ts';
import { Random } from './random.ts';
import type { LoadResult, WindowResult } from './result.ts';

/**
 * Whether two runs (or several on each side) really differ.
 *
 *   theta* = Q_q(after*) / Q_q(before*)      each side put together anew from blocks of its own windows, drawn with replacement
 *
 * A moving-block bootstrap (Kuensch 1989; blocks of n^(1/3) windows): latencies of neighbouring seconds hang together,
 * so that requests can't be drawn one by one. Where a side has several runs, runs are drawn first and blocks within
 * them, so that what differs from run to run is in the interval. A difference is shown when the whole interval of its ratio lies
 * beyond the margin; the level is divided by the number of figures (Bonferroni), so that two equal runs are called different
 * in at most 5 % of cases by all figures together.
 */
export interface LoadComparison {
  readonly verdict: Verdict;
  /** Why there is not enough data, or what the verdict rests on; sentences. */
  readonly reasons: readonly string[];
  readonly figures: readonly FigureComparison[];
}

/** What a comparison says; `worse` when any figure is. */
export type Verdict = 'better' | 'worse' | 'no-difference' | 'not-enough-data';

/** One figure of both sides. */
export interface FigureComparison {
  readonly figure: 'p50' | 'p95' | 'p99' | 'mean' | 'errorRatio';
  /** ms, or 0 to 1. */
  readonly before: number;
  readonly after: number;
  /** Of `after` to `before` (of the error ratio: their difference), with its interval. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: Exclude<Verdict, 'not-enough-data'>;
}

/** How a comparison is made. */
export interface CompareOptions {
  /** Changes within this ratio are no difference; default 0.03, about what one machine differs from itself. */
  readonly margin?: number;
  /** How often two equal runs may be called different; default 0.05. */
  readonly falseAlarms?: number;
  /** Default 1. */
  readonly seed?: number;
}

const FEWEST_WINDOWS = 10;
const FEWEST_REQUESTS = 200;
const RESAMPLES = 1000;
/** More failures than this are a difference: one in a thousand requests. */
const ERROR_MARGIN = 0.001;
const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const;

/** Compares what was measured after with what was measured before; several runs on a side say more than one. */
export function compareLoadResults(
  before: readonly LoadResult[],
  after: readonly LoadResult[],
  options: CompareOptions = {},
): LoadComparison {
  const reasons = [...unfit('before', before), ...unfit('after', after)];
  const sides = [before, after].map((results) => new Side(results)) as [Side, Side]; // of two come two
  if (reasons.length === 0) reasons.push(...tooFew('before', sides[0]), ...tooFew('after', sides[1]));
  if (reasons.length > 0) return { verdict: 'not-enough-data', reasons, figures: [] };

  const { margin = 0.03, falseAlarms = 0.05, seed = 1 } = options;
  const random = new Random(seed);
  const whole = sides.map((side) => figuresOf(side.all())) as [Figures, Figures]; // of two come two
  const draws = Array.from({ length: RESAMPLES }, () =>
    changeOf(figuresOf(sides[0].draw(random)), figuresOf(sides[1].draw(random))),
  );
  const names = ['p50', 'p95', 'p99', 'mean', 'errorRatio'] as const;
  const tail = falseAlarms / names.length / 2;
  const change = changeOf(...whole);
  const figures = names.map((figure): FigureComparison => {
    const sorted = Float64Array.from(draws, (draw) => draw[figure]).sort();
    const low = at(sorted, tail);
    const high = at(sorted, 1 - tail);
    const [least, most] = figure === 'errorRatio' ? [-ERROR_MARGIN, ERROR_MARGIN] : [1 / (1 + margin), 1 + margin];
    const verdict = low > most ? 'worse' : high < least ? 'better' : 'no-difference';
    return { figure, before: whole[0][figure], after: whole[1][figure], change: change[figure], low, high, verdict };
  });
  const verdict = (['worse', 'better'] as const).find((one) => figures.some((figure) => figure.verdict === one));
  const notes =
    before.length > 1 && after.length > 1
      ? []
      : ['One side has a single run: what differs from run to run by itself is covered by the margin alone.'];
  return { verdict: verdict ?? 'no-difference', reasons: notes, figures };
}

function unfit(side: string, results: readonly LoadResult[]): string[] {
  if (results.length === 0) return [`There is no run ${side}.`];
  return results.flatMap(({ valid, invalidReasons, state, stop }) => [
    ...(valid ? [] : [`A run ${side} is invalid: ${invalidReasons.join(' ')}`]),
    ...(state === 'completed' ? [] : [`A run ${side} was ended before its time: ${stop?.message ?? state}.`]),
  ]);
}

function tooFew(name: string, side: Side): string[] {
  const { windows, requests } = side;
  if (windows < FEWEST_WINDOWS) return [`The runs ${name} have ${windows} windows, ${FEWEST_WINDOWS} are needed.`];
  if (requests < FEWEST_REQUESTS) return [`The runs ${name} have ${requests} requests, ${FEWEST_REQUESTS} are needed.`];
  return [];
}

/** Counts by bucket, and what goes with them; sums of several windows. */
interface Sum {
  readonly counts: Float64Array;
  count: number;
  totalMs: number;
  ended: number;
  failed: number;
}

type Figures = Readonly<Record<FigureComparison['figure'], number>>;

/** Buckets from 2^-10 ms (1 us) to 2^22 ms (70 minutes), 16 an octave. */
const FIRST_BUCKET = -10 * 16;
const BUCKETS = 32 * 16;

/** The windows of one side's runs, ready to be summed. */
class Side {
  readonly #runs: readonly (readonly Sum[])[];

  constructor(results: readonly LoadResult[]) {
    this.#runs = results.map((result) => judgedWindows(result).map(sumOf));
  }

  get windows(): number {
    return Math.min(...this.#runs.map((run) => run.length));
  }

  get requests(): number {
    return this.all().count;
  }

  all(): Sum {
    const sum = emptySum();
    for (const window of this.#runs.flat()) add(sum, window);
    return sum;
  }

  draw(random: Random): Sum {
    const sum = emptySum();
    for (let draw = 0; draw < this.#runs.length; draw++) {
      const run = this.#runs[random.integer(0, this.#runs.length - 1)] ?? [];
      const length = Math.max(1, Math.round(Math.cbrt(run.length)));
      for (let taken = 0; taken < run.length; taken += length) {
        // Blocks go round the end, so that every window is as likely as any other.
        const first = random.integer(0, run.length - 1);
        for (let step = 0; step < Math.min(length, run.length - taken); step++) {
          const window = run[(first + step) % run.length];
          if (window !== undefined) add(sum, window);
        }
      }
    }
    return sum;
  }
}

/** Those of the steady state, where there is one; else those that are measured and whole. */
function judgedWindows({ windows, steady }: LoadResult): WindowResult[] {
  const measured = windows.filter(({ fromMs }) => fromMs >= 0);
  const width = Math.max(0, ...measured.map(({ durationMs }) => durationMs));
  const from = steady.state === 'steady' ? steady.fromMs : 0;
  return measured.filter(({ fromMs, durationMs }) => durationMs >= width && fromMs >= from);
}

function emptySum(): Sum {
  return { counts: new Float64Array(BUCKETS), count: 0, totalMs: 0, ended: 0, failed: 0 };
}

function sumOf({ response, done, failed, timedOut }: WindowResult): Sum {
  const sum = emptySum();
  const histogram = ExponentialHistogram.decode(Buffer.from(response.histogram, 'base64'));
  for (const { index, count } of histogram.buckets()) {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, index - FIRST_BUCKET));
    sum.counts[bucket] = (sum.counts[bucket] ?? 0) + count;
  }
  // Values too small for a bucket are as small as any.
  sum.counts[0] = (sum.counts[0] ?? 0) + histogram.zeroCount;
  sum.count = histogram.count;
  sum.totalMs = histogram.sum;
  sum.ended = done + failed + timedOut;
  sum.failed = failed + timedOut;
  return sum;
}

function add(sum: Sum, other: Sum): void {
  const { counts } = sum;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = other.counts[bucket] ?? 0;
    if (count > 0) counts[bucket] = (counts[bucket] ?? 0) + count;
  }
  sum.count += other.count;
  sum.totalMs += other.totalMs;
  sum.ended += other.ended;
  sum.failed += other.failed;
}

function figuresOf(sum: Sum): Figures {
  const [p50 = Number.NaN, p95 = Number.NaN, p99 = Number.NaN] = QUANTILES.map(([, q]) => quantile(sum, q));
  return {
    p50,
    p95,
    p99,
    mean: sum.totalMs / sum.count,
    errorRatio: sum.ended === 0 ? 0 : sum.failed / sum.ended,
  };
}

/** Interpolated within its bucket, on the logarithmic scale: whole buckets would make steps of 4.4 % out of nothing. */
function quantile({ counts, count }: Sum, q: number): number {
  const rank = q * count;
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const inside = counts[bucket] ?? 0;
    if (inside === 0 || seen + inside < rank) {
      seen += inside;
      continue;
    }
    const upper = bucketUpperBound(FIRST_BUCKET + bucket);
    const lower = bucketUpperBound(FIRST_BUCKET + bucket - 1);
    return lower * (upper / lower) ** ((rank - seen) / inside);
  }
  return Number.NaN;
}

function changeOf(before: Figures, after: Figures): Figures {
  return {
    p50: after.p50 / before.p50,
    p95: after.p95 / before.p95,
    p99: after.p99 / before.p99,
    mean: after.mean / before.mean,
    errorRatio: after.errorRatio - before.errorRatio,
  };
}

function at(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))] ?? Number.NaN;
}
