import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type {
  Dashboard,
  DashboardBaseline,
  DashboardQuery,
  EpochMs,
  MetricsQuery,
  ReleaseMark,
} from '@teamflow/autopilot/contract';
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react';
import type { ChartScope } from '../chart/chart-scope.ts';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { silenceOf } from '../live/silence.ts';
import { api } from '../session/api.ts';
import { identityOf, onTokenChange, readToken } from '../session/token.ts';
import type { Selection } from '../shell/address.ts';
import { select } from '../shell/use-selection.ts';
import {
  type Bounds,
  boundsOf,
  comparedMs,
  comparedWords,
  liveMinutes,
  marked,
  refreshMs,
  zoomedOut,
} from './range.ts';
import { useNow } from './use-now.ts';

/** What a page shows: the range, and the document of it, whether streamed or asked for. */
export interface RangeView {
  readonly selection: Selection;
  /** Streamed second by second. */
  readonly isLive: boolean;
  /** What calls about the range ask for; the same as long as the range stands still. */
  readonly asked: AskedSelection;
  readonly document: Dashboard | undefined;
  /** The same of the earlier range, where something is compared. */
  readonly baseline: DashboardBaseline | undefined;
  /** In words for after "than": "yesterday"; null: nothing is compared. */
  readonly comparedWith: string | null;
  readonly bounds: Bounds;
  readonly scope: ChartScope;
  /** Why there is no document of this range; null: there is, or it is on its way. */
  readonly failure: StreamFailure | null;
  readonly retry: () => void;
}

/** The parts of a query that the selection decides. */
export type AskedSelection = Required<Pick<DashboardQuery, 'from' | 'to'>> &
  Pick<DashboardQuery, 'service' | 'instance' | 'release' | 'compare'>;

/** How often the earlier range is asked for while the present is streamed. */
const BASELINE_EVERY_MS = 15_000;
/** Ends of ranges that follow the present lie on such times, so that tabs and redraws ask the same. */
const ALIGN_MS = 10_000;

const NO_RELEASES: readonly ReleaseMark[] = [];

const RangeViewContext = createContext<RangeView | null>(null);

/** Holds the range of the page for every part of it. */
export function RangeViewProvider({ children }: { readonly children: ReactNode }): ReactElement {
  const { document: streamed, selection } = useLiveDashboard();
  const { range, compare, service, instance, release } = selection;
  const isLive = liveMinutes(range) !== null;
  const now = useNow(isLive ? (compare === 'none' ? null : BASELINE_EVERY_MS) : refreshMs(range));
  const identity = identityOf(useSyncExternalStore(onTokenChange, readToken));
  const asked = useMemo(
    () => askedOf({ range, compare, service, instance, release }, now),
    [range, compare, service, instance, release, now],
  );
  const {
    data: answered,
    error,
    refetch,
  } = useQuery({
    queryKey: ['range', identity, asked],
    queryFn: ({ signal }) => api.getDashboard(asked, { signal }),
    enabled: !isLive || compare !== 'none',
    // While the next answer is on its way the lines there are already move to the new range.
    placeholderData: keepPreviousData,
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

  const document = isLive ? streamed : answered;
  const from = isLive && streamed !== undefined ? Date.parse(streamed.from) : Date.parse(asked.from);
  const to = isLive && streamed !== undefined ? Date.parse(streamed.to) : Date.parse(asked.to);
  const silentSince = isLive ? silenceOf(streamed, instance) : null;
  const comparedWith = compare === 'none' ? null : comparedWords(compare, boundsOf(range, now));
  const releases = document?.releases ?? NO_RELEASES;
  const knownUntil = document === undefined ? to : Date.parse(isLive ? document.to : document.at);
  const scope = useMemo(
    (): ChartScope => ({
      from,
      to,
      silentSince,
      knownUntil,
      releases,
      comparedWith,
      onZoom,
      onZoomOut: () => zoomOut({ from, to }),
    }),
    [from, to, silentSince, knownUntil, releases, comparedWith],
  );
  const view = useMemo(
    (): RangeView => ({
      selection,
      isLive,
      asked,
      document,
      baseline: compare === 'none' ? undefined : answered?.baseline,
      comparedWith,
      bounds: { from, to },
      scope,
      failure: isLive || error === null ? null : failureOf(error),
      retry: () => void refetch(),
    }),
    [selection, isLive, asked, document, answered, compare, comparedWith, from, to, scope, error, refetch],
  );
  return <RangeViewContext value={view}>{children}</RangeViewContext>;
}

export function useRangeView(): RangeView {
  const view = use(RangeViewContext);
  if (view === null) throw new Error('useRangeView is used outside RangeViewProvider: wrap the page in it.');
  return view;
}

/** Shows twice as long a time. */
export function zoomOut(bounds: Bounds): void {
  select({ range: zoomedOut(bounds, Date.now()) });
}

function onZoom(from: EpochMs, to: EpochMs): void {
  const range = marked(from, to);
  if (range !== null) select({ range });
}

function askedOf(
  selection: Pick<Selection, 'range' | 'compare' | 'service' | 'instance' | 'release'>,
  now: EpochMs,
): AskedSelection {
  const { range, compare, service, instance, release } = selection;
  const { from, to } = boundsOf(range, range.kind === 'fixed' ? now : Math.ceil(now / ALIGN_MS) * ALIGN_MS);
  const earlier = comparedMs(compare, { from, to });
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...(service === null ? {} : { service }),
    ...(instance === null ? {} : { instance }),
    ...(release === null ? {} : { release }),
    ...(earlier === null ? {} : { compare: earlier }),
  } satisfies Partial<MetricsQuery>;
}
