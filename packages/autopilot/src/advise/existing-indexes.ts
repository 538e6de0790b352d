import type { ColumnFactsBook } from '../planner/column-facts.ts';
import type { IndexCandidate } from '../planner/index-candidate.ts';
import type { PlanningEngine } from '../planner/planning-engine.ts';
import { qualified, quoted } from '../planner/shadow-ddl.ts';
import type { TargetCatalog, TargetIndex } from '../planner/target-catalog.ts';
import type { Workload } from '../planner/workload.ts';
import { writeCostOf } from './index-effects.ts';
import type { PreparedStatement } from './prepared-workload.ts';
import { type ExistingIndex, mergedColumns, type ReplacementProblem } from './replaced-indexes.ts';

/** The indexes of the target that may be dropped, as the search weighs them. */
export function existingIndexes(
  engine: PlanningEngine,
  book: ColumnFactsBook,
  prepared: readonly PreparedStatement[],
): readonly ExistingIndex[] {
  return engine.indexes.flatMap(({ id, bytes, existing }) => {
    const index = book.indexById(id);
    const table = book.tableByOid(index?.tableOid ?? 0);
    if (!existing || index === undefined || table === undefined) return [];
    // An expression costs an entry when any of its columns changes: take what it names.
    const columns = table.columns.filter(({ name }) => index.definition.includes(name)).map(({ name }) => name);
    const writeCost = writeCostOf({ table, columns: new Set(columns), method: index.method }, prepared, book);
    return { id, bytes, table: qualified(table), writeCost, columns: columnsOf(index, book) };
  });
}

/** Of a whole B-tree on columns as they are, in their usual order; null: it is none. */
function columnsOf(index: TargetIndex, book: ColumnFactsBook): readonly string[] | null {
  const table = book.tableByOid(index.tableOid);
  if (index.method !== 'btree' || table === undefined) return null;
  const keys = index.keys.map((key) => table.columns.find(({ name }) => key === name || key === quoted(name))?.name);
  const written = /^[^(]*\((.*)\)$/s.exec(index.definition)?.[1];
  const isPlain = written === index.keys.join(', ');
  return isPlain ? keys.flatMap((key) => key ?? []).slice(0, keys.includes(undefined) ? 0 : undefined) : null;
}

/** The same of a new one. */
export function plainColumns({ method, keys, included, where }: IndexCandidate): readonly string[] | null {
  if (method !== 'btree' || where !== null || included.length > 0) return null;
  const isPlain = keys.every(({ sql, column, suffix }) => suffix === '' && sql === quoted(column));
  return isPlain ? keys.map(({ column }) => column) : null;
}

/** Of so many pairs of existing indexes. */
const mostMerges = 40;

/** New indexes that might stand for two existing ones each. */
export function mergesOf(
  existing: readonly ExistingIndex[],
  book: ColumnFactsBook,
): readonly { readonly candidate: IndexCandidate; readonly replaces: readonly [string, string] }[] {
  return existing
    .flatMap((one, at) =>
      existing.slice(at + 1).flatMap((other) => {
        const table = book.tableByOid(book.indexById(one.id)?.tableOid ?? 0);
        if (one.table !== other.table || one.columns === null || other.columns === null || table === undefined)
          return [];
        return mergedColumns(one.columns, other.columns).map((columns) => {
          const keys = columns.map((column) => ({ column, columns: [column], sql: quoted(column), suffix: '' }));
          const candidate = { table, method: 'btree', keys, included: [], where: null } as const;
          return { candidate, replaces: [one.id, other.id] as const };
        });
      }),
    )
    .slice(0, mostMerges);
}

/** Indexes that stay because they keep something unique. */
export function constraintIndexes(catalog: TargetCatalog, book: ColumnFactsBook): ReplacementProblem['constraints'] {
  return catalog.indexes.flatMap((index) => {
    const table = book.tableByOid(index.tableOid);
    const columns = columnsOf(index, book);
    if (!(index.constraint || index.unique) || table === undefined || columns === null || columns.length === 0)
      return [];
    return { name: qualified(index), table: qualified(table), columns };
  });
}

/** What refers to other tables. */
export function foreignKeysOf(catalog: TargetCatalog, book: ColumnFactsBook): ReplacementProblem['foreignKeys'] {
  return catalog.constraints.flatMap(({ kind, tableOid, columns }) => {
    const table = book.tableByOid(tableOid);
    return kind !== 'f' || table === undefined ? [] : { table: qualified(table), columns };
  });
}

/** Less of the calls seen, and statements may be missing that need an index. */
const leastSeen = 0.99;

/** Why a table may be asked for more than the workload holds; statements that were left out count by the tables they name. */
export function unseenOf(
  workload: Workload,
  skipped: readonly { readonly sql: string }[],
  callsRatio: number,
): ReplacementProblem['unseen'] {
  return (table) => {
    if (!workload.counted) return 'statements that are not in this file may need it.';
    const name = table.replace(/^.*\."((?:[^"]|"")*)"$/, '$1').replaceAll('""', '"');
    if (skipped.some(({ sql }) => sql.toLowerCase().includes(name.toLowerCase())))
      return 'a statement on its table could not be planned and may need it.';
    if (callsRatio < leastSeen)
      return `only ${(100 * callsRatio).toFixed(1)} % of the calls were planned: others may need it.`;
    return null;
  };
}
