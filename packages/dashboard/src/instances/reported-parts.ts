import type { TimeSpan } from '@teamflow/autopilot/contract';

/** A part of a bar, in percent of it. */
export interface BarPart {
  readonly left: number;
  readonly width: number;
}

/** The spans within a range as parts of a bar; what lies outside is cut off. */
export function reportedParts(reported: readonly TimeSpan[], from: number, to: number): readonly BarPart[] {
  const percent = (ms: number): number => Math.round((ms / (to - from)) * 10_000) / 100;
  return reported
    .map((span) => ({ start: Math.max(from, span.from), end: Math.min(to, span.to) }))
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => ({ left: percent(start - from), width: percent(end - start) }));
}

/** The part of the range that the spans cover, from 0 to 1. They do not overlap. */
export function reportedShare(reported: readonly TimeSpan[], from: number, to: number): number {
  return reportedParts(reported, from, to).reduce((sum, { width }) => sum + width, 0) / 100;
}
