import { TextInput } from '@mantine/core';
import type { RouteRow } from '@teamflow/autopilot/contract';
import { type ReactElement, type ReactNode, useState } from 'react';
import type { Better } from '../format/delta.ts';
import { formatQuantity, type QuantityKind } from '../format/quantity.ts';
import { DeltaMark } from '../range/delta-mark.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { SaveButtons } from '../save/save-buttons.tsx';
import { SearchIcon } from '../shell/icons.tsx';
import { ColumnHead } from './column-head.tsx';
import { RouteName } from './route-name.tsx';
import { type Direction, filteredRows, type Order, sortedRows } from './row-order.ts';
import { ShareBar } from './share-bar.tsx';
import { useRouteList } from './use-route-list.ts';
import './tables.css';

interface RouteColumn {
  readonly column: Exclude<keyof RouteRow, 'maxMs' | 'meanMs' | 'requests' | 'apdex'>;
  readonly label: string;
  readonly title: string;
  readonly first: Direction;
  /** From which width on it has room: always, from a tablet's, from a desk's. */
  readonly room: 'always' | 'tablet' | 'desk';
  readonly cell: (row: RouteRow) => ReactNode;
  /** How its change is shown, where something is compared. */
  readonly delta?: { readonly kind: QuantityKind; readonly better: Better };
}

const columns: readonly RouteColumn[] = [
  {
    column: 'route',
    label: 'Route',
    title: 'Method and pattern',
    first: 'ascending',
    room: 'always',
    cell: ({ route }) => <RouteName route={route} />,
  },
  {
    column: 'requestRate',
    label: 'Requests',
    title: 'Requests a second',
    first: 'descending',
    room: 'always',
    cell: (row) => formatQuantity('rate', row.requestRate),
    delta: { kind: 'rate', better: 'neither' },
  },
  {
    column: 'errorRatio',
    label: 'Errors',
    title: 'Share answered with 500 or more',
    first: 'descending',
    room: 'always',
    cell: (row) => (
      <span data-tone={(row.errorRatio ?? 0) > 0 ? 'bad' : 'none'}>{formatQuantity('ratio', row.errorRatio)}</span>
    ),
    delta: { kind: 'ratio', better: 'less' },
  },
  {
    column: 'clientErrorRatio',
    label: '4xx',
    title: 'Share answered with 400 to 499',
    first: 'descending',
    room: 'desk',
    cell: (row) => (
      <span data-tone={(row.clientErrorRatio ?? 0) > 0 ? undefined : 'none'}>
        {formatQuantity('ratio', row.clientErrorRatio)}
      </span>
    ),
  },
  {
    column: 'p50Ms',
    label: 'p50',
    title: 'Half of the requests took at most this long',
    first: 'descending',
    room: 'tablet',
    cell: (row) => formatQuantity('duration', row.p50Ms),
    delta: { kind: 'duration', better: 'less' },
  },
  {
    column: 'p95Ms',
    label: 'p95',
    title: '95 % of the requests took at most this long',
    first: 'descending',
    room: 'always',
    cell: (row) => <strong>{formatQuantity('duration', row.p95Ms)}</strong>,
    delta: { kind: 'duration', better: 'less' },
  },
  {
    column: 'p99Ms',
    label: 'p99',
    title: '99 % of the requests took at most this long',
    first: 'descending',
    room: 'tablet',
    cell: (row) => formatQuantity('duration', row.p99Ms),
    delta: { kind: 'duration', better: 'less' },
  },
  {
    column: 'timeShare',
    label: 'Time',
    title: 'Share of the time of all requests',
    first: 'descending',
    room: 'tablet',
    cell: (row) => <ShareBar share={row.timeShare} color="blue" />,
  },
  {
    column: 'databaseShare',
    label: 'Database',
    title: 'Share of the database time of all requests',
    first: 'descending',
    room: 'tablet',
    cell: (row) => <ShareBar share={row.databaseShare} color="violet" />,
  },
  {
    column: 'databaseMsPerRequest',
    label: 'DB time',
    title: 'Database time a request',
    first: 'descending',
    room: 'desk',
    cell: (row) => formatQuantity('duration', row.databaseMsPerRequest),
    delta: { kind: 'duration', better: 'less' },
  },
  {
    column: 'databaseCallsPerRequest',
    label: 'DB calls',
    title: 'Database calls a request',
    first: 'descending',
    room: 'desk',
    cell: (row) => formatQuantity('average', row.databaseCallsPerRequest),
    delta: { kind: 'average', better: 'less' },
  },
  {
    column: 'bytesPerRequest',
    label: 'Size',
    title: 'Bytes sent a request',
    first: 'descending',
    room: 'desk',
    cell: (row) => formatQuantity('bytes', row.bytesPerRequest),
    delta: { kind: 'bytes', better: 'less' },
  },
];

/** The routes by what they cost; each leads to its own page. */
export function RoutesTable(): ReactElement {
  const view = useRangeView();
  const { comparedWith } = view;
  const [filter, setFilter] = useState('');
  const [order, setOrder] = useState<Order<RouteColumn['column']>>({ column: 'timeShare', direction: 'descending' });
  const sort = order.column === 'route' ? 'timeShare' : order.column;
  const { rows: routes, earlier, isCut } = useRouteList(view, sort);
  const found = filteredRows(routes ?? [], filter, ({ route }) => route);
  const rows = sortedRows(
    found,
    (row) => row[order.column],
    order.direction,
    ({ route }) => route,
  );
  return (
    <section className="card table-card" id="routes" aria-labelledby="routes-title">
      <header className="card-head">
        <h2 className="card-title" id="routes-title">
          Routes
        </h2>
        <span className="card-note numbers" role="status">
          {routes === undefined ? '' : countOf(rows.length, routes.length, filter, isCut)}
        </span>
        <SaveButtons name="routes" rows={rows} />
        <TextInput
          id="route-filter"
          className="table-filter"
          size="xs"
          aria-label="Filter routes"
          placeholder="Filter routes"
          leftSection={<SearchIcon />}
          rightSection={<kbd className="key-hint">/</kbd>}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            if (filter === '') event.currentTarget.blur();
            setFilter('');
          }}
        />
      </header>
      <div className="table-scroll">
        <table className="numbers">
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
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.route}>
                {columns.map(({ column, room, cell, delta }) =>
                  column === 'route' ? (
                    <th key={column} scope="row">
                      {cell(row)}
                    </th>
                  ) : (
                    <td key={column} className={`room-${room}`}>
                      {cell(row)}
                      {comparedWith !== null && delta !== undefined && (
                        <DeltaMark
                          {...delta}
                          now={row[column]}
                          before={earlier.get(row.route)?.[column]}
                          than={comparedWith}
                        />
                      )}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && routes !== undefined && (
        <p className="card-empty">
          {filter === '' ? 'No requests in this time window.' : `No route matches "${filter}".`}
        </p>
      )}
    </section>
  );
}

function countOf(found: number, all: number, filter: string, isCut: boolean): string {
  const total = isCut ? `the ${all} worst by this column` : `${all}`;
  return filter.trim() === '' ? total : `${found} of ${total}`;
}
