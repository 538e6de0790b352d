import type { IndexAdviceRun } from '../contract/index-advice.ts';
import type { StatementCounter } from '../contract/statement-counters.ts';
import type { PlanStep } from '../contract/statement-plan.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** Counters of a statement: a standing since its server counts, or an increase. */
export type Counters = Readonly<Record<StatementCounter, number>>;

/** Names a statement of a watched database. */
export interface StatementKey {
  /** pg_stat_statements.queryid */
  readonly queryId: string;
  readonly role: string;
}

/** A statement as its server counted it last. */
export interface StatementStanding extends StatementKey {
  /** Without literals; null: not read yet, or not to be seen. */
  readonly text: string | null;
  /** A statement of the autopilot. */
  readonly isOwn: boolean;
  /** Since when its server counts it; null: since the reset of all, or not known. */
  readonly since: string | null;
  readonly counters: Counters;
}

/** What a statement did. */
export interface StatementIncrease extends StatementKey {
  readonly counters: Counters;
}

/** What a statement did in a step of time. */
export interface StatementStep extends StatementIncrease {
  readonly at: EpochMs;
}

/** A database as a whole at one moment, by names of DatabaseVitals; null: not measured. */
export interface DatabaseSample {
  readonly at: EpochMs;
  readonly values: Readonly<Record<string, number | null>>;
}

/** A table as it stood; counts are since its server counts. */
export interface TableStanding {
  /** With its schema: "public.tasks". */
  readonly relation: string;
  /** null: not measured. */
  readonly totalBytes: number | null;
  readonly liveRows: number;
  readonly deadRows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly hotUpdated: number;
  /** By hand and by autovacuum. */
  readonly vacuums: number;
}

/** A table as it stood at the end of an hour. */
export interface TableHour extends TableStanding {
  /** The beginning of the hour. */
  readonly at: EpochMs;
}

/** A plan that a statement was found to have. */
export interface FoundPlan {
  readonly queryId: string;
  readonly fingerprint: string;
  readonly cost: number;
  readonly steps: readonly PlanStep[];
}

/** A plan that a statement has or had. */
export interface StoredPlan extends FoundPlan {
  readonly firstAt: EpochMs;
  /** Since when it was found without another in between. */
  readonly sinceAt: EpochMs;
  readonly lastAt: EpochMs;
}

/** What is handed in at once: all of it is kept, or nothing. */
export interface DatabaseBatch {
  /** One of its own for each batch: handed in twice, it counts once. */
  readonly at: EpochMs;
  /** Only those that have changed. */
  readonly standings: readonly StatementStanding[];
  readonly increases: readonly StatementIncrease[];
  readonly sample: DatabaseSample['values'];
  readonly tables: readonly TableStanding[];
}

const DAY_MS = 86_400_000;
/** The steps of time that statements are kept by. */
export const statementStepsMs = { minute: 60_000, hour: 3_600_000 } as const;
export type StatementStepMs = (typeof statementStepsMs)[keyof typeof statementStepsMs];

/** How long what is seen of databases is kept. */
export const databaseHistoryKeptMs: Readonly<Record<'minutes' | 'hours' | 'samples' | 'standings', number>> = {
  minutes: DAY_MS,
  hours: 100 * DAY_MS,
  samples: 8 * DAY_MS,
  /** A statement that its server has not counted anew for so long is forgotten. */
  standings: 100 * DAY_MS,
};

/** Keeps what is seen of watched databases; every implementation passes test/contract/database-history.test.ts. */
export interface DatabaseHistory {
  /** Every statement of a database as it was counted last. */
  standings(database: string): Promise<readonly StatementStanding[]>;
  append(database: string, batch: DatabaseBatch): Promise<void>;
  /** What each statement did in [from, to), added up; by whole steps. */
  increases(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
  ): Promise<readonly StatementIncrease[]>;
  /** Steps in [from, to), oldest first; of one statement (of all roles), or of all. */
  steps(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
    queryId: string | null,
  ): Promise<readonly StatementStep[]>;
  /** In [from, to), oldest first. */
  samples(database: string, from: EpochMs, to: EpochMs): Promise<readonly DatabaseSample[]>;
  /** Hours that begin in [from, to), oldest first; of one table, or of all. */
  tableHours(database: string, from: EpochMs, to: EpochMs, relation: string | null): Promise<readonly TableHour[]>;
  /** The latest index advice of a database that was kept. */
  indexAdvice(database: string): Promise<IndexAdviceRun | null>;
  /** Keeps index advice in the place of that from before; what ended earlier than what is kept is not kept. */
  keepIndexAdvice(run: IndexAdviceRun & { readonly endedAt: string }): Promise<void>;
  /** Keeps the plan that a statement was found to have at a moment; later than those before. */
  keepPlan(database: string, at: EpochMs, plan: FoundPlan): Promise<void>;
  /** Plans of one statement, or of all, the latest first; without a statement named their steps are left out. */
  plans(database: string, queryId: string | null): Promise<readonly StoredPlan[]>;
  /** Drops what is older than is kept. */
  prune(now: EpochMs): Promise<void>;
  close(): Promise<void>;
}
