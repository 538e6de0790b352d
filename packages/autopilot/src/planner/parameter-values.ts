import type { ParameterColumn } from './column-roles.ts';
import type { PlannableStatement } from './planning-engine.ts';
import type { ColumnStatistics } from './target-statistics.ts';

/** Values of one parameter that a statement is planned with. */
const turns = 5;

/** What ANALYZE knows of a column; null: nothing. */
export type StatisticsOf = (column: ParameterColumn) => ValueStatistics | null;
export type ValueStatistics = Pick<ColumnStatistics, 'commonValues' | 'commonFrequencies' | 'bounds'>;

/**
 * Statements with values where they have parameters, taken from the statistics of the column that a parameter is compared with, each
 * value as often as it is in the column: at the 10th, 30th, 50th, 70th and 90th hundredth of its rows, common values first. A parameter that
 * is compared with none gets a plausible value of its type.
 */
export function withValues(
  sql: string,
  types: readonly string[],
  columns: readonly ParameterColumn[],
  statisticsOf: StatisticsOf,
): readonly PlannableStatement[] {
  if (types.length === 0) return [{ sql, values: [] }];
  const choices = choicesOf(types, columns, statisticsOf);
  // Each parameter in an order of its own, so that the common values of two need not meet; 5 is a prime number.
  const all = Array.from({ length: turns }, (_, turn) => ({
    sql,
    values: choices.map((values, at) => values[(turn * (1 + (at % (turns - 1)))) % values.length] ?? null),
  }));
  return [...new Map(all.map((one) => [JSON.stringify(one.values), one])).values()];
}

/** For each parameter the value that half of its column's rows lie before: a common one, where there are common ones. */
export function typicalValues(
  types: readonly string[],
  columns: readonly ParameterColumn[],
  statisticsOf: StatisticsOf,
): readonly (string | null)[] {
  return choicesOf(types, columns, statisticsOf).map((values) => values[values.length >> 1] ?? null);
}

function choicesOf(
  types: readonly string[],
  columns: readonly ParameterColumn[],
  statisticsOf: StatisticsOf,
): readonly (readonly [string | null, ...(string | null)[]])[] {
  return types.map((type, at) =>
    valuesFor(
      type,
      columns.find(({ number }) => number === at + 1),
      statisticsOf,
    ),
  );
}

function valuesFor(
  type: string,
  column: ParameterColumn | undefined,
  statisticsOf: StatisticsOf,
): readonly [string | null, ...(string | null)[]] {
  // What is compared with nothing may be null: a label of an enum can't be made up.
  const plausible = plausibleOf(type) ?? (column === undefined ? null : 'value');
  const statistics = column === undefined ? null : statisticsOf(column);
  if (statistics === null || column === undefined) return [plausible];
  const found = Array.from({ length: turns }, (_, turn) => valueAt(statistics, (turn + 0.5) / turns)).filter(
    (value) => value !== undefined,
  );
  const [first, ...rest] = found;
  if (first === undefined) return [plausible];
  const shaped = (value: string): string =>
    type.endsWith('[]')
      ? `{${[...new Set(found)].map((one) => JSON.stringify(one)).join(',')}}`
      : column.operator.startsWith('~~')
        ? `%${value.slice(0, 6)}%`
        : value;
  return [shaped(first), ...rest.map(shaped)];
}

/** The value that so much of the column's rows lies before, its common values first and then the others in their order. */
function valueAt({ commonValues, commonFrequencies, bounds }: ValueStatistics, place: number): string | undefined {
  const common = arrayMembers(commonValues ?? '{}');
  let left = place;
  for (const [at, frequency] of (commonFrequencies ?? []).entries()) {
    if (left < frequency) return common[at];
    left -= frequency;
  }
  const others = arrayMembers(bounds ?? '{}');
  if (others.length === 0) return common[Math.floor(place * common.length)];
  const share = left / Math.max(1e-9, left + (1 - place));
  return others[Math.min(others.length - 1, Math.floor(share * others.length))];
}

/** Null: nobody knows what a value of the type looks like. */
function plausibleOf(type: string): string | null {
  if (type.endsWith('[]')) return '{}';
  if (/^(?:smallint|integer|bigint|numeric|real|double precision|oid)/.test(type)) return '20';
  if (type === 'boolean') return 'true';
  if (type === 'uuid') return '00000000-0000-4000-8000-000000000000';
  if (/^(?:timestamp|date)/.test(type)) return '2026-01-01';
  if (type.startsWith('time')) return '12:00';
  if (type === 'interval') return '1 day';
  if (/^jsonb?$/.test(type)) return '{}';
  if (type === 'bytea') return '\\x00';
  if (type === 'regconfig') return 'simple';
  return /^(?:text|character|name|citext|"char"|unknown)/.test(type) ? 'value' : null;
}

/** The members of an array in PostgreSQL's text form. */
export function arrayMembers(text: string): readonly string[] {
  const members = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs);
  return [...members].map(([, inQuotes, plain = '']) => inQuotes?.replaceAll(/\\(.)/gs, '$1') ?? plain);
}
