import type { Frame } from '../../contract/frame.ts';
import type { Measure } from '../../contract/measures.ts';
import type { Family } from '../../contract/series.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Scope } from '../../query/summaries.ts';
import type { SteppedRange } from '../../query/time-range.ts';

/** The frames that an answer draws, by name. */
export type TrendTable = Readonly<Record<string, { readonly family: Family; readonly measures: readonly Measure[] }>>;

/** Each frame of the table over the range, all keys of its family merged; one question to the store each. */
export async function trendFrames(
  engine: QueryEngine,
  scope: Scope,
  range: SteppedRange,
  trends: TrendTable,
): Promise<Readonly<Record<string, Frame>>> {
  const frames: Record<string, Frame> = {};
  for (const [name, { family, measures }] of Object.entries(trends)) {
    frames[name] = await engine.frame({ ...scope, family }, null, range, measures);
  }
  return frames;
}
