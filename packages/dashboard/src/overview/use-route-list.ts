import { useQuery } from '@tanstack/react-query';
import type { Dashboard, RouteRow, RouteSort } from '@teamflow/autopilot/contract';
import { api } from '../session/api.ts';
import type { Selection } from '../shell/address.ts';
import { replacedRows } from './row-order.ts';

const ASK_EVERY_MS = 5_000;
/** The most that one answer holds. */
const MOST_ROWS = 200;

export interface AllRoutes {
  readonly rows: readonly RouteRow[] | undefined;
  /** There are more routes than were asked for: these are the worst by what the table is sorted by. */
  readonly isCut: boolean;
}

/**
 * The routes of the time window. The dashboard's document has those that take most time, new each second; the others
 * are asked for every few seconds, the worst by `sort` first.
 */
export function useRouteList(dashboard: Dashboard | undefined, selection: Selection, sort: RouteSort): AllRoutes {
  const { minutes, service, instance } = selection;
  const { data } = useQuery({
    queryKey: ['routes', service, instance, minutes, sort],
    queryFn: ({ signal }) =>
      api.listRoutes(
        {
          from: new Date(Date.now() - minutes * 60_000).toISOString(),
          sort,
          limit: MOST_ROWS,
          ...(service === null ? {} : { service }),
          ...(instance === null ? {} : { instance }),
        },
        { signal },
      ),
    enabled: dashboard !== undefined && dashboard.traffic.requests > 0,
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  if (dashboard === undefined) return { rows: undefined, isCut: false };
  return {
    rows: replacedRows(data?.routes ?? [], dashboard.slowestRoutes, ({ route }) => route),
    isCut: data?.page.next != null,
  };
}
