import type { Page } from '../../contract/performance.ts';
import type { KeysetOrder, Pager } from '../../page/page.ts';

/** What a list in memory is paged by. */
export interface ListRequest<Row> {
  readonly cursor: string | undefined;
  readonly limit: number | undefined;
  /** Everything that decides which rows the list has. */
  readonly filter: unknown;
  /** Highest first. */
  readonly valueOf: (row: Row) => number;
  /** Unique. */
  readonly keyOf: (row: Row) => string;
}

/** Nothing of it becomes SQL: the list is in memory, and columns are called by what they would be there. */
const order: KeysetOrder = {
  columns: [
    { sql: 'value', type: 'double precision' },
    { sql: 'name', type: 'text' },
  ],
  direction: 'ascending',
};

/**
 * One page of rows, the highest value first and equal ones by name. A cursor names the place of a row, so rows that come and
 * go between two pages move nothing.
 */
export function listPage<Row>(
  pager: Pager,
  rows: readonly Row[],
  { cursor, limit, filter, valueOf, keyOf }: ListRequest<Row>,
): { readonly items: readonly Row[]; readonly page: Page } {
  const open = pager.open({ cursor, limit, order, filter });
  const compare = (a: readonly [number, string], b: readonly [number, string]): number =>
    b[0] - a[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
  const placeOf = (row: Row): readonly [number, string] => [valueOf(row), keyOf(row)];
  const ordered = rows.toSorted((a, b) => compare(placeOf(a), placeOf(b)));
  const isBack = open.toward === 'previous';
  if (isBack) ordered.reverse();
  const [value, key] = open.from?.map(String) ?? [];
  const start =
    value === undefined || key === undefined
      ? 0
      : ordered.findIndex((row) => {
          const difference = compare(placeOf(row), [Number(value), key]);
          return isBack ? difference < 0 : difference > 0;
        });
  const from = start === -1 ? ordered.length : start;
  return open.close(ordered.slice(from, from + open.fetch), (row) => [String(valueOf(row)), keyOf(row)], {
    count: { value: rows.length, exact: true },
  });
}
