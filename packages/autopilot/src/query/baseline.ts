import type { EpochMs } from '../kernel/clock.ts';
import type { Extent } from '../storage/ports.ts';
import {
  type AskedRange,
  limitsOf,
  type SteppedRange,
  steppedRange,
  type TimeRange,
  wholeRange,
} from './time-range.ts';

/** A range and the one before it that it is compared with. */
export interface ComparedRanges {
  readonly range: TimeRange;
  readonly stepped: SteppedRange;
  readonly baseline: Baseline | null;
}

/** The earlier range, as long as the one that is compared with it. */
export interface Baseline {
  /** How much earlier it is: what was asked for, rounded up to a whole number of steps. */
  readonly shiftMs: number;
  readonly range: TimeRange;
  readonly stepped: SteppedRange;
}

/**
 * A range as a whole and in steps, and the earlier one that it is compared with: the same, moved back.
 * @throws AutopilotError AP_RANGE_INVALID
 */
export function comparedRanges(
  asked: AskedRange,
  compareMs: number | undefined,
  extent: Extent,
  now: EpochMs,
): ComparedRanges {
  const range = wholeRange(asked, 0, extent, now);
  const stepped = steppedRange(asked, 0, extent, now);
  if (compareMs === undefined) return { range, stepped, baseline: null };
  const shiftMs = shiftOf(compareMs, stepped);
  return {
    range,
    stepped,
    baseline: { shiftMs, range: movedBack(range, shiftMs, extent), stepped: movedBack(stepped, shiftMs, extent) },
  };
}

/** How far a range is moved back: what was asked for, rounded up to a whole number of steps, so that steps lie on steps. */
export function shiftOf(compareMs: number, { stepMs }: SteppedRange): number {
  return Math.ceil(compareMs / stepMs) * stepMs;
}

/**
 * A range moved back, with what is known about how far it is kept. Its steps stay as they are: where facts of then are kept in longer
 * windows, these are spread over the steps.
 */
export function movedBack<Range extends TimeRange>(range: Range, shiftMs: number, extent: Extent): Range {
  const from = range.from - shiftMs;
  const to = range.to - shiftMs;
  return { ...range, from, to, ...limitsOf(extent, from, to) };
}
