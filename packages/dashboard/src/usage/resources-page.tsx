import { useQuery } from '@tanstack/react-query';
import type { JobConsumption, ResourceSort, Resources, RouteConsumption } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { formatQuantity } from '../format/quantity.ts';
import { failureOf } from '../live/shared-stream.ts';
import { LimitNotes } from '../overview/limit-notes.tsx';
import { PoolList } from '../overview/pool-list.tsx';
import { RouteName } from '../overview/route-name.tsx';
import type { Order } from '../overview/row-order.ts';
import { ProfilePanel } from '../profile/profile-panel.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { consumptionColumns, type UsageColumn } from './consumption-columns.tsx';
import { type JobSort, jobColumns } from './job-columns.tsx';
import { resourceCharts } from './resource-charts.ts';
import { UsageTable } from './usage-table.tsx';
import { useAbout } from './use-about.ts';
import '../overview/overview.css';
import '../route/route.css';

/** The most that one answer holds. */
const MOST_ROWS = 200;

const name: UsageColumn<RouteConsumption, ResourceSort> = {
  column: 'name',
  label: 'Route',
  title: 'Method and pattern',
  first: 'ascending',
  room: 'always',
  value: ({ route }) => route,
  cell: ({ route }) => <RouteName route={route} />,
};

/** What the processes use of their machines, and which routes use it. */
export function ResourcesPage(): ReactElement {
  const { scope: pageScope } = useRangeView();
  const { key, ask, every } = useAbout();
  const [order, setOrder] = useState<Order<ResourceSort | 'name'>>({ column: 'timeShare', direction: 'descending' });
  const [jobOrder, setJobOrder] = useState<Order<JobSort | 'name'>>({ column: 'runs', direction: 'descending' });
  const sort = order.column === 'name' ? 'timeShare' : order.column;
  const { data, error, refetch } = useQuery({
    queryKey: ['resources', key, sort],
    queryFn: ({ signal }) => api.getResources({ ...ask(), sort, limit: MOST_ROWS }, { signal }),
    refetchInterval: every,
    placeholderData: (before) => before,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="The resources can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  // This page has no earlier range beside its own.
  const scope = { ...pageScope, comparedWith: null };
  return (
    <div className="route-page" aria-busy={data === undefined}>
      {data !== undefined && data.notes.length > 0 && (
        <LimitNotes notes={data.notes} overflow={{}} isLoud={!data.complete} />
      )}
      <section className="card" aria-labelledby="resources-title">
        <header className="card-head">
          <h1 className="card-title" id="resources-title" tabIndex={-1}>
            Resources
          </h1>
        </header>
        <dl className="resource-facts numbers">
          {factsOf(data).map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <h2 className="visually-hidden">Over time</h2>
      <div className="chart-grid">
        {resourceCharts.map((chart) => (
          <TimeChart key={chart.id} definition={chart} frame={data?.trends[chart.trend]} scope={scope} />
        ))}
        <PoolList pools={data?.database.pools} />
      </div>
      <UsageTable<RouteConsumption, ResourceSort>
        id="resource-routes"
        title={
          <h2 className="card-title" id="resource-routes-title">
            What each route takes
          </h2>
        }
        noun="routes"
        nameOf={({ route }) => route}
        columns={[name, ...consumptionColumns(data?.loop.made ?? false)]}
        rows={data?.routes}
        isCut={data?.page.next != null}
        order={order}
        onOrder={setOrder}
        loop={data?.loop}
        empty="No request in this time."
      />
      {data !== undefined && data.jobs.length > 0 && (
        <UsageTable<JobConsumption, JobSort>
          id="resource-jobs"
          title={
            <h2 className="card-title" id="resource-jobs-title">
              Background jobs
            </h2>
          }
          noun="kinds of jobs"
          nameOf={({ job }) => job}
          columns={jobColumns}
          rows={data.jobs}
          isCut={false}
          order={jobOrder}
          onOrder={setJobOrder}
          empty="No job ran in this time."
        />
      )}
      <ProfilePanel />
    </div>
  );
}

/** What charts do not say: the range as a whole, and its worst moments. */
function factsOf(data: Resources | undefined): readonly (readonly [label: string, value: string])[] {
  const { processor, eventLoop, memory, disk, network, whole } = data ?? {};
  return [
    ['Cores busy', formatQuantity('average', processor?.busy)],
    ['Event loop busy', formatQuantity('ratio', eventLoop?.utilization)],
    ['Delay p95', formatQuantity('duration', eventLoop?.delayP95Ms)],
    ['Longest delay', formatQuantity('duration', eventLoop?.delayMaxMs)],
    ['Garbage collection', formatQuantity('ratio', processor?.gcBusy)],
    ['Resident memory', formatQuantity('bytes', memory?.rssBytes)],
    ['Most of one process', formatQuantity('bytes', memory?.rssMaxBytes)],
    ['Heap in use', formatQuantity('bytes', memory?.heapUsedBytes)],
    ['Heap allowed', formatQuantity('bytes', memory?.heapLimitBytes)],
    ['Bytes in', formatQuantity('bytes', network?.bytesReceived)],
    ['Bytes out', formatQuantity('bytes', network?.bytesSent)],
    ['Read from disk', formatQuantity('bytes', disk?.bytesRead)],
    ['Written to disk', formatQuantity('bytes', disk?.bytesWritten)],
    ['Database time', formatQuantity('duration', whole?.databaseMs)],
  ];
}
