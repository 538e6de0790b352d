import type {
  AdvisedIndex,
  IndexAdvice,
  ShadowFidelity,
  StatementEffect,
  WorkloadCoverage,
} from '../contract/index-advice.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { ColumnFactsBook } from '../planner/column-facts.ts';
import { rolesOf } from '../planner/column-roles.ts';
import { CostBook, tablesOf } from '../planner/cost-book.ts';
import { type Fidelity, measureFidelity } from '../planner/fidelity.ts';
import {
  candidateDdl,
  candidateKey,
  candidatesFor,
  hypothetical,
  type IndexCandidate,
} from '../planner/index-candidate.ts';
import { IndexNames, indexSteps } from '../planner/index-steps.ts';
import { withValues } from '../planner/parameter-values.ts';
import { type PlanNode, planLines } from '../planner/plan-tree.ts';
import type { HypotheticalIndex, PlannableStatement, Shadow } from '../planner/shadow.ts';
import { buildShadow } from '../planner/shadow-build.ts';
import { qualified } from '../planner/shadow-ddl.ts';
import { SqlParser } from '../planner/sql-parser.ts';
import { readTargetCatalog } from '../planner/target-catalog.ts';
import { TargetSession } from '../planner/target-session.ts';
import { readTargetStatistics } from '../planner/target-statistics.ts';
import {
  type ObservedStatement,
  type Workload,
  type WorkloadStatement,
  workloadOfObserved,
  workloadOfServer,
  workloadOfText,
} from '../planner/workload.ts';
import { selectIndexes } from './index-selection.ts';
import { promisingIndexes } from './promising-indexes.ts';

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
  /** Ends the search early: what was found until then is the advice. */
  readonly signal?: AbortSignal;
  /** Told how far it is, 0 to 1, and what it is at. */
  readonly onProgress?: (progress: number, stage: string) => void;
}

/** Below it the shadow does not plan like the server, and advice would be a guess. */
export const leastSameRatio = 0.75;
/** In the planner's units: an entry in a B-tree, which is as much as a few hundred rows passed by; inverted indexes have many a row. */
const entryCost = { btree: 0.5, gin: 3, brin: 0.02 } as const;

/** A statement with what the shadow knows of it. */
export interface Prepared {
  readonly id: string;
  readonly statement: WorkloadStatement;
  readonly samples: readonly PlannableStatement[];
  readonly relevant: ReadonlySet<string>;
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  readonly candidates: readonly IndexCandidate[];
}

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
  const statistics = await readTargetStatistics(session, catalog.versionNumber);
  const workload =
    options.workload === undefined
      ? await workloadOfServer(session, parser)
      : typeof options.workload === 'string'
        ? workloadOfText(options.workload, parser)
        : workloadOfObserved(options.workload, parser);
  const book = new ColumnFactsBook(catalog, statistics);
  tell(0.05, 'Building the shadow');
  await using shadow = await buildShadow(catalog, statistics);
  tell(0.15, 'Comparing plans with the server');
  const { prepared, skipped } = await prepare(workload, shadow, book, parser);
  const fidelity = await measureFidelity(
    session,
    shadow,
    prepared.flatMap(({ samples }) => samples.slice(0, 1)),
  );
  const common = {
    create: [],
    drop: [],
    savedRatio: 0,
    savedRatioInterval: [0, 0] as const,
    fidelity: toldFidelity(fidelity),
    coverage: coverageOf(prepared, workload),
    skipped,
    rejected: [],
    notes: shadow.notes,
    targetMs: session.databaseMs,
  };
  if (prepared.length === 0) return { ...common, verdict: 'leave', reason: 'There is no statement to advise for.' };
  if (fidelity.compared > 0 && fidelity.same < leastSameRatio * fidelity.compared) {
    const reason = `The shadow plans only ${fidelity.same} of ${fidelity.compared} statements as the server does: advice from it would be a guess.`;
    return { ...common, verdict: 'leave', reason };
  }
  return { ...common, ...(await search(prepared, shadow, book, fidelity, options)), targetMs: session.databaseMs };
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

