/** A column of a table on the terminal. */
export interface TextColumn<Row> {
  readonly head: string;
  readonly of: (row: Row) => string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** Longer texts are cut. */
  readonly most?: number;
}

/** Lines of a table: a head, a rule, and the rows, each column as wide as it needs. */
export function textTable<Row>(rows: readonly Row[], columns: readonly TextColumn<Row>[]): string[] {
  const cells = rows.map((row) => columns.map(({ of, most }) => cut(of(row), most)));
  const widths = columns.map(({ head }, at) => Math.max(head.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => (columns[at]?.right === true ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ head }) => head)),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...cells.map(line),
  ];
}

function cut(text: string, most: number | undefined): string {
  const one = text.replaceAll(/\s+/g, ' ');
  return most !== undefined && one.length > most ? `${one.slice(0, most - 1)}…` : one;
}
