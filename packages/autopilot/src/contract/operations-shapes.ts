import type { Problem } from './error-table.ts';
import type { Frame, TimeSpan } from './frame.ts';
import type {
  Baseline,
  Dashboard,
  DashboardBaseline,
  DatabaseSummary,
  Deduction,
  Health,
  HealthComponent,
  InstanceList,
  InstanceRow,
  InstanceStatus,
  Liveness,
  MetricsAnswer,
  MetricsBaseline,
  Page,
  PoolRow,
  Readiness,
  RouteList,
  RouteRow,
  RoutesBaseline,
  RuntimeSummary,
  StatementRow,
  TrafficSummary,
} from './performance.ts';
import type { ShapeOf } from './shape.ts';

/**
 * The shapes of what the API answers. What a field means is said once, on its type in performance.ts and in the
 * tables of metrics and measures; here stand units and ranges, which types can't carry.
 */

export const text = { kind: 'string' } as const;
export const time = { kind: 'string', format: 'time' } as const;
export const count = { kind: 'number', min: 0 } as const;
export const ratio = { kind: 'number', min: 0, max: 1, unit: 'ratio' } as const;
export const ms = { kind: 'number', min: 0, unit: 'ms' } as const;
export const bytes = { kind: 'number', min: 0, unit: 'bytes' } as const;
export const perSecond = { kind: 'number', min: 0, unit: '1/s' } as const;
export const texts: ShapeOf<readonly string[]> = { kind: 'array', of: text };

/** What may be null. */
export type Nullable<Of> = { readonly kind: 'nullable'; readonly of: Of };
export const orNull = <Of>(of: Of): Nullable<Of> => ({ kind: 'nullable', of });

const timeSpan: ShapeOf<TimeSpan> = {
  kind: 'object',
  name: 'TimeSpan',
  fields: { from: { kind: 'integer', unit: 'ms since 1970' }, to: { kind: 'integer', unit: 'ms since 1970' } },
};

export const frame: ShapeOf<Frame> = {
  kind: 'object',
  name: 'Frame',
  description: 'Time series by column: columns[name][i] belongs to the step that starts at at[i]',
  fields: {
    at: { kind: 'array', of: { kind: 'integer', unit: 'ms since 1970' }, description: 'Start of each step' },
    stepMs: { kind: 'integer', min: 1, unit: 'ms' },
    columns: {
      kind: 'map',
      of: { kind: 'array', of: orNull({ kind: 'number' } as const) },
      description: 'null: no data',
    },
    complete: { kind: 'boolean', description: 'false: part of the range could not be had at all' },
    missing: {
      kind: 'optional',
      of: {
        kind: 'array',
        of: timeSpan,
        description: 'When no instance reported, the time that has not come included',
      },
    },
  },
};

const instanceState = {
  kind: 'string',
  values: ['live', 'stalled', 'gone'],
  description: 'stalled: linked, but silent for over 2.5 s; gone: its link has ended',
} as const;

const instanceStatus: ShapeOf<InstanceStatus> = {
  kind: 'object',
  name: 'InstanceStatus',
  description: 'One process that is linked, or was within the live hour',
  fields: {
    service: text,
    instance: text,
    release: text,
    state: instanceState,
    startedAt: time,
    lastSeenAt: time,
    silentMs: { ...ms, description: 'How long nothing has come from it' },
    historyTrouble: orNull({ ...text, description: 'Why what it measured does not reach history; null: it does' }),
  },
};

const traffic: ShapeOf<TrafficSummary> = {
  kind: 'object',
  name: 'TrafficSummary',
  description: 'Requests over the range; null where there were none',
  fields: {
    requests: count,
    requestRate: perSecond,
    errorRatio: orNull(ratio),
    clientErrorRatio: orNull(ratio),
    abortedRatio: orNull(ratio),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    p99Ms: orNull(ms),
    meanMs: orNull(ms),
    maxMs: orNull(ms),
    apdex: orNull(ratio),
    bytesSentRate: { kind: 'number', min: 0, unit: 'bytes/s' },
  },
};

const routeRow: ShapeOf<RouteRow> = {
  kind: 'object',
  name: 'RouteRow',
  description: 'One route over the range; shares are of all routes together',
  fields: {
    route: text,
    requests: count,
    requestRate: perSecond,
    errorRatio: orNull(ratio),
    clientErrorRatio: orNull(ratio),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    p99Ms: orNull(ms),
    meanMs: orNull(ms),
    maxMs: orNull(ms),
    apdex: orNull(ratio),
    timeShare: { ...ratio, description: 'Share of the time all requests took' },
    databaseShare: { ...ratio, description: 'Share of the database time all requests waited for' },
    databaseMsPerRequest: orNull(ms),
    databaseCallsPerRequest: orNull(count),
    bytesPerRequest: orNull(bytes),
  },
};

