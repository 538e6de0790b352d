import type { Timestamp } from './performance.ts';

/** What an index does for one statement. Costs in the planner's units, the mean over the values that were planned. */
export interface StatementEffect {
  readonly sql: string;
  readonly calls: number;
  readonly costBefore: number;
  readonly costAfter: number;
  /** In lines, as EXPLAIN writes them. */
  readonly planBefore: readonly string[];
  readonly planAfter: readonly string[];
}

/** An index worth having. */
export interface AdvisedIndex {
  /** CREATE INDEX; for a partitioned table the plain one, which holds up writes. */
  readonly ddl: string;
  /** What to run instead where others work: each by itself, in order, outside a transaction. */
  readonly steps: readonly string[];
  readonly table: string;
  readonly bytes: number;
  /** A guess from the sizes of table and index. */
  readonly buildSeconds: number;
  /** What the workload's writes pay for it, as a ratio of the workload's cost. */
  readonly writeRatio: number;
  readonly statements: readonly StatementEffect[];
}

/** How faithfully the shadow plans, measured against the real planner. Costs as ratios: 0.01 is one percent off. */
export interface ShadowFidelity {
  /** Statements that both planned. */
  readonly compared: number;
  /** Those that got the same plan. */
  readonly same: number;
  readonly medianCostError: number;
  readonly maxCostError: number;
  /** The first of those that got another plan, with both. */
  readonly different: readonly {
    readonly sql: string;
    readonly real: readonly string[];
    readonly shadow: readonly string[];
  }[];
}

/** What plans: a copy without rows, or the database itself with the extension HypoPG. */
export type PlanningEngineKind = 'shadow' | 'hypopg';

/** What HypoPG on the database says of advice from a shadow. Ratios are of those statements' cost, for the first of their values. */
export interface SecondOpinion {
  readonly engine: 'hypopg';
  /** Statements that it was asked for: those that read a new index of a kind it knows. */
  readonly statements: number;
  /** Those that read the same new indexes. */
  readonly same: number;
  readonly savedRatio: number;
  /** What the shadow says of the same statements. */
  readonly shadowSavedRatio: number;
}

/** How much of what the database does the advice has seen. */
export interface WorkloadCoverage {
  /** Statements that were planned. */
  readonly statements: number;
  /** Their share of the calls. */
  readonly callsRatio: number;
  /** Their share of the time the server spent; null: nobody measured it. */
  readonly timeRatio: number | null;
}

/** Advice for a whole workload. Ratios are of the workload's cost: 0.4 is forty percent less. */
export interface IndexAdvice {
  /** What planned it. */
  readonly engine: PlanningEngineKind;
  readonly verdict: 'change' | 'leave';
  readonly reason: string;
  readonly create: readonly AdvisedIndex[];
  /** Existing indexes that the plans of the workload do without once those are there. */
  readonly drop: readonly { readonly ddl: string; readonly bytes: number; readonly reason: string }[];
  readonly savedRatio: number;
  /** The same, less and plus what the shadow's costs were measured to be off. */
  readonly savedRatioInterval: readonly number[];
  /** Of the shadow; nothing is compared where the database plans for itself. */
  readonly fidelity: ShadowFidelity;
  /** Null: the database has no HypoPG, or there was nothing to ask it. */
  readonly secondOpinion: SecondOpinion | null;
  readonly coverage: WorkloadCoverage;
  /** Statements that were left out, with the reason. */
  readonly skipped: readonly { readonly sql: string; readonly reason: string }[];
  /** Ideas that were not taken, with the reason. */
  readonly rejected: readonly { readonly ddl: string; readonly reason: string }[];
  /** Statistics that are missing: columns that belong together, which the planner takes for independent. */
  readonly statistics: readonly {
    readonly ddl: string;
    /** What fills them. */
    readonly fill: string;
    /** The statement that showed it. */
    readonly sql: string;
    readonly reason: string;
  }[];
  /** Statements that no index helps as they stand, and how they could be written. */
  readonly hints: readonly { readonly sql: string; readonly hint: string }[];
  readonly notes: readonly string[];
  /** ms: how long the database was waited for in all. */
  readonly targetMs: number;
  /** How many statements it was sent. */
  readonly targetStatements: number;
}

/** One working out of index advice. */
export interface IndexAdviceRun {
  /** Also of its job. */
  readonly id: string;
  /** The watched database. */
  readonly database: string;
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  /** What it is at, or why it failed. */
  readonly message: string;
  readonly startedAt: Timestamp;
  readonly startedBy: string;
  readonly endedAt: Timestamp | null;
  /** A digest of the indexes that there were; null: they could not be read. */
  readonly catalog: string | null;
  readonly advice: IndexAdvice | null;
}

/** GET /performance/database/indexes/advice */
export interface IndexAdviceAnswer {
  readonly name: string;
  /** The one that runs; null: none does. */
  readonly running: IndexAdviceRun | null;
  /** The last that ended, also before the control plane began; null: there was none. */
  readonly latest: IndexAdviceRun | null;
  /** Indexes have come or gone, or changed, since `latest` was worked out. */
  readonly outdated: boolean;
}
