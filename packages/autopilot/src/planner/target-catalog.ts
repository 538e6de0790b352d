import type { TargetSession } from './target-session.ts';

/** A column as the shadow needs it. */
export interface TargetColumn {
  readonly name: string;
  readonly number: number;
  /** As `format_type` writes it, with its modifier. */
  readonly type: string;
  /** The type without its modifier, for a stand-in. */
  readonly plainType: string;
  /** Of the type: bytes, -1 for varying. */
  readonly typeLength: number;
  /** Of the type: its alignment in bytes. */
  readonly alignment: number;
  /** `A` array, `N` numeric, `S` string, `D` date and time ... */
  readonly category: string;
  /** The extension the type belongs to. */
  readonly extension: string | null;
  /** Schema-qualified and quoted, where it differs from the type's own. */
  readonly collation: string | null;
  readonly notNull: boolean;
  /** The expression of a column that is computed when it is read (18). */
  readonly virtualExpression: string | null;
}

/** What is kept as a file of rows, or is the parent of such. */
export interface TargetTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `r` table, `p` partitioned, `m` materialized view, `f` foreign. */
  readonly kind: string;
  readonly unlogged: boolean;
  readonly pages: number;
  readonly statisticsPages: number;
  /** -1: never analyzed. */
  readonly rows: number;
  readonly visiblePages: number;
  readonly options: readonly string[];
  readonly partitionKey: string | null;
  readonly partitionBound: string | null;
  readonly parents: readonly number[];
  readonly rowSecurity: boolean;
  readonly columns: readonly TargetColumn[];
}

export interface TargetConstraint {
  readonly tableOid: number;
  readonly name: string;
  /** `p` primary key, `u` unique, `x` exclusion, `c` check, `f` foreign key. */
  readonly kind: string;
  readonly definition: string;
  /** Columns of a foreign key that refer, in order. */
  readonly columns: readonly string[];
}

export interface TargetIndex {
  readonly oid: number;
  readonly tableOid: number;
  readonly schema: string;
  readonly name: string;
  readonly definition: string;
  readonly method: string;
  readonly unique: boolean;
  /** Belongs to a primary key, unique or exclusion constraint, or a replica identity: never dropped. */
  readonly constraint: boolean;
  /** On the parent of a partitioned table. */
  readonly parentOid: number | null;
  readonly pages: number;
  readonly statisticsPages: number;
  readonly rows: number;
  /** Each key as SQL, in order. */
  readonly keys: readonly string[];
  readonly scans: number | null;
}

/** A statement that makes something of the target, with what it is for people. */
export interface NamedStatement {
  readonly subject: string;
  readonly sql: string;
}

/** All that the planner knows of a database but the statistics of columns. */
export interface TargetCatalog {
  /** 150008 for 15.8. */
  readonly versionNumber: number;
  readonly database: string;
  readonly locale: { readonly provider: string; readonly name: string };
  readonly extensions: readonly { readonly name: string; readonly schema: string }[];
  readonly schemas: readonly string[];
  readonly types: readonly NamedStatement[];
  readonly functions: readonly NamedStatement[];
  readonly collations: readonly NamedStatement[];
  readonly tables: readonly TargetTable[];
  readonly constraints: readonly TargetConstraint[];
  readonly indexes: readonly TargetIndex[];
  readonly views: readonly NamedStatement[];
  readonly statistics: readonly NamedStatement[];
  /** The planner's settings, for `set_config`. */
  readonly settings: Readonly<Record<string, string>>;
  /** What could not be read, and what that means. */
  readonly notes: readonly string[];
  /** Tables in so many partitions that a shadow of them would take minutes, with their partitions, by schema and name. */
  readonly leftOut: readonly { readonly schema: string; readonly name: string }[];
}

/** A table with more partitions is left out: each is a table of the shadow, and each index on it an index of each. */
const manyPartitions = 1_000;

