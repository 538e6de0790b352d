import { type ReactElement, useEffect } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { silenceOf } from '../live/silence.ts';
import { QueriesTable } from '../overview/queries-table.tsx';
import { partsOf } from '../shell/address.ts';
import { BackIcon } from '../shell/icons.tsx';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { routeCharts } from './route-charts.ts';
import { RouteTiles } from './route-tiles.tsx';
import { TimeSplit } from './time-split.tsx';
import { useRouteMetrics } from './use-route-metrics.ts';
import { useRouteRow } from './use-route-row.ts';
import './route.css';

/** Until the first answer says where its range ends. */
const OPENED_AT = Date.now();
/** Nothing was measured yet: look again, because the next request may be on its way. */
const LOOK_AGAIN_MS = 5_000;

/** One route over time: how often, how long, what it asks of the database, what it sends. */
export function RoutePage({ route }: { readonly route: string }): ReactElement | null {
  const { document: dashboard, freshness: overall, selection } = useLiveDashboard();
  const { document: metrics, freshness, restart } = useRouteMetrics(route, selection);
  const row = useRouteRow(route, dashboard, selection);
  const isUnknown = freshness.state === 'refused' && freshness.failure.problem?.status === 404;
  const { method, pattern } = partsOf(route);

  useEffect(() => {
    if (!isUnknown) return undefined;
    const timer = setInterval(restart, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isUnknown, restart]);

  if (overall.state === 'unreachable') return null;
  const last = metrics?.frame.at.at(-1);
  const end = last === undefined ? OPENED_AT : last + (metrics?.frame.stepMs ?? 0);
  // The last step may not be over yet: the range ends with what the document knows.
  const to = dashboard === undefined ? end : Math.min(end, Date.parse(dashboard.to));
  const statements = dashboard?.slowestQueries.filter(({ routes }) => routes.includes(route));
  return (
    <div className="route-page">
      <div className="route-head">
        <PageLink to="/#routes" className="route-back">
          <BackIcon /> All routes
        </PageLink>
        <h1 tabIndex={-1}>
          {method !== null && <span className="route-head-method">{method}</span>}{' '}
          <span className="code">{pattern}</span>
        </h1>
      </div>
      {freshness.state === 'refused' ? (
        <ProblemPanel
          title={isUnknown ? 'Nothing was measured here yet' : 'This route can not be shown'}
          failure={freshness.failure}
          onRetry={restart}
        />
      ) : (
        <>
          <RouteTiles row={row} frame={metrics?.frame} />
          <TimeSplit row={row} />
          <div className="chart-grid">
            {routeCharts.map((definition) => (
              <TimeChart
                key={definition.id}
                definition={definition}
                frame={metrics?.frame}
                from={to - selection.minutes * 60_000}
                to={to}
                silentSince={silenceOf(dashboard, selection.instance)}
              />
            ))}
          </div>
          <QueriesTable statements={statements} title="Statements it waits for" />
        </>
      )}
    </div>
  );
}
