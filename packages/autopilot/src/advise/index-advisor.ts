import type { IndexAdvice, PlanningEngineKind, ShadowFidelity } from '../contract/index-advice.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { ColumnFactsBook } from '../planner/column-facts.ts';
import { type Fidelity, isFaithful, measureFidelity } from '../planner/fidelity.ts';
import { HypopgEngine } from '../planner/hypopg-engine.ts';
import { planLines } from '../planner/plan-tree.ts';
import type { PlanningEngine } from '../planner/planning-engine.ts';
import { withoutSamples } from '../planner/private-statistics.ts';
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
import { type SearchLimits, searchIndexes } from './index-search.ts';
import { coverageOf, type PreparedWorkload, prepareWorkload } from './prepared-workload.ts';
import { secondOpinion } from './second-opinion.ts';
import { type ShadowKeeper, shadowForOnce } from './shadow-keeper.ts';

export interface IndexAdvisorOptions extends SearchLimits {
  /** The database; an account that may read suffices. */
  readonly url: string;
  /** SQL to advise for, or what was counted; absent: what pg_stat_statements knows. */
  readonly workload?: string | readonly ObservedStatement[];
  /** What plans; default a shadow. `hypopg` is the database itself with that extension: each plan is a statement for it. */
  readonly engine?: PlanningEngineKind;
  /** Copies no value of a row: those in statistics are replaced, literals of the workload become parameters. Default false. */
  readonly withoutSamples?: boolean;
  /** What advice from a shadow may cost the database in all, in ms, as long as fifty statements were compared; default 90. */
  readonly mostTargetMs?: number;
  /** Where the shadow comes from and goes back to; default: one is built and ends with the advice. */
  readonly shadows?: ShadowKeeper;
}

/** ms. */
const defaultMostTargetMs = 90;

/**
 * Reads a database and advises on indexes for a workload, planned in a shadow of it or by its own HypoPG. The database is only read and asked
 * for plans; nothing is run. Takes 2 s and the time for the search.
 * @throws AutopilotError AP_PLANNER_TARGET_UNREACHABLE; AP_PLANNER_ENGINE: the engine that was asked for can't be had
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
  const read: ReadTarget = { options, session, catalog, book, workload };
  if (options.engine === 'hypopg') {
    if (isPrivate)
      throw new AutopilotError(
        'AP_PLANNER_ENGINE',
        'HypoPG plans on the database itself and copies nothing that could be left out.',
        {
          remedy: 'Ask without --without-samples, or for a shadow.',
        },
      );
    // The server answers for itself: nothing of it is copied, and nothing has to be compared.
    await session[Symbol.asyncDispose]();
    await using engine = await HypopgEngine.open(options.url, catalog);
    tell(0.15, 'Asking the database');
    const prepared = await prepareWorkload(workload, engine, book, parser, catalog.leftOut);
    const advice = await advise(read, { kind: 'hypopg', engine, prepared, fidelity: null });
    return {
      ...advice,
      targetMs: session.databaseMs + engine.databaseMs,
      targetStatements: session.statements + engine.statements,
    };
  }
  tell(0.05, 'Building the shadow');
  await using lent = await (options.shadows?.lend(catalog, statistics) ?? shadowForOnce(catalog, statistics));
  const { shadow } = lent;
  tell(0.15, 'Comparing plans with the server');
  const prepared = await prepareWorkload(workload, shadow, book, parser, catalog.leftOut);
  // A server is sent no values that are made up: it would plan for rare ones.
  const hasGenericPlans = catalog.versionNumber >= 160_000;
  const fidelity = await measureFidelity(
    session,
    shadow,
    prepared.prepared
      .flatMap(({ samples }) => samples.slice(0, 1))
      .filter(({ values }) => !isPrivate || hasGenericPlans || values.length === 0),
    { mostTargetMs: options.mostTargetMs ?? defaultMostTargetMs, withoutValues: isPrivate && hasGenericPlans },
  );
  // From here on the target is not needed: a transaction left open there would keep VACUUM from its work.
  await session[Symbol.asyncDispose]();
  return await advise(read, { kind: 'shadow', engine: shadow, prepared, fidelity });
}

/** What was read of a target to advise on it. */
interface ReadTarget {
  readonly options: IndexAdvisorOptions;
  readonly session: TargetSession;
  readonly catalog: TargetCatalog;
  readonly book: ColumnFactsBook;
  readonly workload: Workload;
}

