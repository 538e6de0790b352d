import type { AdvisedIndex, IndexAdvice, ShadowFidelity } from '../contract/index-advice.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { ColumnFactsBook } from '../planner/column-facts.ts';
import { CostBook } from '../planner/cost-book.ts';
import { type Fidelity, measureFidelity } from '../planner/fidelity.ts';
import { candidateDdl, candidateKey, type IndexCandidate, tooSmall } from '../planner/index-candidate.ts';
import { IndexNames, indexSteps } from '../planner/index-steps.ts';
import { unknownJoin } from '../planner/older-planner.ts';
import { planLines } from '../planner/plan-tree.ts';
import { withoutSamples } from '../planner/private-statistics.ts';
import type { Shadow } from '../planner/shadow.ts';
import { qualified } from '../planner/shadow-ddl.ts';
import { SqlParser } from '../planner/sql-parser.ts';
import { readTargetCatalog, type TargetCatalog } from '../planner/target-catalog.ts';
import { TargetSession } from '../planner/target-session.ts';
import { readTargetStatistics } from '../planner/target-statistics.ts';
import {
  type ObservedStatement,
  type Workload,
  withoutLiterals,
  workloadOfObserved,
  workloadOfServer,
  workloadOfText,
} from '../planner/workload.ts';
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
import {
  coverageOf,
  type PreparedStatement,
  prepareWorkload,
  type RelevantStatement,
  withRelevance,
} from './prepared-workload.ts';
import { promisingIndexes } from './promising-indexes.ts';
import { replaceIndexes } from './replaced-indexes.ts';
import { rewritingHints } from './rewriting-hints.ts';
import { type ShadowKeeper, shadowForOnce } from './shadow-keeper.ts';
import { statisticsAdvice } from './statistics-advice.ts';
import { thinkOf } from './thought-indexes.ts';
import { WorkloadCost } from './workload-cost.ts';

export interface IndexAdvisorOptions {
  /** The database; an account that may read suffices. */
  readonly url: string;
  /** SQL to advise for, or what was counted; absent: what pg_stat_statements knows. */
  readonly workload?: string | readonly ObservedStatement[];
  /** What new indexes may take together; default no limit. */
  readonly budgetBytes?: number;
  /** Default 5. */
  readonly mostPerTable?: number;
  /** For the search, after the shadow is built; default 30,000. */
  readonly searchMs?: number;
  /** Copies no value of a row: those in statistics are replaced, literals of the workload become parameters. Default false. */
  readonly withoutSamples?: boolean;
  /** Where the shadow comes from and goes back to; default: one is built and ends with the advice. */
  readonly shadows?: ShadowKeeper;
  /** Ends the search early: what was found until then is the advice. */
  readonly signal?: AbortSignal;
  /** Told how far it is, 0 to 1, and what it is at. */
  readonly onProgress?: (progress: number, stage: string) => void;
}

/** What advice may cost the database in all, as long as fifty statements were compared. */
const mostTargetMs = 90;
/** Below it the shadow does not plan like the server, and advice would be a guess. */
export const leastSameRatio = 0.75;
/**
 * Reads a database, builds its shadow and advises on indexes for a workload. The database is only read and asked for plans; nothing is run.
 * Takes 2 s and the time for the search. @throws AutopilotError AP_PLANNER_TARGET_UNREACHABLE
 */
