export type Direction = 'ascending' | 'descending';

/** What a table is sorted by. */
export interface Order<Column extends string> {
  readonly column: Column;
  readonly direction: Direction;
}

/**
 * The rows in order. Rows without a value come last in either direction: nothing measured is neither much nor little.
 * Equal rows are ordered by `name`, so that they do not change places each second.
 */
export function sortedRows<Row>(
  rows: readonly Row[],
  value: (row: Row) => number | string | null,
  direction: Direction,
  name: (row: Row) => string,
): Row[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return rows.toSorted((one, other) => {
    const a = value(one);
    const b = value(other);
    if (a === null || b === null) {
      if (a !== b) return a === null ? 1 : -1;
    } else if (a !== b) {
      return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
    }
    return name(one).localeCompare(name(other));
  });
}

/** The order after a press on a column's head: turned around, or the new column with what is worst first. */
export function nextOrder<Column extends string>(
  order: Order<Column>,
  column: Column,
  first: Direction,
): Order<Column> {
  if (order.column !== column) return { column, direction: first };
  return { column, direction: order.direction === 'ascending' ? 'descending' : 'ascending' };
}

/** Rows whose text holds every word of the filter, in any order and case. */
export function filteredRows<Row>(rows: readonly Row[], filter: string, text: (row: Row) => string): readonly Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const own = text(row).toLowerCase();
    return words.every((word) => own.includes(word));
  });
}

/** The rows with newer ones in the place of those of the same name; newer ones without an elder come last. */
export function replacedRows<Row>(rows: readonly Row[], newer: readonly Row[], name: (row: Row) => string): Row[] {
  const byName = new Map(rows.map((row) => [name(row), row]));
  for (const row of newer) byName.set(name(row), row);
  return [...byName.values()];
}
