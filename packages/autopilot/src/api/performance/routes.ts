import type { RouteSort, RoutesQuery } from '../../contract/operations.ts';
import type { RouteList, RoutesBaseline } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { KeysetOrder } from '../../page/page.ts';
import { movedBack } from '../../query/baseline.ts';
import { compareRoutes, type RoutePlace, rankedRoutes, routeRows } from '../../query/summaries.ts';
import { limitsOf, type TimeRange, wholeRange } from '../../query/time-range.ts';
import type { Extent } from '../../storage/ports.ts';
import { baselineHead } from './baseline-head.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const LOOK_BACK_MS = 60_000;
const DEFAULT_SORT: RouteSort = 'timeShare';

/**
 * What a cursor holds: the range of its first page, so that all pages are of one list, and the last row's place in it.
 * Nothing of it becomes SQL; the pager calls columns by what they would be there.
 */
const order: KeysetOrder = {
  columns: [
    { sql: 'range_from', type: 'bigint' },
    { sql: 'range_to', type: 'bigint' },
    { sql: 'value', type: 'double precision' },
    { sql: 'route', type: 'text' },
  ],
  direction: 'ascending',
};

/** GET /performance/routes */
export async function listRoutes(sources: PerformanceSources, query: RoutesQuery): Promise<RouteList> {
  const { clock, engine, pager } = sources;
  const scope = scopeOf(sources, query);
  const sort = query.sort ?? DEFAULT_SORT;
  const { cursor, limit, from, to, route, compare } = query;
  const filter = { ...scope, sort, from, to, route, compare };
  const open = pager.open({ cursor, limit, order, filter });
  const [rangeFrom, rangeTo, value, name] = open.condition?.values ?? [];
  const extent = await engine.extent(scope.service, clock.now());
  const range =
    rangeFrom === undefined || rangeTo === undefined
      ? firstRange(query, extent, clock.now())
      : { from: Number(rangeFrom), to: Number(rangeTo), ...limitsOf(extent, Number(rangeFrom)) };
  const ranked = await rankedRoutes(engine, scope, range, sort);
  const ordered = route === undefined ? ranked : ranked.filter((place) => place.route === route);
  const backward = open.orderBy.endsWith(' desc');
  if (backward) ordered.reverse();
  const start = value === undefined || name === undefined ? 0 : placeAfter(ordered, sort, backward, value, name);
  const { items, page } = open.close(ordered.slice(start, start + open.fetch), (place) => [
    String(range.from),
    String(range.to),
    String(place.value),
    place.route,
  ]);
  const names = items.map((place) => place.route);
  const rows = await routeRows(engine, scope, range, names);
  const baselineRows = async (shiftMs: number): Promise<RoutesBaseline> => {
    const before = movedBack(range, shiftMs, extent);
    return { ...baselineHead({ range: before, shiftMs }), routes: await routeRows(engine, scope, before, names) };
  };
  return {
    service: scope.service,
    from: new Date(range.from).toISOString(),
    to: new Date(Math.min(range.to, clock.now())).toISOString(),
    routes: rows,
    complete: range.complete,
    notes: range.notes,
    ...(compare === undefined ? {} : { baseline: await baselineRows(compare) }),
    page,
  };
}

function firstRange(query: RoutesQuery, extent: Extent, now: EpochMs): TimeRange {
  const from = query.from === undefined ? undefined : Date.parse(query.from);
  const to = query.to === undefined ? undefined : Date.parse(query.to);
  return wholeRange({ from, to }, LOOK_BACK_MS, extent, now);
}

/** Where the rows beyond the one that a cursor names begin, whether or not that one is still there. */
function placeAfter(
  ordered: readonly RoutePlace[],
  sort: RouteSort,
  backward: boolean,
  value: string,
  route: string,
): number {
  const last: RoutePlace = { route, value: value === 'null' ? null : Number(value) };
  const beyond = ordered.findIndex((place) => {
    const difference = compareRoutes(sort, place, last);
    return backward ? difference < 0 : difference > 0;
  });
  return beyond === -1 ? ordered.length : beyond;
}