export async function adviseIndexes(options: IndexAdvisorOptions): Promise<IndexAdvice> {
  const tell = options.onProgress ?? ((): void => {});
  tell(0, 'Reading the catalog and the statistics');
  const parser = await SqlParser.load();
  await using session = await TargetSession.open(options.url);
  const catalog = await readTargetCatalog(session);
  const isPrivate = options.withoutSamples === true;
  const known = await readTargetStatistics(session, catalog);
  const statistics = isPrivate ? withoutSamples(known, catalog) : known;
  const given =
    options.workload === undefined
      ? await workloadOfServer(session, parser)
      : typeof options.workload === 'string'
        ? workloadOfText(options.workload, parser)
        : workloadOfObserved(options.workload, parser);
  const workload = isPrivate ? withoutLiterals(given, parser) : given;
  const book = new ColumnFactsBook(catalog, statistics);
  tell(0.05, 'Building the shadow');
  await using lent = await (options.shadows?.lend(catalog, statistics) ?? shadowForOnce(catalog, statistics));
  const { shadow } = lent;
  tell(0.15, 'Comparing plans with the server');
  const { prepared: planned, skipped: unplanned } = await prepareWorkload(
    workload,
    shadow,
    book,
    parser,
    catalog.leftOut,
  );
  // A server is sent no values that are made up: it would plan for rare ones.
  const hasGenericPlans = catalog.versionNumber >= 160_000;
  const fidelity = await measureFidelity(
    session,
    shadow,
    planned
      .flatMap(({ samples }) => samples.slice(0, 1))
      .filter(({ values }) => !isPrivate || hasGenericPlans || values.length === 0),
    { mostTargetMs, withoutValues: isPrivate && hasGenericPlans },
  );
  // From here on the target is not needed: a transaction left open there would keep VACUUM from its work.
  await session[Symbol.asyncDispose]();
  const doubts = new Map(fidelity.doubtful.map(({ sql, reason }) => [sql, reason]));
  const prepared = planned.filter(({ samples }) => !doubts.has(samples[0]?.sql ?? ''));
  const secured = (sql: string): boolean =>
    planned.some(
      ({ samples, tables }) =>
        samples[0]?.sql === sql && tables.some((one) => book.table(one.schema, one.name)?.rowSecurity === true),
    );
  const skipped = [
    ...unplanned,
    ...fidelity.doubtful.map(({ sql, reason }) => ({
      sql,
      reason: secured(sql)
        ? `Its tables have row-level security, which the copy leaves out as it depends on the account. ${reason}`
        : reason,
    })),
  ];
  const common = {
    create: [],
    drop: [],
    savedRatio: 0,
    savedRatioInterval: [0, 0] as const,
    fidelity: toldFidelity(fidelity),
    coverage: coverageOf(prepared, workload),
    skipped,
    rejected: [],
    statistics: [],
    hints: [],
    notes: [...shadow.notes, ...leftNotes(fidelity), ...(isPrivate ? privateNotes(hasGenericPlans) : [])],
    targetMs: session.databaseMs,
    targetStatements: session.statements,
  };
  if (prepared.length === 0) return { ...common, verdict: 'leave', reason: 'There is no statement to advise for.' };
  if (fidelity.compared > 0 && fidelity.same < leastSameRatio * fidelity.compared) {
    const reason = `The shadow plans only ${fidelity.same} of ${fidelity.compared} statements as the server does: advice from it would be a guess.`;
    return { ...common, verdict: 'leave', reason };
  }
  const found = await search({ drafts: prepared, skipped, workload, shadow, catalog, book, fidelity, options });
  return { ...common, ...found, notes: [...common.notes, ...found.notes] };
}

function leftNotes({ left }: Fidelity): readonly string[] {
  return left === 0
    ? []
    : [`${left} of the lighter statements were not compared with the server, to ask no more than about 0.1 s of it.`];
}

/** The first of each list, then the second of each: with little time no statement goes without. */
function inTurns<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}

function privateNotes(hasGenericPlans: boolean): readonly string[] {
  return [
    'No value of a row was copied: values in statistics were replaced, and literals of the workload are parameters. Partial indexes on texts and JSON are judged worse by that.',
    ...(hasGenericPlans
      ? []
      : ['Statements with parameters were not compared with the server: before 16 it has no plan without values.']),
  ];
}

/** Plans that differ are shown of so many statements. */
const mostDifferent = 20;

function toldFidelity({ compared, same, medianCostError, maxCostError, different }: Fidelity): ShadowFidelity {
  const shown = different.slice(0, mostDifferent);
  return {
    compared,
    same,
    medianCostError,
    maxCostError,
    different: shown.map(({ sql, real, shadow }) => ({
      sql,
      real: planLines(real, { condition: normalizeStatement }),
      shadow: planLines(shadow, { condition: normalizeStatement }),
    })),
  };
}

/** Of the time for the search: until then candidates are made, */
const thinkingShare = 0.4;
/** until then statements are asked which of them they would take, and until the third which they would take instead. The rest is for choosing. */
const promisingShares = [0.7, 0.5] as const;

interface Search {
  readonly drafts: readonly PreparedStatement[];
  readonly skipped: IndexAdvice['skipped'];
  readonly workload: Workload;
  readonly shadow: Shadow;
  readonly catalog: TargetCatalog;
  readonly book: ColumnFactsBook;
  readonly fidelity: Fidelity;
  readonly options: IndexAdvisorOptions;
}

