import type { EpochMs } from '../kernel/clock.ts';

/**
 * Columnar time series, as charts take them: `columns[name][i]` belongs to the step that starts at `at[i]`.
 * null where there is no data; `complete` is false when part of the range could not be had at all.
 */
export interface Frame {
  readonly at: readonly EpochMs[];
  readonly stepMs: number;
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
  readonly complete: boolean;
}
