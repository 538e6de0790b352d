import type { StatementEffect } from '../contract/index-advice.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import type { ColumnFactsBook } from '../planner/column-facts.ts';
import type { CostBook } from '../planner/cost-book.ts';
import type { IndexCandidate } from '../planner/index-candidate.ts';
import { type PlanNode, planLines } from '../planner/plan-tree.ts';
import type { TargetTable } from '../planner/target-catalog.ts';
import type { PreparedStatement, RelevantStatement } from './prepared-workload.ts';

/** In the planner's units: an entry in a B-tree, which is as much as a few hundred rows passed by; inverted indexes have many a row. */
const entryCost: Readonly<Record<string, number>> = { btree: 0.5, hash: 0.5, gist: 1, spgist: 1, gin: 3, brin: 0.02 };

/**
 * An entry of an update in entries of an insert, measured on 100,000 rows in memory (18; a unit of reading took 3.3 us, an entry of an insert 0.6 units,
 * of an update of an indexed column 6.6): its places are all over the index, and the first change of a page after a checkpoint logs all of it.
 */
const changedFactor = 13;
/** The same for an update of other columns, 4.6 units where the row had to move to another page, which is taken for every second one; else (HOT) nothing. */
const movedFactor = 4.5;

/** What all calls of the workload pay for keeping an index: every new row, every changed one that has a column in it, and some of the others. */
export function writeCostOf(
  index: { readonly table: TargetTable; readonly columns: ReadonlySet<string>; readonly method: string },
  prepared: readonly PreparedStatement[],
  book: ColumnFactsBook,
): number {
  return prepared.reduce((total, { statement: { written, kind, calls, rowsWritten }, tables }) => {
    const hit = tables.some(({ schema, name }) => {
      const table = book.table(schema, name);
      return table !== undefined && name === written?.name && book.root(table) === index.table;
    });
    if (!hit || written === null || kind === 'delete') return total;
    const isChanged = written.columns.some((column) => index.columns.has(column));
    const factor = kind !== 'update' ? 1 : isChanged ? changedFactor : movedFactor;
    return total + calls * Math.max(rowsWritten, 1) * factor * (entryCost[index.method] ?? 1);
  }, 0);
}

/** What an index does for each statement that reads it, the most saving one first. */
export async function effectsOf(
  id: string,
  all: ReadonlySet<string>,
  before: ReadonlySet<string>,
  prepared: readonly RelevantStatement[],
  costs: CostBook,
  names: ReadonlyMap<string, string>,
): Promise<readonly StatementEffect[]> {
  // Values in conditions come from the statistics, which is to say from rows of the database: nobody is shown them.
  const lines = (plan: PlanNode): readonly string[] => planLines(plan, { names, condition: normalizeStatement });
  const effects: StatementEffect[] = [];
  for (const one of prepared) {
    const after = await costs.cost(one, all);
    if (!after.used.has(id)) continue;
    const former = await costs.cost(one, before);
    const { sql, calls } = one.statement;
    effects.push({
      sql,
      calls,
      costBefore: former.cost,
      costAfter: after.cost,
      planBefore: lines(former.plan),
      planAfter: lines(after.plan),
    });
  }
  return effects.toSorted((a, b) => b.calls * (b.costBefore - b.costAfter) - a.calls * (a.costBefore - a.costAfter));
}

/** A guess at how long it is built: reading at 300 MB/s, sorting a million rows a second, writing at 200 MB/s. */
export function buildSeconds({ table }: IndexCandidate, bytes: number, book: ColumnFactsBook): number {
  const pages = book.leaves(table).reduce((total, leaf) => total + leaf.pages, 0);
  return (pages * 8_192) / 3e8 + book.rows(table) / 1e6 + bytes / 2e8;
}
