import type { EpochMs, ReleaseMark, TimeSpan } from '@teamflow/autopilot/contract';

/** What all charts of a page have in common. */
export interface ChartScope {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Since when nobody answers; the time from then on is shaded. Null: somebody does, or it does not matter here. */
  readonly silentSince: EpochMs | null;
  /** Until when anything can be known; the time after it is empty, not missing. */
  readonly knownUntil: EpochMs;
  readonly releases: readonly ReleaseMark[];
  /** What the dashed lines are of, "yesterday"; null: nothing is compared. */
  readonly comparedWith: string | null;
  /** A range was marked by dragging over a chart. */
  readonly onZoom: (from: EpochMs, to: EpochMs) => void;
  readonly onZoomOut: () => void;
}

/** The parts of `missing` that lie in sight and in the past, but for those that `silentSince` shades already. */
export function missingInSight(
  missing: readonly TimeSpan[],
  { from, to, silentSince, knownUntil }: Pick<ChartScope, 'from' | 'to' | 'silentSince' | 'knownUntil'>,
): readonly TimeSpan[] {
  const end = Math.min(to, knownUntil, silentSince ?? Number.POSITIVE_INFINITY);
  return missing
    .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, end) }))
    .filter((span) => span.to > span.from);
}
