import { messageOf } from '../kernel/errors.ts';
import { signatureOf } from '../postgres/plan-shape.ts';
import type { PlanNode } from './plan-tree.ts';
import { type ExplainRow, explained, type PlannableStatement, type Shadow } from './shadow.ts';
import type { TargetSession } from './target-session.ts';

/** How faithfully a shadow plans, measured against the real planner. Costs as ratios: 0.01 is one percent off. */
export interface Fidelity {
  /** Statements that both planned. */
  readonly compared: number;
  /** Those that got the same plan. */
  readonly same: number;
  readonly medianCostError: number;
  readonly maxCostError: number;
  /** The statement with that error; null: none was compared. */
  readonly worst: { readonly sql: string; readonly real: PlanNode; readonly shadow: PlanNode } | null;
  /** Statements that could not be compared. */
  readonly refused: readonly { readonly sql: string; readonly reason: string }[];
  readonly different: readonly { readonly sql: string; readonly real: PlanNode; readonly shadow: PlanNode }[];
  /** Statements whose costs are so far off that nothing may be concluded from the shadow's, with the reason. */
  readonly doubtful: readonly { readonly sql: string; readonly reason: string }[];
}

/** A statement's cost may be off by that ratio ... */
const mostCostError = 0.2;
/** ... or by so little, in the planner's units: a page. */
const leastDifference = 4;

/** Plans every statement on both sides, which runs none of them. Cost on the target: one EXPLAIN each. */
export async function measureFidelity(
  session: TargetSession,
  shadow: Shadow,
  statements: readonly PlannableStatement[],
): Promise<Fidelity> {
  const errors: number[] = [];
  let worst: Fidelity['worst'] = null;
  const refused: Fidelity['refused'][number][] = [];
  const different: Fidelity['different'][number][] = [];
  const doubtful: Fidelity['doubtful'][number][] = [];
  for (const statement of statements) {
    const { sql, values } = statement;
    const answer = await session.attempt<ExplainRow>(`EXPLAIN (FORMAT JSON) ${sql}`, values);
    if ('refused' in answer) {
      refused.push({ sql, reason: `the database refuses to explain it: ${answer.refused}` });
      continue;
    }
    try {
      const real = await explained(() => Promise.resolve(answer.rows));
      const ours = await shadow.plan(statement);
      const error = Math.abs(ours['Total Cost'] / Math.max(real['Total Cost'], 0.01) - 1);
      if (worst === null || error > Math.max(...errors)) worst = { sql, real, shadow: ours };
      errors.push(error);
      const isOther = signatureOf(real) !== signatureOf(ours);
      if (isOther) different.push({ sql, real, shadow: ours });
      if (error > mostCostError && Math.abs(ours['Total Cost'] - real['Total Cost']) > leastDifference)
        doubtful.push({
          sql,
          reason: `The copy plans it ${isOther ? 'otherwise than the server' : 'as the server does'}, but at ${ours['Total Cost'].toFixed(0)} instead of ${real['Total Cost'].toFixed(0)}: what an index would change can't be told.`,
        });
    } catch (error) {
      refused.push({ sql, reason: `the shadow can't plan it: ${messageOf(error)}` });
    }
  }
  const sorted = errors.toSorted((a, b) => a - b);
  return {
    compared: errors.length,
    same: errors.length - different.length,
    medianCostError: sorted[Math.floor(sorted.length / 2)] ?? 0,
    maxCostError: sorted.at(-1) ?? 0,
    worst,
    refused,
    different,
    doubtful,
  };
}
