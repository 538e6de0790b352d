import type { ColumnFactsBook } from './column-facts.ts';
import type { ParameterColumn } from './column-roles.ts';
import type { PlannableStatement } from './shadow.ts';

/**
 * Statements with values where they have parameters: from the statistics of the column that a parameter is compared with, the most common
 * value, one of the middle and a rare one. A parameter that is compared with none gets a plausible value of its type.
 */
export function withValues(
  sql: string,
  types: readonly string[],
  columns: readonly ParameterColumn[],
  book: ColumnFactsBook,
): readonly PlannableStatement[] {
  if (types.length === 0) return [{ sql, values: [] }];
  const choices = types.map((type, at) =>
    valuesFor(
      type,
      columns.find(({ number }) => number === at + 1),
      book,
    ),
  );
  return [0, 1, 2].map((turn) => ({ sql, values: choices.map((values) => values[turn % values.length] ?? null) }));
}

function valuesFor(
  type: string,
  column: ParameterColumn | undefined,
  book: ColumnFactsBook,
): readonly [string, ...string[]] {
  const plausible = plausibleOf(type);
  const table = column === undefined ? undefined : book.table(column.schema, column.table);
  const statistics = column === undefined || table === undefined ? null : book.column(table, column.column)?.statistics;
  if (!statistics || column === undefined) return [plausible];
  const common = arrayMembers(statistics.commonValues ?? '{}');
  const bounds = arrayMembers(statistics.bounds ?? '{}');
  const found = [
    common[0],
    bounds[Math.floor(bounds.length / 2)],
    common.at(-1),
    bounds[Math.floor(bounds.length * 0.9)],
  ].filter((value) => value !== undefined);
  const [first, ...rest] = found;
  if (first === undefined) return [plausible];
  const shaped = (value: string): string =>
    type.endsWith('[]')
      ? `{${found.map((one) => JSON.stringify(one)).join(',')}}`
      : column.operator.startsWith('~~')
        ? `%${value.slice(0, 6)}%`
        : value;
  return [shaped(first), ...rest.map(shaped)];
}

function plausibleOf(type: string): string {
  if (type.endsWith('[]')) return '{}';
  if (/^(?:smallint|integer|bigint|numeric|real|double precision|oid)/.test(type)) return '20';
  if (type === 'boolean') return 'true';
  if (type === 'uuid') return '00000000-0000-4000-8000-000000000000';
  if (/^(?:timestamp|date)/.test(type)) return '2026-01-01';
  if (type.startsWith('time')) return '12:00';
  if (type === 'interval') return '1 day';
  if (/^jsonb?$/.test(type)) return '{}';
  if (type === 'bytea') return '\\x00';
  return 'value';
}

/** The members of an array in PostgreSQL's text form. */
function arrayMembers(text: string): readonly string[] {
  const members = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs);
  return [...members].map(([, inQuotes, plain = '']) => inQuotes?.replaceAll(/\\(.)/gs, '$1') ?? plain);
}
