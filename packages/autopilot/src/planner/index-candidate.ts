import type { ColumnFactsBook } from './column-facts.ts';
import type { RoleCondition, RoleKey, TableRoles } from './column-roles.ts';
import type { HypotheticalIndex, PlanningEngine } from './planning-engine.ts';
import { qualified, quoted } from './shadow-ddl.ts';
import type { TargetTable } from './target-catalog.ts';

/** An index that a statement could use. */
export interface IndexCandidate {
  /** The parent where the table is partitioned. */
  readonly table: TargetTable;
  readonly method: 'btree' | 'gin' | 'gist' | 'brin' | 'hash';
  readonly keys: readonly (RoleKey & { readonly suffix: string })[];
  readonly included: readonly string[];
  /** Which rows are in it, as SQL; null: all. */
  readonly where: string | null;
}

/** Smaller tables are read faster as a whole. */
const leastPages = 10;
const mostIncluded = 4;
const mostEqual = 4;
/** A hash index holds four bytes of a value however long that is: with shorter ones a B-tree is no larger and does more. */
const leastHashedBytes = 20;
/** So many rows with the same value at most: they would lie in a chain of pages. */
const mostHashedRows = 20;
/** Values of a column that partial indexes may be for. */
const mostKinds = 100;

/** The indexes that a statement could use on one of its tables; none for a small one. */
export function candidatesFor(roles: TableRoles, book: ColumnFactsBook): readonly IndexCandidate[] {
  const leaf = book.table(roles.schema, roles.table);
  if (leaf === undefined) return [];
  const table = book.root(leaf);
  if (pagesOf(table, book) < leastPages) return [];
  const distinct = ({ column }: Pick<RoleKey, 'column'>): number => {
    const value = book.column(table, column)?.statistics?.distinct ?? 0;
    return value < 0 ? -value * book.rows(table) : value;
  };
  const plain = (keys: readonly RoleKey[]): IndexCandidate['keys'] =>
    keys.map(({ sql, column, columns }) => ({ sql, column, columns, suffix: '' }));
  const equal = roles.equal.toSorted((a, b) => distinct(b) - distinct(a)).slice(0, mostEqual);
  const fixed = equal.filter(({ joined }) => !joined);
  const joined = equal.filter((key) => key.joined);
  const sort = sortKeys(roles);
  const conditions = conditionsOf(roles, (column) => distinct({ column }));
  const found = new Map<string, IndexCandidate>();
  const add = (candidate: IndexCandidate): void => {
    const seen = new Set<string>();
    const keys = candidate.keys.filter(({ sql }) => !seen.has(sql) && seen.add(sql));
    if (keys.length > 0) found.set(candidateKey({ ...candidate, keys }), { ...candidate, keys });
  };
  const sets: IndexCandidate['keys'][] = [];
  for (const base of [plain(equal), plain(fixed), plain([...fixed, ...joined]), plain([...joined, ...fixed])]) {
    sets.push(base, [...base, ...sort]);
    for (const range of roles.ranges) sets.push([...base, ...plain([range])]);
  }
  for (const key of equal) sets.push(plain([key]), [...plain([key]), ...sort]);
  for (const keys of sets) {
    const btree = { table, method: 'btree', keys, included: [], where: null } as const;
    add(btree);
    const others = roles.needed.filter((column) => !keys.some((key) => key.column === column));
    if (others.length > 0 && others.length <= mostIncluded) add({ ...btree, included: others });
    for (const where of conditions) {
      const rest = keys.filter(({ sql, column }) => !isColumn(sql) || !where.columns.includes(column));
      if (rest.length > 0) add({ ...btree, keys: rest, where: where.sql });
    }
  }
  for (const key of equal) {
    const width = isColumn(key.sql) ? book.column(table, key.column)?.statistics?.averageWidth : undefined;
    if (width === undefined || width < leastHashedBytes || distinct(key) * mostHashedRows < book.rows(table)) continue;
    add({ table, method: 'hash', keys: plain([key]), included: [], where: null });
  }
  const spatial: IndexCandidate['keys'][number][] = [];
  for (const { operatorClass, ...key } of roles.contained) {
    const category = book.column(leaf, key.column)?.column.category;
    // What overlaps in a line or a plane; an inverted index holds what a value consists of.
    const isSpatial = operatorClass === null && isColumn(key.sql) && /^[RGI]$/.test(category ?? '');
    const named = isSpatial && category === 'I' ? 'inet_ops' : operatorClass;
    const suffix = named === null ? '' : ` ${named}`;
    if (isSpatial) spatial.push({ ...key, suffix });
    add({ table, method: isSpatial ? 'gist' : 'gin', keys: [{ ...key, suffix }], included: [], where: null });
  }
  if (spatial.length > 0) {
    const gist = { table, method: 'gist', included: [], where: null } as const;
    if (spatial.length > 1) add({ ...gist, keys: spatial });
    // What is compared for equality has a place in such a tree only with operators that an extension brings.
    if (equal.length > 0 && book.hasExtension('btree_gist')) add({ ...gist, keys: [...plain(equal), ...spatial] });
  }
  for (const key of roles.ranges) {
    const correlation = Math.abs(book.column(leaf, key.column)?.statistics?.correlation ?? 0);
    if (correlation > 0.95) add({ table, method: 'brin', keys: plain([key]), included: [], where: null });
  }
  return [...found.values()];
}