const statementRow: ShapeOf<StatementRow> = {
  kind: 'object',
  name: 'StatementRow',
  description: 'One statement over the range, as the application saw it',
  fields: {
    statement: text,
    database: text,
    text: { ...text, description: 'With literals replaced by ?; cut at 2,000 characters' },
    calls: count,
    callRate: perSecond,
    callErrorRatio: orNull(ratio),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    p99Ms: orNull(ms),
    meanMs: orNull(ms),
    rowsPerCall: orNull(count),
    timeShare: ratio,
    routes: { ...texts, description: 'The routes that waited longest for it, longest first; at most five' },
  },
};

/** A pool of the application. */
export const pool: ShapeOf<PoolRow> = {
  kind: 'object',
  name: 'PoolRow',
  description: 'One connection pool of the application, all instances together',
  fields: {
    pool: text,
    database: text,
    size: orNull(count),
    idle: orNull(count),
    waiting: orNull(count),
    max: orNull(count),
    acquired: count,
    failed: count,
    waitP95Ms: orNull(ms),
    opened: { ...count, description: 'Connections opened over the range' },
    closed: { ...count, description: 'Connections closed over the range' },
    ageMs: { ...orNull(ms), description: 'Of open connections, on average' },
    oldestMs: { ...orNull(ms), description: 'Of the oldest connection' },
    leaked: { ...orNull(count), description: 'Taken by requests that have ended, and never given back' },
  },
};

export const database: ShapeOf<DatabaseSummary> = {
  kind: 'object',
  name: 'DatabaseSummary',
  description: 'Database calls over the range, as the application saw them',
  fields: {
    calls: count,
    callRate: perSecond,
    callErrorRatio: orNull(ratio),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    p99Ms: orNull(ms),
    meanMs: orNull(ms),
    busy: { ...count, description: 'Calls under way on average' },
    pools: { kind: 'array', of: pool },
  },
};

const runtime: ShapeOf<RuntimeSummary> = {
  kind: 'object',
  name: 'RuntimeSummary',
  description: 'The processes over the range',
  fields: {
    eventLoopDelayP99Ms: orNull(ms),
    eventLoopDelayMaxMs: orNull(ms),
    eventLoopUtilization: orNull(ratio),
    cpuBusy: orNull({ kind: 'number', min: 0, unit: 'cores' } as const),
    rssBytes: orNull(bytes),
    heapUsedBytes: orNull(bytes),
    heapLimitBytes: orNull(bytes),
    externalBytes: orNull(bytes),
    gcBusy: orNull({ kind: 'number', min: 0, unit: 'ratio' } as const),
    gcMaxMs: orNull(ms),
    activeRequests: orNull(count),
  },
};

const deduction: ShapeOf<Deduction> = {
  kind: 'object',
  name: 'Deduction',
  description: 'Points a component lost, and why',
  fields: {
    points: { kind: 'number', min: 0, max: 100 },
    reason: text,
    measure: text,
    value: { kind: 'number' },
    limit: { kind: 'number', description: 'Where points begin to be lost' },
    link: { ...text, description: 'Where to look: an address under the dashboard' },
  },
};

const status = { kind: 'string', values: ['healthy', 'degraded', 'unhealthy', 'unknown'] } as const;
const score = { kind: 'number', min: 0, max: 100 } as const;

const healthComponent: ShapeOf<HealthComponent> = {
  kind: 'object',
  name: 'HealthComponent',
  fields: {
    name: text,
    score: orNull(score),
    status,
    confidence: { ...ratio, description: 'How much the score rests on: 0 nothing, 1 enough data' },
    deductions: { kind: 'array', of: deduction },
    notes: texts,
  },
};

/** GET /performance/health */
export const health: ShapeOf<Health> = {
  kind: 'object',
  name: 'Health',
  fields: {
    service: text,
    at: time,
    score: orNull(score),
    status,
    components: { kind: 'array', of: healthComponent },
    trend: frame,
  },
};

export const page: ShapeOf<Page> = {
  kind: 'object',
  name: 'Page',
  description: 'Where a list goes on; the same as in the Link header',
  fields: {
    limit: { kind: 'integer', min: 1 },
    next: orNull(text),
    previous: orNull(text),
    cut: {
      kind: 'optional',
      of: { kind: 'string', values: ['bytes', 'time'] },
      description: 'Why there are fewer items than asked for though there are more; absent: the page was not cut',
    },
    count: {
      kind: 'optional',
      of: { kind: 'object', fields: { value: { kind: 'integer', min: 0 }, exact: { kind: 'boolean' } } },
      description: 'Items on all pages of the list together',
    },
  },
};

const trends = { kind: 'map', of: frame, description: 'By name: traffic, latency, database, runtime' } as const;
export const complete = {
  kind: 'boolean',
  description: 'false: it reaches back beyond what is kept; notes say why',
} as const;

const baseline: { readonly [Name in keyof Baseline]: ShapeOf<Baseline[Name]> } = {
  from: time,
  to: time,
  shiftMs: { ...ms, description: 'How much earlier: as asked for, rounded up to a whole number of steps' },
  complete,
  notes: texts,
};

