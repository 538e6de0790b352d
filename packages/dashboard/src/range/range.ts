import type { EpochMs } from '@teamflow/autopilot/contract';

/** The time that a page is about. */
export type Range =
  /** The last so many ms: it follows the present. */
  | { readonly kind: 'last'; readonly ms: number }
  /** It stands still. */
  | { readonly kind: 'fixed'; readonly from: EpochMs; readonly to: EpochMs };

export interface Bounds {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
const units: Readonly<Record<string, number>> = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

export const DEFAULT_RANGE: Range = { kind: 'last', ms: 5 * MINUTE_MS };
/** Ranges at a press; the first ones are live. */
export const QUICK_RANGES_MS: readonly number[] = [
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  6 * HOUR_MS,
  DAY_MS,
  7 * DAY_MS,
  30 * DAY_MS,
  90 * DAY_MS,
];
/** Further back than anything is kept. */
const LONGEST_MS = 2 * 365 * DAY_MS;
/** Ten of the finest steps: in less than that there is no course to see. */
const SHORTEST_MS = 10_000;

/** "15m", "6h", "90d"; null where it is no range. */
export function parseSpan(text: string): number | null {
  const match = /^(\d{1,4})([mhd])$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * (units[match[2] ?? ''] ?? 0);
  return ms >= MINUTE_MS && ms <= LONGEST_MS ? ms : null;
}

/** A span as an address has it: in the largest unit that it is a whole number of, days from two on. */
export function spanText(ms: number): string {
  if (ms % DAY_MS === 0 && ms > DAY_MS) return `${ms / DAY_MS}d`;
  return ms % HOUR_MS === 0 ? `${ms / HOUR_MS}h` : `${Math.round(ms / MINUTE_MS)}m`;
}

/** "15 minutes", "hour", "90 days": after "the last". */
export function spanWords(ms: number): string {
  const text = spanText(ms);
  const count = Number(text.slice(0, -1));
  const unit = { m: 'minute', h: 'hour', d: 'day' }[text.slice(-1)] ?? '';
  return count === 1 ? unit : `${count} ${unit}s`;
}

/** Minutes of a range that is short enough to be streamed second by second; null: it is asked for. */
export function liveMinutes(range: Range): number | null {
  return range.kind === 'last' && range.ms <= HOUR_MS && range.ms % MINUTE_MS === 0 ? range.ms / MINUTE_MS : null;
}

/** How often a range that follows the present is asked for again: about as often as a point of its charts is new. */
export function refreshMs(range: Range): number | null {
  return range.kind === 'fixed'
    ? null
    : Math.min(5 * MINUTE_MS, Math.max(10_000, Math.round(range.ms / 360 / 10_000) * 10_000));
}

export function boundsOf(range: Range, now: EpochMs): Bounds {
  return range.kind === 'fixed' ? { from: range.from, to: range.to } : { from: now - range.ms, to: now };
}

/** What a drag over a chart marks, in whole seconds; null where it is too short to mean anything. */
export function marked(from: EpochMs, to: EpochMs): Range | null {
  const start = Math.floor(Math.min(from, to) / 1000) * 1000;
  const end = Math.ceil(Math.max(from, to) / 1000) * 1000;
  if (!Number.isFinite(start) || !Number.isFinite(end)) return null;
  if (end - start >= SHORTEST_MS) return { kind: 'fixed', from: start, to: end };
  const missing = SHORTEST_MS - (end - start);
  return end - start < 1000
    ? null
    : { kind: 'fixed', from: start - Math.floor(missing / 2000) * 1000, to: end + Math.ceil(missing / 2000) * 1000 };
}

/** Half as long around the same middle. */
export function zoomedIn({ from, to }: Bounds): Range {
  const quarter = Math.floor((to - from) / 4000) * 1000;
  return to - from - 2 * quarter < SHORTEST_MS
    ? { kind: 'fixed', from, to }
    : { kind: 'fixed', from: from + quarter, to: to - quarter };
}

/** Twice as long around the same middle; what would reach into the future reaches further back instead. */
export function zoomedOut({ from, to }: Bounds, now: EpochMs): Range {
  const length = Math.min(LONGEST_MS, 2 * (to - from));
  const end = Math.min(now, to + (length - (to - from)) / 2);
  return fixed(end - length, end);
}

/** Half a range earlier (−1) or later (1), never into the future. */
export function moved({ from, to }: Bounds, direction: -1 | 1, now: EpochMs): Range {
  const length = to - from;
  const end = Math.min(now, to + (direction * length) / 2);
  return fixed(end - length, end);
}

function fixed(from: EpochMs, to: EpochMs): Range {
  return { kind: 'fixed', from: Math.floor(from / 1000) * 1000, to: Math.ceil(to / 1000) * 1000 };
}

/** What a page is compared with. */
export type Comparison = 'none' | 'previous' | 'day' | 'week';

export const comparisons: readonly { readonly value: Comparison; readonly label: string; readonly words: string }[] = [
  { value: 'none', label: 'No comparison', words: '' },
  { value: 'previous', label: 'Period before', words: 'the period before' },
  { value: 'day', label: 'Yesterday', words: 'yesterday' },
  { value: 'week', label: 'Last week', words: 'last week' },
];

/** How much earlier the other range lies; null: there is none. Yesterday and last week are whole days of 24 hours. */
export function comparedMs(compare: Comparison, { from, to }: Bounds): number | null {
  switch (compare) {
    case 'none':
      return null;
    case 'previous':
      return to - from;
    case 'day':
      return Math.max(1, Math.ceil((to - from) / DAY_MS)) * DAY_MS;
    case 'week':
      return Math.max(1, Math.ceil((to - from) / WEEK_MS)) * WEEK_MS;
  }
}

/** What the comparison is with, in words for after "than". */
export function comparedWords(compare: Comparison, bounds: Bounds): string {
  const ms = comparedMs(compare, bounds);
  if (compare === 'day' && ms !== DAY_MS) return `${(ms ?? 0) / DAY_MS} days before`;
  if (compare === 'week' && ms !== WEEK_MS) return `${(ms ?? 0) / WEEK_MS} weeks before`;
  return comparisons.find(({ value }) => value === compare)?.words ?? '';
}
