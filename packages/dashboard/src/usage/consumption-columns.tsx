import type { Consumption, ConsumptionShares, LoopTime, ResourceSort } from '@teamflow/autopilot/contract';
import type { ReactNode } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import type { Direction } from '../overview/row-order.ts';
import { ShareBar } from '../overview/share-bar.tsx';

/** What a route or a tenant took. */
export interface ConsumptionRow extends Consumption, ConsumptionShares {
  readonly loop?: LoopTime;
}

/** A column of a table of who takes what. */
export interface UsageColumn<Row, Sort extends string> {
  /** What the list is asked to be sorted by; null: names, which are sorted here. */
  readonly column: Sort | 'name';
  readonly label: string;
  readonly title: string;
  readonly first: Direction;
  readonly room: 'always' | 'tablet' | 'desk';
  readonly value: (row: Row) => number | string | null;
  readonly cell: (row: Row) => ReactNode;
}

/** A number with its share of the whole below. */
function shared(value: string, share: number): ReactNode {
  return (
    <>
      {value}
      <div className="card-note">{formatQuantity('ratio', share)}</div>
    </>
  );
}

/** The columns that routes and tenants have in common; time of the event loop only where there is an estimate. */
export function consumptionColumns(hasLoop: boolean): readonly UsageColumn<ConsumptionRow, ResourceSort>[] {
  return [
    {
      column: 'requests',
      label: 'Requests',
      title: 'Requests, and their share of all requests of the service',
      first: 'descending',
      room: 'always',
      value: (row) => row.requests,
      cell: (row) => shared(formatQuantity('count', Math.round(row.requests)), row.requestShare),
    },
    {
      column: 'timeShare',
      label: 'Time',
      title: 'Share of the time that all requests took',
      first: 'descending',
      room: 'always',
      value: (row) => row.timeShare,
      cell: (row) => <ShareBar share={row.timeShare} color="blue" />,
    },
    ...(hasLoop ? [loopColumn] : []),
    {
      column: 'databaseMs',
      label: 'DB time',
      title: 'Time waited for the database, and its share of the whole',
      first: 'descending',
      room: 'always',
      value: (row) => row.databaseMs,
      cell: (row) => shared(formatQuantity('duration', row.databaseMs), row.databaseShare),
    },
    {
      column: 'databaseCalls',
      label: 'DB calls',
      title: 'Database calls',
      first: 'descending',
      room: 'desk',
      value: (row) => row.databaseCalls,
      cell: (row) => formatQuantity('count', Math.round(row.databaseCalls)),
    },
    {
      column: 'bytesReceived',
      label: 'In',
      title: 'Bytes received, headers included, and their share of the whole',
      first: 'descending',
      room: 'tablet',
      value: (row) => row.bytesReceived,
      cell: (row) => shared(formatQuantity('bytes', row.bytesReceived), row.bytesReceivedShare),
    },
    {
      column: 'bytesSent',
      label: 'Out',
      title: 'Bytes sent, after compression, headers included, and their share of the whole',
      first: 'descending',
      room: 'tablet',
      value: (row) => row.bytesSent,
      cell: (row) => shared(formatQuantity('bytes', row.bytesSent), row.bytesSentShare),
    },
  ];
}

const loopColumn: UsageColumn<ConsumptionRow, ResourceSort> = {
  column: 'loopMs',
  label: 'Event loop ≈',
  title: 'Time of the event loop, estimated from samples, and its share of what all requests took',
  first: 'descending',
  room: 'tablet',
  value: (row) => row.loop?.ms ?? null,
  cell: ({ loop }) =>
    shared(loop === undefined ? '–' : `≈ ${formatQuantity('duration', loop.ms)}`, loop === undefined ? 0 : loop.share),
};
