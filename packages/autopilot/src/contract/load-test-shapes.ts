import type {
  Job,
  LoadTest,
  LoadTestComparison,
  LoadTestFigure,
  LoadTestHead,
  LoadTestLevel,
  LoadTestList,
  LoadTestPrediction,
  LoadTestProgress,
  LoadTestReport,
  LoadTestSecond,
  LoadTestStep,
  LoadTestSummary,
  LoadTestThreshold,
  LoadTestVitals,
} from './load-tests.ts';
import { page } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';

/** The shapes of what the calls about load tests answer; what a field means is said on its type in load-tests.ts. */

const text = { kind: 'string' } as const;
const time = { kind: 'string', format: 'time' } as const;
const whole = { kind: 'integer', min: 0 } as const;
const number = { kind: 'number' } as const;
const rate = { kind: 'number', min: 0, unit: 'per second' } as const;
const ratio = { kind: 'number', min: 0, max: 1, unit: 'ratio' } as const;
const ms = { kind: 'number', min: 0, unit: 'ms' } as const;
const flag = { kind: 'boolean' } as const;
const orNull = <Of>(of: Of): { readonly kind: 'nullable'; readonly of: Of } => ({ kind: 'nullable', of });
const listOf = <Of>(of: Of): { readonly kind: 'array'; readonly of: Of } => ({ kind: 'array', of });

const latencies = { p50Ms: orNull(ms), p95Ms: orNull(ms), p99Ms: orNull(ms) } as const;
const kind = { kind: 'string', values: ['smoke', 'load', 'spike', 'soak', 'stress'] } as const;

const summary: ShapeOf<LoadTestSummary> = {
  kind: 'object',
  name: 'LoadTestSummary',
  fields: {
    requests: whole,
    ratePerSecond: rate,
    errorRatio: orNull(ratio),
    ...latencies,
    knee: orNull(number),
    kneeUnit: orNull(text),
  },
};

const headFields = {
  id: text,
  service: text,
  name: text,
  kind,
  target: text,
  state: { kind: 'string', values: ['running', 'passed', 'missed', 'invalid', 'stopped', 'aborted', 'failed'] },
  reason: orNull(text),
  author: text,
  authorName: orNull(text),
  startedAt: time,
  endedAt: orNull(time),
  summary: orNull(summary),
} as const;

export const loadTestHead: ShapeOf<LoadTestHead> = { kind: 'object', name: 'LoadTestHead', fields: headFields };

const progress: ShapeOf<LoadTestProgress> = {
  kind: 'object',
  name: 'LoadTestProgress',
  fields: {
    phase: { kind: 'string', values: ['preparing', 'warming-up', 'measuring', 'draining'] },
    elapsedMs: ms,
    durationMs: ms,
    users: whole,
    waiting: whole,
    requests: whole,
    failed: whole,
    timedOut: whole,
    dropped: whole,
    ratePerSecond: rate,
    ...latencies,
  },
};

const second: ShapeOf<LoadTestSecond> = {
  kind: 'object',
  name: 'LoadTestSecond',
  fields: { fromMs: number, ratePerSecond: rate, failed: whole, timedOut: whole, ...latencies },
};

const step: ShapeOf<LoadTestStep> = {
  kind: 'object',
  name: 'LoadTestStep',
  fields: {
    name: text,
    requests: whole,
    failed: whole,
    timedOut: whole,
    ...latencies,
    errors: listOf({ kind: 'object', fields: { kind: text, count: whole } } as const),
  },
};

const threshold: ShapeOf<LoadTestThreshold> = {
  kind: 'object',
  name: 'LoadTestThreshold',
  fields: { threshold: text, value: orNull(number), met: flag },
};

const vitals: ShapeOf<LoadTestVitals> = {
  kind: 'object',
  name: 'LoadTestVitals',
  fields: {
    atMs: number,
    cpuCores: orNull(number),
    eventLoopDelayMs: orNull(ms),
    rssBytes: orNull(whole),
    databaseConnections: orNull(number),
  },
};

const level: ShapeOf<LoadTestLevel> = {
  kind: 'object',
  name: 'LoadTestLevel',
  fields: {
    level: number,
    outcome: { kind: 'string', values: ['met', 'missed', 'unclear'] },
    ratePerSecond: rate,
    errorRatio: orNull(ratio),
    ...latencies,
    concurrency: number,
  },
};

const prediction: ShapeOf<LoadTestPrediction> = {
  kind: 'object',
  name: 'LoadTestPrediction',
  fields: {
    instances: whole,
    concurrency: number,
    ratePerSecond: rate,
    ratePerSecondLow: rate,
    ratePerSecondHigh: rate,
    responseMs: ms,
  },
};

const report: ShapeOf<LoadTestReport> = {
  kind: 'object',
  name: 'LoadTestReport',
  fields: {
    lines: listOf(text),
    thresholds: listOf(threshold),
    seconds: listOf(second),
    percentiles: listOf({ kind: 'object', fields: { ratio, ms } } as const),
    steps: listOf(step),
    vitals: listOf(vitals),
    levels: listOf(level),
    predictions: listOf(prediction),
  },
};

export const loadTest: ShapeOf<LoadTest> = {
  kind: 'object',
  name: 'LoadTest',
  fields: { ...headFields, moments: listOf(progress), levels: listOf(level), report: orNull(report) },
};

export const loadTestList: ShapeOf<LoadTestList> = {
  kind: 'object',
  name: 'LoadTestList',
  fields: {
    service: text,
    limits: {
      kind: 'object',
      name: 'LoadTestLimits',
      fields: {
        maxUsers: whole,
        maxRatePerSecond: rate,
        maxDurationMs: ms,
        maxRunning: whole,
        targets: listOf(text),
        keepApart: flag,
        mayStart: flag,
      },
    },
    running: listOf(loadTestHead),
    tests: listOf(loadTestHead),
    page,
  },
};

const figure: ShapeOf<LoadTestFigure> = {
  kind: 'object',
  name: 'LoadTestFigure',
  fields: {
    figure: { kind: 'string', values: ['p50', 'p95', 'p99', 'mean', 'errorRatio'] },
    before: number,
    after: number,
    change: number,
    low: number,
    high: number,
    verdict: { kind: 'string', values: ['better', 'worse', 'no-difference'] },
  },
};

export const loadTestComparison: ShapeOf<LoadTestComparison> = {
  kind: 'object',
  name: 'LoadTestComparison',
  fields: {
    before: loadTestHead,
    after: loadTestHead,
    verdict: { kind: 'string', values: ['better', 'worse', 'no-difference', 'not-enough-data'] },
    reasons: listOf(text),
    figures: listOf(figure),
  },
};

export const job: ShapeOf<Job> = {
  kind: 'object',
  name: 'Job',
  fields: {
    id: text,
    kind: { kind: 'string', values: ['load-test', 'benchmark', 'index-advice', 'vacuum', 'analyze', 'trial'] },
    state: { kind: 'string', values: ['running', 'done', 'cancelled', 'failed'] },
    progress: ratio,
    reason: orNull(text),
    startedAt: time,
    endedAt: orNull(time),
    result: text,
  },
};
