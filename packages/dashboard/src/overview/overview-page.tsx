import type { ReactElement } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { useRangeView } from '../range/range-view.tsx';
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

/** The first page: is it well, what does it do, where does its time go. */
export function OverviewPage(): ReactElement | null {
  const { document: present, freshness } = useLiveDashboard();
  const { selection, isLive, document: dashboard, baseline, scope } = useRangeView();
  if (present === undefined && freshness.state === 'unreachable') return null;
  return (
    <div className="overview" aria-busy={dashboard === undefined}>
      <h1 className="visually-hidden" tabIndex={-1}>
        {dashboard === undefined ? 'Overview' : `Overview of ${dashboard.service}`}
      </h1>
      {isLive && dashboard !== undefined && <NoRequestsPanel dashboard={dashboard} />}
      {dashboard !== undefined && !dashboard.complete && <LimitNotes notes={dashboard.notes} overflow={{}} isLoud />}
      {baseline !== undefined && baseline.notes.length > 0 && (
        <LimitNotes
          notes={baseline.notes.map((note) => `Compared with ${scope.comparedWith}: ${note}`)}
          overflow={{}}
          isLoud
        />
      )}
      <div className="overview-top">
        <div className="overview-state">
          <HealthPanel health={present?.health} isOfNow={!isLive} />
          <InstanceList
            instances={present?.instances}
            at={present?.at}
            selected={selection.instance}
            isLive={freshness.state !== 'stale'}
          />
          <PoolList pools={dashboard?.database.pools} />
          <ProcessPanel runtime={dashboard?.runtime} />
        </div>
        <div className="overview-course">
          <TrafficTiles dashboard={dashboard} />
          <div className="chart-grid">
            {overviewCharts.map((chart) => (
              // The chart as it stands in its table: a new object each time would set the drawing up anew each second.
              <TimeChart
                key={chart.id}
                definition={chart}
                frame={dashboard?.trends[chart.trend]}
                earlier={baseline?.trends[chart.trend]}
                scope={scope}
              />
            ))}
          </div>
        </div>
      </div>
      {dashboard !== undefined && (
        <LimitNotes notes={dashboard.complete ? dashboard.notes : []} overflow={dashboard.overflow} />
      )}
      <RoutesTable />
      <QueriesTable statements={dashboard?.slowestQueries} title="Slowest queries" />
    </div>
  );
}
