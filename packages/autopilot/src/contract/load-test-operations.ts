import type { ErrorCode } from './error-table.ts';
import * as shapes from './load-test-shapes.ts';
import type { Job, LoadTest, LoadTestComparison, LoadTestHead, LoadTestList } from './load-tests.ts';
import type { Operation } from './operations.ts';
import { cursor, limit, optional, service } from './operations-parameters.ts';
import type { ObjectShape } from './shape.ts';

/** Parameters of GET /optimization/load-test. */
export interface LoadTestsQuery {
  readonly service?: string;
  /** With `durationSeconds`: starts a test of so many users. */
  readonly users?: number;
  readonly durationSeconds?: number;
  /** Of the test to start: its origin; default: the first that may be tested. */
  readonly target?: string;
  /** Of the test to start: the path that users ask for; default "/". */
  readonly path?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of POST /optimization/load-test. */
export interface StartLoadTestQuery {
  readonly service?: string;
}

/** Parameters of GET /optimization/load-test/{id}/compare. */
export interface CompareLoadTestsQuery {
  /** The test before. */
  readonly with: string;
}

/** The types of the calls about load tests, by operationId. */
export interface LoadTestOperationTypes {
  readonly getLoadTests: { readonly query: LoadTestsQuery; readonly answer: LoadTestList };
  readonly startLoadTest: { readonly query: StartLoadTestQuery; readonly answer: LoadTestHead };
  readonly getLoadTest: { readonly query: object; readonly answer: LoadTest };
  readonly stopLoadTest: { readonly query: object; readonly answer: LoadTestHead };
  readonly compareLoadTests: { readonly query: CompareLoadTestsQuery; readonly answer: LoadTestComparison };
  readonly getJob: { readonly query: object; readonly answer: Job };
  readonly cancelJob: { readonly query: object; readonly answer: Job };
}

/** Names a call about load tests. */
export type LoadTestOperationId = keyof LoadTestOperationTypes;

const tag = 'Optimization';
const nothing = { kind: 'object', fields: {} } as const;
const id: ObjectShape = {
  kind: 'object',
  fields: { id: { kind: 'string', maxLength: 64, description: 'Its id' } },
};
const JSON_ONLY = ['application/json'] as const;
const STARTS: readonly ErrorCode[] = [
  'AP_SERVICE_UNKNOWN',
  'AP_LOAD_PLAN_INVALID',
  'AP_LOAD_TARGET_REFUSED',
  'AP_LOAD_TEST_RUNNING',
  'AP_LOAD_STORE_UNAVAILABLE',
];
const TOLD = 'It is followed at the address in Location, and at /api/v1/jobs/{id}.';

/** The calls about load tests. */
export const loadTestOperations: {
  readonly [Id in LoadTestOperationId]: Operation<
    LoadTestOperationTypes[Id]['query'],
    LoadTestOperationTypes[Id]['answer']
  >;
} = {
  getLoadTests: {
    method: 'GET',
    path: '/api/v1/optimization/load-test',
    tag,
    summary: 'The limits, the running and the latest load tests; with `users` and `durationSeconds` it starts one',
    description: `Starting one by this call takes the scope operate and a token, asks for one path, and answers 202. ${TOLD}`,
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        users: optional({
          kind: 'integer',
          min: 1,
          max: 1_000_000,
          unit: 'users',
          description: 'Starts a test',
        } as const),
        durationSeconds: optional({
          kind: 'number',
          min: 1,
          max: 86_400,
          unit: 's',
          description: 'How long it lasts',
        } as const),
        target: optional({
          kind: 'string',
          maxLength: 300,
          description: 'Default: the first that may be tested',
        } as const),
        path: optional({
          kind: 'string',
          maxLength: 2000,
          description: 'What its users ask for; default "/"',
        } as const),
        limit,
        cursor,
      },
    },
    answer: shapes.loadTestList,
    mediaTypes: JSON_ONLY,
    problems: [...STARTS, 'AP_PAGE_CURSOR_INVALID'],
  },
  startLoadTest: {
    method: 'POST',
    path: '/api/v1/optimization/load-test',
    tag,
    summary: 'Starts a load test by a plan',
    description: `Answers 202. ${TOLD} It stops when its control plane does.`,
    scope: 'operate',
    query: { kind: 'object', fields: { service } },
    body: {
      description:
        '`plan` as `autopilot load run` takes it (its target may be left out), `kind`, `objective` of a stress test, and `apart`: whether its requests are kept out of the figures of routes and tenants',
      mediaTypes: ['application/json'],
      maxBytes: 1_048_576,
      shape: null,
    },
    answer: shapes.loadTestHead,
    mediaTypes: JSON_ONLY,
    problems: [...STARTS, 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE', 'AP_CROSS_SITE'],
  },
  getLoadTest: {
    method: 'GET',
    path: '/api/v1/optimization/load-test/{id}',
    tag,
    summary: 'A load test: how it gets on, and what it found',
    description:
      'Asked for as text/event-stream it sends an event named `load-test` a second. Asked for as text/html it is the report as one page.',
    scope: 'read',
    params: id,
    query: nothing,
    answer: shapes.loadTest,
    mediaTypes: ['application/json', 'text/event-stream', 'text/html'],
    problems: ['AP_LOAD_TEST_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE', 'AP_TOO_MANY_STREAMS'],
  },
  stopLoadTest: {
    method: 'POST',
    path: '/api/v1/optimization/load-test/{id}/stop',
    tag,
    summary: 'Stops a load test; its last request leaves within a second',
    scope: 'operate',
    params: id,
    query: nothing,
    answer: shapes.loadTestHead,
    mediaTypes: JSON_ONLY,
    problems: ['AP_LOAD_TEST_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE', 'AP_CROSS_SITE'],
  },
  compareLoadTests: {
    method: 'GET',
    path: '/api/v1/optimization/load-test/{id}/compare',
    tag,
    summary: 'Whether a load test really differs from one before',
    scope: 'read',
    params: id,
    query: {
      kind: 'object',
      fields: { with: { kind: 'string', maxLength: 64, description: 'The id of the test before' } },
    },
    answer: shapes.loadTestComparison,
    mediaTypes: JSON_ONLY,
    problems: ['AP_LOAD_TEST_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE'],
  },
  getJob: {
    method: 'GET',
    path: '/api/v1/jobs/{id}',
    tag,
    summary: 'Long work that a call has started',
    scope: 'read',
    params: id,
    query: nothing,
    answer: shapes.job,
    mediaTypes: JSON_ONLY,
    problems: ['AP_JOB_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE'],
  },
  cancelJob: {
    method: 'POST',
    path: '/api/v1/jobs/{id}/cancel',
    tag,
    summary: 'Ends long work before its time',
    scope: 'operate',
    params: id,
    query: nothing,
    answer: shapes.job,
    mediaTypes: JSON_ONLY,
    problems: ['AP_JOB_UNKNOWN', 'AP_LOAD_STORE_UNAVAILABLE', 'AP_CROSS_SITE'],
  },
};
