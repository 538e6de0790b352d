import type { Frame, MetricsAnswer } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { LimitNotes } from '../overview/limit-notes.tsx';
import { QueriesTable } from '../overview/queries-table.tsx';
import { breakable } from '../overview/route-name.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { partsOf } from '../shell/address.ts';
import { BackIcon } from '../shell/icons.tsx';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { routeCharts } from './route-charts.ts';
import { RouteTiles } from './route-tiles.tsx';
import { TimeSplit } from './time-split.tsx';
import { useRouteMetrics, useRouteRange } from './use-route-metrics.ts';
import { useRouteRow } from './use-route-row.ts';
import './route.css';

/** Nothing was measured yet: look again, because the next request may be on its way. */
const LOOK_AGAIN_MS = 5_000;

/** One route over time: how often, how long, what it asks of the database, what it sends. */
export function RoutePage({ route }: { readonly route: string }): ReactElement | null {
  const { freshness } = useLiveDashboard();
  const { isLive } = useRangeView();
  if (freshness.state === 'unreachable') return null;
  return isLive ? <LiveRoute route={route} /> : <RouteOfRange route={route} />;
}

function LiveRoute({ route }: { readonly route: string }): ReactElement {
  const { selection, asked, comparedWith } = useRangeView();
  const { document: metrics, freshness, restart } = useRouteMetrics(route, selection);
  const { data: compared } = useRouteRange(route, asked, comparedWith !== null);
  const failure = freshness.state === 'refused' ? freshness.failure : null;
  const isUnknown = failure?.problem?.status === 404;

  useEffect(() => {
    if (!isUnknown) return undefined;
    const timer = setInterval(restart, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isUnknown, restart]);

  return <RouteView {...{ route, metrics, failure }} earlier={compared?.baseline?.frame} onRetry={restart} />;
}

function RouteOfRange({ route }: { readonly route: string }): ReactElement {
  const { asked } = useRangeView();
  const { data, error, refetch } = useRouteRange(route, asked, true);
  const failure = error === null ? null : failureOf(error);
  return (
    <RouteView
      {...{ route, failure }}
      metrics={data}
      earlier={data?.baseline?.frame}
      onRetry={() => {
        void refetch();
      }}
    />
  );
}

interface RouteViewProps {
  readonly route: string;
  readonly metrics: MetricsAnswer | undefined;
  readonly earlier: Frame | undefined;
  readonly failure: StreamFailure | null;
  readonly onRetry: () => void;
}

function RouteView({ route, metrics, earlier, failure, onRetry }: RouteViewProps): ReactElement {
  const view = useRangeView();
  const { document: dashboard, scope, comparedWith } = view;
  const { row, earlier: earlierRow } = useRouteRow(route, view);
  const isUnknown = failure?.problem?.status === 404;
  const { method, pattern } = partsOf(route);
  const statements = dashboard?.slowestQueries.filter(({ routes }) => routes.includes(route));
  return (
    <div className="route-page">
      <div className="route-head">
        <PageLink to="/#routes" className="route-back">
          <BackIcon /> All routes
        </PageLink>
        <h1 tabIndex={-1}>
          {method !== null && <span className="route-head-method">{method}</span>}{' '}
          <span className="code">{breakable(pattern)}</span>
        </h1>
      </div>
      {failure !== null ? (
        <ProblemPanel
          title={isUnknown ? 'Nothing was measured here in this time' : 'This route can not be shown'}
          failure={failure}
          onRetry={onRetry}
        />
      ) : (
        <>
          {metrics !== undefined && metrics.notes.length > 0 && (
            <LimitNotes notes={metrics.notes} overflow={{}} isLoud={!metrics.frame.complete} />
          )}
          <RouteTiles row={row} earlier={earlierRow} frame={metrics?.frame} comparedWith={comparedWith} />
          <TimeSplit row={row} />
          <div className="chart-grid">
            {routeCharts.map((definition) => (
              <TimeChart
                key={definition.id}
                definition={definition}
                frame={metrics?.frame}
                earlier={earlier}
                scope={scope}
              />
            ))}
          </div>
          <QueriesTable statements={statements} title="Statements it waits for" />
        </>
      )}
    </div>
  );
}
