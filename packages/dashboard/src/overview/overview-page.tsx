import type { ReactElement } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { silenceOf } from '../live/silence.ts';
import { HealthPanel } from './health-panel.tsx';
import { InstanceList } from './instance-list.tsx';
import { LimitNotes } from './limit-notes.tsx';
import { NoRequestsPanel } from './no-requests-panel.tsx';
import { overviewCharts } from './overview-charts.ts';
import { PoolList } from './pool-list.tsx';
import { ProcessPanel } from './process-panel.tsx';
import { QueriesTable } from './queries-table.tsx';
import { RoutesTable } from './routes-table.tsx';
import { TrafficTiles } from './traffic-tiles.tsx';
import './overview.css';

/** Until the first document says where its range ends. */
const OPENED_AT = Date.now();

/** The first page: is it well, what does it do, where does its time go. */
export function OverviewPage(): ReactElement | null {
  const { document: dashboard, freshness, selection } = useLiveDashboard();
  if (dashboard === undefined && freshness.state === 'unreachable') return null;
  const to = dashboard === undefined ? OPENED_AT : Date.parse(dashboard.to);
  const from = dashboard === undefined ? to - selection.minutes * 60_000 : Date.parse(dashboard.from);
  const silentSince = silenceOf(dashboard, selection.instance);
  return (
    <div className="overview" aria-busy={dashboard === undefined}>
      <h1 className="visually-hidden" tabIndex={-1}>
        {dashboard === undefined ? 'Overview' : `Overview of ${dashboard.service}`}
      </h1>
      {dashboard !== undefined && <NoRequestsPanel dashboard={dashboard} />}
      <div className="overview-top">
        <div className="overview-state">
          <HealthPanel health={dashboard?.health} />
          <InstanceList
            instances={dashboard?.instances}
            at={dashboard?.at}
            selected={selection.instance}
            isLive={freshness.state !== 'stale'}
          />
          <PoolList pools={dashboard?.database.pools} />
          <ProcessPanel runtime={dashboard?.runtime} />
        </div>
        <div className="overview-course">
          <TrafficTiles dashboard={dashboard} />
          <div className="chart-grid">
            {overviewCharts.map(({ trend, ...definition }) => (
              <TimeChart
                key={definition.id}
                definition={definition}
                frame={dashboard?.trends[trend]}
                from={from}
                to={to}
                silentSince={silentSince}
              />
            ))}
          </div>
        </div>
      </div>
      {dashboard !== undefined && <LimitNotes notes={dashboard.notes} overflow={dashboard.overflow} />}
      <RoutesTable />
      <QueriesTable statements={dashboard?.slowestQueries} title="Slowest queries" />
    </div>
  );
}
