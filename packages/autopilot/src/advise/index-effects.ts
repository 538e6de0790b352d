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

/** What all calls of the workload pay for keeping an index: every new row, and every changed one that has a column in it. */
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
    if (kind === 'update' && !written.columns.some((column) => index.columns.has(column))) return total;
    // An update that could stay on its page (HOT) has to touch every index once one of its columns is in any.
    const factor = kind === 'update' ? 2 : 1;
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
