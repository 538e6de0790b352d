import type {
  Benchmark,
  BenchmarkComparison,
  BenchmarkFigure,
  BenchmarkHead,
  BenchmarkList,
  BenchmarkMeasure,
  BenchmarkPart,
  BenchmarkReport,
  BenchmarkSuitePart,
} from './benchmarks.ts';
import { page } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';

/** The shapes of what the calls about benchmarks answer; what a field means is said on its type in benchmarks.ts. */

const text = { kind: 'string' } as const;
const time = { kind: 'string', format: 'time' } as const;
const whole = { kind: 'integer', min: 0 } as const;
const number = { kind: 'number' } as const;
const score = { kind: 'number', min: 0, unit: 'points' } as const;
const ratio = { kind: 'number', min: 0, max: 1, unit: 'ratio' } as const;
const ms = { kind: 'number', min: 0, unit: 'ms' } as const;
const flag = { kind: 'boolean' } as const;
const orNull = <Of>(of: Of): { readonly kind: 'nullable'; readonly of: Of } => ({ kind: 'nullable', of });
const listOf = <Of>(of: Of): { readonly kind: 'array'; readonly of: Of } => ({ kind: 'array', of });

const part = { kind: 'string', values: ['runtime', 'compression', 'database', 'api', 'cache'] } as const;

const headFields = {
  id: text,
  service: text,
  suite: whole,
  target: text,
  state: { kind: 'string', values: ['running', 'done', 'invalid', 'stopped', 'aborted', 'failed'] },
  reason: orNull(text),
  author: text,
  authorName: orNull(text),
  startedAt: time,
  endedAt: orNull(time),
  score: orNull(score),
  scores: listOf({ kind: 'object', fields: { part, score } } as const),
} as const;

export const benchmarkHead: ShapeOf<BenchmarkHead> = { kind: 'object', name: 'BenchmarkHead', fields: headFields };

const measure: ShapeOf<BenchmarkMeasure> = {
  kind: 'object',
  name: 'BenchmarkMeasure',
  fields: {
    id: text,
    description: text,
    unit: text,
    better: { kind: 'string', values: ['higher', 'lower'] },
    reference: { ...number, description: 'What scores 100' },
    value: orNull(number),
    rounds: listOf(number),
    score: orNull(score),
    leftOut: orNull(text),
  },
};

const measured: ShapeOf<BenchmarkPart> = {
  kind: 'object',
  name: 'BenchmarkPart',
  fields: { id: part, weight: ratio, score: orNull(score), leftOut: orNull(text), measures: listOf(measure) },
};

const report: ShapeOf<BenchmarkReport> = {
  kind: 'object',
  name: 'BenchmarkReport',
  fields: {
    suite: whole,
    score: orNull(score),
    composition: text,
    invalidReasons: listOf(text),
    parts: listOf(measured),
    machine: {
      kind: 'object',
      name: 'BenchmarkMachine',
      fields: {
        host: text,
        platform: text,
        processor: text,
        cores: whole,
        memoryBytes: whole,
        node: text,
        database: orNull(text),
        releases: listOf(text),
      },
    },
    othersBusyRatio: ratio,
    tookMs: ms,
  },
};

export const benchmark: ShapeOf<Benchmark> = {
  kind: 'object',
  name: 'Benchmark',
  fields: { ...headFields, progress: ratio, doing: orNull(text), report: orNull(report) },
};

const suitePart: ShapeOf<BenchmarkSuitePart> = {
  kind: 'object',
  name: 'BenchmarkSuitePart',
  fields: { id: part, weight: ratio, measures: listOf(text) },
};

export const benchmarkList: ShapeOf<BenchmarkList> = {
  kind: 'object',
  name: 'BenchmarkList',
  fields: {
    service: text,
    suite: { kind: 'object', fields: { version: whole, parts: listOf(suitePart) } },
    limits: {
      kind: 'object',
      name: 'BenchmarkLimits',
      fields: { maxBusyRatio: ratio, maxRequestsPerSecond: number, mayStart: flag },
    },
    running: orNull(benchmarkHead),
    latest: orNull(benchmark),
    benchmarks: listOf(benchmarkHead),
    page,
  },
};

const figure: ShapeOf<BenchmarkFigure> = {
  kind: 'object',
  name: 'BenchmarkFigure',
  fields: {
    part,
    measure: text,
    unit: text,
    before: number,
    after: number,
    change: number,
    low: number,
    high: number,
    verdict: { kind: 'string', values: ['better', 'worse', 'no-difference'] },
  },
};

export const benchmarkComparison: ShapeOf<BenchmarkComparison> = {
  kind: 'object',
  name: 'BenchmarkComparison',
  fields: {
    before: benchmarkHead,
    after: benchmarkHead,
    verdict: { kind: 'string', values: ['better', 'worse', 'mixed', 'no-difference', 'not-comparable'] },
    reasons: listOf(text),
    figures: listOf(figure),
  },
};
