import type { Page } from './performance.ts';

/** What recommendations are about. Each has a mode of its own. */
export type TuningCategory = 'indexes' | 'settings' | 'tables' | 'application';
/** Names of what recommendations are about. */
export const tuningCategories: readonly TuningCategory[] = ['indexes', 'settings', 'tables', 'application'];

/** Time after a change for the same calls: 0.4 is three fifths less. The interval holds it in four of five cases. */
export interface PredictedEffect {
  readonly effect: number;
  readonly low: number;
  readonly high: number;
  readonly savedMsPerHour: number;
  /** Trials of this kind that the width of the interval was learnt from. */
  readonly learntFrom: number;
}

/** What a recommendation does for one statement. */
export interface RecommendedStatement {
  readonly text: string;
  /** null: the server does not say how often it is called. */
  readonly callsPerHour: number | null;
  readonly msPerHour: number | null;
  /** In the planner's units. */
  readonly costBefore: number;
  readonly costAfter: number;
  readonly planBefore: readonly string[];
  readonly planAfter: readonly string[];
}

/** `trying`: a trial of it is open. `applied`: it was tried and kept. */
export type RecommendationState = 'open' | 'dismissed' | 'trying' | 'applied';

/** Something that could be changed, or should be left as it is. */
export interface Recommendation {
  /** The same as long as it asks for the same. */
  readonly id: string;
  readonly category: TuningCategory;
  readonly database: string;
  readonly verdict: 'change' | 'leave';
  readonly subject: string;
  /** What would be done, as statements. */
  readonly change: readonly string[];
  /** What would take it back. */
  readonly undo: readonly string[];
  readonly reason: string;
  readonly evidence: readonly string[];
  /** null: nobody can say in figures. */
  readonly predicted: PredictedEffect | null;
  readonly statements: readonly RecommendedStatement[];
  /** Disk that it takes; null: none, or not known. */
  readonly bytes: number | null;
  readonly risk: 'low' | 'medium' | 'high';
  readonly effort: string;
  /** Whether the autopilot can apply it and take it back. */
  readonly automatic: boolean;
  /** Why it can not; null: it can. */
  readonly obstacle: string | null;
  readonly state: RecommendationState;
  /** The newest trial of it. */
  readonly trial: string | null;
  readonly dismissal: {
    readonly author: string;
    readonly authorName: string | null;
    readonly reason: string;
    readonly at: string;
  } | null;
  /** By what means it was found. */
  readonly means: string;
}

/** GET /optimization/recommendations */
export interface RecommendationList {
  readonly service: string;
  /** When they were worked out; null: they are for the first time. */
  readonly computedAt: string | null;
  readonly computing: boolean;
  /** Those that save most time first, then what is left as it is. */
  readonly recommendations: readonly Recommendation[];
  /** How many changes are recommended, on all pages together. */
  readonly changes: number;
  readonly notes: readonly string[];
  readonly page: Page;
}

/** How far a trial has got. The last three are ends. */
export type TrialState = 'proposed' | 'applying' | 'watching' | 'reverting' | 'kept' | 'reverted' | 'refused';

/** What was measured: time for the same calls, after : before. */
export interface MeasuredEffect {
  readonly verdict: 'better' | 'worse' | 'no difference' | 'not enough evidence';
  readonly effect: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** How many times likelier the measurements are with an effect than without one. */
  readonly evidence: number;
}

/** A trial in a list. Orders by hand (versions of the configuration) are among them, without predictions. */
export interface TrialHead {
  readonly id: string;
  readonly service: string;
  readonly kind: string;
  readonly category: string | null;
  readonly subject: string;
  readonly author: string;
  /** As the application calls this user; null: it has not said. */
  readonly authorName: string | null;
  readonly origin: 'person' | 'autopilot';
  readonly state: TrialState;
  readonly reason: string;
  readonly at: string;
  readonly updatedAt: string;
  readonly appliedAt: string | null;
  readonly endedAt: string | null;
  readonly predicted: PredictedEffect | null;
  readonly measured: MeasuredEffect | null;
}