const ownSchemas = `n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'`;
const notOfExtension = (catalog: string, oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

/** Reads it with rights to nothing but the catalog; a dozen statements, about 100 ms for 1,000 tables. */
export async function readTargetCatalog(
  session: TargetSession,
  mostPartitions: number = manyPartitions,
): Promise<TargetCatalog> {
  const [server] = await session.rows<{ version: number; database: string; facts: Record<string, unknown> }>(
    `SELECT current_setting('server_version_num')::int AS version, datname AS database, to_jsonb(d) - 'datacl' AS facts
     FROM pg_database d WHERE datname = current_database()`,
  );
  if (server === undefined) throw new Error('current_database() is not in pg_database');
  const notes: string[] = [];
  const left = await readLeftOut(session, mostPartitions);
  const leftOids = left.map(({ oid }) => oid);
  const roots = left.filter(({ root }) => root);
  if (roots.length > 0)
    notes.push(
      `Left out, with the statements that name them: tables in more than ${mostPartitions} partitions (${roots.map(qualifiedName).join(', ')}).`,
    );
  const sizes = await readSizes(session, notes, leftOids);
  // Sent at once: each answer waits for nothing but the target.
  const [tables, extensions, schemas, types, functions, collations, constraints, indexes, views, statistics, settings] =
    await Promise.all([
      readTables(session, sizes, server.version, leftOids),
      session.rows<{ name: string; schema: string }>(
        `SELECT e.extname AS name, n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
       WHERE e.extname <> 'plpgsql' ORDER BY e.oid`,
      ),
      session.rows<{ name: string }>(
        `SELECT n.nspname AS name FROM pg_namespace n WHERE ${ownSchemas} AND n.nspname <> 'public' ORDER BY 1`,
      ),
      readTypes(session),
      session.rows<NamedStatement>(
        `SELECT p.oid::regprocedure::text AS subject, pg_get_functiondef(p.oid) AS sql
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
       WHERE ${ownSchemas} AND p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql')
         AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND ${notOfExtension('pg_proc', 'p.oid')}
       ORDER BY p.oid`,
      ),
      readCollations(session),
      session.rows<TargetConstraint>(
        `SELECT c.conrelid::int8::float8 AS "tableOid", c.conname AS name, c.contype::text AS kind,
         pg_get_constraintdef(c.oid) AS definition,
         ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(attnum, at)
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.at) AS columns
       FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
       WHERE ${ownSchemas} AND c.contype IN ('p', 'u', 'x', 'c', 'f') AND c.conparentid = 0 AND c.conislocal
         AND c.conrelid <> ALL ($1::oid[]) AND c.confrelid <> ALL ($1::oid[]) AND ${notOfExtension('pg_class', 't.oid')}
       ORDER BY c.contype IN ('p', 'u', 'x') DESC, c.oid`,
        [leftOids],
      ),
      readIndexes(session, sizes, leftOids),
      session.rows<NamedStatement>(
        `SELECT c.oid::regclass::text AS subject,
         format('CREATE VIEW %I.%I (%s) AS %s', n.nspname, c.relname,
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           pg_get_viewdef(c.oid)) AS sql
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'v' AND ${ownSchemas} AND ${notOfExtension('pg_class', 'c.oid')} ORDER BY c.oid`,
      ),
      session.rows<NamedStatement>(
        `SELECT format('%I.%I', n.nspname, s.stxname) AS subject, pg_get_statisticsobjdef(s.oid) AS sql
       FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${ownSchemas} AND s.stxrelid <> ALL ($1::oid[])
       ORDER BY s.oid`,
        [leftOids],
      ),
      readSettings(session),
    ]);
  return {
    versionNumber: server.version,
    database: server.database,
    locale: localeOf(server.facts),
    extensions,
    schemas: schemas.map(({ name }) => name),
    types,
    functions,
    collations,
    tables,
    constraints,
    indexes,
    views,
    statistics,
    settings,
    notes,
    leftOut: left.map(({ schema, name }) => ({ schema, name })),
  };
}

function qualifiedName({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

/** Tables in too many partitions, and those. */
async function readLeftOut(
  session: TargetSession,
  mostPartitions: number,
): Promise<
  readonly { readonly oid: number; readonly schema: string; readonly name: string; readonly root: boolean }[]
> {
  return await session.rows(
    `WITH RECURSIVE tree(root, oid) AS (
       SELECT c.oid, c.oid FROM pg_class c WHERE c.relkind = 'p' AND NOT c.relispartition
       UNION ALL SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid),
     many AS (SELECT root FROM tree GROUP BY root HAVING count(*) > $1)
     SELECT t.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS name, t.oid = t.root AS root
     FROM tree t JOIN many m ON m.root = t.root JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [mostPartitions + 1],
  );
}

/** Pages of every relation as the planner there sees them; where they can't be had, what the last VACUUM or ANALYZE saw counts. */
async function readSizes(
  session: TargetSession,
  notes: string[],
  leftOut: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const answer = await session.attempt<{ oid: number; pages: number }>(
    `SELECT c.oid::int8::float8 AS oid, pg_relation_size(c.oid) / current_setting('block_size')::float8 AS pages
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_index x ON x.indexrelid = c.oid
     WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't' AND ${ownSchemas}
       AND coalesce(x.indrelid, c.oid) <> ALL ($1::oid[])`,
    [leftOut],
  );
  if ('rows' in answer) return new Map(answer.rows.map(({ oid, pages }) => [oid, Math.round(pages ?? 0)]));
  notes.push(`Sizes are those of the last ANALYZE: the files could not be looked at (${answer.refused}).`);
  return new Map();
}

async function readTables(
  session: TargetSession,
  sizes: ReadonlyMap<number, number>,
  version: number,
  leftOut: readonly number[],
): Promise<readonly TargetTable[]> {
  const tablesRead = session.rows<Omit<TargetTable, 'columns' | 'pages'>>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.relpersistence = 'u' AS unlogged, c.relpages AS "statisticsPages", c.reltuples::float8 AS rows,
       c.relallvisible AS "visiblePages", coalesce(c.reloptions, '{}') AS options,
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS "partitionKey",
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS "partitionBound",
       ARRAY(SELECT i.inhparent::int8::float8 FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       c.relrowsecurity AS "rowSecurity"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't' AND ${ownSchemas}
       AND c.oid <> ALL ($1::oid[]) AND ${notOfExtension('pg_class', 'c.oid')} ORDER BY c.oid`,
    [leftOut],
  );
  const virtual = version >= 180_000 ? `a.attgenerated = 'v'` : 'false';
  const columnsRead = session.rows<TargetColumn & { readonly tableOid: number }>(
    `SELECT a.attrelid::int8::float8 AS "tableOid", a.attname AS name, a.attnum AS number,
       format_type(a.atttypid, a.atttypmod) AS type, format_type(a.atttypid, NULL) AS "plainType",
       t.typlen AS "typeLength", CASE t.typalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END AS alignment,
       t.typcategory::text AS category,
       (SELECT x.extname FROM pg_depend e JOIN pg_extension x ON x.oid = e.refobjid
        WHERE e.classid = 'pg_type'::regclass AND e.deptype = 'e'
          AND e.objid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END LIMIT 1) AS extension,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN
         (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
          WHERE co.oid = a.attcollation) END AS collation,
       a.attnotnull AS "notNull",
       CASE WHEN ${virtual} THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS "virtualExpression"
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
       AND c.oid <> ALL ($1::oid[]) AND ${ownSchemas} ORDER BY a.attrelid, a.attnum`,
    [leftOut],
  );
  const [tables, columns] = await Promise.all([tablesRead, columnsRead]);
  const byTable = Map.groupBy(columns, ({ tableOid }) => tableOid);
  return tables.map((table) => ({
    ...table,
    pages: sizes.get(table.oid) ?? table.statisticsPages,
    columns: byTable.get(table.oid) ?? [],
  }));
}

async function readIndexes(
  session: TargetSession,
  sizes: ReadonlyMap<number, number>,
  leftOut: readonly number[],
): Promise<readonly TargetIndex[]> {
  const rows = await session.rows<Omit<TargetIndex, 'pages'>>(
    `SELECT x.indexrelid::int8::float8 AS oid, x.indrelid::int8::float8 AS "tableOid", n.nspname AS schema,
       i.relname AS name, pg_get_indexdef(x.indexrelid) AS definition, am.amname AS method, x.indisunique AS unique,
       x.indisprimary OR x.indisreplident OR EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid) AS constraint,
       (SELECT h.inhparent::int8::float8 FROM pg_inherits h WHERE h.inhrelid = x.indexrelid) AS "parentOid",
       i.relpages AS "statisticsPages", i.reltuples::float8 AS rows,
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(1, x.indnkeyatts) k) AS keys,
       (SELECT s.idx_scan::float8 FROM pg_stat_user_indexes s WHERE s.indexrelid = x.indexrelid) AS scans
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam
       JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE x.indisvalid AND x.indislive AND t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't' AND ${ownSchemas}
       AND t.oid <> ALL ($1::oid[]) AND ${notOfExtension('pg_class', 't.oid')} ORDER BY x.indexrelid`,
    [leftOut],
  );
  return rows.map((index) => ({ ...index, pages: sizes.get(index.oid) ?? index.statisticsPages }));
}

async function readTypes(session: TargetSession): Promise<readonly NamedStatement[]> {
  return await session.rows<NamedStatement>(
    `SELECT t.oid::regtype::text AS subject, CASE t.typtype
       WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
         (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
       WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s%s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod),
         (SELECT string_agg(' ' || pg_get_constraintdef(k.oid), '') FROM pg_constraint k
          WHERE k.contypid = t.oid AND k.contype = 'c'))
       WHEN 'r' THEN format('CREATE TYPE %I.%I AS RANGE (subtype = %s)', n.nspname, t.typname,
         (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid))
       ELSE format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname,
         (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)) END AS sql
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE ${ownSchemas} AND ${notOfExtension('pg_type', 't.oid')} AND (t.typtype IN ('e', 'd', 'r')
       OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
     ORDER BY t.oid`,
  );
}

async function readCollations(session: TargetSession): Promise<readonly NamedStatement[]> {
  const rows = await session.rows<{ subject: string; facts: Record<string, unknown> }>(
    `SELECT format('%I.%I', n.nspname, c.collname) AS subject, to_jsonb(c) AS facts
     FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE ${ownSchemas} ORDER BY c.oid`,
  );
  return rows.map(({ subject, facts }) => {
    const { provider, name } = localeOf({
      datlocprovider: facts['collprovider'],
      datcollate: facts['collcollate'],
      datlocale: facts['colllocale'] ?? facts['colliculocale'],
    });
    const kind = provider === 'i' ? 'icu' : provider === 'b' ? 'builtin' : 'libc';
    const exact = facts['collisdeterministic'] === false ? ', deterministic = false' : '';
    const locale = name.replaceAll("'", "''");
    return { subject, sql: `CREATE COLLATION ${subject} (provider = ${kind}, locale = '${locale}'${exact})` };
  });
}

/** The provider (`c` libc, `i` ICU, `b` built in) and the name, whatever columns the version has. */
function localeOf(facts: Readonly<Record<string, unknown>>): TargetCatalog['locale'] {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const provider = text(facts['datlocprovider']) ?? 'c';
  const libc = text(facts['datcollate']) ?? 'C';
  if (provider === 'c' || provider === 'd') return { provider: 'c', name: libc };
  return { provider, name: text(facts['datlocale']) ?? text(facts['daticulocale']) ?? libc };
}

const otherPlannerSettings = [
  'work_mem',
  'hash_mem_multiplier',
  'max_parallel_workers',
  'max_parallel_workers_per_gather',
  'parallel_leader_participation',
  'effective_io_concurrency',
  'search_path',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'default_text_search_config',
];

/** Ways of planning that are younger than 13: off where the target's version does not know them. */
const youngSettings = [
  'enable_memoize',
  'enable_async_append',
  'enable_presorted_aggregate',
  'enable_group_by_reordering',
  'enable_distinct_reordering',
  'enable_self_join_elimination',
];

async function readSettings(session: TargetSession): Promise<Readonly<Record<string, string>>> {
  const rows = await session.rows<{ name: string; value: string }>(
    `SELECT name, CASE name WHEN 'search_path' THEN replace(current_setting(name), '"$user"', quote_ident(current_user))
       ELSE current_setting(name) END AS value
     FROM pg_settings WHERE category LIKE 'Query Tuning%' OR name = ANY ($1)`,
    [otherPlannerSettings],
  );
  const known = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  for (const name of youngSettings) known[name] ??= 'off';
  // How a target compiles is no part of its plans, and compiling would only cost us time.
  return { ...known, jit: 'off', plan_cache_mode: 'auto' };
}
