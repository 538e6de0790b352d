import { estimateIndexSize, type IndexSize, type IndexSizeFacts } from './index-size.ts';
import { qualified } from './shadow-ddl.ts';
import type { TargetCatalog, TargetColumn, TargetIndex, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics, TargetStatistics } from './target-statistics.ts';

/** A column with what ANALYZE knows of it (null: nothing). */
export interface ColumnFacts {
  readonly column: TargetColumn;
  readonly statistics: ColumnStatistics | null;
}

/** Looks up tables of the target, their columns and statistics by name. */
export class ColumnFactsBook {
  readonly #tables = new Map<string, TargetTable>();
  readonly #byOid = new Map<number, TargetTable>();
  readonly #children = new Map<number, TargetTable[]>();
  readonly #indexes = new Map<string, TargetIndex>();
  readonly #extensions: ReadonlySet<string>;
  readonly #statistics = new Map<string, ColumnStatistics>();

  constructor(catalog: TargetCatalog, statistics: TargetStatistics) {
    for (const table of catalog.tables) {
      this.#tables.set(tableKey(table), table);
      this.#byOid.set(table.oid, table);
      for (const parent of table.parents) {
        const known = this.#children.get(parent);
        if (known === undefined) this.#children.set(parent, [table]);
        else known.push(table);
      }
    }
    this.#extensions = new Set(catalog.extensions.map(({ name }) => name));
    for (const index of catalog.indexes) this.#indexes.set(qualified(index), index);
    for (const one of statistics.columns)
      this.#statistics.set(JSON.stringify([one.schema, one.relation, one.column, one.inherited]), one);
  }

  table(schema: string, name: string): TargetTable | undefined {
    return this.#tables.get(tableKey({ schema, name }));
  }

  /** Whether the target has an extension. */
  hasExtension(name: string): boolean {
    return this.#extensions.has(name);
  }

  /** An index by its qualified and quoted name. */
  indexById(id: string): TargetIndex | undefined {
    return this.#indexes.get(id);
  }

  tableByOid(oid: number): TargetTable | undefined {
    return this.#byOid.get(oid);
  }

  column(table: TargetTable, name: string): ColumnFacts | undefined {
    const column = table.columns.find((one) => one.name === name);
    if (column === undefined) return undefined;
    const at = (inherited: boolean): ColumnStatistics | undefined =>
      this.#statistics.get(JSON.stringify([table.schema, table.name, name, inherited]));
    return { column, statistics: (table.kind === 'p' ? at(true) : (at(false) ?? at(true))) ?? null };
  }

  /** The topmost parent of a partition, or the table itself. */
  root(table: TargetTable): TargetTable {
    const parent = table.partitionBound === null ? undefined : this.#byOid.get(table.parents[0] ?? 0);
    return parent === undefined ? table : this.root(parent);
  }

  /** The tables that have rows: the table, or the partitions below it. */
  leaves(table: TargetTable): readonly TargetTable[] {
    if (table.kind !== 'p') return [table];
    return this.partitions(table).flatMap((one) => this.leaves(one));
  }

  /** The tables right below a partitioned one. */
  partitions(table: TargetTable): readonly TargetTable[] {
    return this.#children.get(table.oid) ?? [];
  }

  /** Rows of a table, its partitions together; 0 when it was never analyzed. */
  rows(table: TargetTable): number {
    return this.leaves(table).reduce((total, leaf) => total + liveRows(leaf), 0);
  }

  /** The size of an index on one table with rows; `share` of its rows are in it. `keys` are column names, or null for expressions. */
  indexSize(
    table: TargetTable,
    index: {
      readonly method: string;
      readonly keys: readonly (string | null)[];
      readonly included: readonly string[];
      readonly share: number;
    },
  ): IndexSize & { readonly rows: number } {
    const rows = Math.round(liveRows(table) * index.share);
    const columns = [
      ...index.keys.map((name) => this.#sizeOf(table, name, rows, false, index.method)),
      ...index.included.map((name) => this.#sizeOf(table, name, rows, true, index.method)),
    ];
    return { ...estimateIndexSize({ method: index.method, rows, tablePages: table.pages, columns }), rows };
  }

  #sizeOf(
    table: TargetTable,
    name: string | null,
    rows: number,
    included: boolean,
    method: string,
  ): IndexSizeFacts['columns'][number] {
    const facts = name === null ? undefined : this.column(table, name);
    const statistics = facts?.statistics;
    const type = facts?.column.plainType ?? 'text';
    const width = statistics?.averageWidth ?? (facts && facts.column.typeLength > 0 ? facts.column.typeLength : 16);
    // btree_gist keeps the least and the greatest value of what is below an entry, also of a single one.
    const isDoubled = method === 'gist' && !/^[RGI]$/.test(facts?.column.category ?? 'R');
    const averageWidth = isDoubled ? 2 * width : width;
    return {
      averageWidth,
      // A short text or array is stored without its alignment.
      alignment: facts === undefined || facts.column.typeLength < 0 ? 1 : facts.column.alignment,
      nullFraction: statistics?.nullFraction ?? 0,
      distinct: statistics ? distinctOf(statistics, rows) : rows,
      sharesDuplicates: !/^(?:numeric|real|double precision|jsonb|record)|\[\]$/.test(type),
      included,
      elements: method === 'gin' ? elementsOf(type, statistics ?? null, averageWidth) : 1,
    };
  }
}

/** Rows as the planner sees them now: the density of the last ANALYZE times the size of the file. */
function liveRows(table: TargetTable): number {
  if (table.rows <= 0) return 0;
  return table.statisticsPages === 0 ? table.rows : (table.rows / table.statisticsPages) * table.pages;
}

/** How many different values there are among `rows` rows. */
function distinctOf(statistics: ColumnStatistics, rows: number): number {
  return Math.max(1, Math.min(rows, statistics.distinct >= 0 ? statistics.distinct : -statistics.distinct * rows));
}

function elementsOf(type: string, statistics: ColumnStatistics | null, averageWidth: number): number {
  const counts = statistics?.elementCounts;
  // The last entry of that histogram is the average.
  if (counts && counts.length > 0) return Math.max(1, counts.at(-1) ?? 1);
  if (type === 'tsvector') return Math.max(1, averageWidth / 10);
  if (type === 'jsonb') return Math.max(1, averageWidth / 12);
  // Trigrams of a text: as many as letters, few of them twice.
  return Math.max(1, averageWidth * 0.9);
}

function tableKey({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}