/** One statement of a trial. */
export interface TrialStatement {
  readonly text: string;
  readonly verdict: MeasuredEffect['verdict'];
  readonly callsBefore: number;
  readonly callsAfter: number;
  readonly meanMsBefore: number | null;
  readonly meanMsAfter: number | null;
  readonly buffersBefore: number | null;
  readonly buffersAfter: number | null;
  readonly effect: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly evidence: number;
  /** null: it was not called, or an older release measured it. */
  readonly spreadBefore: TrialSpread | null;
  readonly spreadAfter: TrialSpread | null;
}

/** How the time a call was spread over the stretches of time that were measured; ms. */
export interface TrialSpread {
  /** With calls. */
  readonly stretches: number;
  /** Least, 10 %, a quarter, half, three quarters, 90 %, most. */
  readonly quantiles: readonly number[];
}

/** What no change may harm: the worst of before, the newest, and the limit beyond which the change goes at once. */
export interface TrialGuard {
  readonly metric: 'errors' | 'p99' | 'throughput' | 'processor' | 'memory';
  readonly unit: 'ratio' | 'ms' | 'requests/s' | 'bytes';
  /** Of errors the share of all requests; of throughput the least; else the most of any stretch of time. */
  readonly before: number | null;
  readonly after: number | null;
  readonly limit: number | null;
}

/** Something that happened in a trial. */
export interface TrialStep {
  readonly at: string;
  readonly text: string;
}

/** A stretch of time of a trial that is open. */
export interface TrialMoment {
  readonly at: string;
  readonly phase: 'before' | 'after';
  readonly durationMs: number;
  readonly calls: number;
  /** Of the affected statements. */
  readonly meanMs: number | null;
}

/** One instance tries what is meant for all, compared with the others at the same time. */
export interface TrialCanary {
  readonly instance: string;
  /** That it is compared with. */
  readonly others: number;
  /** When all were given what it kept; null: they were not. */
  readonly promotedAt: string | null;
}

/** GET /optimization/trials/{id} */
export interface TrialDetail extends TrialHead {
  readonly database: string | null;
  readonly recommendation: string | null;
  readonly change: readonly string[];
  readonly undo: readonly string[];
  readonly statements: readonly TrialStatement[];
  /** null: it is tried where it is to stay. */
  readonly canary: TrialCanary | null;
  /** Empty: nothing was heard of the service. */
  readonly guards: readonly TrialGuard[];
  readonly steps: readonly TrialStep[];
  /** Empty once it has ended. */
  readonly moments: readonly TrialMoment[];
  /** 0 to 1, of what is being built; null: nothing is. */
  readonly buildProgress: number | null;
}

/** How predictions of one kind have held so far. */
export interface Calibrated {
  readonly trials: number;
  /** Of them, within their interval of 80 %. */
  readonly within: number;
  /** Half the width of the next interval, as a factor: 1.5 is two thirds to one and a half times the prediction. */
  readonly nextFactor: number;
  /** What the model predicts next is multiplied with it: over 1 it has been too bright. */
  readonly nextBias: number;
}

/** How predictions have held so far, all together and by what they were about. */
export interface TuningCalibration extends Calibrated {
  readonly categories: readonly (Calibrated & { readonly category: string })[];
}

/** GET /optimization/trials */
export interface TrialList {
  readonly service: string;
  readonly trials: readonly TrialHead[];
  readonly calibration: TuningCalibration;
  /** Why the autopilot changes nothing by itself; null: it may. */
  readonly stopped: string | null;
  readonly page: Page;
}

/** What POST /optimization/auto-tune takes. */
export interface AutoTuneOrder {
  /** Default plan, which changes nothing. */
  readonly mode?: 'plan' | 'apply';
  /** Default 1: one scope has one trial at a time anyway. */
  readonly maxChanges?: number;
  readonly categories?: readonly TuningCategory[];
}

/** One recommendation as auto-tune looks at it. */
export interface AutoTuneStep {
  readonly recommendation: string;
  readonly subject: string;
  readonly category: TuningCategory;
  readonly change: readonly string[];
  readonly predicted: PredictedEffect | null;
  readonly allowed: boolean;
  /** Each guard that says no, with its numbers. */
  readonly refusals: readonly string[];
  /** The trial that was begun; null: none was. */
  readonly trial: string | null;
}

/** What POST /optimization/auto-tune answers. */
export interface AutoTuneAnswer {
  readonly service: string;
  readonly mode: 'plan' | 'apply';
  readonly steps: readonly AutoTuneStep[];
  readonly notes: readonly string[];
}
