import type { Page } from './performance.ts';

/** What the suite measures, in the order in which it does. */
export type BenchmarkPartId = 'runtime' | 'compression' | 'database' | 'api' | 'cache';

/**
 * `invalid`: it ended, and its figures are not the service's. `aborted`: it ended itself, so as not to harm. `failed`: it could
 * not be run, or its control plane died.
 */
export type BenchmarkState = 'running' | 'done' | 'invalid' | 'stopped' | 'aborted' | 'failed';

/** One figure of the suite. */
export interface BenchmarkMeasure {
  readonly id: string;
  readonly description: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What scores 100. */
  readonly reference: number;
  /** The median of the rounds; null: it could not be measured. */
  readonly value: number | null;
  /** As they were measured, in order. */
  readonly rounds: readonly number[];
  /** value / reference, or reference / value where lower is better, times 100. */
  readonly score: number | null;
  /** Why it is missing. */
  readonly leftOut: string | null;
}

/** A part of the suite. */
export interface BenchmarkPart {
  readonly id: BenchmarkPartId;
  /** Its share in the score when every part is there. */
  readonly weight: number;
  /** The geometric mean of its measures' scores; null: it was left out. */
  readonly score: number | null;
  /** Why it was left out. */
  readonly leftOut: string | null;
  readonly measures: readonly BenchmarkMeasure[];
}

/** Where it was measured. */
export interface BenchmarkMachine {
  readonly host: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Version of Node.js. */
  readonly node: string;
  /** Version of the server that was measured; null: none was. */
  readonly database: string | null;
  /** Releases of the service that ran. */
  readonly releases: readonly string[];
}

/** What a benchmark found. */
export interface BenchmarkReport {
  /** Version of the suite: only results of the same version are compared. */
  readonly suite: number;
  /** The weighted geometric mean of the parts that are there; null: none is. */
  readonly score: number | null;
  /** How the score is made, as a sentence. */
  readonly composition: string;
  readonly invalidReasons: readonly string[];
  readonly parts: readonly BenchmarkPart[];
  readonly machine: BenchmarkMachine;
  /** Share of the machine that others took while runtime and compression were measured. */
  readonly othersBusyRatio: number;
  readonly tookMs: number;
}

/** A benchmark in a list. */
export interface BenchmarkHead {
  readonly id: string;
  readonly service: string;
  readonly suite: number;
  /** The origin whose API is measured; "machine ..." where there is none. */
  readonly target: string;
  readonly state: BenchmarkState;
  readonly reason: string | null;
  readonly author: string;
  /** How the application calls the author; null: it has not said, or a token did it. */
  readonly authorName: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** null: it has not ended, or measured nothing. */
  readonly score: number | null;
  readonly scores: readonly { readonly part: BenchmarkPartId; readonly score: number }[];
}

/** A benchmark with everything that is known of it. */
export interface Benchmark extends BenchmarkHead {
  /** 0 to 1. */
  readonly progress: number;
  /** What it measures just now; null: nothing. */
  readonly doing: string | null;
  readonly report: BenchmarkReport | null;
}

/** A part of the suite before anything is measured. */
export interface BenchmarkSuitePart {
  readonly id: BenchmarkPartId;
  readonly weight: number;
  readonly measures: readonly string[];
}

/** When a benchmark refuses to run. */
export interface BenchmarkLimits {
  readonly maxBusyRatio: number;
  readonly maxRequestsPerSecond: number;
  /** Whether the caller may start one. */
  readonly mayStart: boolean;
}

/** GET /optimization/benchmark */
export interface BenchmarkList {
  readonly service: string;
  readonly suite: { readonly version: number; readonly parts: readonly BenchmarkSuitePart[] };
  readonly limits: BenchmarkLimits;
  readonly running: BenchmarkHead | null;
  /** The newest that was measured to its end; null: none was. */
  readonly latest: Benchmark | null;
  /** Newest first. */
  readonly benchmarks: readonly BenchmarkHead[];
  readonly page: Page;
}

/** One figure of two benchmarks. */
export interface BenchmarkFigure {
  readonly part: BenchmarkPartId;
  readonly measure: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** after / before, with what the rounds leave open. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: 'better' | 'worse' | 'no-difference';
}

/** GET /optimization/benchmark/{id}/compare */
export interface BenchmarkComparison {
  readonly before: BenchmarkHead;
  readonly after: BenchmarkHead;
  readonly verdict: 'better' | 'worse' | 'mixed' | 'no-difference' | 'not-comparable';
  readonly reasons: readonly string[];
  readonly figures: readonly BenchmarkFigure[];
}