function coverageOf(prepared: readonly Prepared[], { calls, totalMs }: Workload): WorkloadCoverage {
  const planned = prepared.map(({ statement }) => statement);
  const time = planned.reduce((sum, one) => sum + (one.totalMs ?? 0), 0);
  return {
    statements: planned.length,
    callsRatio: calls === 0 ? 0 : Math.min(1, planned.reduce((sum, one) => sum + one.calls, 0) / calls),
    timeRatio: totalMs === null || totalMs === 0 ? null : Math.min(1, time / totalMs),
  };
}

/** Plans each statement of a workload once; what can't be planned is left out with its reason. */
export async function prepare(
  workload: Workload,
  shadow: Shadow,
  book: ColumnFactsBook,
  parser: SqlParser,
): Promise<{ readonly prepared: readonly Prepared[]; readonly skipped: Workload['skipped'] }> {
  const skipped = [...workload.skipped];
  const drafts: Omit<Prepared, 'relevant'>[] = [];
  const existing = shadow.indexes.map(({ id }) => id);
  await shadow.use(new Set());
  for (const [at, statement] of workload.statements.entries()) {
    try {
      const read = [];
      for (const sql of statement.variants) read.push(await readVariant(sql, shadow, book, parser));
      const samples = read.flatMap((one) => one.samples);
      // A partial index for a value serves only a statement that always asks for that one.
      const everywhere = read
        .map(({ candidates }) => new Set(candidates.map(candidateKey)))
        .reduce((all, keys) => all.intersection(keys));
      const candidates = read
        .flatMap((one) => one.candidates)
        .filter((candidate) => candidate.where === null || everywhere.has(candidateKey(candidate)));
      drafts.push({ id: String(at), statement, samples, tables: read.flatMap((one) => one.tables), candidates });
    } catch (error) {
      skipped.push({ sql: statement.sql, reason: messageOf(error) });
    }
  }
  await shadow.use(new Set(existing));
  return { prepared: drafts.map((draft) => ({ ...draft, relevant: new Set<string>() })), skipped };
}

/** With the indexes that are on tables which each statement touches, as the shadow has them now. */
export function withRelevance(drafts: readonly Prepared[], shadow: Shadow, book: ColumnFactsBook): readonly Prepared[] {
  return drafts.map((draft) => {
    const oids = new Set(draft.tables.map(({ schema, name }) => shadow.oidOf(book.table(schema, name)?.oid ?? 0)));
    const on = shadow.indexes.filter(({ tableOids }) => tableOids.some((oid) => oids.has(oid)));
    return { ...draft, relevant: new Set(on.map(({ id }) => id)) };
  });
}

async function readVariant(
  sql: string,
  shadow: Shadow,
  book: ColumnFactsBook,
  parser: SqlParser,
): Promise<Pick<Prepared, 'samples' | 'tables' | 'candidates'>> {
  const { plan, types } = await shadow.planWithoutValues(sql);
  const { tables, parameters } = rolesOf(plan, parser);
  const samples = withValues(sql, types, parameters, book);
  for (const sample of samples) await shadow.plan(sample);
  return { samples, tables: tablesOf(plan), candidates: tables.flatMap((roles) => candidatesFor(roles, book)) };
}

async function search(
  drafts: readonly Prepared[],
  shadow: Shadow,
  book: ColumnFactsBook,
  fidelity: Fidelity,
  options: IndexAdvisorOptions,
): Promise<
  Pick<IndexAdvice, 'verdict' | 'reason' | 'create' | 'drop' | 'savedRatio' | 'savedRatioInterval' | 'rejected'>
