import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { MetricsAnswer, MetricsQuery } from '@teamflow/autopilot/contract';
import { useMemo, useSyncExternalStore } from 'react';
import { browserPorts } from '../live/browser-ports.ts';
import { SharedStream } from '../live/shared-stream.ts';
import { type LiveDocument, useLiveDocument } from '../live/use-live-document.ts';
import { liveMinutes } from '../range/range.ts';
import type { AskedSelection } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { identityOf, onTokenChange, readToken } from '../session/token.ts';
import type { Selection } from '../shell/address.ts';
import { routeMeasures } from './route-charts.ts';

/**
 * By the time window in minutes. Longer than the overview's: one route has few requests a second, and the 99th
 * percentile of ten is but their longest.
 */
const STEPS_MS: Readonly<Record<number, number>> = { 1: 2_000, 5: 5_000, 15: 10_000, 60: 30_000 };

/** A route's measures over the range, live; tabs on the same route share the stream. */
export function useRouteMetrics(route: string, selection: Selection): LiveDocument<MetricsAnswer> {
  const { service, instance, release } = selection;
  const minutes = liveMinutes(selection.range) ?? 0;
  const identity = identityOf(useSyncExternalStore(onTokenChange, readToken));
  const key = useMemo(
    () => ['route', identity, service, instance, release, minutes, route],
    [identity, service, instance, release, minutes, route],
  );
  const stream = useMemo(
    () =>
      new SharedStream<MetricsAnswer>({
        name: `autopilot.1.${JSON.stringify(key)}`,
        open: (options) => api.streamMetrics(liveQuery(route, minutes, { service, instance, release }), options),
        ...browserPorts,
      }),
    [key, route, minutes, service, instance, release],
  );
  return useLiveDocument(stream, key, { keepsBefore: false, leavesWhenHidden: true });
}

/** A route's measures over a range that is asked for, with the earlier range that it is compared with. */
export function useRouteRange(route: string, asked: AskedSelection, isAsked: boolean): UseQueryResult<MetricsAnswer> {
  return useQuery({
    queryKey: ['route-range', route, asked],
    queryFn: ({ signal }) => api.getMetrics({ ...asked, kind: 'route', route, measure: routeMeasures }, { signal }),
    enabled: isAsked,
    placeholderData: keepPreviousData,
    structuralSharing: false,
  });
}

function liveQuery(
  route: string,
  minutes: number,
  { service, instance, release }: Pick<Selection, 'service' | 'instance' | 'release'>,
): MetricsQuery {
  return {
    kind: 'route',
    route,
    measure: routeMeasures,
    step: STEPS_MS[minutes] ?? 10_000,
    ...(service === null ? {} : { service }),
    ...(instance === null ? {} : { instance }),
    ...(release === null ? {} : { release }),
    // Read at each connection: one that comes an hour later must not ask for an hour more.
    get from() {
      return new Date(Date.now() - minutes * 60_000).toISOString();
    },
  };
}
