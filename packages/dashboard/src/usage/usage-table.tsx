import { TextInput } from '@mantine/core';
import type { LoopEstimate } from '@teamflow/autopilot/contract';
import { type ReactElement, type ReactNode, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { ColumnHead } from '../overview/column-head.tsx';
import { filteredRows, type Order, sortedRows } from '../overview/row-order.ts';
import { SaveButtons } from '../save/save-buttons.tsx';
import { SearchIcon } from '../shell/icons.tsx';
import type { UsageColumn } from './consumption-columns.tsx';
import '../overview/tables.css';
import './usage.css';

interface UsageTableProps<Row extends object, Sort extends string> {
  readonly id: string;
  readonly title: ReactNode;
  /** In the plural: "tenants". */
  readonly noun: string;
  readonly nameOf: (row: Row) => string;
  readonly columns: readonly UsageColumn<Row, Sort>[];
  /** Absent while nothing has come. */
  readonly rows: readonly Row[] | undefined;
  /** There are more than were asked for: these are those with most of what is sorted by. */
  readonly isCut: boolean;
  readonly order: Order<Sort | 'name'>;
  readonly onOrder: (order: Order<Sort | 'name'>) => void;
  /** Absent: it is about no time of the event loop, or nothing has come. */
  readonly loop?: LoopEstimate | undefined;
  readonly empty: string;
}

/** So many are drawn at first: more would be a page of twenty screens. */
const FIRST_ROWS = 50;

/** Who takes what, by any column, with a filter. */
export function UsageTable<Row extends object, Sort extends string>(props: UsageTableProps<Row, Sort>): ReactElement {
  const { id, title, noun, nameOf, columns, rows, isCut, order, onOrder, loop, empty } = props;
  const [filter, setFilter] = useState('');
  const [showsAll, setShowsAll] = useState(false);
  const value = columns.find(({ column }) => column === order.column)?.value ?? ((): null => null);
  const found = sortedRows(filteredRows(rows ?? [], filter, nameOf), value, order.direction, nameOf);
  const drawn = showsAll ? found : found.slice(0, FIRST_ROWS);
  return (
    <section className="card table-card" id={id} aria-labelledby={`${id}-title`}>
      <header className="card-head">
        {title}
        <span className="card-note numbers" role="status">
          {rows === undefined ? '' : countOf(found.length, rows.length, filter, isCut)}
        </span>
        <SaveButtons name={noun} rows={found} />
        <TextInput
          id={`${id}-filter`}
          className="table-filter"
          size="xs"
          aria-label={`Filter ${noun}`}
          placeholder={`Filter ${noun}`}
          leftSection={<SearchIcon />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setFilter('');
          }}
        />
      </header>
      {loop !== undefined && <p className="usage-note">{loopNote(loop)}</p>}
      <div className="table-scroll">
        <table className="numbers usage-table">
          <thead>
            <tr>
              {columns.map(({ column, label, title: about, first, room }) => (
                <ColumnHead
                  key={column}
                  {...{ column, label, first, order, onOrder }}
                  title={about}
                  className={`room-${room}`}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {drawn.map((row) => (
              <tr key={nameOf(row)}>
                {columns.map(({ column, room, cell }) =>
                  column === 'name' ? (
                    <th key={column} scope="row">
                      {cell(row)}
                    </th>
                  ) : (
                    <td key={column} className={`room-${room}`}>
                      {cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {drawn.length < found.length && (
        <div className="usage-more">
          <button type="button" className="quiet-button" onClick={() => setShowsAll(true)}>
            Show all {found.length} {noun}
          </button>
        </div>
      )}
      {rows !== undefined && found.length === 0 && (
        <p className="card-empty">{filter === '' ? empty : `None of the ${noun} matches "${filter}".`}</p>
      )}
    </section>
  );
}

function countOf(found: number, all: number, filter: string, isCut: boolean): string {
  const total = isCut ? `the first ${all} by this column` : `${all}`;
  return filter.trim() === '' ? total : `${found} of ${total}`;
}

function loopNote({ made, reason, shareError }: LoopEstimate): string {
  return made
    ? `Time of the event loop is an estimate from samples: where the truth was known, no share was off by more than ${formatQuantity('ratio', shareError)} of itself.`
    : `Time of the event loop is not shown. ${reason ?? ''}`;
}
