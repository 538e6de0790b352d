import type { DatabaseIndex } from '../contract/database.ts';
import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import { readColumnWidths } from './column-widths.ts';
import type { ObservedDatabase } from './observed-database.ts';
import type { Reading } from './reading.ts';
import { readSizes } from './relation-sizes.ts';
import type { ServerShape } from './server-shape.ts';
import { indexBloat } from './table-bloat.ts';

/** A foreign key and whether its table can find rows by it. */
export interface ForeignKey {
  readonly schema: string;
  readonly table: string;
  readonly constraint: string;
  readonly columns: readonly string[];
  /** Rows of the table. */
  readonly rows: number;
  readonly referenced: string;
  /** Rows that were deleted from, or whose key could have changed in, the referenced table. */
  readonly referencedDeletes: number;
  readonly referencedUpdates: number;
}

interface IndexRow {
  readonly [column: string]: unknown;
  readonly oid: string;
  readonly table_oid: string;
  readonly schema: string;
  readonly table: string;
  readonly index: string;
  readonly method: string;
  readonly columns: string[];
  readonly column_names: (string | null)[];
  readonly included: string[];
  readonly condition: string | null;
  readonly definition: string;
  readonly is_unique: boolean;
  readonly is_primary: boolean;
  readonly backs_constraint: boolean;
  readonly is_valid: boolean;
  readonly options: string[];
  readonly pages: number;
  readonly tuples: number;
  readonly scans: number;
  readonly rows_read: number;
  readonly rows_fetched: number;
  readonly last_scan: Date | null;
  readonly hits: number;
  readonly reads: number;
}

/** Every index of a table, largest first; of partitioned tables those of the partitions. Findings are added by who judges them. */
export async function readIndexes(
  database: ObservedDatabase,
  shape: ServerShape,
): Promise<Reading<readonly DatabaseIndex[]>> {
  const lastScan = shape.column('pg_stat_all_indexes', 's', ['last_idx_scan'], 'NULL::timestamptz');
  const rows = await database.read<IndexRow>(
    `SELECT c.oid::text AS oid, t.oid::text AS table_oid, n.nspname::text AS schema, t.relname::text AS table, c.relname::text AS index,
       m.amname::text AS method,
       ARRAY(SELECT pg_get_indexdef(c.oid, k, true) FROM generate_series(1, i.indnkeyatts) k ORDER BY k) AS columns,
       ARRAY(SELECT (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0)
             FROM generate_series(1, i.indnatts) k ORDER BY k) AS column_names,
       ARRAY(SELECT pg_get_indexdef(c.oid, k, true) FROM generate_series(i.indnkeyatts + 1, i.indnatts) k ORDER BY k) AS included,
       pg_get_expr(i.indpred, i.indrelid, true) AS condition, pg_get_indexdef(c.oid) AS definition,
       i.indisunique AS is_unique, i.indisprimary AS is_primary,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x', 'f')) AS backs_constraint,
       i.indisvalid AND i.indisready AS is_valid, coalesce(c.reloptions, '{}') AS options,
       c.relpages::float8 AS pages, c.reltuples::float8 AS tuples, coalesce(s.idx_scan, 0)::float8 AS scans,
       coalesce(s.idx_tup_read, 0)::float8 AS rows_read, coalesce(s.idx_tup_fetch, 0)::float8 AS rows_fetched, ${lastScan} AS last_scan,
       coalesce(io.idx_blks_hit, 0)::float8 AS hits, coalesce(io.idx_blks_read, 0)::float8 AS reads
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
     JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am m ON m.oid = c.relam
     LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = c.oid LEFT JOIN pg_statio_all_indexes io ON io.indexrelid = c.oid
     WHERE c.relkind = 'i' AND ${APPLICATION_SCHEMAS}`,
  );
  const sizes = await readSizes(database, 'indexes');
  const widths = await readColumnWidths(database);
  const indexes = rows.map((row): DatabaseIndex => {
    const bytes = sizes.value.get(row.oid)?.mainBytes ?? row.pages * 8192;
    const touched = row.hits + row.reads;
    const bloat = { tuples: row.tuples, tableOid: row.table_oid, columns: row.column_names, options: row.options };
    return {
      schema: row.schema,
      table: row.table,
      index: row.index,
      method: row.method,
      columns: row.columns,
      included: row.included,
      condition: row.condition,
      definition: row.definition,
      isUnique: row.is_unique,
      isPrimary: row.is_primary,
      backsConstraint: row.backs_constraint,
      isValid: row.is_valid,
      bytes,
      rows: Math.max(0, row.tuples),
      scans: row.scans,
      rowsRead: row.rows_read,
      rowsFetched: row.rows_fetched,
      lastScanAt: row.last_scan?.toISOString() ?? null,
      cacheHitRatio: touched === 0 ? null : row.hits / touched,
      bloat: row.method === 'btree' ? indexBloat({ ...bloat, isUnique: row.is_unique }, bytes, widths.value) : null,
      findings: [],
    };
  });
  return { value: indexes.sort((a, b) => b.bytes - a.bytes), gaps: [...sizes.gaps, ...widths.gaps] };
}