/** What plans, what it was given, and how it compares with the server; null: it is the server. */
interface PlannedBy {
  readonly kind: PlanningEngineKind;
  readonly engine: PlanningEngine;
  readonly prepared: PreparedWorkload;
  readonly fidelity: Fidelity | null;
}

async function advise(
  { options, session, catalog, book, workload }: ReadTarget,
  { kind, engine, prepared: { prepared: planned, skipped: unplanned }, fidelity }: PlannedBy,
): Promise<IndexAdvice> {
  const doubtful = fidelity?.doubtful ?? [];
  const doubts = new Set(doubtful.map(({ sql }) => sql));
  const prepared = planned.filter(({ samples }) => !doubts.has(samples[0]?.sql ?? ''));
  const secured = (sql: string): boolean =>
    planned.some(
      ({ samples, tables }) =>
        samples[0]?.sql === sql && tables.some((one) => book.table(one.schema, one.name)?.rowSecurity === true),
    );
  const skipped = [
    ...unplanned,
    ...doubtful.map(({ sql, reason }) => ({
      sql,
      reason: secured(sql)
        ? `Its tables have row-level security, which the copy leaves out as it depends on the account. ${reason}`
        : reason,
    })),
  ];
  const isPrivate = options.withoutSamples === true;
  const common = {
    engine: kind,
    create: [],
    drop: [],
    savedRatio: 0,
    savedRatioInterval: [0, 0] as const,
    fidelity: toldFidelity(fidelity),
    secondOpinion: null,
    coverage: coverageOf(prepared, workload),
    skipped,
    rejected: [],
    statistics: [],
    hints: [],
    notes: [
      ...engine.notes,
      ...leftNotes(fidelity),
      ...(isPrivate ? privateNotes(catalog.versionNumber >= 160_000) : []),
    ],
    targetMs: session.databaseMs,
    targetStatements: session.statements,
  };
  if (fidelity !== null && !isFaithful(fidelity)) {
    const reason = `The shadow plans only ${fidelity.same} of ${fidelity.compared} statements as the server does: advice from it would be a guess.`;
    return { ...common, verdict: 'leave', reason };
  }
  if (prepared.length === 0) return { ...common, verdict: 'leave', reason: 'There is no statement to advise for.' };
  const costError = fidelity?.maxCostError ?? 0;
  const found = await searchIndexes({
    drafts: prepared,
    skipped,
    workload,
    engine,
    catalog,
    book,
    costError,
    limits: options,
  });
  const advice = { ...common, ...found.advice, notes: [...common.notes, ...found.advice.notes] };
  // Values that are made up would be planned for as if they were rare.
  if (kind === 'hypopg' || isPrivate) return advice;
  const opinion = await secondOpinion(options.url, catalog, book, {
    create: found.create,
    statements: found.statements,
    mostMs: (options.mostTargetMs ?? defaultMostTargetMs) - session.databaseMs,
  });
  if (opinion === null) return advice;
  const { databaseMs, sent, ...told } = opinion;
  return {
    ...advice,
    secondOpinion: told,
    targetMs: advice.targetMs + databaseMs,
    targetStatements: advice.targetStatements + sent,
  };
}

function leftNotes(fidelity: Fidelity | null): readonly string[] {
  const left = fidelity?.left ?? 0;
  return left === 0
    ? []
    : [`${left} of the lighter statements were not compared with the server, to ask no more than about 0.1 s of it.`];
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

function toldFidelity(fidelity: Fidelity | null): ShadowFidelity {
  if (fidelity === null) return { compared: 0, same: 0, medianCostError: 0, maxCostError: 0, different: [] };
  const { compared, same, medianCostError, maxCostError, different } = fidelity;
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

/** For a URL that can't be one. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof AutopilotError && error.code === 'AP_PLANNER_TARGET_UNREACHABLE';
}
