import { useQuery } from '@tanstack/react-query';
import type { InstanceRow } from '@teamflow/autopilot/contract';
import { type ReactElement, type ReactNode, useState } from 'react';
import { Sparkline } from '../chart/sparkline.tsx';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan, momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { ColumnHead } from '../overview/column-head.tsx';
import { LimitNotes } from '../overview/limit-notes.tsx';
import { type Direction, type Order, sortedRows } from '../overview/row-order.ts';
import { liveMinutes } from '../range/range.ts';
import { useRangeView } from '../range/range-view.tsx';
import { SaveButtons } from '../save/save-buttons.tsx';
import { api } from '../session/api.ts';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { ReportedBar } from './reported-bar.tsx';
import '../overview/tables.css';
import './instances.css';

const ASK_EVERY_MS = 2_000;
/** The most that one answer holds. */
const MOST_ROWS = 200;

const words: Readonly<Record<InstanceRow['state'], string>> = { live: 'Live', stalled: 'Stalled', gone: 'Gone' };
/** What needs attention comes first. */
const rank: Readonly<Record<InstanceRow['state'], number>> = { stalled: 2, live: 1, gone: 0 };

type Column =
  | 'instance'
  | 'state'
  | 'requestRate'
  | 'p95Ms'
  | 'errorRatio'
  | 'eventLoopDelayP99Ms'
  | 'cpuBusy'
  | 'rssBytes';

interface InstanceColumn {
  readonly column: Column;
  readonly label: string;
  readonly title: string;
  readonly first: Direction;
  readonly room: 'always' | 'tablet' | 'desk';
  readonly value: (row: InstanceRow) => number | string | null;
  readonly cell: (row: InstanceRow) => ReactNode;
}

const columns: readonly InstanceColumn[] = [
  {
    column: 'instance',
    label: 'Instance',
    title: 'Its name and release',
    first: 'ascending',
    room: 'always',
    value: (row) => row.instance,
    cell: ({ instance, release }) => (
      <>
        <PageLink to={`/?instance=${encodeURIComponent(instance)}`} title="Show only this instance">
          {instance}
        </PageLink>
        <div className="card-note">release {release}</div>
      </>
    ),
  },
  {
    column: 'state',
    label: 'State',
    title: 'Whether it answers at present, and since when it is as it is',
    first: 'descending',
    room: 'always',
    value: (row) => rank[row.state],
    cell: (row) => (
      <div className="instance-now" data-state={row.state}>
        <span className="instance-dot" />
        <span className="instance-state">{words[row.state]}</span>
        <div className="card-note">{sinceOf(row)}</div>
      </div>
    ),
  },
  {
    column: 'requestRate',
    label: 'Requests',
    title: 'Requests a second',
    first: 'descending',
    room: 'always',
    value: (row) => row.requestRate,
    cell: (row) => formatQuantity('rate', row.requestRate),
  },
  {
    column: 'p95Ms',
    label: 'p95',
    title: '95 % of its requests took at most this long',
    first: 'descending',
    room: 'always',
    value: (row) => row.p95Ms,
    cell: (row) => <strong>{formatQuantity('duration', row.p95Ms)}</strong>,
  },
  {
    column: 'errorRatio',
    label: 'Errors',
    title: 'Share answered with 500 or more',
    first: 'descending',
    room: 'tablet',
    value: (row) => row.errorRatio,
    cell: (row) => (
      <span data-tone={(row.errorRatio ?? 0) > 0 ? 'bad' : 'none'}>{formatQuantity('ratio', row.errorRatio)}</span>
    ),
  },
  {
    column: 'eventLoopDelayP99Ms',
    label: 'Event loop',
    title: 'How late 99 % of its timers fired at most, and how busy its event loop was',
    first: 'descending',
    room: 'tablet',
    value: (row) => row.eventLoopDelayP99Ms,
    cell: (row) => (
      <>
        {formatQuantity('duration', row.eventLoopDelayP99Ms)}
        <div className="card-note">{formatQuantity('ratio', row.eventLoopUtilization)} busy</div>
      </>
    ),
  },
  {
    column: 'cpuBusy',
    label: 'CPU',
    title: 'Cores that it kept busy',
    first: 'descending',
    room: 'desk',
    value: (row) => row.cpuBusy,
    cell: (row) => formatQuantity('average', row.cpuBusy),
  },
  {
    column: 'rssBytes',
    label: 'Memory',
    title: 'Resident memory, and of it the JavaScript heap',
    first: 'descending',
    room: 'tablet',
    value: (row) => row.rssBytes,
    cell: (row) => (
      <>
        {formatQuantity('bytes', row.rssBytes)}
        <div className="card-note">heap {formatQuantity('bytes', row.heapUsedBytes)}</div>
      </>
    ),
  },
];