interface ForeignKeyRow {
  readonly [column: string]: unknown;
  readonly schema: string;
  readonly table: string;
  readonly constraint: string;
  readonly columns: string[];
  readonly rows: number;
  readonly referenced: string;
  readonly deletes: number;
  readonly updates: number;
}

/** Foreign keys whose columns begin no usable index of their table: deletes in the other table, and joins from it, read all of it. */
export async function readUnindexedForeignKeys(database: ObservedDatabase): Promise<readonly ForeignKey[]> {
  const rows = await database.read<ForeignKeyRow>(
    `SELECT n.nspname::text AS schema, t.relname::text AS table, k.conname::text AS constraint,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place)
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum ORDER BY place) AS columns,
       greatest(coalesce(st.n_live_tup, 0), t.reltuples)::float8 AS rows, rn.nspname || '.' || r.relname AS referenced,
       coalesce(sr.n_tup_del, 0)::float8 AS deletes, coalesce(sr.n_tup_upd, 0)::float8 AS updates
     FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
     LEFT JOIN pg_stat_all_tables st ON st.relid = t.oid LEFT JOIN pg_stat_all_tables sr ON sr.relid = r.oid
     WHERE k.contype = 'f' AND k.conparentid = 0 AND ${APPLICATION_SCHEMAS}
       AND NOT EXISTS (
         SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisvalid AND i.indpred IS NULL
           AND (i.indkey::smallint[])[0:array_length(k.conkey, 1) - 1] @> k.conkey)
     ORDER BY 5 DESC, 1, 2, 3`,
  );
  return rows.map(({ deletes, updates, ...row }) => ({
    schema: row.schema,
    table: row.table,
    constraint: row.constraint,
    columns: row.columns,
    rows: row.rows,
    referenced: row.referenced,
    referencedDeletes: deletes,
    referencedUpdates: updates,
  }));
}

/** A constraint that was made NOT VALID and never validated. */
export interface UnvalidatedConstraint {
  readonly schema: string;
  readonly table: string;
  readonly constraint: string;
  readonly definition: string;
}

/** Those of the application's tables; one that is not enforced (18 and later) is meant to be so. */
export async function readUnvalidatedConstraints(
  database: ObservedDatabase,
): Promise<readonly UnvalidatedConstraint[]> {
  return await database.read<UnvalidatedConstraint & { [column: string]: unknown }>(
    `SELECT n.nspname::text AS schema, t.relname::text AS table, c.conname::text AS constraint,
       pg_get_constraintdef(c.oid) AS definition
     FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE NOT c.convalidated AND c.contype IN ('c', 'f') AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true'
       AND ${APPLICATION_SCHEMAS} ORDER BY 1, 2, 3 LIMIT 200`,
  );
}
