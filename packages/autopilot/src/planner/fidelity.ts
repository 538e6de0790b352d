import { messageOf } from '../kernel/errors.ts';
import { signatureOf } from '../postgres/plan-shape.ts';
import type { PlanNode } from './plan-tree.ts';
import type { PlannableStatement } from './planning-engine.ts';
import { type ExplainRow, explained, genericExplain } from './planning-session.ts';
import type { Shadow } from './shadow.ts';
import type { Attempt, TargetSession } from './target-session.ts';

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
  /** Statements for which there was no time left on the target. */
  readonly left: number;
  /** Statements that could not be compared. */
  readonly refused: readonly { readonly sql: string; readonly reason: string }[];
  readonly different: readonly { readonly sql: string; readonly real: PlanNode; readonly shadow: PlanNode }[];
  /** Statements whose costs are so far off that nothing may be concluded from the shadow's, with the reason. */
  readonly doubtful: readonly { readonly sql: string; readonly reason: string }[];
}

/** Of the statements so many have to get the same plan. */
const leastSameRatio = 0.75;

/** Whether a shadow plans like the server: below three of four same plans, what is concluded from it would be a guess. */
export function isFaithful({ compared, same }: Pick<Fidelity, 'compared' | 'same'>): boolean {
  return same >= leastSameRatio * compared;
}

/** A statement's cost may be off by that ratio ... */
const mostCostError = 0.2;
/** ... or by so little, in the planner's units: a page. */
const leastDifference = 4;

/** So many are compared however long that takes ... */
const atLeast = 50;
/** ... and then so many at a time as long as there is time. */
const batchSize = 10;

/**
 * Plans statements on both sides, which runs none of them: the first fifty, and as many more as the target answers before the session has
 * cost it `mostTargetMs` in all. Cost on the target: one EXPLAIN each, about 0.3 ms.
 */
export async function measureFidelity(
  session: TargetSession,
  shadow: Shadow,
  statements: readonly PlannableStatement[],
  {
    mostTargetMs = Number.POSITIVE_INFINITY,
    withoutValues = false,
  }: {
    readonly mostTargetMs?: number;
    /** Compares the plans for any values, which a server has from 16 on. */
    readonly withoutValues?: boolean;
  } = {},
): Promise<Fidelity> {
  const answers: Attempt<ExplainRow>[] = [];
  while (answers.length < statements.length && (answers.length === 0 || session.databaseMs < mostTargetMs)) {
    const batch = statements.slice(answers.length, answers.length + (answers.length === 0 ? atLeast : batchSize));
    const questions = batch.map(({ sql, values }) =>
      withoutValues ? { sql: genericExplain(sql), values: [] } : { sql: `EXPLAIN (FORMAT JSON) ${sql}`, values },
    );
    answers.push(...(await session.attemptAll<ExplainRow>(questions)));
  }
  const errors: number[] = [];
  let worst: Fidelity['worst'] = null;
  const refused: Fidelity['refused'][number][] = [];
  const different: Fidelity['different'][number][] = [];
  const doubtful: Fidelity['doubtful'][number][] = [];
  for (const [at, answer] of answers.entries()) {
    const statement = statements[at];
    if (statement === undefined) continue;
    const { sql } = statement;
    if ('refused' in answer) {
      refused.push({ sql, reason: `the database refuses to explain it: ${answer.refused}` });
      continue;
    }
    try {
      const real = await explained(() => Promise.resolve(answer.rows));
      const ours = await shadow.plan(statement, withoutValues ? 'without values' : 'plain');
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
    left: statements.length - answers.length,
    refused,
    different,
    doubtful,
  };
}
