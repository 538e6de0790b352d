import { type CompressionMeasure, compressionMeasures } from './compression-measures.ts';
import { type PoolMeasure, poolMeasures } from './pool-measures.ts';
import type { Family } from './series.ts';

/** How a measure is computed from merged cells; fields are names of the metric table. */
export type Formula =
  | { readonly kind: 'total'; readonly field: string }
  | { readonly kind: 'rate'; readonly field: string }
  | { readonly kind: 'ratio'; readonly field: string; readonly over: string }
  | { readonly kind: 'quantile'; readonly field: string; readonly q: number }
  | { readonly kind: 'mean'; readonly field: string }
  /** Of a histogram: its variance over its mean squared; 0: always the same, 1: as of an exponential distribution. */
  | { readonly kind: 'variation'; readonly field: string }
  | { readonly kind: 'max'; readonly field: string }
  | { readonly kind: 'min'; readonly field: string }
  /** A histogram's or a counter's sum of milliseconds a millisecond of wall clock: 1 is one core, or one connection, kept busy. */
  | { readonly kind: 'busy'; readonly fields: readonly string[] }
  /** Gauges of several instances: each one's mean, added. */
  | { readonly kind: 'level'; readonly field: string }
  /** Apdex 1.1: (satisfied + tolerating / 2) / all; satisfied up to T, tolerating up to 4T. */
  | { readonly kind: 'apdex'; readonly field: string; readonly satisfiedMs: number };

export interface MeasureDefinition {
  readonly families: readonly Family[];
  /** ms, bytes, ratio (0 to 1), "requests/s", ... */
  readonly unit: string;
  readonly description: string;
  readonly formula: Formula;
}

