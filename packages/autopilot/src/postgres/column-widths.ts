import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import type { ObservedDatabase } from './observed-database.ts';
import { grants } from './read-server.ts';
import { type Reading, readOr } from './reading.ts';

/** What ANALYZE has found out about a column (pg_stats). */
export interface ColumnWidth {
  /** Of rows in which it is null, 0 to 1. */
  readonly nullRatio: number;
  /** Of a value that is not null. */
  readonly averageBytes: number;
  /** Different values; negative: a share of the rows. */
  readonly distinct: number;
}

/** Columns by name, by the oid of their table or index. */
export type ColumnWidths = ReadonlyMap<string, ReadonlyMap<string, ColumnWidth>>;

interface WidthRow {
  readonly [column: string]: unknown;
  readonly oid: string;
  readonly columns: readonly (readonly [string, number, number, number])[] | null;
  readonly visible: boolean;
}

/** Only of tables that the role may read: pg_stats holds values of them. */
export async function readColumnWidths(database: ObservedDatabase): Promise<Reading<ColumnWidths>> {
  const empty: ColumnWidths = new Map();
  const rightRemedy = grants.data('the role');
  const { value: rows, gaps } = await readOr<WidthRow[]>({ reading: 'bloat', rightRemedy }, [], () =>
    database.read<WidthRow>(
      `SELECT c.oid::text AS oid,
         (SELECT jsonb_agg(jsonb_build_array(s.attname, s.null_frac, s.avg_width, s.n_distinct)) FROM pg_stats s
          WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited) AS columns,
         has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') AS visible
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'm') AND ${APPLICATION_SCHEMAS}`,
    ),
  );
  if (gaps.length > 0) return { value: empty, gaps };
  const hidden = rows.filter(({ visible }) => !visible).length;
  const value = new Map(
    rows.map(({ oid, columns }) => [
      oid,
      new Map(
        (columns ?? []).map(([name, nullRatio, averageBytes, distinct]) => [
          name,
          { nullRatio, averageBytes, distinct },
        ]),
      ),
    ]),
  );
  if (hidden === 0) return { value, gaps: [] };
  const [{ role } = { role: 'the role' }] = await database.read<{ role: string }>('SELECT current_user AS role');
  return {
    value,
    gaps: [
      {
        reading: 'bloat',
        cause: 'right',
        reason: `Of ${hidden} of ${rows.length} tables bloat can't be estimated: ${role} may not read them, and so not what pg_stats says of their columns.`,
        remedy: grants.data(role),
      },
    ],
  };
}
