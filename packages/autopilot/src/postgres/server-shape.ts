import type { ObservedDatabase } from './observed-database.ts';

/** Views whose columns differ between PostgreSQL 13 and 18. */
const views = [
  'pg_stat_activity',
  'pg_stat_all_tables',
  'pg_stat_all_indexes',
  'pg_stat_database',
  'pg_stat_bgwriter',
  'pg_stat_checkpointer',
  'pg_stat_progress_vacuum',
  'pg_stat_statements',
  'pg_stat_statements_info',
  'pg_stat_io',
] as const;

type ViewName = (typeof views)[number];

interface ViewShape {
  readonly schema: string;
  readonly columns: ReadonlySet<string>;
}

/**
 * What a server's views look like, found by looking: an extension may be older than its server, and servers that are
 * compatible with PostgreSQL have version numbers of their own.
 */
export class ServerShape {
  readonly #columns: ReadonlyMap<string, ViewShape>;

  private constructor(columns: ReadonlyMap<string, ViewShape>) {
    this.#columns = columns;
  }

  /** Cost: 1 ms. */
  static async read(database: ObservedDatabase): Promise<ServerShape> {
    const rows = await database.read<{ name: string; schema: string; columns: string[] }>(
      `SELECT c.relname AS name, quote_ident(n.nspname) AS schema, array_agg(a.attname::text) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relname = ANY ($1) AND c.relkind = 'v'
         AND (n.nspname = 'pg_catalog' OR EXISTS (
           SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass
             AND e.extname = 'pg_stat_statements'))
       GROUP BY 1, 2`,
      [views],
    );
    return new ServerShape(
      new Map(rows.map(({ name, schema, columns }) => [name, { schema, columns: new Set(columns) }])),
    );
  }

  has(view: ViewName, column?: string): boolean {
    const found = this.#columns.get(view);
    return found !== undefined && (column === undefined || found.columns.has(column));
  }

  /** The view with its schema, quoted. Only for one that is there. */
  nameOf(view: ViewName): string {
    return `${this.#columns.get(view)?.schema ?? 'pg_catalog'}.${view}`;
  }

  /** The first of several names that a column has had, with the alias of its view; else `instead`, an expression. */
  column(view: ViewName, alias: string, names: readonly string[], instead: string): string {
    const name = names.find((one) => this.has(view, one));
    return name === undefined ? instead : `${alias}.${name}`;
  }
}