const table = {
  requests: {
    families: ['route', 'tenant', 'test'],
    unit: 'requests',
    description: 'Requests',
    formula: { kind: 'total', field: 'requests' },
  },
  requestRate: {
    families: ['route', 'tenant', 'test'],
    unit: 'requests/s',
    description: 'Requests a second',
    formula: { kind: 'rate', field: 'requests' },
  },
  errors: {
    families: ['route', 'tenant', 'test'],
    unit: 'requests',
    description: 'Requests answered with 500 or more',
    formula: { kind: 'total', field: 'errors' },
  },
  errorRatio: {
    families: ['route', 'tenant', 'test'],
    unit: 'ratio',
    description: 'Share answered with 500 or more',
    formula: { kind: 'ratio', field: 'errors', over: 'requests' },
  },
  clientErrorRatio: {
    families: ['route', 'tenant', 'test'],
    unit: 'ratio',
    description: 'Share answered with 400 to 499',
    formula: { kind: 'ratio', field: 'clientErrors', over: 'requests' },
  },
  abortedRatio: {
    families: ['route', 'tenant', 'test'],
    unit: 'ratio',
    description: 'Share whose client went away',
    formula: { kind: 'ratio', field: 'aborted', over: 'requests' },
  },
  p50Ms: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Median duration',
    formula: { kind: 'quantile', field: 'durationMs', q: 0.5 },
  },
  p95Ms: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Duration 95 % stay under',
    formula: { kind: 'quantile', field: 'durationMs', q: 0.95 },
  },
  p99Ms: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Duration 99 % stay under',
    formula: { kind: 'quantile', field: 'durationMs', q: 0.99 },
  },
  p999Ms: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Duration 99.9 % stay under',
    formula: { kind: 'quantile', field: 'durationMs', q: 0.999 },
  },
  meanMs: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Mean duration',
    formula: { kind: 'mean', field: 'durationMs' },
  },
  maxMs: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'ms',
    description: 'Longest duration',
    formula: { kind: 'max', field: 'durationMs' },
  },
  apdex: {
    families: ['route', 'tenant', 'test'],
    unit: 'ratio',
    description: 'Apdex with T = 500 ms',
    formula: { kind: 'apdex', field: 'durationMs', satisfiedMs: 500 },
  },
  concurrency: {
    families: ['route', 'tenant', 'test', 'statement', 'job'],
    unit: 'average',
    description: 'Requests, calls or jobs under way on average (their time a second)',
    formula: { kind: 'busy', fields: ['durationMs'] },
  },
  bytesSentRate: {
    families: ['route', 'tenant', 'test'],
    unit: 'bytes/s',
    description: 'Bytes sent a second',
    formula: { kind: 'rate', field: 'bytesSent' },
  },
  bytesSent: {
    families: ['route', 'tenant', 'test'],
    unit: 'bytes',
    description: 'Bytes sent, headers included',
    formula: { kind: 'total', field: 'bytesSent' },
  },
  bytesReceived: {
    families: ['route', 'tenant', 'test'],
    unit: 'bytes',
    description: 'Bytes received, headers included',
    formula: { kind: 'total', field: 'bytesReceived' },
  },
  bytesReceivedRate: {
    families: ['route', 'tenant', 'test'],
    unit: 'bytes/s',
    description: 'Bytes received a second',
    formula: { kind: 'rate', field: 'bytesReceived' },
  },
  bytesPerRequest: {
    families: ['route', 'tenant', 'test'],
    unit: 'bytes',
    description: 'Bytes sent a request',
    formula: { kind: 'ratio', field: 'bytesSent', over: 'requests' },
  },
  databaseCalls: {
    families: ['route', 'tenant', 'test'],
    unit: 'calls',
    description: 'Database calls',
    formula: { kind: 'total', field: 'databaseCalls' },
  },
  databaseMs: {
    families: ['route', 'tenant', 'test'],
    unit: 'ms',
    description: 'Time waited for the database',
    formula: { kind: 'total', field: 'databaseMs' },
  },
  databaseCallsPerRequest: {
    families: ['route', 'tenant', 'test'],
    unit: 'calls',
    description: 'Database calls a request',
    formula: { kind: 'ratio', field: 'databaseCalls', over: 'requests' },
  },
  databaseMsPerRequest: {
    families: ['route', 'tenant', 'test'],
    unit: 'ms',
    description: 'Database time a request',
    formula: { kind: 'ratio', field: 'databaseMs', over: 'requests' },
  },
  databaseBusy: {
    families: ['route', 'tenant', 'test', 'job'],
    unit: 'average',
    description: 'Database calls under way on average',
    formula: { kind: 'busy', fields: ['databaseMs'] },
  },
  loopMs: {
    families: ['route', 'tenant', 'test'],
    unit: 'ms',
    description: 'Time of the event loop, estimated from samples',
    formula: { kind: 'total', field: 'loopMs' },
  },
  shed: {
    families: ['route', 'tenant', 'test'],
    unit: 'requests',
    description: 'Requests turned away because the service had too much to do',
    formula: { kind: 'total', field: 'shed' },
  },
  calls: {
    families: ['statement', 'route-statement'],
    unit: 'calls',
    description: 'Calls',
    formula: { kind: 'total', field: 'calls' },
  },
  callRate: {
    families: ['statement', 'route-statement'],
    unit: 'calls/s',
    description: 'Calls a second',
    formula: { kind: 'rate', field: 'calls' },
  },
  callErrorRatio: {
    families: ['statement'],
    unit: 'ratio',
    description: 'Share of calls that failed',
    formula: { kind: 'ratio', field: 'errors', over: 'calls' },
  },
  rowsPerCall: {
    families: ['statement'],
    unit: 'rows',
    description: 'Rows a call',
    formula: { kind: 'ratio', field: 'rows', over: 'calls' },
  },
  totalMs: {
    families: ['route-statement'],
    unit: 'ms',
    description: 'Time of all calls',
    formula: { kind: 'total', field: 'totalMs' },
  },
  repeats: {
    families: ['route-statement'],
    unit: 'requests',
    description: 'Requests that sent the statement ten times or more',
    formula: { kind: 'total', field: 'repeats' },
  },
  repeatedCalls: {
    families: ['route-statement'],
    unit: 'calls',
    description: 'How often those requests sent it',
    formula: { kind: 'total', field: 'repeatedCalls' },
  },
  eventLoopDelayP50Ms: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Median event-loop delay',
    formula: { kind: 'quantile', field: 'eventLoopDelayMs', q: 0.5 },
  },
  eventLoopDelayP95Ms: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Event-loop delay 95 % stay under',
    formula: { kind: 'quantile', field: 'eventLoopDelayMs', q: 0.95 },
  },
  eventLoopDelayP99Ms: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Event-loop delay 99 % stay under',
    formula: { kind: 'quantile', field: 'eventLoopDelayMs', q: 0.99 },
  },
  eventLoopDelayMaxMs: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Longest event-loop delay',
    formula: { kind: 'max', field: 'eventLoopDelayMs' },
  },
  eventLoopUtilization: {
    families: ['runtime'],
    unit: 'ratio',
    description: 'Share of the time the event loop was busy',
    formula: { kind: 'mean', field: 'eventLoopUtilization' },
  },
  cpuBusy: {
    families: ['runtime'],
    unit: 'cores',
    description: 'Cores kept busy by the process',
    formula: { kind: 'busy', fields: ['cpuUserMs', 'cpuSystemMs'] },
  },
  cpuUserBusy: {
    families: ['runtime'],
    unit: 'cores',
    description: 'Cores kept busy in user mode',
    formula: { kind: 'busy', fields: ['cpuUserMs'] },
  },
  cpuSystemBusy: {
    families: ['runtime'],
    unit: 'cores',
    description: 'Cores kept busy in system mode',
    formula: { kind: 'busy', fields: ['cpuSystemMs'] },
  },
  rssBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Resident memory',
    formula: { kind: 'level', field: 'rssBytes' },
  },
  rssMaxBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Most resident memory of any process',
    formula: { kind: 'max', field: 'rssBytes' },
  },
  heapUsedBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'JavaScript heap in use',
    formula: { kind: 'level', field: 'heapUsedBytes' },
  },
  heapUsedMaxBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Most JavaScript heap in use of any process',
    formula: { kind: 'max', field: 'heapUsedBytes' },
  },
  heapLimitBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'JavaScript heap allowed',
    formula: { kind: 'level', field: 'heapLimitBytes' },
  },
  externalBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Memory of buffers outside the heap',
    formula: { kind: 'level', field: 'externalBytes' },
  },
  gcBusy: {
    families: ['runtime'],
    unit: 'ratio',
    description: 'Share of the time spent in garbage collection',
    formula: { kind: 'busy', fields: ['gcMs'] },
  },
  gcMaxMs: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Longest pause by garbage collection',
    formula: { kind: 'max', field: 'gcMs' },
  },
  diskReadBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Bytes read from disks, caches aside',
    formula: { kind: 'total', field: 'diskReadBytes' },
  },
  diskWriteBytes: {
    families: ['runtime'],
    unit: 'bytes',
    description: 'Bytes written to disks',
    formula: { kind: 'total', field: 'diskWriteBytes' },
  },
  diskReadRate: {
    families: ['runtime'],
    unit: 'bytes/s',
    description: 'Bytes read from disks a second, caches aside',
    formula: { kind: 'rate', field: 'diskReadBytes' },
  },
  diskWriteRate: {
    families: ['runtime'],
    unit: 'bytes/s',
    description: 'Bytes written to disks a second',
    formula: { kind: 'rate', field: 'diskWriteBytes' },
  },
  activeRequests: {
    families: ['runtime'],
    unit: 'requests',
    description: 'Requests being handled',
    formula: { kind: 'level', field: 'activeRequests' },
  },
  pages: {
    families: ['runtime'],
    unit: 'pages',
    description: 'Pages of lists that were read',
    formula: { kind: 'total', field: 'pages' },
  },
  pageRows: {
    families: ['runtime'],
    unit: 'rows',
    description: 'Rows of pages',
    formula: { kind: 'total', field: 'pageRows' },
  },
  pageMs: {
    families: ['runtime'],
    unit: 'ms',
    description: 'Time that pages took, together',
    formula: { kind: 'total', field: 'pageMs' },
  },
  pagesByDefault: {
    families: ['runtime'],
    unit: 'pages',
    description: 'Pages whose caller named no limit',
    formula: { kind: 'total', field: 'pagesByDefault' },
  },
  pagesByDefaultMore: {
    families: ['runtime'],
    unit: 'pages',
    description: 'Of those, pages with a further one',
    formula: { kind: 'total', field: 'pagesByDefaultMore' },
  },
  pagesByDefaultFollowed: {
    families: ['runtime'],
    unit: 'pages',
    description: 'Of those, pages that went on from another',
    formula: { kind: 'total', field: 'pagesByDefaultFollowed' },
  },
  pagesOverTime: {
    families: ['runtime'],
    unit: 'pages',
    description: 'Pages cut because more would have taken too long',
    formula: { kind: 'total', field: 'pagesOverTime' },
  },
  jobRuns: {
    families: ['job'],
    unit: 'runs',
    description: 'Runs of background jobs',
    formula: { kind: 'total', field: 'runs' },
  },
  jobRate: {
    families: ['job'],
    unit: 'runs/s',
    description: 'Runs of background jobs a second',
    formula: { kind: 'rate', field: 'runs' },
  },
  jobFailures: {
    families: ['job'],
    unit: 'runs',
    description: 'Runs that failed',
    formula: { kind: 'total', field: 'failures' },
  },
  jobFailureRatio: {
    families: ['job'],
    unit: 'ratio',
    description: 'Share of runs that failed',
    formula: { kind: 'ratio', field: 'failures', over: 'runs' },
  },
  jobRetries: {
    families: ['job'],
    unit: 'runs',
    description: 'Runs that were not the first of their job',
    formula: { kind: 'total', field: 'retries' },
  },
  jobWaitP50Ms: {
    families: ['job'],
    unit: 'ms',
    description: 'Median wait from when a job was due to its beginning',
    formula: { kind: 'quantile', field: 'waitMs', q: 0.5 },
  },
  jobWaitP95Ms: {
    families: ['job'],
    unit: 'ms',
    description: 'Wait from when a job was due to its beginning that 95 % stay under',
    formula: { kind: 'quantile', field: 'waitMs', q: 0.95 },
  },
  jobWaitMaxMs: {
    families: ['job'],
    unit: 'ms',
    description: 'Longest wait from when a job was due to its beginning',
    formula: { kind: 'max', field: 'waitMs' },
  },
  databaseCallsPerJob: {
    families: ['job'],
    unit: 'calls',
    description: 'Database calls a run',
    formula: { kind: 'ratio', field: 'databaseCalls', over: 'runs' },
  },
  databaseMsPerJob: {
    families: ['job'],
    unit: 'ms',
    description: 'Database time a run',
    formula: { kind: 'ratio', field: 'databaseMs', over: 'runs' },
  },
} as const;

export type Measure = keyof typeof table | CompressionMeasure | PoolMeasure;

/** Every measure that can be asked for, declared once. Without data in a step a measure is null, never zero, but for rates and totals. */
export const measures: Readonly<Record<Measure, MeasureDefinition>> = {
  ...table,
  ...compressionMeasures,
  ...poolMeasures,
};
