import type { AdvisedIndex, IndexAdvice } from '../contract/index-advice.ts';
import type { ColumnFactsBook } from '../planner/column-facts.ts';
import { CostBook, type StatementCost } from '../planner/cost-book.ts';
import { candidateDdl, candidateKey, type IndexCandidate, tooSmall } from '../planner/index-candidate.ts';
import { IndexNames, indexSteps } from '../planner/index-steps.ts';
import { unknownJoin } from '../planner/older-planner.ts';
import type { PlanningEngine } from '../planner/planning-engine.ts';
import { qualified } from '../planner/shadow-ddl.ts';
import type { TargetCatalog } from '../planner/target-catalog.ts';
import type { Workload } from '../planner/workload.ts';
import {
  constraintIndexes,
  existingIndexes,
  foreignKeysOf,
  mergesOf,
  plainColumns,
  unseenOf,
} from './existing-indexes.ts';
import { buildSeconds, effectsOf, writeCostOf } from './index-effects.ts';
import { selectIndexes } from './index-selection.ts';
import { coverageOf, type PreparedStatement, type RelevantStatement, withRelevance } from './prepared-workload.ts';
import { promisingIndexes } from './promising-indexes.ts';
import { replaceIndexes } from './replaced-indexes.ts';
import { rewritingHints } from './rewriting-hints.ts';
import { type EstimatedSaving, savingInterval } from './saving-interval.ts';
import type { PlannedEnds } from './second-opinion.ts';
import { servedAlready } from './served-already.ts';
import { statisticsAdvice } from './statistics-advice.ts';
import { thinkOf } from './thought-indexes.ts';
import { WorkloadCost } from './workload-cost.ts';

/** Of the time for the search: until then candidates are made, */
const thinkingShare = 0.4;
/** until then statements are asked which of them they would take, and until the third which they would take instead. The rest is for choosing. */
const promisingShares = [0.7, 0.5] as const;

/** What a search may take, and who is told of it. */
export interface SearchLimits {
  /** What new indexes may take together; default no limit. */
  readonly budgetBytes?: number;
  /** Default 5. */
  readonly mostPerTable?: number;
  /** For the search, after the copy is built; default 30,000. */
  readonly searchMs?: number;
  /** Ends the search early: what was found until then is the advice. */
  readonly signal?: AbortSignal;
  /** Told how far it is, 0 to 1, and what it is at. */
  readonly onProgress?: (progress: number, stage: string) => void;
}

/** What is searched in. */
export interface IndexSearch {
  readonly drafts: readonly PreparedStatement[];
  readonly skipped: IndexAdvice['skipped'];
  readonly workload: Workload;
  readonly engine: PlanningEngine;
  readonly catalog: TargetCatalog;
  readonly book: ColumnFactsBook;
  /** What its costs were measured to be off, as a ratio. */
  readonly costError: number;
  readonly limits: SearchLimits;
}

/** The part of the advice that is found by searching. */
export type FoundIndexes = Pick<
  IndexAdvice,
  | 'verdict'
  | 'reason'
  | 'create'
  | 'drop'
  | 'savedRatio'
  | 'savedRatioInterval'
  | 'rejected'
  | 'statistics'
  | 'hints'
  | 'notes'
>;

/** What was found, and what it was found by. */
export interface SearchedIndexes {
  readonly advice: FoundIndexes;
  /** The new ones, by the name that plans here have for them. */
  readonly create: ReadonlyMap<string, IndexCandidate>;
  /** Those that read a new one. */
  readonly statements: readonly PlannedEnds[];
}