const dashboardBaseline: ShapeOf<DashboardBaseline> = {
  kind: 'object',
  name: 'DashboardBaseline',
  description: 'An earlier range of the same length; its trends have the times of the present ones',
  fields: {
    ...baseline,
    traffic,
    slowestRoutes: { kind: 'array', of: routeRow, description: 'The routes of the document, as they were then' },
    database,
    runtime,
    trends,
  },
};

const metricsBaseline: ShapeOf<MetricsBaseline> = {
  kind: 'object',
  name: 'MetricsBaseline',
  description: 'An earlier range of the same length; its frame has the times of the present one',
  fields: { ...baseline, frame },
};

const routesBaseline: ShapeOf<RoutesBaseline> = {
  kind: 'object',
  name: 'RoutesBaseline',
  description: 'The routes of the page, as they were in an earlier range of the same length',
  fields: { ...baseline, routes: { kind: 'array', of: routeRow } },
};

export const releases: ShapeOf<Dashboard['releases']> = {
  kind: 'array',
  of: {
    kind: 'object',
    name: 'ReleaseMark',
    description: 'When a release was first seen',
    fields: { service: text, release: text, at: time },
  },
};

/** GET /performance/dashboard */
export const dashboard: ShapeOf<Dashboard> = {
  kind: 'object',
  name: 'Dashboard',
  fields: {
    service: text,
    services: { ...texts, description: 'Every service that is known here, first linked first' },
    at: time,
    from: time,
    to: time,
    instances: { kind: 'array', of: instanceStatus },
    traffic,
    health,
    slowestRoutes: { kind: 'array', of: routeRow },
    slowestQueries: { kind: 'array', of: statementRow },
    database,
    runtime,
    trends,
    overflow: {
      kind: 'map',
      of: count,
      description: "By family: observations that the agents' bounds moved into (other) or left out",
    },
    complete,
    releases,
    notes: { ...texts, description: 'What limits this document' },
    baseline: { kind: 'optional', of: dashboardBaseline },
  },
};

/** GET /performance/metrics */
export const metricsAnswer: ShapeOf<MetricsAnswer> = {
  kind: 'object',
  name: 'MetricsAnswer',
  fields: {
    service: text,
    kind: text,
    key: { kind: 'optional', of: { ...text, description: 'Absent: the family as a whole' } },
    frame,
    units: { kind: 'map', of: text, description: 'Unit by column' },
    releases,
    notes: { ...texts, description: 'Where the answer differs from what was asked' },
    baseline: { kind: 'optional', of: metricsBaseline },
  },
};

/** GET /performance/routes */
export const routeList: ShapeOf<RouteList> = {
  kind: 'object',
  name: 'RouteList',
  fields: {
    service: text,
    from: time,
    to: time,
    routes: { kind: 'array', of: routeRow },
    complete,
    notes: texts,
    baseline: { kind: 'optional', of: routesBaseline },
    page,
  },
};

const instanceRow: ShapeOf<InstanceRow> = {
  kind: 'object',
  name: 'InstanceRow',
  description: 'One process over the range, with its state at present',
  fields: {
    service: text,
    instance: text,
    release: text,
    state: instanceState,
    startedAt: orNull({
      ...time,
      description: 'null: not known, because it left before this control plane was started',
    }),
    lastSeenAt: time,
    silentMs: { ...ms, description: 'How long nothing has come from it' },
    requestRate: orNull(perSecond),
    errorRatio: orNull(ratio),
    p95Ms: orNull(ms),
    eventLoopDelayP99Ms: orNull(ms),
    eventLoopUtilization: orNull(ratio),
    cpuBusy: orNull({ kind: 'number', min: 0, unit: 'cores' } as const),
    rssBytes: orNull(bytes),
    heapUsedBytes: orNull(bytes),
    trend: { ...frame, description: 'requestRate and p95Ms in about 60 steps' },
    reported: { kind: 'array', of: timeSpan, description: 'When it reported, within the range' },
  },
};

/** GET /performance/instances */
export const instanceList: ShapeOf<InstanceList> = {
  kind: 'object',
  name: 'InstanceList',
  fields: {
    service: text,
    from: time,
    to: time,
    instances: { kind: 'array', of: instanceRow },
    complete,
    notes: texts,
    page,
  },
};

/** GET /livez */
export const liveness: ShapeOf<Liveness> = {
  kind: 'object',
  name: 'Liveness',
  fields: { status: { kind: 'string', values: ['alive'] } },
};

/** GET /readyz */
export const readiness: ShapeOf<Readiness> = {
  kind: 'object',
  name: 'Readiness',
  fields: { status: { kind: 'string', values: ['ready', 'not ready'] }, reasons: texts, limits: texts },
};

/** Every refusal. */
export const problem: ShapeOf<Problem> = {
  kind: 'object',
  name: 'Problem',
  description: 'RFC 9457 problem details',
  fields: {
    type: text,
    title: text,
    status: { kind: 'integer', min: 400, max: 599 },
    code: { ...text, description: 'Stable; for programs' },
    detail: { ...text, description: 'What happened, with the actual values' },
    remedy: { kind: 'optional', of: { ...text, description: 'What to do next' } },
    instance: { kind: 'optional', of: { ...text, description: "The request's id" } },
  },
};
