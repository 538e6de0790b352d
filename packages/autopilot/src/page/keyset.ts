/**
 * Keyset paging: the next page starts after the last row's sort values instead of after N rows. Columns that share a
 * direction and are never null compare as one row value, `(a, b) > (x, y)`, which PostgreSQL answers with a single index
 * range. Other orders are cut into branches that are such ranges each; spelt out with OR they would read the whole index.
 */

export type Direction = 'ascending' | 'descending';

/** A column or expression to sort by. */
export interface KeysetColumn {
  /** SQL from the program, never from a caller: `tasks.created_at`. */
  readonly sql: string;
  /** The PostgreSQL type that a cursor's text is cast to: `timestamptz`, `bigint`, `uuid`. */
  readonly type: string;
  /** Default: the direction of the order. */
  readonly direction?: Direction;
  /** Where rows without a value stand; absent: the column is NOT NULL. */
  readonly nulls?: 'first' | 'last';
}

/** The last column (with those before it) must tell any two rows apart, or rows are lost between pages. */
export interface KeysetOrder {
  readonly columns: readonly KeysetColumn[];
  readonly direction: Direction;
}

/** Which way a page lies from the row that its cursor names. */
export type Toward = 'next' | 'previous';

/** A row's value of one column, as text; null only where the column may be. */
export type KeysetValue = string | null;

/** SQL with gaps for values, shaped like a template literal: one string more than there are values. */
export interface SqlFragment {
  readonly strings: readonly string[];
  readonly values: readonly string[];
}

function ascends(order: KeysetOrder, column: KeysetColumn, toward: Toward): boolean {
  return ((column.direction ?? order.direction) === 'ascending') === (toward === 'next');
}

function nullsComeLast(column: KeysetColumn, toward: Toward): boolean {
  return (column.nulls === 'last') === (toward === 'next');
}

interface Bound {
  readonly column: KeysetColumn;
  readonly value: KeysetValue;
  readonly ascends: boolean;
}

/** Columns side by side that compare as one row value; a nullable one stands alone. */
function runsOf(order: KeysetOrder, values: readonly KeysetValue[], toward: Toward): readonly (readonly Bound[])[] {
  const runs: Bound[][] = [];
  order.columns.forEach((column, i) => {
    const bound = { column, value: values[i] ?? null, ascends: ascends(order, column, toward) };
    const run = runs.at(-1);
    const last = run?.at(-1);
    const joins = column.nulls === undefined && last?.column.nulls === undefined && last?.ascends === bound.ascends;
    if (run !== undefined && joins) run.push(bound);
    else runs.push([bound]);
  });
  return runs;
}

function fragmentOf(text: string): SqlFragment {
  return { strings: [text], values: [] };
}

/** `(a, b) > (x, y)`, or `a > x` for one column. */
function compared(run: readonly Bound[], operator: string): SqlFragment {
  const left = run.map(({ column }) => column.sql).join(', ');
  const [open, close] = run.length === 1 ? ['', ''] : ['(', ')'];
  const strings = [`${open}${left}${close} ${operator} ${open}`];
  run.forEach(({ column }, i) => {
    strings.push(`::${column.type}${i === run.length - 1 ? close : ', '}`);
  });
  return { strings, values: run.map(({ value }) => value ?? '') };
}

function equal({ column, value, ascends: up }: Bound): SqlFragment {
  if (value === null) return fragmentOf(`${column.sql} is null`);
  return compared([{ column, value, ascends: up }], '=');
}

/** The ranges beyond a run's values, nearest first. */
function beyond(run: readonly Bound[], toward: Toward): readonly SqlFragment[] {
  const [first] = run;
  if (first === undefined) return [];
  const { column, value } = first;
  if (value === null) return nullsComeLast(column, toward) ? [] : [fragmentOf(`${column.sql} is not null`)];
  const range = compared(run, first.ascends ? '>' : '<');
  const nulls = column.nulls !== undefined && nullsComeLast(column, toward);
  return nulls ? [range, fragmentOf(`${column.sql} is null`)] : [range];
}

function joined(parts: readonly SqlFragment[]): SqlFragment {
  return parts.reduce((all, part) => ({
    strings: [...all.strings.slice(0, -1), `${all.strings.at(-1)} and ${part.strings[0]}`, ...part.strings.slice(1)],
    values: [...all.values, ...part.values],
  }));
}

/**
 * The conditions that a row lies beyond `values`, one value for each column of the order. No row meets two of them, and
 * those that meet one all come before those that meet a later one: read the page as UNION ALL of them, each ordered and
 * limited by itself. One condition for an order of one direction without nullable columns; none when nothing can lie beyond.
 *
 * @throws RangeError when the values are not those of the order's columns.
 */
export function keysetBranches(
  order: KeysetOrder,
  values: readonly KeysetValue[],
  toward: Toward,
): readonly SqlFragment[] {
  if (values.length !== order.columns.length) {
    throw new RangeError(
      `A keyset of ${order.columns.length} columns needs as many values, but ${values.length} were given.`,
    );
  }
  const missing = order.columns.find((column, i) => values[i] === null && column.nulls === undefined);
  if (missing !== undefined) {
    throw new RangeError(`The keyset's column ${missing.sql} is declared NOT NULL, but null was given for it.`);
  }
  const runs = runsOf(order, values, toward);
  return runs
    .flatMap((run, i) => {
      const before = runs.slice(0, i).flat().map(equal);
      return [beyond(run, toward).map((range) => joined([...before, range]))];
    })
    .reverse()
    .flat();
}

/** What follows ORDER BY. A page toward `previous` is read backwards and turned round afterwards. */
export function keysetOrderBy(order: KeysetOrder, toward: Toward): string {
  return keysetOrderByNames(
    order,
    toward,
    order.columns.map((column) => column.sql),
  );
}

/** The same where the columns go by other names, as they do outside the subqueries of a UNION ALL. */
export function keysetOrderByNames(order: KeysetOrder, toward: Toward, names: readonly string[]): string {
  return order.columns
    .map((column, i) => {
      const up = ascends(order, column, toward);
      const last = nullsComeLast(column, toward);
      // PostgreSQL's own place of nulls is last in ascending order and first in descending.
      const nulls = column.nulls === undefined || last === up ? '' : ` nulls ${last ? 'last' : 'first'}`;
      return `${names[i] ?? column.sql} ${up ? 'asc' : 'desc'}${nulls}`;
    })
    .join(', ');
}

/** The fragment as `pg` takes it, with parameters numbered from `firstParameter`. */
export function numberedFragment(
  fragment: SqlFragment,
  firstParameter: number,
): { readonly text: string; readonly values: readonly string[] } {
  const text = fragment.strings.reduce((sql, part, i) => `${sql}$${firstParameter + i - 1}${part}`);
  return { text, values: fragment.values };
}