/** Searches the indexes that a prepared workload wants: new ones, and existing ones that these make superfluous. */
export async function searchIndexes(search: IndexSearch): Promise<SearchedIndexes> {
  const { drafts, skipped, workload, engine, catalog, book, limits } = search;
  const startMs = performance.now();
  const searchMs = limits.searchMs ?? 30_000;
  const tell = limits.onProgress ?? ((): void => {});
  const names = new IndexNames(book);
  const there = existingIndexes(engine, book, drafts);
  const merges = mergesOf(there, book);
  const ideas = new Map(
    [...inTurns(drafts.map((one) => one.candidates)), ...merges.map((one) => one.candidate)].map((one) => [
      candidateKey(one),
      one,
    ]),
  );
  const rejected: IndexAdvice['rejected'][number][] = [];
  const served = servedAlready(catalog);
  const fresh = [...ideas.values()].filter((one) => {
    const by = served(one);
    if (by !== null) rejected.push({ ddl: ideaOf(one), reason: `${by} is there and does all that it would do.` });
    return by === null;
  });
  const candidates = new Map(fresh.map((one, at) => [`autopilot_candidate_${at}`, one]));
  const over = (share: number): boolean => {
    const spent = (performance.now() - startMs) / searchMs;
    tell(0.25 + 0.7 * Math.min(1, spent), 'Searching');
    return spent > share || limits.signal?.aborted === true;
  };
  const { made, refused } = await thinkOf(candidates, engine, book, () => over(thinkingShare));
  const reasons = new Map<string, string>();
  for (const [id, candidate] of candidates) {
    const reason = refused.get(id);
    if (reason === undefined) continue;
    rejected.push({ ddl: ideaOf(candidate), reason });
    reasons.set(candidateKey(candidate), reason);
  }
  const known = engine.indexes;
  const existing = known.filter((index) => index.existing).map(({ id }) => id);
  const prepared = withRelevance(drafts, engine, book);
  const costs = new CostBook(engine);
  const total = new WorkloadCost(prepared, costs);
  const cost = (on: ReadonlySet<string>): Promise<number> => total.of(on);
  const promising = await promisingIndexes(
    prepared.map(({ relevant, statement: { calls } }) => ({ relevant, calls })),
    made,
    (at, indexes) => total.ofStatement(at, indexes),
    (round) => over(promisingShares[round === 0 ? 0 : 1]),
  );
  const merging = new Set(merges.map(({ candidate }) => candidateKey(candidate)));
  const choices = known.flatMap(({ id, bytes }) => {
    const candidate = made.get(id);
    if (candidate === undefined || !(promising.ids.has(id) || merging.has(candidateKey(candidate)))) return [];
    const table = qualified(candidate.table);
    const { method } = candidate;
    const columns = new Set([...candidate.keys.flatMap((key) => key.columns), ...candidate.included]);
    const writeCost = writeCostOf({ table: candidate.table, columns, method }, drafts, book);
    return { id, bytes, table, writeCost, columns: plainColumns(candidate) };
  });
  const byId = new Map(choices.map((one) => [one.id, one]));
  const budgetBytes = limits.budgetBytes ?? Number.POSITIVE_INFINITY;
  const selection = await selectIndexes({
    candidates: choices,
    existing,
    cost,
    budgetBytes,
    mostPerTable: limits.mostPerTable ?? 5,
    credits: promising.credits,
    over,
  });
  const given = new Map<string, string>();
  const nameOf = (id: string): string => {
    const candidate = candidates.get(id);
    const name = given.get(id) ?? (candidate === undefined ? id : names.nameFor(candidate));
    given.set(id, name);
    return name;
  };
  const read = new Set<string>();
  for (const one of prepared) for (const id of (await costs.cost(one, new Set(existing))).used) read.add(id);
  const replacement = await replaceIndexes({
    existing: there,
    chosen: new Map(choices.filter(({ id }) => selection.chosen.includes(id)).map((one) => [one.id, one])),
    constraints: constraintIndexes(catalog, book),
    merges: merges.flatMap(({ candidate, replaces }) => {
      const index = choices.find(({ id }) => {
        const one = candidates.get(id);
        return one !== undefined && candidateKey(one) === candidateKey(candidate);
      });
      return index === undefined || selection.chosen.includes(index.id) ? [] : [{ index, replaces }];
    }),
    cost,
    read,
    foreignKeys: foreignKeysOf(catalog, book),
    unseen: unseenOf(workload, skipped, coverageOf(drafts, workload).callsRatio),
    nameOf,
    budgetBytes,
    over: () => over(1),
  });
  const chosen = [...selection.chosen, ...replacement.create];
  const dropped = new Set(replacement.drop.map(({ id }) => id));
  const all = new Set([...existing.filter((id) => !dropped.has(id)), ...chosen]);
  const create: AdvisedIndex[] = [];
  // What plans call them, also on each partition.
  const told = new Map(
    known.flatMap(({ id, names: parts }) => {
      const name = chosen.includes(id) ? nameOf(id) : null;
      return parts.map((part) => [part, name ?? part] as const);
    }),
  );
  for (const id of chosen) {
    const candidate = candidates.get(id);
    const choice = byId.get(id);
    if (candidate === undefined || choice === undefined) continue;
    const name = nameOf(id);
    create.push({
      ddl: candidateDdl(candidate, name, candidate.table.kind === 'p' ? 'at once' : 'concurrently'),
      steps: indexSteps(candidate, name, book, names),
      table: choice.table,
      bytes: choice.bytes,
      buildSeconds: buildSeconds(candidate, choice.bytes, book),
      writeRatio: choice.writeCost / Math.max(selection.costBefore, 1),
      statements: await effectsOf(id, all, new Set(existing), prepared, costs, told),
    });
  }
  for (const [id, candidate] of made)
    if (!byId.has(id))
      rejected.push({
        ddl: ideaOf(candidate),
        reason: 'No plan of the workload reads it: others serve each statement better.',
      });
  const taken = new Set(chosen);
  for (const { id, reason } of [
    ...selection.rejected.filter((one) => !taken.has(one.id)),
    ...replacement.kept.filter((one) => candidates.has(one.id)),
  ]) {
    const candidate = candidates.get(id);
    if (candidate !== undefined) rejected.push({ ddl: ideaOf(candidate), reason });
  }
  for (const { id, reason } of replacement.kept)
    if (!candidates.has(id)) rejected.push({ ddl: `DROP INDEX ${id}`, reason });
  rejected.push(...smallTables(drafts, book));
  const drop = replacement.drop.map(({ id, reason }) => {
    const { bytes = 0 } = there.find((one) => one.id === id) ?? {};
    const isPartitioned = book.tableByOid(book.indexById(id)?.tableOid ?? 0)?.kind === 'p';
    return { ddl: `DROP INDEX ${isPartitioned ? '' : 'CONCURRENTLY '}${id}`, bytes, reason };
  });
  const costAfter = await cost(all);
  const before = new Set(existing);
  const ends = [];
  for (const one of prepared) {
    const [former, after] = [await costs.cost(one, before), await costs.cost(one, all)];
    ends.push({ prepared: one, former, after, costBefore: former.cost, costAfter: after.cost });
  }
  const hasTrigrams = catalog.extensions.some(({ name }) => name === 'pg_trgm');
  const saved = 1 - costAfter / Math.max(selection.costBefore, 1e-9);
  const { savings, notes } = savingsOf(ends, search);
  const { costError } = search;
  const { low, high, misjudged } = savingInterval(savings, { costBefore: selection.costBefore, costError });
  if (misjudged > 0)
    notes.push(
      `${misjudged === 1 ? 'A statement returns' : `${misjudged} statements return`} another number of rows than the planner expects: what ${misjudged === 1 ? 'it saves' : 'they save'} is told less exactly.`,
    );
  const advice: FoundIndexes = {
    verdict: create.length + drop.length > 0 ? 'change' : 'leave',
    reason: reasonOf(create.length, drop.length, saved),
    create,
    drop,
    savedRatio: saved,
    savedRatioInterval: [low, high],
    rejected,
    statistics: workload.counted ? await statisticsAdvice(prepared, engine, catalog) : [],
    hints: rewritingHints(ends, { refused: reasons, hasTrigrams }),
    notes,
  };
  return {
    advice,
    create: new Map([...candidates].filter(([id]) => taken.has(id))),
    statements: ends.flatMap(({ prepared: { samples }, former, after }) => {
      const [sample] = samples;
      return sample === undefined || after.used.isDisjointFrom(taken)
        ? []
        : { sample, before: former.plan, after: after.plan };
    }),
  };
}