function pagesOf(table: TargetTable, book: ColumnFactsBook): number {
  return book.leaves(table).reduce((pages, one) => pages + one.pages, 0);
}

/** Why a table gets no index whatever is asked of it; null: it may get one. */
export function tooSmall(table: TargetTable, book: ColumnFactsBook): string | null {
  const pages = pagesOf(table, book);
  if (pages >= leastPages) return null;
  return `It has ${pages === 1 ? 'one page' : `${pages} pages`}: reading it as a whole costs less than going through an index, and every write would pay for that.`;
}

/** Backwards an index is read as well: only a mixture of directions needs them said. */
function sortKeys({ sort }: TableRoles): IndexCandidate['keys'] {
  const turned = sort.every(({ descending, nullsFirst }) => descending && nullsFirst);
  return sort.map(({ sql, column, columns, descending, nullsFirst }) => {
    const direction = descending && !turned ? ' DESC' : '';
    const nulls = turned || nullsFirst === descending ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
    return { sql, column, columns, suffix: direction + nulls };
  });
}

/** Those that part the rows in few kinds: an index for one value of many would be one of thousands. */
function conditionsOf(
  roles: TableRoles,
  distinct: (column: string) => number,
): readonly Pick<RoleCondition, 'columns' | 'sql'>[] {
  return roles.conditions.filter(
    ({ simple, columns }) =>
      simple ||
      columns.every((column) => {
        const values = distinct(column);
        return values > 0 && values <= mostKinds;
      }),
  );
}

/** A column as it is, and no expression. */
function isColumn(sql: string): boolean {
  return /^"(?:[^"]|"")*"$/.test(sql);
}

/** The same for the same index. */
export function candidateKey(candidate: IndexCandidate): string {
  return candidateDdl(candidate, '');
}

/**
 * CREATE INDEX for it: as a server does it at once, beside reads and writes, or on the parent of partitions alone.
 * A partitioned table does not know the second.
 */
export function candidateDdl(
  candidate: Omit<IndexCandidate, 'table'> & { readonly table: { readonly schema: string; readonly name: string } },
  name: string,
  how: 'at once' | 'concurrently' | 'only' = 'at once',
): string {
  const keys = candidate.keys.map(({ sql, suffix }) => `${isColumn(sql) ? sql : `(${sql})`}${suffix}`).join(', ');
  const method = candidate.method === 'btree' ? '' : `USING ${candidate.method} `;
  const included = candidate.included.length === 0 ? '' : ` INCLUDE (${candidate.included.map(quoted).join(', ')})`;
  const where = candidate.where === null ? '' : ` WHERE ${candidate.where}`;
  const online = how === 'concurrently' ? 'CONCURRENTLY ' : '';
  const only = how === 'only' ? 'ONLY ' : '';
  return `CREATE INDEX ${online}${quoted(name)} ON ${only}${qualified(candidate.table)} ${method}(${keys})${included}${where}`;
}

/** Which share of a table's rows meets a condition, 0 to 1. */
export type RowShares = (table: TargetTable, where: string) => Promise<number>;

/** Asks the planner for them, once for each condition. */
export function rowShares(book: ColumnFactsBook, engine: PlanningEngine): RowShares {
  const known = new Map<string, number>();
  return async (table, where) => {
    const sql = `SELECT 1 FROM ${qualified(table)} WHERE ${where}`;
    const share =
      known.get(sql) ??
      Math.min(1, (await engine.plan({ sql, values: [] }))['Plan Rows'] / Math.max(1, book.rows(table)));
    known.set(sql, share);
    return share;
  };
}

/** What an engine needs to pretend that it exists. */
export async function hypothetical(
  candidate: IndexCandidate,
  id: string,
  book: ColumnFactsBook,
  engine: PlanningEngine,
  shares: RowShares = rowShares(book, engine),
): Promise<HypotheticalIndex> {
  const share = candidate.where === null ? 1 : await shares(candidate.table, candidate.where);
  const keys = candidate.keys.map(({ sql, column }) => (isColumn(sql) ? column : null));
  const sizes = book.leaves(candidate.table).flatMap((leaf) => {
    const tableOid = engine.oidOf(leaf.oid);
    if (tableOid === undefined) return [];
    const { pages, rows, level, gin } = book.indexSize(leaf, { ...candidate, keys, share });
    return [{ tableOid, pages, rows, level: candidate.method === 'btree' ? level : null, gin }];
  });
  return { id, table: candidate.table, ddlOn: (table) => candidateDdl({ ...candidate, table }, id), sizes };
}
