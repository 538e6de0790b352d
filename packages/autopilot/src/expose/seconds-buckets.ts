import { bucketUpperBound, type ExponentialHistogram } from '../kernel/histogram.ts';

/*
 * Durations are recorded in ms and leave in seconds, and 1000 is no power of two: bucket i of a histogram in ms covers
 *
 *   (2^(i/16), 2^((i+1)/16)] ms = (2^((i - 159.45)/16), 2^((i - 158.45)/16)] s
 *
 * which lies across two buckets of the same width in seconds. Two ways out are exact enough:
 *
 *   - Classic buckets may have any bounds, so theirs are bounds of ours, divided by 1000: counts are exact.
 *   - Exponential buckets in seconds go out at scale 8 (schema 8, 256 an octave). Each of ours becomes the one bucket
 *     there that holds its harmonic mean, the value our quantiles answer with. That bucket is 0.27 % wide, so a receiver's
 *     quantile is ours within 0.27 % and the truth within 2.5 %. Moving counts to the next bucket at scale 4 would be
 *     off by up to 6.5 %. There are as many filled buckets as before.
 */

/** Scale (OpenTelemetry) and schema (Prometheus) of exponential buckets in seconds. */
export const SECONDS_SCALE = 8;

const PER_OCTAVE = 1 << SECONDS_SCALE;
/** Buckets an octave of the histograms in ms. */
const OURS_PER_OCTAVE = 16;
const WIDTH = 2 ** (1 / OURS_PER_OCTAVE);
/** Where in its bucket the harmonic mean lies, in octaves above the lower bound. */
const MEAN_OCTAVES = Math.log2((2 * WIDTH) / (1 + WIDTH));
/** -2,543: Prometheus numbers a bucket by its upper bound, and ours are 16 of these wide. */
const SHIFT = Math.ceil(PER_OCTAVE * (MEAN_OCTAVES - Math.log2(1000)));

/** What counts as zero in a histogram in ms, as a value in seconds. */
export const ZERO_THRESHOLD_SECONDS: number = 2 ** -30 / 1000;

/**
 * The number in Prometheus' schema 8 of the bucket in seconds that stands for bucket `index` in ms; it covers
 * (2^((n-1)/256), 2^(n/256)]. OpenTelemetry's number is one less.
 */
export function secondsBucket(index: number): number {
  return index * (PER_OCTAVE / OURS_PER_OCTAVE) + SHIFT;
}

/** How many classic buckets an octave may have. */
export const bucketDensities: readonly number[] = [1, 2, 4, 8, 16];

/** Half a millisecond to 16 s: what is faster is in the first bucket, what is slower in the last. */
const FIRST_OCTAVE = -1;
const LAST_OCTAVE = 14;

/** Upper bounds of classic buckets, the same for every series and at every time, so that sums over series are right. */
export interface ClassicBounds {
  /** Index, in ms, of the last bucket under each bound. */
  readonly indexes: Int32Array;
  readonly seconds: Float64Array;
}

const boundsByDensity: ReadonlyMap<number, ClassicBounds> = new Map(
  bucketDensities.map((density) => {
    const count = (LAST_OCTAVE - FIRST_OCTAVE) * density + 1;
    const indexes = Int32Array.from(
      { length: count },
      (_, at) => FIRST_OCTAVE * OURS_PER_OCTAVE + (at * OURS_PER_OCTAVE) / density - 1,
    );
    return [density, { indexes, seconds: Float64Array.from(indexes, (index) => bucketUpperBound(index) / 1000) }];
  }),
);

/** `density` is one of {@link bucketDensities}. */
export function classicBounds(density: number): ClassicBounds {
  const bounds = boundsByDensity.get(density);
  if (bounds === undefined) throw new RangeError(`there are no classic buckets of ${density} an octave`);
  return bounds;
}

/** How many values lie at or under each bound; exact. `into` has a place for each bound. */
export function countClassic(histogram: ExponentialHistogram, { indexes }: ClassicBounds, into: Float64Array): void {
  let total = histogram.zeroCount;
  let bound = 0;
  histogram.visitBuckets((index, count) => {
    while (bound < indexes.length && index > (indexes[bound] ?? 0)) into[bound++] = total;
    total += count;
  });
  while (bound < indexes.length) into[bound++] = total;
}
