import pg from 'pg';
import type { BloatEstimate, DatabaseTable } from '../contract/database.ts';
import type { ObservedDatabase } from './observed-database.ts';
import { type Reading, readOr } from './reading.ts';

const COUNTED = 'counted: free and dead bytes of every page (pgstattuple)';
const SAMPLED =
  'counted on pages that vacuum has not seen clean, taken from the free space map on the others (pgstattuple_approx)';
/** A larger table is read in part: all of it would take longer than a reading may. */
const MOST_BYTES = 1_000_000_000;

/** The free space of a table, counted; null with a gap: the extension is lacking, or a right, or it takes too long. Reads the table. */
export async function readExactBloat(
  database: ObservedDatabase,
  { schema, table, tableBytes }: Pick<DatabaseTable, 'schema' | 'table' | 'tableBytes'>,
): Promise<Reading<BloatEstimate | null>> {
  const name = {
    reading: 'exact bloat',
    rightRemedy: 'GRANT pg_stat_scan_tables TO the role (pg_monitor includes it).',
  };
  const [extension] = await database.read<{ schema: string }>(
    `SELECT n.nspname::text AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pgstattuple'`,
  );
  if (extension === undefined) {
    const gap = {
      reading: name.reading,
      cause: 'extension',
      reason: 'The extension pgstattuple is not in the database.',
      remedy: 'CREATE EXTENSION pgstattuple; (in its contrib package). Until then bloat is estimated.',
    } as const;
    return { value: null, gaps: [gap] };
  }
  const isLarge = tableBytes > MOST_BYTES;
  const [counting, free] = isLarge ? ['pgstattuple_approx', 'approx_free_space'] : ['pgstattuple', 'free_space'];
  return await readOr(name, null, async () => {
    const [row] = await database.read<{ bytes: number; all: number }>(
      `SELECT (t.${free} + t.dead_tuple_len)::float8 AS bytes, t.table_len::float8 AS "all"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
         LATERAL ${pg.escapeIdentifier(extension.schema)}.${counting}(c.oid::regclass) t
       WHERE n.nspname = $1 AND c.relname = $2`,
      [schema, table],
    );
    if (row === undefined) return null;
    const { bytes, all } = row;
    return { bytes, ratio: all === 0 ? 0 : bytes / all, method: isLarge ? SAMPLED : COUNTED };
  });
}
