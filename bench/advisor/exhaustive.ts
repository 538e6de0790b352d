import { selectIndexes } from '../../packages/autopilot/src/advise/index-selection.ts';
import { ColumnFactsBook } from '../../packages/autopilot/src/planner/column-facts.ts';
import { rolesOf } from '../../packages/autopilot/src/planner/column-roles.ts';
import { CostBook } from '../../packages/autopilot/src/planner/cost-book.ts';
import { candidateKey, candidatesFor, hypothetical } from '../../packages/autopilot/src/planner/index-candidate.ts';
import type { HypotheticalIndex } from '../../packages/autopilot/src/planner/planning-engine.ts';
import { buildShadow } from '../../packages/autopilot/src/planner/shadow-build.ts';
import { qualified } from '../../packages/autopilot/src/planner/shadow-ddl.ts';
import { SqlParser } from '../../packages/autopilot/src/planner/sql-parser.ts';
import { readTargetCatalog } from '../../packages/autopilot/src/planner/target-catalog.ts';
import { TargetSession } from '../../packages/autopilot/src/planner/target-session.ts';
import { readTargetStatistics } from '../../packages/autopilot/src/planner/target-statistics.ts';
import { pickFrom } from '../databases/bench-database.ts';

/** Subsets of so many candidates can all be tried. */
const mostCandidates = 12;

/** What the search finds for a few statements against the best of all subsets of the same candidates, under half their storage. */
export async function againstExhaustive(
  url: string,
  statements: readonly string[],
): Promise<{ readonly candidates: number; readonly chosen: number; readonly best: number }> {
  const parser = await SqlParser.load();
  await using session = await TargetSession.open(url);
  const catalog = await readTargetCatalog(session);
  const statistics = await readTargetStatistics(session, catalog);
  await using shadow = await buildShadow(catalog, statistics);
  const book = new ColumnFactsBook(catalog, statistics);
  await shadow.use(new Set());
  const ideas = [];
  for (const sql of statements) {
    const { plan } = await shadow.planWithoutValues(sql);
    ideas.push(...rolesOf(plan, parser).tables.flatMap((roles) => candidatesFor(roles, book)));
  }
  const pick = pickFrom(3);
  const byKey = new Map(ideas.map((one) => [candidateKey(one), one]));
  const sample = [...byKey.values()]
    .map((one) => ({ one, place: pick.even(1e9) }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, mostCandidates);
  const thought: HypotheticalIndex[] = [];
  for (const [at, { one }] of sample.entries()) thought.push(await hypothetical(one, `small_${at}`, book, shadow));
  await shadow.add(thought);
  const candidates = shadow.indexes
    .filter(({ existing }) => !existing)
    .map(({ id, bytes }) => {
      const table = thought.find((one) => one.id === id)?.table;
      return { id, bytes, table: table === undefined ? '' : qualified(table), writeCost: 0 };
    });
  const costs = new CostBook(shadow);
  const relevant = new Set(candidates.map(({ id }) => id));
  const cost = async (on: ReadonlySet<string>): Promise<number> => {
    let total = 0;
    for (const [at, sql] of statements.entries())
      total += (await costs.cost({ id: String(at), samples: [{ sql, values: [] }], relevant }, on)).cost;
    return total;
  };
  const budgetBytes = candidates.reduce((total, { bytes }) => total + bytes, 0) / 2;
  const limits = {
    budgetBytes,
    mostPerTable: mostCandidates,
    credits: new Map<string, number>(),
    over: (): boolean => false,
  };
  const selection = await selectIndexes({ candidates, existing: [], cost, ...limits });
  let best = Number.POSITIVE_INFINITY;
  for (let mask = 0; mask < 2 ** candidates.length; mask += 1) {
    const subset = candidates.filter((_, at) => (mask >> at) % 2 === 1);
    if (subset.reduce((total, { bytes }) => total + bytes, 0) > budgetBytes) continue;
    best = Math.min(best, await cost(new Set(subset.map(({ id }) => id))));
  }
  return { candidates: candidates.length, chosen: selection.costAfter, best };
}
