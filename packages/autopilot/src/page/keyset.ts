/**
 * Keyset paging: the next page starts after the last row's sort values, `(a, b) > (x, y)`, instead of after N rows.
 * Written as one row value, PostgreSQL answers it with a single index range; spelt out with OR it does not (see
 * "Row-wise comparison" in the PostgreSQL documentation), so all columns of an order share one direction.
 */

/** A column or expression to sort by. It must never be null: wrap a nullable one in `coalesce`, as its index does. */
export interface KeysetColumn {
  /** SQL from the program, never from a caller: `tasks.created_at`. */
  readonly sql: string;
  /** The PostgreSQL type that a cursor's text is cast to: `timestamptz`, `bigint`, `uuid`. */
  readonly type: string;
}

/** The last column (with those before it) must tell any two rows apart, or rows are lost between pages. */
export interface KeysetOrder {
  readonly columns: readonly KeysetColumn[];
  readonly direction: 'ascending' | 'descending';
}

/** Which way a page lies from the row that its cursor names. */
export type Toward = 'next' | 'previous';

/** SQL with gaps for values, shaped like a template literal: one string more than there are values. */
export interface SqlFragment {
  readonly strings: readonly string[];
  readonly values: readonly string[];
}

function ascends(order: KeysetOrder, toward: Toward): boolean {
  return (order.direction === 'ascending') === (toward === 'next');
}

/** The condition that a row lies beyond `values`, one for each column of the order. */
export function keysetCondition(order: KeysetOrder, values: readonly string[], toward: Toward): SqlFragment {
  if (values.length !== order.columns.length) {
    throw new RangeError(
      `A keyset of ${order.columns.length} columns needs as many values, but ${values.length} were given.`,
    );
  }
  const left = order.columns.map((column) => column.sql).join(', ');
  const strings: string[] = [`(${left}) ${ascends(order, toward) ? '>' : '<'} (`];
  order.columns.forEach((column, i) => {
    strings.push(`::${column.type}${i === order.columns.length - 1 ? ')' : ', '}`);
  });
  return { strings, values };
}

/** What follows ORDER BY. A page toward `previous` is read backwards and turned round afterwards. */
export function keysetOrderBy(order: KeysetOrder, toward: Toward): string {
  const direction = ascends(order, toward) ? 'asc' : 'desc';
  return order.columns.map((column) => `${column.sql} ${direction}`).join(', ');
}

/** The fragment as `pg` takes it, with parameters numbered from `firstParameter`. */
export function numberedFragment(
  fragment: SqlFragment,
  firstParameter: number,
): { readonly text: string; readonly values: readonly string[] } {
  const text = fragment.strings.reduce((sql, part, i) => `${sql}$${firstParameter + i - 1}${part}`);
  return { text, values: fragment.values };
}