/** The processes of the range, each with its state at present, its numbers and when it reported. */
export function InstancesPage(): ReactElement {
  const { selection, asked, isLive, bounds } = useRangeView();
  const minutes = liveMinutes(selection.range);
  const [order, setOrder] = useState<Order<Column>>({ column: 'state', direction: 'descending' });
  const { compare: _, from, to, ...about } = asked;
  const { data, dataUpdatedAt, error, refetch } = useQuery({
    queryKey: ['instances', about, isLive ? minutes : { from, to }],
    queryFn: ({ signal }) => {
      const range = minutes === null ? { from, to } : { from: new Date(Date.now() - minutes * 60_000).toISOString() };
      return api.listInstances({ ...about, ...range, limit: MOST_ROWS }, { signal });
    },
    refetchInterval: isLive ? ASK_EVERY_MS : false,
    placeholderData: (before) => before,
  });
  if (error !== null && data === undefined) {
    return (
      <ProblemPanel
        title="The instances can not be shown"
        failure={failureOf(error)}
        onRetry={() => {
          void refetch();
        }}
      />
    );
  }
  const value = columns.find(({ column }) => column === order.column)?.value ?? ((): null => null);
  const rows = sortedRows(data?.instances ?? [], value, order.direction, ({ instance, release }) => instance + release);
  const live = rows.filter(({ state }) => state === 'live').length;
  const span =
    data === undefined ? bounds : { from: Date.parse(data.from), to: Math.min(Date.parse(data.to), dataUpdatedAt) };
  return (
    <div className="overview instances-page" aria-busy={data === undefined}>
      {data !== undefined && data.notes.length > 0 && (
        <LimitNotes notes={data.notes} overflow={{}} isLoud={!data.complete} />
      )}
      <section className="card table-card" aria-labelledby="instances-title">
        <header className="card-head">
          <h1 className="card-title" id="instances-title" tabIndex={-1}>
            Instances
          </h1>
          <span className="card-note numbers" role="status">
            {data === undefined ? '' : countOf(live, rows.length, data.page.next !== null)}
          </span>
          <SaveButtons name="instances" rows={rows} />
        </header>
        <div className="table-scroll">
          <table className="numbers instances-table">
            <thead>
              <tr>
                {columns.map(({ column, label, title, first, room }) => (
                  <ColumnHead
                    key={column}
                    {...{ column, label, title, first, order }}
                    className={`room-${room}`}
                    onOrder={setOrder}
                  />
                ))}
                <th scope="col" className="room-tablet">
                  Requests and reports over time
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.instance} ${row.release}`}>
                  {columns.map(({ column, room, cell }) =>
                    column === 'instance' ? (
                      <th key={column} scope="row">
                        {cell(row)}
                      </th>
                    ) : (
                      <td key={column} className={`room-${room}`}>
                        {cell(row)}
                      </td>
                    ),
                  )}
                  <td className="room-tablet instance-course">
                    <Sparkline values={row.trend.columns['requestRate'] ?? []} color="blue" />
                    <ReportedBar reported={row.reported} {...span} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {data !== undefined && rows.length === 0 && <p className="card-empty">No instance reported in this time.</p>}
      </section>
    </div>
  );
}

function sinceOf({ state, startedAt, lastSeenAt, silentMs }: InstanceRow): string {
  switch (state) {
    case 'live':
      return startedAt === null ? '' : `up ${formatSpan(Date.now() - Date.parse(startedAt))}`;
    case 'stalled':
      return `silent for ${formatSpan(silentMs)}`;
    case 'gone':
      // A range of several days: the day is said, and no seconds.
      return `last seen ${momentText(Date.parse(lastSeenAt), silentMs)}`;
  }
}

function countOf(live: number, all: number, isCut: boolean): string {
  return `${live} of ${all} live now${isCut ? '; there are more than are shown' : ''}`;
}