type Found = Pick<
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

async function search({ drafts, skipped, workload, shadow, catalog, book, fidelity, options }: Search): Promise<Found> {
  const startMs = performance.now();
  const searchMs = options.searchMs ?? 30_000;
  const tell = options.onProgress ?? ((): void => {});
  const names = new IndexNames(book);
  const there = existingIndexes(shadow, book, drafts);
  const merges = mergesOf(there, book);
  const byKey = new Map(
    [...inTurns(drafts.map((one) => one.candidates)), ...merges.map((one) => one.candidate)].map((one) => [
      candidateKey(one),
      one,
    ]),
  );
  const candidates = new Map([...byKey.values()].map((one, at) => [`autopilot_candidate_${at}`, one]));
  const over = (share: number): boolean => {
    const spent = (performance.now() - startMs) / searchMs;
    tell(0.25 + 0.7 * Math.min(1, spent), 'Searching');
    return spent > share || options.signal?.aborted === true;
  };
  const { made, refused } = await thinkOf(candidates, shadow, book, () => over(thinkingShare));
  const rejected: IndexAdvice['rejected'][number][] = [];
  const reasons = new Map<string, string>();
  for (const [id, candidate] of candidates) {
    const reason = refused.get(id);
    if (reason === undefined) continue;
    rejected.push({ ddl: ideaOf(candidate), reason });
    reasons.set(candidateKey(candidate), reason);
  }
  const known = shadow.indexes;
  const existing = known.filter((index) => index.existing).map(({ id }) => id);
  const prepared = withRelevance(drafts, shadow, book);
  const costs = new CostBook(shadow);
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
  const budgetBytes = options.budgetBytes ?? Number.POSITIVE_INFINITY;
  const selection = await selectIndexes({
    candidates: choices,
    existing,
    cost,
    budgetBytes,
    mostPerTable: options.mostPerTable ?? 5,
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
  // What the shadow calls them, also on each partition.
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
  for (const one of prepared)
    ends.push({
      prepared: one,
      costBefore: (await costs.cost(one, before)).cost,
      costAfter: (await costs.cost(one, all)).cost,
    });
  const hasTrigrams = catalog.extensions.some(({ name }) => name === 'pg_trgm');
  const saved = 1 - costAfter / Math.max(selection.costBefore, 1e-9);
  const uncertain = await unknownToServer(prepared, new Set(existing), all, costs, catalog.versionNumber);
  const margin = Math.max(0.05, Math.min(1, fidelity.maxCostError)) * saved;
  const low = saved - margin - uncertain.saved / Math.max(selection.costBefore, 1e-9);
  return {
    verdict: create.length + drop.length > 0 ? 'change' : 'leave',
    reason: reasonOf(create.length, drop.length, saved),
    create,
    drop,
    savedRatio: saved,
    savedRatioInterval: [Math.max(0, low), Math.min(1, saved + margin)],
    rejected,
    statistics: workload.counted ? await statisticsAdvice(prepared, shadow, catalog) : [],
    hints: rewritingHints(ends, { refused: reasons, hasTrigrams }),
    notes: uncertain.notes,
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

/** What is saved by plans that join in a way the server does not know: it will plan otherwise, and may save less. */
async function unknownToServer(
  prepared: readonly RelevantStatement[],
  before: ReadonlySet<string>,
  all: ReadonlySet<string>,
  costs: CostBook,
  versionNumber: number,
): Promise<{ readonly saved: number; readonly notes: readonly string[] }> {
  const notes: string[] = [];
  let saved = 0;
  for (const one of prepared) {
    const after = await costs.cost(one, all);
    const join = unknownJoin(after.plan, versionNumber);
    const former = await costs.cost(one, before);
    if (join === null || former.cost <= after.cost) continue;
    saved += one.statement.calls * (former.cost - after.cost);
    notes.push(
      `PostgreSQL ${Math.floor(versionNumber / 10_000)} has no ${join} Join, which the copy uses for ${one.statement.sql}: what that saves is not in the lower end of the interval.`,
    );
  }
  return { saved, notes };
}

/** An idea as SQL without a name, which is none to run. */
function ideaOf(candidate: IndexCandidate): string {
  return candidateDdl(candidate, '').replace('"" ', '');
}

/** For a URL that can't be one. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof AutopilotError && error.code === 'AP_PLANNER_TARGET_UNREACHABLE';
}
