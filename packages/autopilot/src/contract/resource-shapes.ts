import {
  bytes,
  complete,
  count,
  database,
  frame,
  ms,
  orNull,
  page,
  perSecond,
  ratio,
  releases,
  text,
  texts,
  time,
} from './operations-shapes.ts';
import type {
  Consumption,
  ConsumptionShares,
  JobConsumption,
  LoopEstimate,
  LoopTime,
  Resources,
  RouteConsumption,
  TenantList,
  TenantRow,
} from './resources.ts';
import type { FieldsOf, ShapeOf } from './shape.ts';

/** The shapes of what GET /performance/tenants and /performance/resources answer; what a field means is said on its type. */

const cores = { kind: 'number', min: 0, unit: 'cores' } as const;
const bytesRate = { kind: 'number', min: 0, unit: 'bytes/s' } as const;

const consumptionFields: FieldsOf<Consumption> = {
  requests: count,
  errors: { ...count, description: 'Answered with 500 or more' },
  databaseMs: { ...ms, description: 'Time they waited for the database' },
  databaseCalls: count,
  bytesReceived: { ...bytes, description: 'Headers included' },
  bytesSent: { ...bytes, description: 'As sent, after compression; headers included' },
};

const shareFields: FieldsOf<ConsumptionShares> = {
  requestShare: ratio,
  timeShare: { ...ratio, description: 'Of the time all requests took' },
  databaseShare: ratio,
  bytesReceivedShare: ratio,
  bytesSentShare: ratio,
};

const consumption: ShapeOf<Consumption> = {
  kind: 'object',
  name: 'Consumption',
  description: 'What requests took of the service, in all',
  fields: consumptionFields,
};

const shareError = {
  ...ratio,
  description: 'How far a share was off at most where the truth was known, as a ratio of it',
} as const;

const loopTime: ShapeOf<LoopTime> = {
  kind: 'object',
  name: 'LoopTime',
  description: 'Time of the event loop that requests took, estimated from samples',
  fields: {
    estimated: { kind: 'boolean', description: 'Always true' },
    ms,
    share: { ...ratio, description: 'Of what all requests took of the loop' },
    shareError,
  },
};

const loopEstimate: ShapeOf<LoopEstimate> = {
  kind: 'object',
  name: 'LoopEstimate',
  description: "Whether there is an estimate of the event loop's time",
  fields: {
    made: { kind: 'boolean' },
    reason: orNull({ ...text, description: 'Why there is none; null: there is one' }),
    shareError,
  },
};

const loop = {
  kind: 'optional',
  of: { ...loopTime, description: 'Absent while there is no estimate; the answer says why' },
} as const;

const tenantRow: ShapeOf<TenantRow> = {
  kind: 'object',
  name: 'TenantRow',
  description: 'One tenant over the range; shares are of all requests of the service',
  fields: {
    tenant: text,
    name: { ...orNull(text), description: 'As the application calls it; null: it has not said' },
    ...consumptionFields,
    requestRate: perSecond,
    errorRatio: orNull(ratio),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    p99Ms: orNull(ms),
    meanMs: orNull(ms),
    maxMs: orNull(ms),
    ...shareFields,
    loop,
    trend: { ...frame, description: 'requestRate and p95Ms in about 60 steps' },
  },
};

/** GET /performance/tenants */
export const tenantList: ShapeOf<TenantList> = {
  kind: 'object',
  name: 'TenantList',
  fields: {
    service: text,
    from: time,
    to: time,
    tenants: { kind: 'array', of: tenantRow },
    whole: { ...consumption, description: 'All requests of the service, those for no tenant included' },
    loop: loopEstimate,
    overflow: {
      ...count,
      description: "Requests of tenants beyond the agents' bound, which stand together as (other)",
    },
    complete,
    notes: texts,
    page,
  },
};

const routeConsumption: ShapeOf<RouteConsumption> = {
  kind: 'object',
  name: 'RouteConsumption',
  description: 'What one route took; shares are of all requests of the service',
  fields: { route: text, ...consumptionFields, ...shareFields, loop },
};

const jobConsumption: ShapeOf<JobConsumption> = {
  kind: 'object',
  name: 'JobConsumption',
  description: 'One kind of background job',
  fields: {
    job: text,
    runs: count,
    failures: count,
    failureRatio: orNull(ratio),
    retries: { ...count, description: 'Runs that were not the first of their job' },
    waitP50Ms: { ...orNull(ms), description: 'From when it was due to its beginning' },
    waitP95Ms: orNull(ms),
    p50Ms: orNull(ms),
    p95Ms: orNull(ms),
    concurrency: { ...orNull({ kind: 'number', min: 0, unit: 'runs' } as const), description: 'Under way on average' },
    databaseMsPerJob: orNull(ms),
  },
};

/** GET /performance/resources */
export const resources: ShapeOf<Resources> = {
  kind: 'object',
  name: 'Resources',
  fields: {
    service: text,
    from: time,
    to: time,
    processor: {
      kind: 'object',
      description: 'Cores kept busy by the processes; null where none reported',
      fields: {
        busy: orNull(cores),
        userBusy: orNull(cores),
        systemBusy: orNull(cores),
        gcBusy: orNull({ kind: 'number', min: 0, unit: 'ratio' } as const),
      },
    },
    eventLoop: {
      kind: 'object',
      fields: {
        utilization: orNull(ratio),
        delayP50Ms: orNull(ms),
        delayP95Ms: orNull(ms),
        delayP99Ms: orNull(ms),
        delayMaxMs: orNull(ms),
      },
    },
    memory: {
      kind: 'object',
      description: 'All processes together, on average; the highest are of any one',
      fields: {
        rssBytes: orNull(bytes),
        rssMaxBytes: orNull(bytes),
        heapUsedBytes: orNull(bytes),
        heapUsedMaxBytes: orNull(bytes),
        heapLimitBytes: orNull(bytes),
        externalBytes: orNull(bytes),
      },
    },
    disk: {
      kind: 'object',
      description: 'What reached disks, caches aside',
      fields: {
        bytesRead: orNull(bytes),
        bytesWritten: orNull(bytes),
        readRate: orNull(bytesRate),
        writeRate: orNull(bytesRate),
      },
    },
    network: {
      kind: 'object',
      description: 'Requests and responses, headers included',
      fields: { bytesReceived: bytes, bytesSent: bytes, receivedRate: bytesRate, sentRate: bytesRate },
    },
    database,
    trends: {
      kind: 'map',
      of: frame,
      description: 'By name: processor, eventLoop, memory, disk, network, database, pool',
    },
    whole: { ...consumption, description: 'All requests: what the shares of the routes are of' },
    loop: loopEstimate,
    routes: { kind: 'array', of: routeConsumption },
    jobs: { kind: 'array', of: jobConsumption, description: 'Most runs first; 100 at most' },
    releases,
    complete,
    notes: texts,
    page,
  },
};