> {
  const startMs = performance.now();
  const searchMs = options.searchMs ?? 30_000;
  const tell = options.onProgress ?? ((): void => {});
  const names = new IndexNames(book);
  const byKey = new Map(drafts.flatMap(({ candidates }) => candidates).map((one) => [candidateKey(one), one]));
  const candidates = new Map([...byKey.values()].map((one, at) => [`autopilot_candidate_${at}`, one]));
  const thought: HypotheticalIndex[] = [];
  const rejected: IndexAdvice['rejected'][number][] = [];
  for (const [id, candidate] of candidates) {
    try {
      thought.push(await hypothetical(candidate, id, book, shadow));
    } catch (error) {
      rejected.push({ ddl: ideaOf(candidate), reason: messageOf(error) });
    }
  }
  for (const [id, reason] of await shadow.add(thought)) {
    const candidate = candidates.get(id);
    if (candidate !== undefined) rejected.push({ ddl: ideaOf(candidate), reason });
  }
  const known = shadow.indexes;
  const existing = known.filter((index) => index.existing).map(({ id }) => id);
  const prepared = withRelevance(drafts, shadow, book);
  const costs = new CostBook(shadow);
  const cost = async (on: ReadonlySet<string>): Promise<number> => {
    let total = 0;
    for (const one of prepared) total += one.statement.calls * (await costs.cost(one, on)).cost;
    return total;
  };
  const over = (): boolean => {
    const spentMs = performance.now() - startMs;
    tell(0.25 + 0.7 * Math.min(1, spentMs / searchMs), 'Searching');
    return spentMs > searchMs || options.signal?.aborted === true;
  };
  const made = new Map([...candidates].filter(([id]) => known.some((index) => index.id === id)));
  const promising = await promisingIndexes(
    prepared,
    made,
    async (at, indexes) => {
      const one = prepared[at];
      return one === undefined ? new Set() : (await costs.cost(one, indexes)).used;
    },
    over,
  );
  const choices = known.flatMap(({ id, bytes }) => {
    const candidate = made.get(id);
    if (candidate === undefined || !promising.has(id)) return [];
    return { id, bytes, table: qualified(candidate.table), writeCost: writeCostOf(candidate, prepared, book) };
  });
  const selection = await selectIndexes({
    candidates: choices,
    existing,
    cost,
    budgetBytes: options.budgetBytes ?? Number.POSITIVE_INFINITY,
    mostPerTable: options.mostPerTable ?? 5,
    over,
  });
  const all = new Set([...existing, ...selection.chosen]);
  const create: AdvisedIndex[] = [];
  const chosenNames = new Map(
    selection.chosen.flatMap((id) => {
      const candidate = candidates.get(id);
      return candidate === undefined ? [] : [[id, names.nameFor(candidate)] as const];
    }),
  );
  // What the shadow calls them, also on each partition.
  const told = new Map(
    known.flatMap((index) => index.names.map((name) => [name, chosenNames.get(index.id) ?? name] as const)),
  );
  for (const id of selection.chosen) {
    const candidate = candidates.get(id);
    const choice = choices.find((one) => one.id === id);
    if (candidate === undefined || choice === undefined) continue;
    const name = chosenNames.get(id) ?? '';
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
    if (!promising.has(id))
      rejected.push({
        ddl: ideaOf(candidate),
        reason: 'No plan of the workload reads it: others serve each statement better.',
      });
  for (const { id, reason } of selection.rejected) {
    const candidate = candidates.get(id);
    if (candidate !== undefined) rejected.push({ ddl: ideaOf(candidate), reason });
  }
  const drop = await replaced(existing, chosenNames, all, candidates, shadow, book, cost);
  const saved = 1 - selection.costAfter / Math.max(selection.costBefore, 1e-9);
  const margin = Math.max(0.05, Math.min(1, fidelity.maxCostError)) * saved;
  return {
    verdict: create.length > 0 ? 'change' : 'leave',
    reason:
      create.length > 0
        ? `${create.length === 1 ? 'One index saves' : `${create.length} indexes save`} ${(100 * saved).toFixed(0)} % of the workload's estimated cost.`
        : 'No index is worth having for this workload: each idea is listed with its reason.',
    create,
    drop,
    savedRatio: saved,
    savedRatioInterval: [Math.max(0, saved - margin), Math.min(1, saved + margin)],
    rejected,
  };
}

/** An idea as SQL without a name, which is none to run. */
function ideaOf(candidate: IndexCandidate): string {
  return candidateDdl(candidate, '').replace('"" ', '');
}

/** What all calls of the workload pay for keeping it: every new row, and every changed one that has a column in it. */
function writeCostOf(candidate: IndexCandidate, prepared: readonly Prepared[], book: ColumnFactsBook): number {
  const columns = new Set([...candidate.keys.flatMap((key) => key.columns), ...candidate.included]);
  return prepared.reduce((total, { statement: { written, kind, calls, rowsWritten }, tables }) => {
    const hit = tables.some(({ schema, name }) => {
      const table = book.table(schema, name);
      return table !== undefined && name === written?.name && book.root(table) === candidate.table;
    });
    if (!hit || written === null || kind === 'delete') return total;
    if (kind === 'update' && !written.columns.some((column) => columns.has(column))) return total;
    // An update that could stay on its page (HOT) has to touch every index once one of its columns is in any.
    const factor = kind === 'update' ? 2 : 1;
    return total + calls * Math.max(rowsWritten, 1) * factor * entryCost[candidate.method];
  }, 0);
}

async function effectsOf(
  id: string,
  all: ReadonlySet<string>,
  before: ReadonlySet<string>,
  prepared: readonly Prepared[],
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

/** Existing indexes whose keys a chosen one begins with, and which no plan misses. */
async function replaced(
  existing: readonly string[],
  /** Those chosen, with their names. */
  chosen: ReadonlyMap<string, string>,
  all: ReadonlySet<string>,
  candidates: ReadonlyMap<string, IndexCandidate>,
  shadow: Shadow,
  book: ColumnFactsBook,
  cost: (on: ReadonlySet<string>) => Promise<number>,
): Promise<IndexAdvice['drop']> {
  const drop: IndexAdvice['drop'][number][] = [];
  const left = new Set(all);
  for (const id of existing) {
    const target = book.indexById(id);
    const by = [...chosen]
      .flatMap(([one, name]) => {
        const candidate = candidates.get(one);
        return candidate === undefined ? [] : { candidate, name };
      })
      .find(({ candidate }) => {
        if (target === undefined || target.method !== candidate.method || candidate.where !== null) return false;
        if (/ WHERE | INCLUDE /.test(target.definition) || target.tableOid !== candidate.table.oid) return false;
        return target.keys.every((key, at) => key.replaceAll('"', '') === candidate.keys[at]?.column);
      });
    if (by === undefined) continue;
    const without = new Set(left);
    without.delete(id);
    if ((await cost(without)) > 1.001 * (await cost(left))) continue;
    left.delete(id);
    const bytes = shadow.indexes.find((index) => index.id === id)?.bytes ?? 0;
    const online = by.candidate.table.kind === 'p' ? '' : 'CONCURRENTLY ';
    drop.push({
      ddl: `DROP INDEX ${online}${id}`,
      bytes,
      reason: `${by.name} begins with its columns and serves every plan that used it.`,
    });
  }
  return drop;
}

function buildSeconds({ table }: IndexCandidate, bytes: number, book: ColumnFactsBook): number {
  const pages = book.leaves(table).reduce((total, leaf) => total + leaf.pages, 0);
  // Reading at 300 MB/s, sorting a million rows a second, writing at 200 MB/s.
  return (pages * 8_192) / 3e8 + book.rows(table) / 1e6 + bytes / 2e8;
}

/** For a URL that can't be one. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof AutopilotError && error.code === 'AP_PLANNER_TARGET_UNREACHABLE';
}
