import { useQuery } from '@tanstack/react-query';
import type { Dashboard, RouteRow } from '@teamflow/autopilot/contract';
import { api } from '../session/api.ts';
import type { Selection } from '../shell/address.ts';

const ASK_EVERY_MS = 5_000;

/**
 * A route's numbers over the time window. The dashboard's document has the routes that take most time; any other is
 * asked for.
 */
export function useRouteRow(
  route: string,
  dashboard: Dashboard | undefined,
  selection: Selection,
): RouteRow | undefined {
  const { minutes, service, instance } = selection;
  const known = dashboard?.slowestRoutes.find((row) => row.route === route);
  const { data } = useQuery({
    queryKey: ['route-row', service, instance, minutes, route],
    queryFn: async ({ signal }) => {
      const list = await api.listRoutes(
        {
          route,
          from: new Date(Date.now() - minutes * 60_000).toISOString(),
          ...(service === null ? {} : { service }),
          ...(instance === null ? {} : { instance }),
        },
        { signal },
      );
      return list.routes.find((row) => row.route === route) ?? null;
    },
    enabled: dashboard !== undefined && known === undefined,
    refetchInterval: ASK_EVERY_MS,
  });
  return known ?? data ?? undefined;
}
