import { useQuery } from '@tanstack/react-query';
import type { DatabaseHistoryQuery } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import type { ChartDefinition } from '../chart/series.ts';
import { TimeChart } from '../chart/time-chart.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { useAskedDatabase } from './use-database.ts';

const ASK_EVERY_MS = 60_000;
/** What is read once a minute says little about less. */
const LEAST_MS = 6 * 3_600_000;
/** Both ends lie on a minute, so that redraws ask the same. */
const ALIGN_MS = 60_000;

/** Charts of the database as a whole. */
export const databaseCharts: readonly ChartDefinition[] = [
  {
    id: 'database-connections',
    title: 'Connections',
    leftFloor: 5,
    series: [
      { column: 'connections', label: 'All', color: 'blue', kind: 'count', filled: true },
      { column: 'active', label: 'Active', color: 'teal', kind: 'count' },
      { column: 'idleInTransaction', label: 'Idle in transaction', color: 'orange', kind: 'count' },
      { column: 'waitingForLocks', label: 'Waiting for locks', color: 'red', kind: 'count', dashed: true },
    ],
  },
  {
    id: 'database-statements',
    title: 'Statements by the minute',
    leftFloor: 10,
    series: [
      { column: 'calls', label: 'Calls', color: 'blue', kind: 'count', filled: true },
      { column: 'unseenCalls', label: 'Forgotten unseen', color: 'red', kind: 'count', dashed: true },
      { column: 'statementMs', label: 'Time', color: 'violet', kind: 'duration', side: 'right' },
    ],
  },
  {
    id: 'database-reading',
    title: 'Cost of watching, by the minute',
    leftFloor: 10,
    series: [
      { column: 'readingMs', label: 'Time of the server', color: 'blue', kind: 'duration', filled: true },
      { column: 'processingMs', label: 'Time of the control plane', color: 'teal', kind: 'duration' },
    ],
  },
];

/** Charts of one statement. */
export const statementCharts: readonly ChartDefinition[] = [
  {
    id: 'statement-time',
    title: 'Time a call, and calls',
    leftFloor: 1,
    series: [
      { column: 'meanMs', label: 'Mean', color: 'violet', kind: 'duration', filled: true },
      { column: 'calls', label: 'Calls', color: 'blue', kind: 'count', side: 'right' },
    ],
  },
  {
    id: 'statement-pages',
    title: 'Pages and rows a call',
    leftFloor: 1,
    series: [
      { column: 'pagesPerCall', label: 'Pages', color: 'orange', kind: 'count', filled: true },
      { column: 'rowsPerCall', label: 'Rows', color: 'teal', kind: 'count' },
    ],
  },
];

/** What was read of a database, or of one statement, over time. */
export function HistoryCharts({
  charts,
  about = {},
}: {
  readonly charts: readonly ChartDefinition[];
  readonly about?: Pick<DatabaseHistoryQuery, 'queryId' | 'table'>;
}): ReactElement {
  const { scope: pageScope } = useRangeView();
  const { database } = useAskedDatabase();
  const asked = { ...about, ...(database === undefined ? {} : { database }) };
  const [opened] = useState(() => Date.now());
  const to = Math.ceil(Math.max(pageScope.to, opened) / ALIGN_MS) * ALIGN_MS;
  const from = Math.min(Math.floor(pageScope.from / ALIGN_MS) * ALIGN_MS, to - LEAST_MS);
  const { data } = useQuery({
    queryKey: ['database', 'history', asked, from, to],
    queryFn: ({ signal }) =>
      api.getDatabaseHistory(
        { ...asked, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
        { signal },
      ),
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  const scope = { ...pageScope, from, to, comparedWith: null, silentSince: null };
  return (
    <div className="chart-grid">
      {charts.map((chart) => (
        <TimeChart key={chart.id} definition={chart} frame={data?.frame} scope={scope} />
      ))}
    </div>
  );
}
