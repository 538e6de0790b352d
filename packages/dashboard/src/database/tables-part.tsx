import type { DatabaseTable } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { withLocalTimes } from '../format/time.ts';
import type { Order } from '../overview/row-order.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import type { UsageColumn } from '../usage/consumption-columns.tsx';
import { UsageTable } from '../usage/usage-table.tsx';
import { BloatCell } from './bloat-cell.tsx';
import { FindingMarks, GapNotes } from './finding-list.tsx';
import { useDatabase } from './use-database.ts';

const MOST_ROWS = 200;

type Sort =
  | 'totalBytes'
  | 'indexBytes'
  | 'liveRows'
  | 'deadRatio'
  | 'sequentialScans'
  | 'indexScans'
  | 'hotRatio'
  | 'bloat'
  | 'due'
  | 'vacuumed';
type Column = UsageColumn<DatabaseTable, Sort>;

const nameOf = ({ schema, table }: DatabaseTable): string => (schema === 'public' ? table : `${schema}.${table}`);

function number(
  column: Sort,
  label: string,
  title: string,
  room: Column['room'],
  kind: Parameters<typeof formatQuantity>[0],
  value: (row: DatabaseTable) => number | null,
): Column {
  return { column, label, title, first: 'descending', room, value, cell: (row) => formatQuantity(kind, value(row)) };
}

const columns: readonly Column[] = [
  {
    column: 'name',
    label: 'Table',
    title: 'Its name, and what is odd about it',
    first: 'ascending',
    room: 'always',
    value: nameOf,
    cell: (row) => (
      <>
        {nameOf(row)}
        <FindingMarks findings={row.findings} />
      </>
    ),
  },
  number('totalBytes', 'Size', 'With indexes and large values', 'always', 'bytes', (row) => row.totalBytes),
  number('indexBytes', 'Indexes', 'Of all its indexes', 'desk', 'bytes', (row) => row.indexBytes),
  number('liveRows', 'Rows', 'Live rows, estimated', 'tablet', 'count', (row) => row.liveRows),
  number('deadRatio', 'Dead', 'Share of rows that are dead', 'tablet', 'ratio', (row) => row.deadRatio),
  number(
    'sequentialScans',
    'Whole scans',
    'How often it was read from end to end',
    'desk',
    'count',
    (row) => row.sequentialScans,
  ),
  number('indexScans', 'Index scans', 'How often an index was used', 'desk', 'count', (row) => row.indexScans),
  number('hotRatio', 'HOT', 'Updates that touched no index', 'desk', 'ratio', (row) => row.hotRatio),
  {
    column: 'bloat',
    label: 'Bloat',
    title: 'Share of its file that holds nothing: estimated, or counted where asked',
    first: 'descending',
    room: 'desk',
    value: (row) => row.bloat?.ratio ?? null,
    cell: (row) => <BloatCell table={row} />,
  },
  number(
    'due',
    'Vacuum due',
    'Dead rows against the threshold of autovacuum',
    'tablet',
    'ratio',
    (row) => row.autovacuum.vacuumProgress,
  ),
  {
    column: 'vacuumed',
    label: 'Vacuumed',
    title: 'When it was vacuumed last, by whomever',
    first: 'descending',
    room: 'desk',
    value: lastVacuum,
    cell: (row) => withLocalTimes(lastVacuum(row) ?? 'never'),
  },
];

function lastVacuum({ lastVacuumAt, lastAutovacuumAt }: DatabaseTable): string | null {
  return (
    [lastVacuumAt, lastAutovacuumAt]
      .filter((at) => at !== null)
      .toSorted()
      .at(-1) ?? null
  );
}

/** Every table, with what autovacuum makes of it. */
export function TablesPart(): ReactElement {
  const [order, setOrder] = useState<Order<Sort | 'name'>>({ column: 'totalBytes', direction: 'descending' });
  const { data, failure, retry } = useDatabase('tables', (query, options) =>
    api.listDatabaseTables({ ...query, limit: MOST_ROWS }, options),
  );
  if (failure !== null) {
    return <ProblemPanel title="The tables can not be shown" failure={failure} onRetry={retry} />;
  }
  return (
    <>
      <GapNotes gaps={data?.gaps} />
      <UsageTable<DatabaseTable, Sort>
        id="tables"
        title={
          <h2 className="card-title" id="tables-title">
            Tables
          </h2>
        }
        noun="tables"
        nameOf={nameOf}
        columns={columns}
        rows={data?.tables}
        isCut={data?.page.next != null}
        order={order}
        onOrder={setOrder}
        loop={undefined}
        empty="The database has no tables."
      />
    </>
  );
}
