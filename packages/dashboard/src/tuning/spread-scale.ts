import type { TrialSpread } from '@teamflow/autopilot/contract';

/** Where one side of a strip is drawn, as shares of its width. */
export interface SpreadPlace {
  readonly least: number;
  readonly tenth: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
  readonly nineTenths: number;
  readonly most: number;
}

/**
 * Places of spreads on one scale of logarithms, so that half and twice are as far from one, from the least to the most of all of
 * them; a little room is left at both ends.
 */
export function spreadPlaces(spreads: readonly TrialSpread[]): readonly SpreadPlace[] {
  const logs = spreads.map(({ quantiles }) => quantiles.map((ms) => Math.log(Math.max(ms, 1e-6))));
  const all = logs.flat();
  const from = Math.min(...all);
  const width = Math.max(...all) - from;
  return logs.map((own) => {
    const [least = 0, tenth = 0, quarter = 0, median = 0, threeQuarters = 0, nineTenths = 0, most = 0] = own.map(
      (log) => (width === 0 ? 0.5 : ROOM + (1 - 2 * ROOM) * ((log - from) / width)),
    );
    return { least, tenth, quarter, median, threeQuarters, nineTenths, most };
  });
}

const ROOM = 0.02;
