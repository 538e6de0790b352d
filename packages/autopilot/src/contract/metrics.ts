import type { Family } from './series.ts';

/** How values of a metric combine: counters add, gauges keep count/sum/min/max, histograms merge. */
export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricDefinition {
  readonly kind: MetricKind;
  /** Unit of one value: ms, bytes, ratio (0 to 1), or what is counted. */
  readonly unit: string;
  readonly description: string;
}

const request = {
  requests: { kind: 'counter', unit: 'requests', description: 'Requests whose response has ended or was aborted' },
  errors: { kind: 'counter', unit: 'requests', description: 'Requests answered with a status of 500 or more' },
  clientErrors: { kind: 'counter', unit: 'requests', description: 'Requests answered with a status of 400 to 499' },
  aborted: {
    kind: 'counter',
    unit: 'requests',
    description: 'Requests whose client went away before the response ended',
  },
  durationMs: {
    kind: 'histogram',
    unit: 'ms',
    description: 'Time from the request reaching the service to the end of its response',
  },
  bytesSent: { kind: 'counter', unit: 'bytes', description: 'Bytes of the responses as sent, headers included' },
  databaseCalls: { kind: 'counter', unit: 'calls', description: 'Database calls made while handling the requests' },
  databaseMs: { kind: 'counter', unit: 'ms', description: 'Time the requests waited for those calls' },
  bytesReceived: { kind: 'counter', unit: 'bytes', description: 'Bytes of the requests as received, headers included' },
  loopMs: {
    kind: 'counter',
    unit: 'ms',
    description: 'Time of the event loop that the requests took, estimated from samples',
  },
  shed: {
    kind: 'counter',
    unit: 'requests',
    description: 'Requests turned away because the service had too much to do; also counted as errors',
  },
} as const;

const statement = {
  calls: { kind: 'counter', unit: 'calls', description: 'Executions, failed ones included' },
  errors: { kind: 'counter', unit: 'calls', description: 'Executions that failed' },
  rows: { kind: 'counter', unit: 'rows', description: 'Rows returned or affected' },
  durationMs: {
    kind: 'histogram',
    unit: 'ms',
    description: 'Time from sending the statement to its last row, as the application saw it',
  },
} as const;

const routeStatement = {
  calls: { kind: 'counter', unit: 'calls', description: 'Executions of the statement by the route' },
  totalMs: { kind: 'counter', unit: 'ms', description: 'Time of those executions' },
  repeats: { kind: 'counter', unit: 'requests', description: 'Requests that sent the statement ten times or more' },
  repeatedCalls: { kind: 'counter', unit: 'calls', description: 'How often those requests sent it' },
} as const;

const pool = {
  size: { kind: 'gauge', unit: 'connections', description: 'Open connections' },
  idle: { kind: 'gauge', unit: 'connections', description: 'Open connections not in use' },
  waiting: { kind: 'gauge', unit: 'requests', description: 'Callers waiting for a connection' },
  max: { kind: 'gauge', unit: 'connections', description: 'Most connections the pool may open' },
  ageMs: { kind: 'gauge', unit: 'ms', description: 'Age of open connections' },
  opened: { kind: 'counter', unit: 'connections', description: 'Connections opened' },
  closed: { kind: 'counter', unit: 'connections', description: 'Connections closed' },
  leaked: {
    kind: 'gauge',
    unit: 'connections',
    description: 'Connections that requests took which have ended, and never gave back',
  },
  acquired: { kind: 'counter', unit: 'connections', description: 'Connections handed out' },
  failed: { kind: 'counter', unit: 'connections', description: 'Callers that got no connection' },
  waitMs: { kind: 'histogram', unit: 'ms', description: 'Time a caller waited for a connection' },
  useMs: { kind: 'histogram', unit: 'ms', description: 'Time a caller kept a connection until it gave it back' },
} as const;

