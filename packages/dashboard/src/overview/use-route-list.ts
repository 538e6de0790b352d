import { useQuery } from '@tanstack/react-query';
import type { RouteRow, RouteSort } from '@teamflow/autopilot/contract';
import { liveMinutes } from '../range/range.ts';
import type { RangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { replacedRows } from './row-order.ts';

/**
 * A route that is new is to be seen within two seconds of its first request, and its window takes up to 1.2 s to arrive.
 * Longer ranges cost the control plane more to list, and are looked at for their course.
 */
function askEveryMs(minutes: number): number {
  return minutes <= 5 ? 500 : 2_000;
}

/** The most that one answer holds. */
const MOST_ROWS = 200;

export interface AllRoutes {
  readonly rows: readonly RouteRow[] | undefined;
  /** The same routes in the range that is compared with, by name. */
  readonly earlier: ReadonlyMap<string, RouteRow>;
  /** There are more routes than were asked for: these are the worst by what the table is sorted by. */
  readonly isCut: boolean;
}

/**
 * The routes of the range. The document has those that take most time, live ones new each second; the others are asked for, live
 * ones every few seconds, the worst by `sort` first.
 */
export function useRouteList({ selection, asked, isLive, document, baseline }: RangeView, sort: RouteSort): AllRoutes {
  const minutes = liveMinutes(selection.range);
  const { data } = useQuery({
    queryKey: ['routes', isLive ? { ...asked, from: minutes, to: null } : asked, sort],
    queryFn: ({ signal }) => {
      const from = minutes === null ? asked.from : new Date(Date.now() - minutes * 60_000).toISOString();
      const { to, ...query } = asked;
      return api.listRoutes({ ...query, ...(isLive ? {} : { to }), from, sort, limit: MOST_ROWS }, { signal });
    },
    enabled: document !== undefined && document.traffic.requests > 0,
    refetchInterval: minutes === null ? false : askEveryMs(minutes),
    placeholderData: (before) => before,
  });
  const earlier = new Map(
    [...(data?.baseline?.routes ?? []), ...(baseline?.slowestRoutes ?? [])].map((row) => [row.route, row]),
  );
  if (document === undefined) return { rows: undefined, earlier, isCut: false };
  return {
    rows:
      document.traffic.requests === 0
        ? []
        : replacedRows(data?.routes ?? [], document.slowestRoutes, ({ route }) => route),
    earlier,
    isCut: data?.page.next != null,
  };
}
