import type { ErrorCode } from './error-table.ts';
import type {
  AdvisedIndex,
  IndexAdvice,
  IndexAdviceAnswer,
  IndexAdviceRun,
  PlanningEngineKind,
  SecondOpinion,
  ShadowFidelity,
  StatementEffect,
  WorkloadCoverage,
} from './index-advice.ts';
import { job } from './load-test-shapes.ts';
import type { Job } from './load-tests.ts';
import type { Operation } from './operations.ts';
import { name, optional, service } from './operations-parameters.ts';
import { bytes, count, ms, orNull, ratio, text, texts, time } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';

/** Parameters of GET /performance/database/indexes/advice. */
export interface IndexAdviceQuery {
  readonly service?: string;
  /** A watched database by its name; default: the first. */
  readonly database?: string;
}

/** Parameters of POST /performance/database/indexes/advice. */
export interface StartIndexAdviceQuery extends IndexAdviceQuery {
  /** What new indexes may take together; default: no limit. */
  readonly budgetBytes?: number;
  /** New indexes that a table may get; default 5. */
  readonly mostPerTable?: number;
  /** For the search; default 30. */
  readonly seconds?: number;
  /** What plans; default `shadow`. `hypopg` needs that extension on the database, which each plan is a statement for. */
  readonly engine?: PlanningEngineKind;
  /** Copies no value of a row; default false. */
  readonly withoutSamples?: boolean;
}

/** The types of the calls about index advice, by operationId. */
export interface IndexAdviceOperationTypes {
  readonly getIndexAdvice: { readonly query: IndexAdviceQuery; readonly answer: IndexAdviceAnswer };
  readonly startIndexAdvice: { readonly query: StartIndexAdviceQuery; readonly answer: Job };
}

/** Names a call about index advice. */
export type IndexAdviceOperationId = keyof IndexAdviceOperationTypes;

const number = { kind: 'number' } as const;
const database = optional(name('A watched database by its name; default: the first'));
const path = '/api/v1/performance/database/indexes/advice';
const PROBLEMS: readonly ErrorCode[] = ['AP_SERVICE_UNKNOWN', 'AP_DATABASE_UNKNOWN'];

const effect: ShapeOf<StatementEffect> = {
  kind: 'object',
  name: 'StatementEffect',
  fields: { sql: text, calls: number, costBefore: number, costAfter: number, planBefore: texts, planAfter: texts },
};

/** The shape of an index worth having. */
export const advisedIndex: ShapeOf<AdvisedIndex> = {
  kind: 'object',
  name: 'AdvisedIndex',
  fields: {
    ddl: text,
    steps: texts,
    table: text,
    bytes,
    buildSeconds: number,
    writeRatio: number,
    statements: { kind: 'array', of: effect },
  },
};

const fidelity: ShapeOf<ShadowFidelity> = {
  kind: 'object',
  name: 'ShadowFidelity',
  fields: {
    compared: count,
    same: count,
    medianCostError: number,
    maxCostError: number,
    different: { kind: 'array', of: { kind: 'object', fields: { sql: text, real: texts, shadow: texts } } },
  },
};

const secondOpinion: ShapeOf<SecondOpinion> = {
  kind: 'object',
  name: 'SecondOpinion',
  fields: {
    engine: { kind: 'string', values: ['hypopg'] },
    statements: count,
    same: count,
    savedRatio: number,
    shadowSavedRatio: number,
  },
};

const coverage: ShapeOf<WorkloadCoverage> = {
  kind: 'object',
  name: 'WorkloadCoverage',
  fields: { statements: count, callsRatio: ratio, timeRatio: orNull(ratio) },
};

const advice: ShapeOf<IndexAdvice> = {
  kind: 'object',
  name: 'IndexAdvice',
  fields: {
    engine: { kind: 'string', values: ['shadow', 'hypopg'] },
    verdict: { kind: 'string', values: ['change', 'leave'] },
    reason: text,
    create: { kind: 'array', of: advisedIndex },
    drop: { kind: 'array', of: { kind: 'object', fields: { ddl: text, bytes, reason: text } } },
    savedRatio: number,
    savedRatioInterval: { kind: 'array', of: number, description: 'From, to' },
    fidelity,
    secondOpinion: orNull(secondOpinion),
    coverage,
    skipped: { kind: 'array', of: { kind: 'object', fields: { sql: text, reason: text } } },
    rejected: { kind: 'array', of: { kind: 'object', fields: { ddl: text, reason: text } } },
    statistics: { kind: 'array', of: { kind: 'object', fields: { ddl: text, fill: text, sql: text, reason: text } } },
    hints: { kind: 'array', of: { kind: 'object', fields: { sql: text, hint: text } } },
    notes: texts,
    targetMs: ms,
    targetStatements: count,
  },
};

const run: ShapeOf<IndexAdviceRun> = {
  kind: 'object',
  name: 'IndexAdviceRun',
  fields: {
    id: text,
    database: text,
    state: { kind: 'string', values: ['running', 'done', 'cancelled', 'failed'] },
    progress: ratio,
    message: text,
    startedAt: time,
    startedBy: text,
    endedAt: orNull(time),
    catalog: orNull(text),
    advice: orNull(advice),
  },
};

/** Every call about index advice. */
export const indexAdviceOperations: {
  readonly [Id in IndexAdviceOperationId]: Operation<
    IndexAdviceOperationTypes[Id]['query'],
    IndexAdviceOperationTypes[Id]['answer']
  >;
} = {
  getIndexAdvice: {
    method: 'GET',
    path,
    tag: 'Performance',
    summary:
      'Which indexes the workload wants, with plans before and after, and why not others: what was worked out last',
    scope: 'read',
    query: { kind: 'object', fields: { service, database } },
    answer: {
      kind: 'object',
      name: 'IndexAdviceAnswer',
      fields: { name: text, running: orNull(run), latest: orNull(run), outdated: { kind: 'boolean' } },
    },
    mediaTypes: ['application/json'],
    problems: PROBLEMS,
  },
  startIndexAdvice: {
    method: 'POST',
    path,
    tag: 'Performance',
    summary: 'Works out index advice for what the server and the applications have counted; changes nothing',
    description:
      'Answers 202 at once, with the job in `Location`. The database is read in one read-only transaction and asked for plans; all else happens in a copy of its statistics beside the control plane.',
    scope: 'operate',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        budgetBytes: optional({
          kind: 'integer',
          min: 0,
          unit: 'bytes',
          description: 'What new indexes may take together; default: no limit',
        } as const),
        mostPerTable: optional({
          kind: 'integer',
          min: 1,
          max: 50,
          description: 'New indexes that a table may get; default 5',
        } as const),
        seconds: optional({ kind: 'integer', min: 1, max: 600, description: 'For the search; default 30' } as const),
        engine: optional({
          kind: 'string',
          values: ['shadow', 'hypopg'],
          description:
            'What plans: a copy without rows, or the database itself by its extension HypoPG, where each plan is a statement for it; default shadow',
        } as const),
        withoutSamples: optional({
          kind: 'boolean',
          description: 'Copies no value of a row: those in statistics are replaced, in their order; default false',
        } as const),
      },
    },
    answer: job,
    mediaTypes: ['application/json'],
    problems: [...PROBLEMS, 'AP_ADVICE_RUNNING', 'AP_CROSS_SITE'],
  },
};
