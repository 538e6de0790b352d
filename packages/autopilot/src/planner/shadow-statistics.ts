import type pg from 'pg';
import { messageOf } from '../kernel/errors.ts';
import { quoted } from './shadow-ddl.ts';
import type { ColumnStatistics, ExtendedStatistics, TargetStatistics } from './target-statistics.ts';

const batchSize = 500;

const restore = `SELECT pg_restore_attribute_stats(
  'schemaname', s.schema, 'relname', s.relation, 'attname', s."column", 'inherited', s.inherited,
  'version', current_setting('server_version_num')::int, 'null_frac', s."nullFraction", 'avg_width', s."averageWidth",
  'n_distinct', s."distinct", 'most_common_vals', s."commonValues", 'most_common_freqs', s."commonFrequencies",
  'histogram_bounds', s.bounds, 'correlation', s.correlation, 'most_common_elems', s."commonElements",
  'most_common_elem_freqs', s."commonElementFrequencies", 'elem_count_histogram', s."elementCounts",
  'range_length_histogram', s."rangeLengths", 'range_empty_frac', s."rangeEmptyFraction",
  'range_bounds_histogram', s."rangeBounds")
FROM json_to_recordset($1::json) s(schema text, relation text, "column" text, inherited boolean, "nullFraction" real,
  "averageWidth" int, "distinct" real, "commonValues" text, "commonFrequencies" real[], bounds text, correlation real,
  "commonElements" text, "commonElementFrequencies" real[], "elementCounts" real[], "rangeLengths" text,
  "rangeEmptyFraction" real, "rangeBounds" text)
WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname = s.schema AND c.relname = s.relation AND a.attname = s."column" AND c.relkind IN ('r', 'p', 'i'))`;

const clear = `SELECT pg_clear_attribute_stats(s.schema, s.relation, s."column", s.inherited)
FROM json_to_recordset($1::json) s(schema text, relation text, "column" text, inherited boolean)
WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname = s.schema AND c.relname = s.relation AND a.attname = s."column" AND c.relkind IN ('r', 'p', 'i'))`;

/** Gives the shadow's columns the target's statistics. Answers what could not be taken over. Cost: 0.1 ms a column. */
export async function restoreStatistics(
  planner: pg.Client,
  admin: pg.Client,
  statistics: TargetStatistics,
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (let at = 0; at < statistics.columns.length; at += batchSize) {
    const batch = statistics.columns.slice(at, at + batchSize);
    try {
      await planner.query(restore, [JSON.stringify(batch)]);
    } catch {
      for (const one of batch) notes.push(...(await restoreOne(planner, one)));
    }
  }
  notes.push(...(await restoreExtended(admin, statistics.extended)));
  return notes;
}

/** As {@link restoreStatistics} for columns that had others before: what is not known any more is forgotten. @throws when one is refused */
export async function replaceStatistics(planner: pg.Client, columns: readonly ColumnStatistics[]): Promise<void> {
  for (let at = 0; at < columns.length; at += batchSize) {
    const batch = JSON.stringify(columns.slice(at, at + batchSize));
    await planner.query(clear, [batch]);
    await planner.query(restore, [batch]);
  }
}

async function restoreOne(planner: pg.Client, one: ColumnStatistics): Promise<readonly string[]> {
  try {
    await planner.query(restore, [JSON.stringify([one])]);
    return [];
  } catch (error) {
    return [`The statistics of ${one.relation}.${one.column} could not be taken over: ${messageOf(error)}.`];
  }
}

/**
 * Those of several columns together have no function that takes them (before 19): their binary form is written as
 * statext_ndistinct_serialize and statext_dependencies_serialize do. Lists of common combinations are not readable
 * without a superuser's rights and left out.
 */
async function restoreExtended(admin: pg.Client, all: readonly ExtendedStatistics[]): Promise<readonly string[]> {
  const known = all.filter(({ distinct, dependencies }) => distinct !== null || dependencies !== null);
  if (known.length === 0) return [];
  const notes: string[] = [];
  await admin.query(
    `CREATE CAST (bytea AS pg_ndistinct) WITHOUT FUNCTION; CREATE CAST (bytea AS pg_dependencies) WITHOUT FUNCTION`,
  );
  for (const { schema, name, distinct, dependencies, columns } of known) {
    try {
      const { rows } = await admin.query<{ name: string; number: number }>(
        `SELECT a.attname AS name, a.attnum AS number FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
           JOIN pg_attribute a ON a.attrelid = s.stxrelid WHERE n.nspname = $1 AND s.stxname = $2 AND a.attnum > 0`,
        [schema, name],
      );
      const ours = new Map(rows.map((row) => [row.name, row.number]));
      // Columns have other numbers here where the target has dropped some; below 0 are expressions.
      const numberOf = (number: number): number => (number < 0 ? number : (ours.get(columns[number] ?? '') ?? number));
      await admin.query(
        `INSERT INTO pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies)
         SELECT s.oid, false, $3::bytea::pg_ndistinct, $4::bytea::pg_dependencies
         FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE n.nspname = $1 AND s.stxname = $2`,
        [
          schema,
          name,
          distinct && distinctBytes(distinct, numberOf),
          dependencies && dependencyBytes(dependencies, numberOf),
        ],
      );
    } catch (error) {
      notes.push(`The statistics ${quoted(schema)}.${quoted(name)} could not be taken over: ${messageOf(error)}.`);
    }
  }
  return notes;
}

/** `{"1, 2": 100}` as PostgreSQL stores it. */
function distinctBytes(text: string, numberOf: (number: number) => number): Buffer {
  return serialized(0xa352bfa4, entries(text, numberOf), false);
}

/** `{"1 => 2": 0.9}` as PostgreSQL stores it. */
function dependencyBytes(text: string, numberOf: (number: number) => number): Buffer {
  return serialized(0xb4549a2c, entries(text, numberOf), true);
}

function entries(
  text: string,
  numberOf: (number: number) => number,
): readonly { readonly columns: readonly number[]; readonly value: number }[] {
  return [...text.matchAll(/"([^"]+)":\s*([-\d.e+]+)/g)].map(([, columns = '', value = '0']) => ({
    columns: (columns.match(/-?\d+/g) ?? []).map((number) => numberOf(Number(number))),
    value: Number(value),
  }));
}

function serialized(magic: number, items: ReturnType<typeof entries>, shortCount: boolean): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(1, 4);
  head.writeUInt32LE(items.length, 8);
  const parts = items.map(({ columns, value }) => {
    const numbers = Buffer.alloc(8 + (shortCount ? 2 : 4) + 2 * columns.length);
    numbers.writeDoubleLE(value, 0);
    if (shortCount) numbers.writeInt16LE(columns.length, 8);
    else numbers.writeInt32LE(columns.length, 8);
    columns.forEach((column, at) => {
      numbers.writeInt16LE(column, (shortCount ? 10 : 12) + 2 * at);
    });
    return numbers;
  });
  return Buffer.concat([head, ...parts]);
}
