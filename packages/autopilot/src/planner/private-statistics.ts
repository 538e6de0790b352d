import { arrayMembers } from './parameter-values.ts';
import type { TargetCatalog, TargetColumn } from './target-catalog.ts';
import type { ColumnStatistics, TargetStatistics } from './target-statistics.ts';

/**
 * Statistics in which no value is one of the rows': each is replaced, order and frequency are kept.
 * - Numbers and times become what lies in the middle between them and the next greater one that is known of the column; a whole number or a day without room to the
 *   next stays, for then the values follow each other without a gap.
 * - Texts and uuids become numbered names in their order, the same everywhere, so that values that two columns share are still shared.
 * - Truth values, labels of enums and texts that the schema itself names (in a check, a partial index, a partition's bounds) stay: they are no rows'.
 * - Of all other types values are left out.
 */
export function withoutSamples(statistics: TargetStatistics, catalog: TargetCatalog): TargetStatistics {
  const columns = new Map(
    catalog.tables.flatMap((table) =>
      table.columns.map((column) => [JSON.stringify([table.schema, table.name, column.name]), column] as const),
    ),
  );
  const typeOf = ({ schema, relation, column }: ColumnStatistics): TargetColumn | undefined =>
    columns.get(JSON.stringify([schema, relation, column]));
  const told = literalsOf(catalog);
  const names = namesFor(
    statistics.columns.flatMap((one) => {
      const kind = kindOf(typeOf(one));
      const isNamed = kind === 'text' || kind === 'uuid';
      return [
        ...(isNamed ? [one.commonValues, one.bounds] : []),
        // Words of texts and members of arrays.
        ...(hasTextElements(typeOf(one)) ? [one.commonElements] : []),
      ].flatMap((list) => (list === null ? [] : arrayMembers(list)));
    }),
  );
  return {
    ...statistics,
    columns: statistics.columns.map((one) => ({
      ...one,
      ...replacedValues(one, typeOf(one), names, told),
      ...replacedElements(one, hasTextElements(typeOf(one)), names),
      rangeLengths: null,
      rangeEmptyFraction: null,
      rangeBounds: null,
    })),
  };
}

type Kind = 'kept' | 'whole' | 'number' | 'day' | 'time' | 'text' | 'uuid' | 'other';

function kindOf(column: TargetColumn | undefined): Kind {
  if (column === undefined) return 'other';
  const { plainType, category } = column;
  if (plainType === 'boolean' || category === 'E') return 'kept';
  if (/^(?:smallint|integer|bigint)$/.test(plainType)) return 'whole';
  if (/^(?:numeric|real|double precision)$/.test(plainType)) return 'number';
  if (plainType === 'date') return 'day';
  if (/^timestamp with(?:out)? time zone$/.test(plainType)) return 'time';
  if (/^(?:text|character varying|character|citext)$/.test(plainType)) return 'text';
  return plainType === 'uuid' ? 'uuid' : 'other';
}

function hasTextElements(column: TargetColumn | undefined): boolean {
  return /^(?:tsvector|text\[\]|character varying\[\])$/.test(column?.plainType ?? '');
}

type Values = Pick<ColumnStatistics, 'commonValues' | 'commonFrequencies' | 'bounds'>;

