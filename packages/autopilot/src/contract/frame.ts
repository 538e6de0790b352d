import type { EpochMs } from '../kernel/clock.ts';

/** Part of a time line: [from, to), in ms since 1970. */
export interface TimeSpan {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/**
 * Columnar time series, as charts take them: `columns[name][i]` belongs to the step that starts at `at[i]`.
 * null where there is no data; `complete` is false when part of the range could not be had at all.
 */
export interface Frame {
  readonly at: readonly EpochMs[];
  readonly stepMs: number;
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
  readonly complete: boolean;
  /** When no instance reported at all, oldest first, the time that has not come included. Absent: not asked for. */
  readonly missing?: readonly TimeSpan[];
}
