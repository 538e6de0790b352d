import { type GinShape, ginElements, ginShape, unknownElements } from './gin-size.ts';
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

  /** What ANALYZE knows of a column by its names; null: nothing. */
  readonly statisticsOf = ({
    schema,
    table: name,
    column,
  }: {
    readonly schema: string;
    readonly table: string;
    readonly column: string;
  }): ColumnStatistics | null => {
    const table = this.table(schema, name);
    return table === undefined ? null : (this.column(table, column)?.statistics ?? null);
  };

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
    const { share, method } = index;
    const rows = Math.round(liveRows(table) * share);
    const columns = [
      ...index.keys.map((name) => this.#sizeOf(table, name, share, false, method)),
      ...index.included.map((name) => this.#sizeOf(table, name, share, true, method)),
    ];
    return { ...estimateIndexSize({ method, rows, tablePages: table.pages, columns }), rows };
  }

  /** What an existing inverted index tells the planner of itself, by its length and what is known of its columns; null: it is none. */
  ginShape(index: TargetIndex): GinShape | null {
    const table = this.#byOid.get(index.tableOid);
    if (index.method !== 'gin' || table === undefined) return null;
    const rows = liveRows(table);
    const paths = index.definition.includes('jsonb_path_ops');
    const columns = index.keys.map((key) => {
      const facts = this.column(table, key.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'));
      const width = facts?.statistics?.averageWidth;
      return facts === undefined || width === undefined
        ? unknownElements
        : ginElements(facts.column.plainType, facts.statistics, width, rows, paths);
    });
    return ginShape(rows, table.pages, columns, index.pages);
  }

  #sizeOf(
    table: TargetTable,
    name: string | null,
    share: number,
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
      distinct: statistics ? distinctOf(statistics, liveRows(table), share) : liveRows(table) * share,
      sharesDuplicates: !/^(?:numeric|real|double precision|jsonb|record)|\[\]$/.test(type),
      included,
      elements: method === 'gin' ? ginElements(type, statistics ?? null, averageWidth, liveRows(table)) : null,
    };
  }
}

/** Rows as the planner sees them now: the density of the last ANALYZE times the size of the file. */
function liveRows(table: TargetTable): number {
  if (table.rows <= 0) return 0;
  return table.statisticsPages === 0 ? table.rows : (table.rows / table.statisticsPages) * table.pages;
}

/** How many different values there are to be expected in a share of the rows that has nothing to do with them. */
export function distinctOf({ distinct }: Pick<ColumnStatistics, 'distinct'>, rows: number, share: number): number {
  const all = Math.max(1, Math.min(rows, distinct >= 0 ? distinct : -distinct * rows));
  // A value is missing where none of its rows is among them.
  return Math.max(1, all * (1 - (1 - share) ** (rows / all)));
}

function tableKey({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}