function replacedValues(
  { commonValues, commonFrequencies, bounds }: ColumnStatistics,
  column: TargetColumn | undefined,
  names: ReadonlyMap<string, number>,
  told: ReadonlySet<string>,
): Values {
  const kind = kindOf(column);
  if (kind === 'kept') return { commonValues, commonFrequencies, bounds };
  const nothing = { commonValues: null, commonFrequencies: null, bounds: null };
  if (kind === 'other') return nothing;
  const common = arrayMembers(commonValues ?? '{}');
  const limits = arrayMembers(bounds ?? '{}');
  if (kind === 'text' || kind === 'uuid') {
    const length = Number(/\((\d+)\)$/.exec(column?.type ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
    if (kind === 'text' && length < nameLength(names)) return nothing;
    return {
      commonValues: commonValues && arrayText(common.map((one) => (told.has(one) ? one : nameOf(one, names, kind)))),
      commonFrequencies,
      // In the order of names, whatever the collation makes of the texts.
      bounds: bounds && arrayText(limits.map((one) => nameOf(one, names, kind)).toSorted()),
    };
  }
  const middles = middlesOf([...common, ...limits], kind);
  if (middles === null) return nothing;
  const replaced = (list: readonly string[]): string => arrayText(list.map((one) => middles.get(one) ?? one));
  return { commonValues: commonValues && replaced(common), commonFrequencies, bounds: bounds && replaced(limits) };
}

/** In the order of names, as the planner looks for them, each with its frequency; behind those are the least and the greatest of them. */
function replacedElements(
  { commonElements, commonElementFrequencies }: ColumnStatistics,
  isText: boolean,
  names: ReadonlyMap<string, number>,
): Pick<ColumnStatistics, 'commonElements' | 'commonElementFrequencies'> {
  if (!isText || commonElements === null || commonElementFrequencies === null)
    return { commonElements: null, commonElementFrequencies: null };
  const members = arrayMembers(commonElements);
  const sorted = members
    .map((text, at) => ({ name: nameOf(text, names, 'text'), frequency: commonElementFrequencies[at] ?? 0 }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    commonElements: arrayText(sorted.map(({ name }) => name)),
    commonElementFrequencies: [
      ...sorted.map(({ frequency }) => frequency),
      ...commonElementFrequencies.slice(members.length),
    ],
  };
}

/** What lies between each value and the next; null: one is none that can be reckoned with (infinity, NaN, before Christ). */
function middlesOf(
  values: readonly string[],
  kind: 'whole' | 'number' | 'day' | 'time',
): ReadonlyMap<string, string> | null {
  const known = values.map((text) => ({ text, place: placeOf(text, kind) }));
  if (known.some(({ place }) => !Number.isFinite(place))) return null;
  const sorted = known.toSorted((a, b) => a.place - b.place);
  const places = [...new Set(sorted.map(({ place }) => place))];
  const next = new Map(places.map((place, at) => [place, places[at + 1] ?? 2 * place - (places[at - 1] ?? place - 2)]));
  return new Map(
    sorted.map(({ text, place }) => {
      const middle = place + ((next.get(place) ?? place) - place) / 2;
      return [text, textOf(middle, kind)];
    }),
  );
}

const dayMs = 86_400_000;

/** Where a value stands on a line: itself, days or ms. */
function placeOf(text: string, kind: 'whole' | 'number' | 'day' | 'time'): number {
  if (kind === 'whole' || kind === 'number') return Number(text);
  if (kind === 'day') return /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) / dayMs : Number.NaN;
  const [, day, time, zone = ''] = /^(\d{4}-\d\d-\d\d) ([\d:.]+)([+-]\d\d(?::\d\d)?)?$/.exec(text) ?? [];
  return Date.parse(`${day}T${time}${zone === '' ? 'Z' : zone.length === 3 ? `${zone}:00` : zone}`);
}

function textOf(place: number, kind: 'whole' | 'number' | 'day' | 'time'): string {
  if (kind === 'number') return String(place);
  if (kind === 'whole') return String(Math.floor(place));
  const iso = new Date(kind === 'day' ? Math.floor(place) * dayMs : place).toISOString();
  return kind === 'day' ? iso.slice(0, 10) : iso.replace('T', ' ').replace('Z', '+00');
}

/** Each text's number in their order. */
function namesFor(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...new Set(texts)].toSorted().map((text, at) => [text, at]));
}

function nameLength(names: ReadonlyMap<string, number>): number {
  return 1 + Math.max(1, names.size).toString(36).length;
}

function nameOf(text: string, names: ReadonlyMap<string, number>, kind: 'text' | 'uuid'): string {
  const at = names.get(text) ?? 0;
  return kind === 'uuid'
    ? `00000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`
    : `v${at.toString(36).padStart(nameLength(names) - 1, '0')}`;
}

function arrayText(members: readonly string[]): string {
  return `{${members.map((one) => `"${one.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** Texts in quotes in what makes the schema. */
function literalsOf({ tables, constraints, indexes }: TargetCatalog): ReadonlySet<string> {
  const sources = [
    ...tables.map(({ partitionBound }) => partitionBound ?? ''),
    ...constraints.map(({ definition }) => definition),
    ...indexes.map(({ definition }) => definition),
  ];
  return new Set(
    sources.flatMap((sql) => [...sql.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => text.replaceAll("''", "'"))),
  );
}
