import type { ReactElement } from 'react';
import { type Direction, nextOrder, type Order } from './row-order.ts';

interface ColumnHeadProps<Column extends string> {
  readonly column: Column;
  readonly label: string;
  readonly title: string;
  /** The direction of the first press: what is worst comes first. */
  readonly first: Direction;
  readonly order: Order<Column>;
  readonly onOrder: (order: Order<Column>) => void;
  readonly className: string;
}

/** The head of a column that the table can be sorted by. */
export function ColumnHead<Column extends string>(props: ColumnHeadProps<Column>): ReactElement {
  const { column, label, title, first, order, onOrder, className } = props;
  const isSorted = order.column === column;
  return (
    <th scope="col" className={className} aria-sort={isSorted ? order.direction : 'none'}>
      <button type="button" title={title} onClick={() => onOrder(nextOrder(order, column, first))}>
        {label}
        <span className="sort-mark" aria-hidden="true">
          {isSorted ? (order.direction === 'ascending' ? '↑' : '↓') : ''}
        </span>
      </button>
    </th>
  );
}
