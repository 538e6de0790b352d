/**
 * Whether a series goes somewhere.
 *
 *   slope     = median over i < j of (y_j - y_i) / (x_j - x_i)                     (Theil 1950; Sen 1968)
 *   interval  = the slopes at ranks (N -/+ z sqrt(n (n - 1) (2 n + 5) / 18)) / 2    of the N slopes, sorted
 *
 * No outlier moves a median, and no distribution is assumed. Values of neighbouring seconds hang together and would make
 * the interval too narrow: the series is put into at most 40 blocks first, and the level is 99 %.
 */
export interface Trend {
  /** The change from the first block to the last, as a ratio of the first's level: 0.2 is a fifth more. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
}

const MOST_BLOCKS = 40;
const FEWEST_BLOCKS = 8;
/** Of the normal distribution, for 99 % two-sided. */
const Z = 2.576;

/** The trend of points in order of `x`; null: too few, or nothing to compare with. */
export function trendOf(points: readonly { readonly x: number; readonly y: number }[]): Trend | null {
  const blocks = blocksOf(points);
  if (blocks.length < FEWEST_BLOCKS) return null;
  const slopes: number[] = [];
  blocks.forEach((one, at) => {
    for (const other of blocks.slice(at + 1)) slopes.push((other.y - one.y) / (other.x - one.x));
  });
  slopes.sort((a, b) => a - b);
  const n = blocks.length;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const rank = (position: number): number =>
    slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(position)))] ?? Number.NaN;
  const slope = rank((slopes.length - 1) / 2);
  const xs = blocks.map(({ x }) => x);
  const length = (xs.at(-1) ?? 0) - (xs[0] ?? 0);
  const middle = median(blocks.map(({ y }) => y));
  // Where the line through the middle begins.
  const level = middle - slope * (median(xs) - (xs[0] ?? 0));
  if (!(level > 0)) return null;
  const change = (one: number): number => (one * length) / level;
  return {
    change: change(slope),
    low: change(rank((slopes.length - spread) / 2)),
    high: change(rank((slopes.length + spread) / 2)),
  };
}

function blocksOf(points: readonly { readonly x: number; readonly y: number }[]): { x: number; y: number }[] {
  const size = Math.max(1, Math.ceil(points.length / MOST_BLOCKS));
  const blocks: { x: number; y: number }[] = [];
  for (let at = 0; at < points.length; at += size) {
    const block = points.slice(at, at + size);
    blocks.push({ x: median(block.map(({ x }) => x)), y: median(block.map(({ y }) => y)) });
  }
  return blocks;
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}
