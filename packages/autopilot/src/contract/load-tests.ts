import type { Page } from './performance.ts';

/** Carries the secret by which agents know the requests of a test that is kept apart. */
export const LOAD_MARK_HEADER = 'x-autopilot-load-mark';

/** What a load test is to find out. */
export type LoadTestKind = 'smoke' | 'load' | 'spike' | 'soak' | 'stress';

/** `missed`: a threshold was. `aborted`: it ended itself at a limit. `failed`: it could not be run, or its control plane died. */
export type LoadTestState = 'running' | 'passed' | 'missed' | 'invalid' | 'stopped' | 'aborted' | 'failed';

/** The figures of a test that has ended. Latencies are response times, from when a request was due. */
export interface LoadTestSummary {
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Of a stress test: the highest level that met the objective, in `kneeUnit`. */
  readonly knee: number | null;
  readonly kneeUnit: string | null;
}

/** A load test in a list. */
export interface LoadTestHead {
  readonly id: string;
  readonly service: string;
  readonly name: string;
  readonly kind: LoadTestKind;
  readonly target: string;
  readonly state: LoadTestState;
  /** Why it is in this state, where that needs words. */
  readonly reason: string | null;
  readonly author: string;
  /** How the application calls the author; null: it has not said, or a token did it. */
  readonly authorName: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** null: it has not ended, or measured nothing. */
  readonly summary: LoadTestSummary | null;
}

/** A moment of a running test. Counts are of the whole run so far, rates and percentiles of the last second. */
export interface LoadTestProgress {
  readonly phase: 'preparing' | 'warming-up' | 'measuring' | 'draining';
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly users: number;
  readonly waiting: number;
  readonly requests: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly dropped: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** A second of a test that has ended. */
export interface LoadTestSecond {
  /** After the end of the warm-up. */
  readonly fromMs: number;
  readonly ratePerSecond: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** One step of a plan, with its failures by kind. */
export interface LoadTestStep {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly errors: readonly { readonly kind: string; readonly count: number }[];
}

/** A condition and whether it was met. */
export interface LoadTestThreshold {
  readonly threshold: string;
  readonly value: number | null;
  readonly met: boolean;
}

/** The target's own figures at a moment. */
export interface LoadTestVitals {
  readonly atMs: number;
  readonly cpuCores: number | null;
  readonly eventLoopDelayMs: number | null;
  readonly rssBytes: number | null;
  readonly databaseConnections: number | null;
}

/** One load that a stress test tried. */
export interface LoadTestLevel {
  readonly level: number;
  readonly outcome: 'met' | 'missed' | 'unclear';
  readonly ratePerSecond: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Requests under way at once on average, by Little's law. */
  readonly concurrency: number;
}

/** What the capacity model of a stress test expects of so many requests at once, on so many instances; with its 90 % interval. */
export interface LoadTestPrediction {
  readonly instances: number;
  readonly concurrency: number;
  readonly ratePerSecond: number;
  readonly ratePerSecondLow: number;
  readonly ratePerSecondHigh: number;
  readonly responseMs: number;
}

/** What a test found. */
export interface LoadTestReport {
  /** The verdict and everything that needs words, as lines. */
  readonly lines: readonly string[];
  readonly thresholds: readonly LoadTestThreshold[];
  readonly seconds: readonly LoadTestSecond[];
  /** Response time by share of the requests: ratio 0.99 is p99. */
  readonly percentiles: readonly { readonly ratio: number; readonly ms: number }[];
  readonly steps: readonly LoadTestStep[];
  /** Empty: nobody read the target's own figures. */
  readonly vitals: readonly LoadTestVitals[];
  /** Of a stress test, in the order they were tried; else empty. */
  readonly levels: readonly LoadTestLevel[];
  /** Of a stress test whose levels carry a capacity model; else empty. */
  readonly predictions: readonly LoadTestPrediction[];
}

/** A load test with everything that is known of it. */
export interface LoadTest extends LoadTestHead {
  /** The moments of a running test, once a second, the last ten minutes. */
  readonly moments: readonly LoadTestProgress[];
  /** Of a stress test that runs: the levels so far. */
  readonly levels: readonly LoadTestLevel[];
  readonly report: LoadTestReport | null;
}

/** The most that the caller's tests may ask for. */
export interface LoadTestLimits {
  readonly maxUsers: number;
  readonly maxRatePerSecond: number;
  readonly maxDurationMs: number;
  /** Tests at once; one target never has more than one. */
  readonly maxRunning: number;
  /** Origins that may be tested; the first is what is tested when no target is named. */
  readonly targets: readonly string[];
  /** Whether requests of tests are kept apart from those of users where a test does not say. */
  readonly keepApart: boolean;
  /** Whether the caller may start a test at all. */
  readonly mayStart: boolean;
}

/** GET /optimization/load-test */
export interface LoadTestList {
  readonly service: string;
  readonly limits: LoadTestLimits;
  readonly running: readonly LoadTestHead[];
  /** Newest first, those that run among them. */
  readonly tests: readonly LoadTestHead[];
  readonly page: Page;
}

/** What POST /optimization/load-test takes. */
export interface LoadTestOrder {
  /**
   * A plan as `autopilot load run` takes it: as JSON, or as the text of its YAML or JSON, whose mistakes are told with their lines. Its
   * target may be left out.
   */
  readonly plan: unknown;
  readonly kind?: LoadTestKind;
  /** Of a stress test: what must hold, as thresholds; default: the plan's, or p99 under 200 ms and errors under 0.1 %. */
  readonly objective?: readonly string[];
  /**
   * True: its requests are measured as kind `test`, and not with those of routes and tenants. Left out: as load.keepApart says.
   */
  readonly apart?: boolean;
}

/** One figure of two sides. */
export interface LoadTestFigure {
  readonly figure: 'p50' | 'p95' | 'p99' | 'mean' | 'errorRatio';
  readonly before: number;
  readonly after: number;
  /** Of `after` to `before` (of the error ratio: their difference), with its interval. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: 'better' | 'worse' | 'no-difference';
}

/** GET /optimization/load-test/{id}/compare */
export interface LoadTestComparison {
  readonly before: LoadTestHead;
  readonly after: LoadTestHead;
  readonly verdict: 'better' | 'worse' | 'no-difference' | 'not-enough-data';
  readonly reasons: readonly string[];
  readonly figures: readonly LoadTestFigure[];
}

/** Long work that a call has started. */
export interface Job {
  readonly id: string;
  readonly kind: 'load-test' | 'benchmark' | 'index-advice' | 'vacuum' | 'analyze' | 'trial';
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Where what came of it is. */
  readonly result: string;
}
