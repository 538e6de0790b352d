import type { TargetCatalog } from './target-catalog.ts';
import type { TargetSession } from './target-session.ts';

/** What ANALYZE knows about one column, or one expression of an index; arrays in PostgreSQL's text form. */
export interface ColumnStatistics {
  readonly schema: string;
  /** A table's name, or an index's for its expressions. */
  readonly relation: string;
  readonly column: string;
  /** Of the table with its children. */
  readonly inherited: boolean;
  readonly nullFraction: number;
  readonly averageWidth: number;
  /** Above 0 a number, below 0 the negative share of the rows. */
  readonly distinct: number;
  readonly commonValues: string | null;
  readonly commonFrequencies: readonly number[] | null;
  readonly bounds: string | null;
  readonly correlation: number | null;
  readonly commonElements: string | null;
  readonly commonElementFrequencies: readonly number[] | null;
  readonly elementCounts: readonly number[] | null;
  readonly rangeLengths: string | null;
  readonly rangeEmptyFraction: number | null;
  readonly rangeBounds: string | null;
}

/** The statistics of a database, and what the account may not see. */
export interface TargetStatistics {
  readonly columns: readonly ColumnStatistics[];
  readonly extended: readonly ExtendedStatistics[];
  readonly notes: readonly string[];
}

/** What ANALYZE knows about columns together. */
export interface ExtendedStatistics {
  readonly schema: string;
  readonly name: string;
  /** `{"1, 2": 100}` */
  readonly distinct: string | null;
  /** `{"1 => 2": 0.9}` */
  readonly dependencies: string | null;
  /** Whose columns they are: by number, as dropped ones leave gaps. */
  readonly columns: Readonly<Record<string, string>>;
}

type NumberLists = 'commonFrequencies' | 'commonElementFrequencies' | 'elementCounts';

function numbersOf(text: string | null): readonly number[] | null {
  return text === null ? null : text.slice(1, -1).split(',').map(Number);
}

/** Reads them through the views that show an account only the columns it may read. */
export async function readTargetStatistics(
  session: TargetSession,
  { versionNumber, leftOut }: Pick<TargetCatalog, 'versionNumber' | 'leftOut'>,
): Promise<TargetStatistics> {
  const names = leftOut.map(({ schema, name }) => `${schema}.${name}`);
  const ranges =
    versionNumber >= 170_000
      ? `range_length_histogram::text AS "rangeLengths", range_empty_frac AS "rangeEmptyFraction", range_bounds_histogram::text AS "rangeBounds"`
      : `NULL AS "rangeLengths", NULL AS "rangeEmptyFraction", NULL AS "rangeBounds"`;
  // Numbers in the text form of an array: what is made of them takes longer than what the target does.
  const read = await session.rows<Omit<ColumnStatistics, NumberLists> & Readonly<Record<NumberLists, string | null>>>(
    `SELECT schemaname AS schema, tablename AS relation, attname AS column, inherited, null_frac AS "nullFraction",
       avg_width AS "averageWidth", n_distinct AS distinct, most_common_vals::text AS "commonValues",
       most_common_freqs::text AS "commonFrequencies", histogram_bounds::text AS bounds, correlation,
       most_common_elems::text AS "commonElements", most_common_elem_freqs::text AS "commonElementFrequencies",
       elem_count_histogram::text AS "elementCounts", ${ranges}
     FROM pg_stats WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%'
       AND schemaname || '.' || tablename <> ALL ($1::text[])`,
    [names],
  );
  const columns = read.map((one) => ({
    ...one,
    commonFrequencies: numbersOf(one.commonFrequencies),
    commonElementFrequencies: numbersOf(one.commonElementFrequencies),
    elementCounts: numbersOf(one.elementCounts),
  }));
  const extended = await session.attempt<ExtendedStatistics>(
    `SELECT statistics_schemaname AS schema, statistics_name AS name, n_distinct::text AS distinct,
       dependencies::text AS dependencies,
       (SELECT json_object_agg(a.attnum, a.attname) FROM pg_attribute a
        WHERE a.attrelid = format('%I.%I', schemaname, tablename)::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_stats_ext WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname || '.' || tablename <> ALL ($1::text[])`,
    [names],
  );
  const [hidden] = await session.rows<{ tables: number }>(
    `SELECT count(*)::int AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
       AND (NOT has_any_column_privilege(c.oid, 'SELECT') OR c.relrowsecurity AND row_security_active(c.oid))`,
  );
  const notes =
    (hidden?.tables ?? 0) === 0
      ? []
      : [
          `This account can't see the column statistics of ${hidden?.tables} tables: GRANT pg_read_all_data to it (row-level security: BYPASSRLS), or their plans are guesses.`,
        ];
  return { columns, extended: 'rows' in extended ? extended.rows : [], notes };
}