const runtime = {
  eventLoopDelayMs: { kind: 'histogram', unit: 'ms', description: 'How late timers fired' },
  eventLoopUtilization: { kind: 'gauge', unit: 'ratio', description: 'Share of the time the event loop was busy' },
  cpuUserMs: { kind: 'counter', unit: 'ms', description: 'CPU time of the process in user mode' },
  cpuSystemMs: { kind: 'counter', unit: 'ms', description: 'CPU time of the process in system mode' },
  rssBytes: { kind: 'gauge', unit: 'bytes', description: 'Resident memory of the process' },
  heapUsedBytes: { kind: 'gauge', unit: 'bytes', description: 'JavaScript heap in use' },
  heapLimitBytes: { kind: 'gauge', unit: 'bytes', description: 'JavaScript heap at which the process ends' },
  externalBytes: { kind: 'gauge', unit: 'bytes', description: 'Memory of buffers outside the JavaScript heap' },
  gcMs: { kind: 'histogram', unit: 'ms', description: 'Pauses by garbage collection' },
  activeRequests: { kind: 'gauge', unit: 'requests', description: 'Requests being handled' },
  diskReadBytes: { kind: 'counter', unit: 'bytes', description: 'Bytes the process read from disks, caches aside' },
  diskWriteBytes: { kind: 'counter', unit: 'bytes', description: 'Bytes the process wrote to disks' },
  pages: { kind: 'counter', unit: 'pages', description: 'Pages of lists that were read' },
  pageRows: { kind: 'counter', unit: 'rows', description: 'Rows of these pages' },
  pageMs: { kind: 'counter', unit: 'ms', description: 'Time from opening a page to its last row' },
  pagesByDefault: { kind: 'counter', unit: 'pages', description: 'Pages whose caller named no limit' },
  pagesByDefaultMore: { kind: 'counter', unit: 'pages', description: 'Of those, pages with a further one' },
  pagesByDefaultFollowed: { kind: 'counter', unit: 'pages', description: 'Of those, pages that went on from another' },
  pagesOverTime: { kind: 'counter', unit: 'pages', description: 'Pages cut because more would have taken too long' },
} as const;

const job = {
  runs: { kind: 'counter', unit: 'runs', description: 'Runs of background jobs that have ended, failed ones included' },
  failures: { kind: 'counter', unit: 'runs', description: 'Runs that failed' },
  retries: { kind: 'counter', unit: 'runs', description: 'Runs that were not the first of their job' },
  durationMs: { kind: 'histogram', unit: 'ms', description: 'Time from the beginning of a run to its end' },
  waitMs: { kind: 'histogram', unit: 'ms', description: 'Time from when a job was due to the beginning of its run' },
  databaseCalls: { kind: 'counter', unit: 'calls', description: 'Database calls made by the runs' },
  databaseMs: { kind: 'counter', unit: 'ms', description: 'Time the runs waited for those calls' },
} as const;

const compression = {
  answers: { kind: 'counter', unit: 'answers', description: 'Answers with content that were sent so' },
  bytesIn: { kind: 'counter', unit: 'bytes', description: 'Bytes of their bodies as the routes made them' },
  bytesOut: { kind: 'counter', unit: 'bytes', description: 'Bytes of their bodies as they were sent' },
  cpuMs: {
    kind: 'counter',
    unit: 'ms',
    description: 'CPU time that coding took; of streams and in other threads as it is believed to take',
  },
  addedMs: {
    kind: 'histogram',
    unit: 'ms',
    description: 'Time that answers waited for their coding, those that flow aside',
  },
} as const;

/** Every metric, declared once: it drives collection, merging, measures, documentation and export. */
export const metrics: Readonly<Record<Family, Readonly<Record<string, MetricDefinition>>>> = {
  route: request,
  tenant: request,
  statement,
  'route-statement': routeStatement,
  pool,
  runtime,
  job,
  compression,
  test: request,
};

export type RequestMetric = keyof typeof request;
export type StatementMetric = keyof typeof statement;
export type RouteStatementMetric = keyof typeof routeStatement;
export type PoolMetric = keyof typeof pool;
export type RuntimeMetric = keyof typeof runtime;
export type JobMetric = keyof typeof job;
export type CompressionMetric = keyof typeof compression;