function reasonOf(create: number, drop: number, saved: number): string {
  if (create === 0 && drop === 0)
    return 'No index is worth having for this workload: each idea is listed with its reason.';
  if (create === 0)
    return `${drop === 1 ? 'One existing index is' : `${drop} existing indexes are`} superfluous; none is missing.`;
  return `${create === 1 ? 'One index saves' : `${create} indexes save`} ${(100 * saved).toFixed(0)} % of the workload's estimated cost.`;
}

/** Tables that are asked in a way an index could serve, and are too small for one. */
function smallTables(prepared: readonly PreparedStatement[], book: ColumnFactsBook): IndexAdvice['rejected'] {
  const found = new Map<string, string>();
  for (const { schema, name } of prepared.flatMap((one) => one.tables)) {
    const leaf = book.table(schema, name);
    const table = leaf && book.root(leaf);
    const reason = table && tooSmall(table, book);
    if (table && reason) found.set(`CREATE INDEX ON ${qualified(table)}`, reason);
  }
  return [...found].map(([ddl, reason]) => ({ ddl, reason }));
}

/** A statement with what it costs before and after. */
interface StatementEnds {
  readonly prepared: RelevantStatement;
  readonly former: StatementCost;
  readonly after: StatementCost;
}

/** What each statement saves, with what is known of how sure that is; a plan that the server can't make is named. */
function savingsOf(
  ends: readonly StatementEnds[],
  { workload, catalog: { versionNumber } }: IndexSearch,
): { readonly savings: readonly EstimatedSaving[]; readonly notes: string[] } {
  const notes: string[] = [];
  const savings: EstimatedSaving[] = [];
  for (const { prepared, former, after } of ends) {
    if (former.cost === after.cost) continue;
    const { statement } = prepared;
    const join = former.cost > after.cost ? unknownJoin(after.plan, versionNumber) : null;
    if (join !== null)
      notes.push(
        `PostgreSQL ${Math.floor(versionNumber / 10_000)} has no ${join} Join, which the copy uses for ${statement.sql}: what that saves is not in the lower end of the interval.`,
      );
    savings.push({
      saved: statement.calls * (former.cost - after.cost),
      rowsExpected: former.rows,
      // What writes returns no rows that were expected.
      rowsCounted: workload.counted && statement.kind === 'select' ? statement.rowsWritten : null,
      isUnknown: join !== null,
    });
  }
  return { savings, notes };
}

/** An idea as SQL without a name, which is none to run. */
function ideaOf(candidate: IndexCandidate): string {
  return candidateDdl(candidate, '').replace('"" ', '');
}

/** The first of each list, then the second of each: with little time no statement goes without. */
function inTurns<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}
