import type { Measure } from '../contract/measures.ts';
import type { QueryEngine, Subject } from './query-engine.ts';
import type { TimeRange } from './time-range.ts';

/** The place of a route or tenant in a ranking. */
export interface Place {
  readonly key: string;
  readonly value: number | null;
}

/** By which measure, and whether its lowest value comes first. */
export interface Ranking {
  readonly measure: Measure;
  readonly lowestFirst?: boolean;
}

/** Highest first, or lowest; without a value last; equal ones by name. */
export function comparePlaces({ lowestFirst = false }: Ranking, a: Place, b: Place): number {
  if (a.value !== b.value) {
    if (a.value === null) return 1;
    if (b.value === null) return -1;
    return lowestFirst ? a.value - b.value : b.value - a.value;
  }
  return a.key === b.key ? 0 : a.key < b.key ? -1 : 1;
}

/** Every key of a family in its place. */
export async function rankedPlaces(
  engine: QueryEngine,
  subject: Subject,
  range: TimeRange,
  ranking: Ranking,
): Promise<Place[]> {
  const ranked = await engine.top(subject, range, ranking.measure, Number.POSITIVE_INFINITY);
  const places = ranked.map(({ series, value }): Place => ({ key: series.key, value }));
  return places.sort((a, b) => comparePlaces(ranking, a, b));
}

/** A part of a whole, 0 where there is no whole; what rounding leaves over 1 is cut. */
export function shareOf(part: number | null, whole: number | null): number {
  if (part === null || whole === null || whole <= 0) return 0;
  return Math.min(1, Math.round((part / whole) * 1e6) / 1e6);
}
