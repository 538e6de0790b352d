import type { StatementRow } from '@teamflow/autopilot/contract';
import { type ReactElement, type ReactNode, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { SaveButtons } from '../save/save-buttons.tsx';
import { CallingRoutes } from './calling-routes.tsx';
import { ColumnHead } from './column-head.tsx';
import { type Order, sortedRows } from './row-order.ts';
import { ShareBar } from './share-bar.tsx';
import { StatementText } from './statement-text.tsx';
import './tables.css';

interface StatementColumn {
  readonly column: 'timeShare' | 'callRate' | 'p50Ms' | 'p95Ms' | 'p99Ms' | 'rowsPerCall' | 'callErrorRatio';
  readonly label: string;
  readonly title: string;
  readonly room: 'always' | 'tablet' | 'desk';
  readonly cell: (row: StatementRow) => ReactNode;
}

const columns: readonly StatementColumn[] = [
  {
    column: 'timeShare',
    label: 'Time',
    title: 'Share of the time of all statements',
    room: 'tablet',
    cell: (row) => <ShareBar share={row.timeShare} color="violet" />,
  },
  {
    column: 'callRate',
    label: 'Calls',
    title: 'Calls a second',
    room: 'always',
    cell: (row) => formatQuantity('callRate', row.callRate),
  },
  {
    column: 'p50Ms',
    label: 'p50',
    title: 'Half of the calls took at most this long',
    room: 'desk',
    cell: (row) => formatQuantity('duration', row.p50Ms),
  },
  {
    column: 'p95Ms',
    label: 'p95',
    title: '95 % of the calls took at most this long',
    room: 'always',
    cell: (row) => <strong>{formatQuantity('duration', row.p95Ms)}</strong>,
  },
  {
    column: 'p99Ms',
    label: 'p99',
    title: '99 % of the calls took at most this long',
    room: 'desk',
    cell: (row) => formatQuantity('duration', row.p99Ms),
  },
  {
    column: 'rowsPerCall',
    label: 'Rows',
    title: 'Rows a call',
    room: 'tablet',
    cell: (row) => formatQuantity('average', row.rowsPerCall),
  },
  {
    column: 'callErrorRatio',
    label: 'Failed',
    title: 'Share of calls that failed',
    room: 'desk',
    cell: (row) => (
      <span data-tone={(row.callErrorRatio ?? 0) > 0 ? 'bad' : 'none'}>
        {formatQuantity('ratio', row.callErrorRatio)}
      </span>
    ),
  },
];

interface QueriesTableProps {
  readonly statements: readonly StatementRow[] | undefined;
  readonly title: string;
}

/** The statements that the database's time goes to, and the routes that wait for them. */
export function QueriesTable({ statements, title }: QueriesTableProps): ReactElement {
  const [order, setOrder] = useState<Order<StatementColumn['column']>>({
    column: 'timeShare',
    direction: 'descending',
  });
  const rows = sortedRows(
    statements ?? [],
    (row) => row[order.column],
    order.direction,
    ({ statement }) => statement,
  );
  return (
    <section className="card table-card" id="queries" aria-labelledby="queries-title">
      <header className="card-head">
        <h2 className="card-title" id="queries-title">
          {title}
        </h2>
        <span className="card-note">by their share of the database time, as the application saw them</span>
        <SaveButtons name="statements" rows={rows} />
      </header>
      <div className="table-scroll">
        <table className="numbers queries">
          <thead>
            <tr>
              <th scope="col">Statement</th>
              {columns.map(({ column, label, title, room }) => (
                <ColumnHead
                  key={column}
                  {...{ column, label, title, order }}
                  first="descending"
                  className={`room-${room}`}
                  onOrder={setOrder}
                />
              ))}
              <th scope="col" className="room-tablet queries-routes">
                Called by
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.database} ${row.statement}`}>
                <th scope="row">
                  <StatementText text={row.text} />
                </th>
                {columns.map(({ column, room, cell }) => (
                  <td key={column} className={`room-${room}`}>
                    {cell(row)}
                  </td>
                ))}
                <td className="room-tablet queries-routes">
                  <CallingRoutes routes={row.routes} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && statements !== undefined && (
        <p className="card-empty">No database call in this time window.</p>
      )}
    </section>
  );
}
