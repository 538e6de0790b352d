import type { SecondOpinion } from '../contract/index-advice.ts';
import type { ColumnFactsBook } from '../planner/column-facts.ts';
import { HypopgEngine } from '../planner/hypopg-engine.ts';
import { hypothetical, type IndexCandidate } from '../planner/index-candidate.ts';
import { indexesOf, type PlanNode } from '../planner/plan-tree.ts';
import type { PlannableStatement } from '../planner/planning-engine.ts';
import type { TargetCatalog } from '../planner/target-catalog.ts';

/** A statement under the indexes that there are and under those that are advised, for the first of its values. */
export interface PlannedEnds {
  readonly sample: PlannableStatement;
  readonly before: PlanNode;
  readonly after: PlanNode;
}

/** With less time than that on the target nothing is asked. */
const leastMs = 10;

/**
 * Asks HypoPG on the target itself for the same statements under the same new indexes, as far as it knows their kinds and there is time, the first
 * statements first. Null: it is not there, or there is nothing that it could be asked. Its time on the target is told with the answer.
 */
export async function secondOpinion(
  url: string,
  catalog: TargetCatalog,
  book: ColumnFactsBook,
  {
    create,
    statements,
    mostMs,
  }: {
    /** By the name that plans in `statements` have for them. */
    readonly create: ReadonlyMap<string, IndexCandidate>;
    readonly statements: readonly PlannedEnds[];
    readonly mostMs: number;
  },
): Promise<(SecondOpinion & { readonly databaseMs: number; readonly sent: number }) | null> {
  const hasIt = catalog.extensions.some(({ name }) => name === 'hypopg');
  if (!hasIt || create.size === 0 || mostMs < leastMs) return null;
  await using engine = await HypopgEngine.open(url, catalog);
  const thoughts = [];
  // How large a partial index is, HypoPG estimates by itself.
  const shares = (): Promise<number> => Promise.resolve(1);
  for (const [id, candidate] of create) thoughts.push(await hypothetical(candidate, id, book, engine, shares));
  const refused = new Set((await engine.add(thoughts)).keys());
  const names = new Set(create.keys());
  const readBy = (plan: PlanNode): ReadonlySet<string> => indexesOf(plan).intersection(names);
  const asked = statements.filter(({ after }) => readBy(after).size > 0 && readBy(after).isDisjointFrom(refused));
  const before: number[] = [];
  for (const { sample } of asked) {
    if (engine.databaseMs > mostMs / 2) break;
    before.push((await engine.plan(sample))['Total Cost']);
  }
  await engine.use(names.difference(refused));
  let [same, hypopgBefore, hypopgAfter, ourBefore, ourAfter, compared] = [0, 0, 0, 0, 0, 0];
  for (const [at, cost] of before.entries()) {
    const one = asked[at];
    if (one === undefined || engine.databaseMs > mostMs) break;
    const plan = await engine.plan(one.sample);
    compared += 1;
    if (readBy(plan).symmetricDifference(readBy(one.after)).size === 0) same += 1;
    hypopgBefore += cost;
    hypopgAfter += plan['Total Cost'];
    ourBefore += one.before['Total Cost'];
    ourAfter += one.after['Total Cost'];
  }
  if (compared === 0) return null;
  return {
    engine: 'hypopg',
    statements: compared,
    same,
    savedRatio: 1 - hypopgAfter / Math.max(hypopgBefore, 1e-9),
    shadowSavedRatio: 1 - ourAfter / Math.max(ourBefore, 1e-9),
    databaseMs: engine.databaseMs,
    sent: engine.statements,
  };
}
