import type { DatabaseIndex } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import type { Order } from '../overview/row-order.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import type { UsageColumn } from '../usage/consumption-columns.tsx';
import { UsageTable } from '../usage/usage-table.tsx';
import { FindingMarks, GapNotes } from './finding-list.tsx';
import { useDatabase } from './use-database.ts';

const MOST_ROWS = 200;

type Sort = 'table' | 'bytes' | 'scans' | 'bloat' | 'keys';

/** Every index: what it takes, whether it is used, and why one that is not used stays. */
export function IndexesPart(): ReactElement {
  const [order, setOrder] = useState<Order<Sort | 'name'>>({ column: 'bytes', direction: 'descending' });
  const { data, failure, retry } = useDatabase('indexes', (query, options) =>
    api.listDatabaseIndexes({ ...query, limit: MOST_ROWS }, options),
  );
  if (failure !== null) {
    return <ProblemPanel title="The indexes can not be shown" failure={failure} onRetry={retry} />;
  }
  const reasons = new Map(data?.declined.map(({ index, reason }) => [index, reason]));
  return (
    <>
      <GapNotes gaps={data?.gaps} />
      <UsageTable<DatabaseIndex, Sort>
        id="indexes"
        title={
          <h2 className="card-title" id="indexes-title">
            Indexes
          </h2>
        }
        noun="indexes"
        nameOf={nameOf}
        columns={columnsOf(reasons)}
        rows={data?.indexes}
        isCut={data?.page.next != null}
        order={order}
        onOrder={setOrder}
        loop={undefined}
        empty="The database has no indexes."
      />
    </>
  );
}

/** `reasons`: why indexes that nothing has used stay, by name. */
function columnsOf(reasons: ReadonlyMap<string, string>): readonly UsageColumn<DatabaseIndex, Sort>[] {
  return [
    {
      column: 'name',
      label: 'Index',
      title: 'Its name, and what is odd about it',
      first: 'ascending',
      room: 'always',
      value: nameOf,
      cell: (row) => (
        <>
          {row.index}
          <FindingMarks findings={row.findings} />
        </>
      ),
    },
    {
      column: 'table',
      label: 'Table',
      title: 'The table it belongs to',
      first: 'ascending',
      room: 'tablet',
      value: ({ table }) => table,
      cell: ({ table }) => table,
    },
    {
      column: 'bytes',
      label: 'Size',
      title: 'Of its file',
      first: 'descending',
      room: 'always',
      value: ({ bytes }) => bytes,
      cell: ({ bytes }) => formatQuantity('bytes', bytes),
    },
    {
      column: 'scans',
      label: 'Scans',
      title: 'How often it was used; why one that never was stays',
      first: 'ascending',
      room: 'tablet',
      value: ({ scans }) => scans,
      cell: (row) => (
        <>
          {formatQuantity('count', row.scans)}
          <div className="card-note wrapped">{reasons.get(nameOf(row))}</div>
        </>
      ),
    },
    {
      column: 'bloat',
      label: 'Bloat',
      title: 'Share of its file that holds nothing, estimated',
      first: 'descending',
      room: 'desk',
      value: ({ bloat }) => bloat?.ratio ?? null,
      cell: ({ bloat }) => formatQuantity('ratio', bloat?.ratio),
    },
    {
      column: 'keys',
      label: 'Keys',
      title: 'Its columns in order',
      first: 'ascending',
      room: 'desk',
      value: ({ columns: keys }) => keys.join(', '),
      cell: ({ columns: keys, condition }) => (
        <code className="wrapped">
          {keys.join(', ')}
          {condition === null ? '' : ` where ${condition}`}
        </code>
      ),
    },
  ];
}

function nameOf({ schema, index }: DatabaseIndex): string {
  return `${schema}.${index}`;
}
