import { type MetricKind, metrics } from './metrics.ts';
import type { Family } from './series.ts';

/** The families that leave the autopilot as metrics of their own; `overflow` is about the autopilot itself. */
export type ExposedFamily = Exclude<Family, 'route-statement' | 'test'> | 'overflow';

/** Where a point of an exposed metric comes from: one field of a series, with the attributes that tell it from its neighbours. */
export interface ExposedPart {
  /** A name of the metric table. */
  readonly field: string;
  /** Taken from the field's value: busy connections are those open less those idle. */
  readonly less?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A metric as the outside sees it, by the semantic conventions of OpenTelemetry. */
export interface ExposedMetric {
  /** OpenTelemetry's name; {@link prometheusName} gives the other one. */
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM: seconds, bytes, a ratio, or what is counted in braces. */
  readonly unit: 's' | 'By' | '1' | `{${string}}`;
  readonly description: string;
  readonly family: ExposedFamily;
  readonly parts: readonly ExposedPart[];
}

/** Attributes that the points of a family carry, beside those of their part; in the order in which they are written. */
export const exposedAttributes: Readonly<Record<ExposedFamily, readonly string[]>> = {
  route: ['http.request.method', 'http.route'],
  tenant: ['tenant'],
  statement: ['db.namespace', 'db.statement.id'],
  pool: ['db.namespace', 'db.client.connection.pool.name'],
  runtime: [],
  job: ['autopilot.job.kind'],
  compression: ['autopilot.compression.outcome', 'http.route'],
  overflow: ['family'],
};

const errorParts: readonly ExposedPart[] = [
  { field: 'errors', attributes: { 'error.type': '5xx' } },
  { field: 'clientErrors', attributes: { 'error.type': '4xx' } },
  { field: 'aborted', attributes: { 'error.type': 'aborted' } },
];

const of = (field: string): readonly ExposedPart[] => [{ field }];
const secondsOf = 'in seconds';

/**
 * Every metric that is exposed or pushed, declared once: it drives all formats and the guide, and a test holds both to
 * it. Their values are those of the metric table, in base units. What a histogram counts by itself (requests, calls)
 * has no counter of its own.
 */
export const exposedMetrics: readonly ExposedMetric[] = [
  {
    name: 'http.server.request.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Time from a request reaching the service to the end of its response',
    family: 'route',
    parts: of('durationMs'),
  },
  {
    name: 'http.server.request.errors',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that were answered with 500 or more, with 400 to 499, or whose client went away',
    family: 'route',
    parts: errorParts,
  },
  {
    name: 'http.server.response.sent',
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of the responses as sent, headers included',
    family: 'route',
    parts: of('bytesSent'),
  },
  {
    name: 'http.server.request.db.calls',
    kind: 'counter',
    unit: '{call}',
    description: 'Database calls made while handling the requests',
    family: 'route',
    parts: of('databaseCalls'),
  },
  {
    name: 'http.server.request.db.time',
    kind: 'counter',
    unit: 's',
    description: `Time the requests waited for those calls, ${secondsOf}`,
    family: 'route',
    parts: of('databaseMs'),
  },
  {
    name: 'http.server.active_requests',
    kind: 'gauge',
    unit: '{request}',
    description: 'Requests being handled',
    family: 'runtime',
    parts: of('activeRequests'),
  },
  {
    name: 'autopilot.tenant.request.duration',
    kind: 'histogram',
    unit: 's',
    description: "Duration of a tenant's requests; only where tenants are switched on",
    family: 'tenant',
    parts: of('durationMs'),
  },
  {
    name: 'autopilot.tenant.request.errors',
    kind: 'counter',
    unit: '{request}',
    description: "A tenant's requests that failed, as in http.server.request.errors",
    family: 'tenant',
    parts: errorParts,
  },
  {
    name: 'autopilot.tenant.response.sent',
    kind: 'counter',
    unit: 'By',
    description: "Bytes of the responses to a tenant's requests, headers included",
    family: 'tenant',
    parts: of('bytesSent'),
  },
  {
    name: 'autopilot.tenant.request.db.time',
    kind: 'counter',
    unit: 's',
    description: `Time a tenant's requests waited for the database, ${secondsOf}`,
    family: 'tenant',
    parts: of('databaseMs'),
  },
  {
    name: 'db.client.operation.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Time from sending a statement to its last row, as the application saw it',
    family: 'statement',
    parts: of('durationMs'),
  },
  {
    name: 'db.client.operation.errors',
    kind: 'counter',
    unit: '{call}',
    description: 'Executions that failed',
    family: 'statement',
    parts: of('errors'),
  },
  {
    name: 'db.client.operation.rows',
    kind: 'counter',
    unit: '{row}',
    description: 'Rows returned or affected',
    family: 'statement',
    parts: of('rows'),
  },
  {
    name: 'db.client.connection.count',
    kind: 'gauge',
    unit: '{connection}',
    description: 'Open connections of a pool, in use and idle',
    family: 'pool',
    parts: [
      { field: 'size', less: 'idle', attributes: { 'db.client.connection.state': 'used' } },
      { field: 'idle', attributes: { 'db.client.connection.state': 'idle' } },
    ],
  },
  {
    name: 'db.client.connection.max',
    kind: 'gauge',
    unit: '{connection}',
    description: 'Most connections the pool may open',
    family: 'pool',
    parts: of('max'),
  },
  {
    name: 'db.client.connection.pending_requests',
    kind: 'gauge',
    unit: '{request}',
    description: 'Callers waiting for a connection',
    family: 'pool',
    parts: of('waiting'),
  },
  {
    name: 'db.client.connection.wait_time',
    kind: 'histogram',
    unit: 's',
    description: 'Time a caller waited for a connection',
    family: 'pool',
    parts: of('waitMs'),
  },
  {
    name: 'db.client.connection.use_time',
    kind: 'histogram',
    unit: 's',
    description: 'Time a caller kept a connection until it gave it back',
    family: 'pool',
    parts: of('useMs'),
  },
  {
    name: 'db.client.connection.failures',
    kind: 'counter',
    unit: '{request}',
    description: 'Callers that got no connection',
    family: 'pool',
    parts: of('failed'),
  },
  {
    name: 'nodejs.eventloop.delay',
    kind: 'histogram',
    unit: 's',
    description: 'How late timers fired',
    family: 'runtime',
    parts: of('eventLoopDelayMs'),
  },
  {
    name: 'nodejs.eventloop.utilization',
    kind: 'gauge',
    unit: '1',
    description: 'Share of the time the event loop was busy, from 0 to 1',
    family: 'runtime',
    parts: of('eventLoopUtilization'),
  },
  {
    name: 'process.cpu.time',
    kind: 'counter',
    unit: 's',
    description: `CPU time of the process, ${secondsOf}`,
    family: 'runtime',
    parts: [
      { field: 'cpuUserMs', attributes: { 'cpu.mode': 'user' } },
      { field: 'cpuSystemMs', attributes: { 'cpu.mode': 'system' } },
    ],
  },
  {
    name: 'process.memory.usage',
    kind: 'gauge',
    unit: 'By',
    description: 'Resident memory of the process',
    family: 'runtime',
    parts: of('rssBytes'),
  },
  {
    name: 'v8js.memory.heap.used',
    kind: 'gauge',
    unit: 'By',
    description: 'JavaScript heap in use',
    family: 'runtime',
    parts: of('heapUsedBytes'),
  },
  {
    name: 'v8js.memory.heap.limit',
    kind: 'gauge',
    unit: 'By',
    description: 'JavaScript heap at which the process ends',
    family: 'runtime',
    parts: of('heapLimitBytes'),
  },
  {
    name: 'v8js.memory.external',
    kind: 'gauge',
    unit: 'By',
    description: 'Memory of buffers outside the JavaScript heap',
    family: 'runtime',
    parts: of('externalBytes'),
  },
  {
    name: 'v8js.gc.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Pauses by garbage collection',
    family: 'runtime',
    parts: of('gcMs'),
  },
  {
    name: 'autopilot.job.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Time from the beginning of a run of a background job to its end',
    family: 'job',
    parts: of('durationMs'),
  },
  {
    name: 'autopilot.job.wait',
    kind: 'histogram',
    unit: 's',
    description: 'Time from when a background job was due to the beginning of its run',
    family: 'job',
    parts: of('waitMs'),
  },
  {
    name: 'autopilot.job.failures',
    kind: 'counter',
    unit: '{run}',
    description: 'Runs of background jobs that failed',
    family: 'job',
    parts: of('failures'),
  },
  {
    name: 'autopilot.job.retries',
    kind: 'counter',
    unit: '{run}',
    description: 'Runs that were not the first of their background job',
    family: 'job',
    parts: of('retries'),
  },
  {
    name: 'autopilot.job.db.time',
    kind: 'counter',
    unit: 's',
    description: `Time the runs of background jobs waited for the database, ${secondsOf}`,
    family: 'job',
    parts: of('databaseMs'),
  },
  {
    name: 'autopilot.compression.answers',
    kind: 'counter',
    unit: '{answer}',
    description: 'Answers with content, by how they were coded or why they were not',
    family: 'compression',
    parts: of('answers'),
  },
  {
    name: 'autopilot.compression.original',
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of bodies as the routes made them',
    family: 'compression',
    parts: of('bytesIn'),
  },
  {
    name: 'autopilot.compression.sent',
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of bodies as they were sent',
    family: 'compression',
    parts: of('bytesOut'),
  },
  {
    name: 'autopilot.compression.cpu',
    kind: 'counter',
    unit: 's',
    description: 'CPU time that coding took; of streams and in other threads as it is believed to take',
    family: 'compression',
    parts: of('cpuMs'),
  },
  {
    name: 'autopilot.series.overflow',
    kind: 'counter',
    unit: '{observation}',
    description: 'Observations that went into "(other)" because their family was full',
    family: 'overflow',
    parts: of('observations'),
  },
];

const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' };

/**
 * The metric's name in Prometheus, without a counter's `_total`: dots become underscores and the unit its ending
 * (OpenTelemetry, "Prometheus and OpenMetrics Compatibility").
 */
export function prometheusName({ name, unit }: Pick<ExposedMetric, 'name' | 'unit'>): string {
  return name.replaceAll('.', '_') + (suffixes[unit] ?? '');
}

/** What a value of the field is multiplied by to be in the metric's unit: the metric table has ms, the outside seconds. */
export function exposedFactor({ family, unit }: ExposedMetric, { field }: ExposedPart): number {
  if (family === 'overflow') return 1;
  return unit === 's' && metrics[family][field]?.unit === 'ms' ? 1 / 1000 : 1;
}
