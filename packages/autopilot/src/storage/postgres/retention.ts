import type { EpochMs } from '../../kernel/clock.ts';

/**
 * How long facts are kept at which resolution: 10 s for 2 hours, minutes for 8 days, hours for 100 days, days for 2 years.
 *
 * A partition is dropped as a whole once all of it is older, so up to a partition's width more is kept.
 */

/** In ms. */
export const MINUTE_MS = 60_000;
/** In ms. */
export const HOUR_MS: number = 60 * MINUTE_MS;
/** In ms; days are those of UTC. */
export const DAY_MS: number = 24 * HOUR_MS;

/** How a partitioned table is cut and kept. */
export interface PartitionedTable {
  readonly name: string;
  /** Partitions begin at multiples of it since 1970. */
  readonly widthMs: number;
  readonly keptMs: number;
  /** Made this long before they are needed. */
  readonly aheadMs: number;
  /** Whether a default partition takes rows that no other one is for. */
  readonly hasDefault: boolean;
}

function table(name: string, widthMs: number, keptMs: number, aheadMs: number, hasDefault = false): PartitionedTable {
  return { name, widthMs, keptMs, aheadMs, hasDefault };
}

/** Ahead by three hours: as long may every control plane be away before windows go into the default partition. */
const AGENT_AHEAD_MS = 3 * HOUR_MS;

/** All tables that hold metrics. */
export const partitionedTables: Readonly<
  Record<
    'windows' | 'windowBlocks' | 'minuteBlocks' | 'minuteChunks' | 'hourBlocks' | 'hourChunks' | 'dayBlocks',
    PartitionedTable
  >
> = {
  windows: table('windows', HOUR_MS, 2 * HOUR_MS, AGENT_AHEAD_MS, true),
  windowBlocks: table('window_blocks', HOUR_MS, 2 * HOUR_MS, AGENT_AHEAD_MS, true),
  minuteBlocks: table('minute_blocks', HOUR_MS, 2 * HOUR_MS, HOUR_MS),
  minuteChunks: table('minute_chunks', DAY_MS, 8 * DAY_MS, HOUR_MS),
  hourBlocks: table('hour_blocks', DAY_MS, 2 * DAY_MS, HOUR_MS),
  hourChunks: table('hour_chunks', 10 * DAY_MS, 100 * DAY_MS, HOUR_MS),
  dayBlocks: table('day_blocks', 100 * DAY_MS, 730 * DAY_MS, HOUR_MS),
};

/** Windows older than this are not taken any more: a day less than minutes are kept, so that they can still be merged. */
export const ACCEPTED_BACK_MS: number = 7 * DAY_MS;
/** Clocks of two machines differ; a window further ahead is a mistake that would stand in the way of the real one. */
export const ACCEPTED_AHEAD_MS = 60_000;
/** No window is longer: agents make them of 10 s, and of a minute while the store is away; a blocked event loop stretches one. */
export const LONGEST_WINDOW_MS: number = 10 * MINUTE_MS;

/** The multiple of `unitMs` at or before `at`. */
export function floorTo(at: EpochMs, unitMs: number): EpochMs {
  return Math.floor(at / unitMs) * unitMs;
}

/** The multiple of `unitMs` at or after `at`. */
export function ceilTo(at: EpochMs, unitMs: number): EpochMs {
  return Math.ceil(at / unitMs) * unitMs;
}
