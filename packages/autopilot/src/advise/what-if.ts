import type { StatementEffect } from '../contract/index-advice.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { ColumnFactsBook } from '../planner/column-facts.ts';
import { CostBook } from '../planner/cost-book.ts';
import { isFaithful, measureFidelity } from '../planner/fidelity.ts';
import { planLines } from '../planner/plan-tree.ts';
import { qualified } from '../planner/shadow-ddl.ts';
import { SqlParser } from '../planner/sql-parser.ts';
import { readTargetCatalog } from '../planner/target-catalog.ts';
import { TargetSession } from '../planner/target-session.ts';
import { readTargetStatistics } from '../planner/target-statistics.ts';
import { workloadOfObserved } from '../planner/workload.ts';
import { signatureOf } from '../postgres/plan-shape.ts';
import type { ObservedWorkload } from './observed-workload.ts';
import { prepareWorkload, withRelevance } from './prepared-workload.ts';
import type { ShadowKeeper } from './shadow-keeper.ts';

/** What is asked about a workload: one index less, or a setting of the planner changed. */
export type WhatIfQuestion =
  | { readonly kind: 'without index'; readonly schema: string; readonly index: string }
  | { readonly kind: 'with setting'; readonly setting: string; readonly value: string };

/** A statement under the change that was asked about. */
export interface WhatIfEffect extends StatementEffect {
  /** Its plan is another one then. */
  readonly isReplanned: boolean;
}

/** `unknown`: nobody can say, for this reason. */
export type WhatIfAnswer =
  | { readonly kind: 'known'; readonly effects: readonly WhatIfEffect[]; readonly fidelity: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Replans a workload in a shadow of the database, once for each question; of an index those statements are told that touch its table.
 * Nothing is run. Takes 2 s where the shadow is not kept, and a few ms for each statement and question.
 * @throws AutopilotError AP_PLANNER_TARGET_UNREACHABLE
 */
export async function askWhatIf(
  url: string,
  workload: ObservedWorkload,
  questions: readonly WhatIfQuestion[],
  shadows: ShadowKeeper,
): Promise<readonly WhatIfAnswer[]> {
  const parser = await SqlParser.load();
  await using session = await TargetSession.open(url);
  const catalog = await readTargetCatalog(session);
  const statistics = await readTargetStatistics(session, catalog);
  const book = new ColumnFactsBook(catalog, statistics);
  await using lent = await shadows.lend(catalog, statistics);
  const { shadow } = lent;
  const { prepared: drafts } = await prepareWorkload(
    workloadOfObserved(workload, parser),
    shadow,
    book,
    parser,
    catalog.leftOut,
  );
  const { compared, same } = await measureFidelity(
    session,
    shadow,
    drafts.flatMap(({ samples }) => samples.slice(0, 1)),
  );
  const fidelity = `The copy planned ${same} of ${compared} statements as the server does.`;
  if (!isFaithful({ compared, same })) return questions.map(() => ({ kind: 'unknown', reason: fidelity }));
  const all = new Set(shadow.indexes.map(({ id }) => id));
  const now = new CostBook(shadow);
  const answers: WhatIfAnswer[] = [];
  for (const question of questions) {
    const id = question.kind === 'without index' ? qualified({ schema: question.schema, name: question.index }) : null;
    if (id !== null && !all.has(id)) {
      answers.push({ kind: 'unknown', reason: 'It is a part of another index, or keeps a promise.' });
      continue;
    }
    const left = new Set(all);
    if (id !== null) left.delete(id);
    const effects: WhatIfEffect[] = [];
    const touched = withRelevance(drafts, shadow, book).filter(({ relevant }) => id === null || relevant.has(id));
    // First as they are: the setting is changed once for all of them.
    const former = new Map<string, Awaited<ReturnType<CostBook['cost']>>>();
    for (const one of touched) former.set(one.id, await now.cost(one, all));
    if (question.kind === 'with setting') await shadow.set(question.setting, question.value);
    try {
      const costs = question.kind === 'with setting' ? new CostBook(shadow) : now;
      for (const one of touched) {
        const before = former.get(one.id);
        const after = await costs.cost(one, left);
        if (before === undefined) continue;
        effects.push({
          sql: one.statement.sql,
          calls: one.statement.calls,
          costBefore: before.cost,
          costAfter: after.cost,
          planBefore: planLines(before.plan, { condition: normalizeStatement }),
          planAfter: planLines(after.plan, { condition: normalizeStatement }),
          isReplanned: signatureOf(before.plan) !== signatureOf(after.plan),
        });
      }
    } finally {
      if (question.kind === 'with setting') await shadow.set(question.setting, null);
    }
    answers.push({ kind: 'known', effects, fidelity });
  }
  return answers;
}
