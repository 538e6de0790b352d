import type { EpochMs } from '../kernel/clock.ts';
import type { TableHour } from '../storage/database-history.ts';

/** How a table changes. */
export interface TableTrend {
  /** null: not known yet. */
  readonly growthBytesPerDay: number | null;
  /** Rows that become dead a day, by updates and deletes; null: not known yet. */
  readonly deadRowsPerDay: number | null;
  readonly insertedRowsPerDay: number | null;
}

const DAY_MS = 86_400_000;
/** A slope over less tells of the hour, not of the table. */
const LEAST_MS = 3_600_000;

/**
 * How a table changed over its hours: the slope of its size by least squares, and what its counters rose by. Counters that fall were reset,
 * and count from nothing. Updates that stay on their page (HOT) leave rows that the next reader prunes, so they count for none.
 */
export function tableTrend(hours: readonly TableHour[]): TableTrend {
  const first = hours[0];
  const last = hours.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) {
    return { growthBytesPerDay: null, deadRowsPerDay: null, insertedRowsPerDay: null };
  }
  const days = (last.at - first.at) / DAY_MS;
  const rise = (of: (hour: TableHour) => number): number => {
    let sum = 0;
    for (let at = 1; at < hours.length; at++) {
      const [before, now] = [hours[at - 1], hours[at]];
      if (before === undefined || now === undefined) continue;
      const difference = of(now) - of(before);
      sum += difference < 0 ? of(now) : difference;
    }
    return sum / days;
  };
  return {
    growthBytesPerDay: slopePerDay(
      hours.flatMap(({ at, totalBytes }) => (totalBytes === null ? [] : [{ at, value: totalBytes }])),
    ),
    deadRowsPerDay: rise(({ updated, deleted, hotUpdated }) => updated + deleted - hotUpdated),
    insertedRowsPerDay: rise(({ inserted }) => inserted),
  };
}

/** By least squares; null: under an hour. */
function slopePerDay(points: readonly { readonly at: EpochMs; readonly value: number }[]): number | null {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return null;
  const mean = (of: (point: { readonly at: EpochMs; readonly value: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = (point: { readonly at: EpochMs }): number => (point.at - first.at) / DAY_MS;
  const [meanX, meanY] = [mean(x), mean(({ value }) => value)];
  const above = points.reduce((sum, point) => sum + (x(point) - meanX) * (point.value - meanY), 0);
  const below = points.reduce((sum, point) => sum + (x(point) - meanX) ** 2, 0);
  return below === 0 ? null : above / below;
}
