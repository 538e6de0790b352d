import * as shapes from './benchmark-shapes.ts';
import type { Benchmark, BenchmarkComparison, BenchmarkHead, BenchmarkList } from './benchmarks.ts';
import type { ErrorCode } from './error-table.ts';
import type { Operation } from './operations.ts';
import { cursor, limit, optional, service } from './operations-parameters.ts';
import type { ObjectShape } from './shape.ts';

/** Parameters of GET /optimization/benchmark. */
export interface BenchmarksQuery {
  readonly service?: string;
  /** True: starts one. */
  readonly run?: boolean;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /optimization/benchmark/{id}/compare. */
export interface CompareBenchmarksQuery {
  /** The benchmark before. */
  readonly with: string;
}

/** The types of the calls about benchmarks, by operationId. */
export interface BenchmarkOperationTypes {
  readonly getBenchmarks: { readonly query: BenchmarksQuery; readonly answer: BenchmarkList };
  readonly startBenchmark: { readonly query: { readonly service?: string }; readonly answer: BenchmarkHead };
  readonly getBenchmark: { readonly query: object; readonly answer: Benchmark };
  readonly stopBenchmark: { readonly query: object; readonly answer: BenchmarkHead };
  readonly compareBenchmarks: { readonly query: CompareBenchmarksQuery; readonly answer: BenchmarkComparison };
}

/** Names a call about benchmarks. */
export type BenchmarkOperationId = keyof BenchmarkOperationTypes;

const tag = 'Optimization';
const nothing = { kind: 'object', fields: {} } as const;
const id: ObjectShape = {
  kind: 'object',
  fields: { id: { kind: 'string', maxLength: 64, description: 'Its id' } },
};
const JSON_ONLY = ['application/json'] as const;
const STARTS: readonly ErrorCode[] = [
  'AP_SERVICE_UNKNOWN',
  'AP_BENCHMARK_BUSY',
  'AP_LOAD_TARGET_REFUSED',
  'AP_LOAD_TEST_RUNNING',
  'AP_LOAD_STORE_UNAVAILABLE',
];
const EXISTING: readonly ErrorCode[] = ['AP_BENCHMARK_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE'];
const TOLD = 'It is followed at the address in Location, and at /api/v1/jobs/{id}.';

/** The calls about benchmarks. */
export const benchmarkOperations: {
  readonly [Id in BenchmarkOperationId]: Operation<
    BenchmarkOperationTypes[Id]['query'],
    BenchmarkOperationTypes[Id]['answer']
  >;
} = {
  getBenchmarks: {
    method: 'GET',
    path: '/api/v1/optimization/benchmark',
    tag,
    summary: 'The suite, the latest result and those before; with `run=true` it starts one',
    description: `Starting one by this call takes the scope operate and a token, and answers 202. ${TOLD}`,
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        run: optional({ kind: 'boolean', description: 'Starts one' } as const),
        limit,
        cursor,
      },
    },
    answer: shapes.benchmarkList,
    mediaTypes: JSON_ONLY,
    problems: [...STARTS, 'AP_PAGE_CURSOR_INVALID'],
  },
  startBenchmark: {
    method: 'POST',
    path: '/api/v1/optimization/benchmark',
    tag,
    summary: 'Starts a benchmark: a fixed suite over runtime, compression, database and API',
    description: `Refused while the machine is busy, or the service has more requests than benchmark.maxRequestsPerSecond. Answers 202. ${TOLD}`,
    scope: 'operate',
    query: { kind: 'object', fields: { service } },
    answer: shapes.benchmarkHead,
    mediaTypes: JSON_ONLY,
    problems: [...STARTS, 'AP_CROSS_SITE'],
  },
  getBenchmark: {
    method: 'GET',
    path: '/api/v1/optimization/benchmark/{id}',
    tag,
    summary: 'A benchmark: how it gets on, and its score with everything that it is made of',
    scope: 'read',
    params: id,
    query: nothing,
    answer: shapes.benchmark,
    mediaTypes: JSON_ONLY,
    problems: EXISTING,
  },
  stopBenchmark: {
    method: 'POST',
    path: '/api/v1/optimization/benchmark/{id}/stop',
    tag,
    summary: 'Stops a benchmark; it has no score then',
    scope: 'operate',
    params: id,
    query: nothing,
    answer: shapes.benchmarkHead,
    mediaTypes: JSON_ONLY,
    problems: [...EXISTING, 'AP_CROSS_SITE'],
  },
  compareBenchmarks: {
    method: 'GET',
    path: '/api/v1/optimization/benchmark/{id}/compare',
    tag,
    summary: 'What differs between a benchmark and one before, beyond what rounds of one run differ',
    scope: 'read',
    params: id,
    query: {
      kind: 'object',
      fields: { with: { kind: 'string', maxLength: 64, description: 'The id of the benchmark before' } },
    },
    answer: shapes.benchmarkComparison,
    mediaTypes: JSON_ONLY,
    problems: EXISTING,
  },
};
