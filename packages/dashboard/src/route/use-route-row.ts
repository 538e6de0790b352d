import { useQuery } from '@tanstack/react-query';
import type { RouteRow } from '@teamflow/autopilot/contract';
import { liveMinutes } from '../range/range.ts';
import type { RangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';

const ASK_EVERY_MS = 5_000;

/** A route's numbers over the range, and in the one that it is compared with. */
export interface RouteRows {
  readonly row: RouteRow | undefined;
  readonly earlier: RouteRow | undefined;
}

/** The document has the routes that take most time; any other is asked for. */
export function useRouteRow(route: string, { document, baseline, selection, asked, isLive }: RangeView): RouteRows {
  const minutes = liveMinutes(selection.range);
  const known = document?.slowestRoutes.find((row) => row.route === route);
  const { data } = useQuery({
    queryKey: ['route-row', route, isLive ? { ...asked, from: minutes, to: null } : asked],
    queryFn: ({ signal }) => {
      const { to, ...query } = asked;
      const from = minutes === null ? asked.from : new Date(Date.now() - minutes * 60_000).toISOString();
      return api.listRoutes({ ...query, ...(isLive ? {} : { to }), from, route }, { signal });
    },
    enabled: document !== undefined && known === undefined,
    refetchInterval: isLive ? ASK_EVERY_MS : false,
  });
  const named = (rows: readonly RouteRow[] | undefined): RouteRow | undefined =>
    rows?.find((row) => row.route === route);
  return known === undefined
    ? { row: named(data?.routes), earlier: named(data?.baseline?.routes) }
    : { row: known, earlier: named(baseline?.slowestRoutes) };
}
