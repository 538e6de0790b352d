import { type BenchmarkOperationTypes, benchmarkOperations } from './benchmark-operations.ts';
import { uncodedReasons } from './compression.ts';
import type {
  CodingUse,
  CompressionStats,
  CompressionStatsQuery,
  CompressionTotals,
  ReasonCount,
  RouteCompressionStats,
} from './compression-stats.ts';
import { type LoadTestOperationTypes, loadTestOperations } from './load-test-operations.ts';
import type { Operation } from './operations.ts';
import { cursor, from, instance, limit, release, service, to } from './operations-parameters.ts';
import { bytes, complete, count, frame, ms, orNull, page, text, texts, time } from './operations-shapes.ts';
import type { FieldsOf, ShapeOf } from './shape.ts';
import { type TuningOperationTypes, tuningOperations } from './tuning-operations.ts';

/** The types of the calls about optimization by operationId. */
export interface OptimizationOperationTypes
  extends LoadTestOperationTypes,
    BenchmarkOperationTypes,
    TuningOperationTypes {
  readonly getCompressionStats: { readonly query: CompressionStatsQuery; readonly answer: CompressionStats };
}

const totalsFields: FieldsOf<CompressionTotals> = {
  answers: { ...count, description: 'Those with content' },
  compressedAnswers: count,
  bytesIn: { ...bytes, description: 'Of their bodies as the routes made them' },
  bytesOut: { ...bytes, description: 'Of their bodies as they were sent' },
  bytesSaved: { kind: 'number', unit: 'bytes' },
  savedShare: orNull({
    kind: 'number',
    max: 1,
    unit: 'ratio',
    description: 'Share of the bytes that was saved',
  } as const),
  cpuMs: {
    ...ms,
    description: 'CPU time: measured on the event loop; in other threads and of streams as it is believed to take',
  },
};

const codingUse: ShapeOf<CodingUse> = {
  kind: 'object',
  name: 'CodingUse',
  fields: {
    coding: { kind: 'string', values: ['zstd', 'br', 'gzip', 'deflate', 'dcz'] },
    level: { kind: 'integer' },
    answers: count,
    cachedAnswers: { ...count, description: 'Of these, sent again as they had been compressed before' },
    bytesIn: bytes,
    bytesOut: bytes,
    ratio: orNull({ kind: 'number', min: 0, unit: 'ratio', description: 'Bytes after of one before' } as const),
    cpuMs: ms,
    addedP50Ms: orNull({ ...ms, description: 'What answers waited for it, those that flow aside' }),
    addedP95Ms: orNull(ms),
  },
};

const reasonCount: ShapeOf<ReasonCount> = {
  kind: 'object',
  name: 'ReasonCount',
  description: 'Answers that were sent as the route made them',
  fields: {
    reason: { kind: 'string', values: Object.keys(uncodedReasons) },
    description: text,
    answers: count,
    bytes,
  },
};

const routeStats: ShapeOf<RouteCompressionStats> = {
  kind: 'object',
  name: 'RouteCompressionStats',
  fields: {
    route: text,
    ...totalsFields,
    codings: { kind: 'array', of: codingUse, description: 'Most answers first' },
    reasons: { kind: 'array', of: reasonCount },
  },
};

const compressionStats: ShapeOf<CompressionStats> = {
  kind: 'object',
  name: 'CompressionStats',
  fields: {
    service: text,
    from: time,
    to: time,
    whole: { kind: 'object', name: 'CompressionTotals', fields: totalsFields },
    codings: { kind: 'array', of: codingUse },
    reasons: { kind: 'array', of: reasonCount },
    routes: { kind: 'array', of: routeStats, description: 'Those with most bytes first' },
    trend: { ...frame, description: 'compressionInRate, compressionOutRate and compressionBusy' },
    overflow: { ...count, description: "Answers beyond the agents' bound on series, which belong to no route here" },
    complete,
    notes: texts,
    page,
  },
};

/** The calls about optimization. */
export const optimizationOperations: {
  readonly [Id in keyof OptimizationOperationTypes]: Operation<
    OptimizationOperationTypes[Id]['query'],
    OptimizationOperationTypes[Id]['answer']
  >;
} = {
  getCompressionStats: {
    method: 'GET',
    path: '/api/v1/optimization/compression-stats',
    tag: 'Optimization',
    summary: 'How answers were compressed, what it cost and saved, and why others were not, by route and coding',
    description:
      'The routes are paged; the pages of one answer show one range: `from` and `to` of its first page travel in the cursor.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: { service, instance, release, from: from('five minutes'), to, limit, cursor },
    },
    answer: compressionStats,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PAGE_CURSOR_INVALID'],
  },
  ...loadTestOperations,
  ...benchmarkOperations,
  ...tuningOperations,
};
