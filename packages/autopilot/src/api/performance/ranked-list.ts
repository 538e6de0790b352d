import type { Page } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { KeysetOrder } from '../../page/page.ts';
import type { Subject } from '../../query/query-engine.ts';
import { comparePlaces, type Place, type Ranking, rankedPlaces } from '../../query/ranking.ts';
import { limitsOf, type TimeRange, wholeRange } from '../../query/time-range.ts';
import type { Extent } from '../../storage/ports.ts';
import type { PerformanceSources } from './sources.ts';

/** A list of routes or tenants, ranked by one of its columns. */
export interface RankedListRequest {
  readonly subject: Subject;
  readonly ranking: Ranking;
  /** Its rows in their places, where they are no series of the subject; absent: its series, by the measure. */
  readonly places?: (range: TimeRange) => Promise<readonly Place[]>;
  /** What is in its first column, for the cursor. */
  readonly keyName: 'route' | 'tenant';
  /** Only these; absent: all. */
  readonly only?: readonly string[] | undefined;
  /** How far it looks back when it is not told. */
  readonly lookBackMs: number;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  /** Everything of the query that decides which rows the list has; a cursor fits no other. */
  readonly filter: unknown;
}

/** One page of such a list: the rows to be filled. */
export interface RankedPage {
  readonly keys: readonly string[];
  readonly page: Page;
  /** The range of the list's first page. */
  readonly range: TimeRange;
  readonly extent: Extent;
  readonly now: EpochMs;
}

/**
 * What a cursor holds: the range of its first page, so that all pages are of one list, and the last row's place in it.
 * Nothing of it becomes SQL; the pager calls columns by what they would be there.
 */
function orderBy(keyName: string): KeysetOrder {
  return {
    columns: [
      { sql: 'range_from', type: 'bigint' },
      { sql: 'range_to', type: 'bigint' },
      { sql: 'value', type: 'double precision' },
      { sql: keyName, type: 'text' },
    ],
    direction: 'ascending',
  };
}

/** Finds the rows of one page. */
export async function rankedPage(
  { clock, engine, pager }: PerformanceSources,
  request: RankedListRequest,
): Promise<RankedPage> {
  const { subject, ranking, keyName, only, places, limit, cursor, filter } = request;
  const open = pager.open({ cursor, limit, order: orderBy(keyName), filter });
  const [rangeFrom, rangeTo, value, key] = open.from?.map(String) ?? [];
  const now = clock.now();
  const extent = await engine.extent(subject.service, now);
  const range =
    rangeFrom === undefined || rangeTo === undefined
      ? firstRange(request, extent, now)
      : { from: Number(rangeFrom), to: Number(rangeTo), ...limitsOf(extent, Number(rangeFrom), Number(rangeTo)) };
  const ranked =
    places === undefined ? await rankedPlaces(engine, subject, range, ranking) : [...(await places(range))];
  const ordered = only === undefined ? ranked : ranked.filter((place) => only.includes(place.key));
  const backward = open.toward === 'previous';
  if (backward) ordered.reverse();
  const start = value === undefined || key === undefined ? 0 : placeAfter(ordered, ranking, backward, value, key);
  const { items, page } = open.close(
    ordered.slice(start, start + open.fetch),
    (place) => [String(range.from), String(range.to), String(place.value), place.key],
    { count: { value: ordered.length, exact: true } },
  );
  return { keys: items.map((place) => place.key), page, range, extent, now };
}

/** The range of an answer as it is told: no further than now. */
export function rangeTold({ from, to }: TimeRange, now: EpochMs): { readonly from: string; readonly to: string } {
  return { from: new Date(from).toISOString(), to: new Date(Math.min(to, now)).toISOString() };
}

function firstRange({ from, to, lookBackMs }: RankedListRequest, extent: Extent, now: EpochMs): TimeRange {
  const asked = {
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  };
  return wholeRange(asked, lookBackMs, extent, now);
}

/** Where the rows beyond the one that a cursor names begin, whether or not that one is still there. */
function placeAfter(
  ordered: readonly Place[],
  ranking: Ranking,
  backward: boolean,
  value: string,
  key: string,
): number {
  const last: Place = { key, value: value === 'null' ? null : Number(value) };
  const beyond = ordered.findIndex((place) => {
    const difference = comparePlaces(ranking, place, last);
    return backward ? difference < 0 : difference > 0;
  });
  return beyond === -1 ? ordered.length : beyond;
}
