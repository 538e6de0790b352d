import type { RouteSort, RoutesQuery } from '../../contract/operations.ts';
import type { RouteList, RoutesBaseline } from '../../contract/performance.ts';
import { movedBack } from '../../query/baseline.ts';
import { routeRanking, routeRows } from '../../query/summaries.ts';
import { baselineHead } from './baseline-head.ts';
import { rangeTold, rankedPage } from './ranked-list.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const LOOK_BACK_MS = 60_000;
const DEFAULT_SORT: RouteSort = 'timeShare';

/** GET /performance/routes */
export async function listRoutes(sources: PerformanceSources, query: RoutesQuery): Promise<RouteList> {
  const { engine } = sources;
  const scope = scopeOf(sources, query);
  const sort = query.sort ?? DEFAULT_SORT;
  const { cursor, limit, from, to, route, compare } = query;
  const { keys, page, range, extent, now } = await rankedPage(sources, {
    subject: { ...scope, family: 'route' },
    ranking: routeRanking(sort),
    keyName: 'route',
    only: route === undefined ? undefined : [route],
    lookBackMs: LOOK_BACK_MS,
    from,
    to,
    limit,
    cursor,
    filter: { ...scope, sort, from, to, route, compare },
  });
  const baselineRows = async (shiftMs: number): Promise<RoutesBaseline> => {
    const before = movedBack(range, shiftMs, extent);
    return { ...baselineHead({ range: before, shiftMs }), routes: await routeRows(engine, scope, before, keys) };
  };
  return {
    service: scope.service,
    ...rangeTold(range, now),
    routes: await routeRows(engine, scope, range, keys),
    complete: range.complete,
    notes: range.notes,
    ...(compare === undefined ? {} : { baseline: await baselineRows(compare) }),
    page,
  };
}
