/**
 * Rows as CSV (RFC 4180): a column for each value that is a number, a text or true and false, also one level down
 * ("loop.ms"). Lists and frames are left out: JSON has them.
 */
export function csvOf(rows: readonly object[]): string {
  const flat = rows.map(valuesOf);
  const columns = [...new Set(flat.flatMap((row) => [...row.keys()]))];
  const lines = [columns, ...flat.map((row) => columns.map((column) => row.get(column) ?? ''))];
  return lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('');
}

/** Rows as JSON, as the API answered them. */
export function jsonOf(rows: readonly object[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}

type Value = number | string | boolean;

function valuesOf(row: object): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, value] of entriesOf(row)) {
    if (isValue(value)) values.set(name, value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const inner = entriesOf(value);
    if (inner.some(([, one]) => typeof one === 'object' && one !== null)) continue;
    for (const [part, one] of inner) if (isValue(one)) values.set(`${name}.${part}`, one);
  }
  return values;
}

function entriesOf(row: object): readonly (readonly [name: string, value: unknown])[] {
  return Object.entries(row);
}

function isValue(value: unknown): value is Value {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}

function cellOf(value: Value): string {
  if (typeof value !== 'string') return String(value);
  // A spreadsheet would take it for a formula, and names of routes come from whoever asks for them.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
