import { type AccessOperationTypes, accessOperations } from './access-operations.ts';
import { type ConfigurationOperationTypes, configurationOperations } from './configuration-operations.ts';
import { type DatabaseOperationTypes, databaseOperations } from './database-operations.ts';
import type { ErrorCode } from './error-table.ts';
import { type IndexAdviceOperationTypes, indexAdviceOperations } from './index-advice-operations.ts';
import type { Measure } from './measures.ts';
import { expositionMediaTypes, type MediaType } from './media-types.ts';
import {
  compare,
  cursor,
  database,
  from,
  instance,
  limit,
  measureList,
  name,
  optional,
  release,
  service,
  to,
} from './operations-parameters.ts';
import * as answer from './operations-shapes.ts';
import { type OptimizationOperationTypes, optimizationOperations } from './optimization-operations.ts';
import type {
  Dashboard,
  Health,
  InstanceList,
  Liveness,
  MetricsAnswer,
  Readiness,
  RouteList,
  RouteRow,
} from './performance.ts';
import type { Scope } from './principal.ts';
import { type ProfileOperationTypes, profileOperations } from './profile-operations.ts';
import { type ResourcesQuery, resourceSorts, type TenantsQuery, tenantSorts } from './resource-queries.ts';
import * as resourceAnswer from './resource-shapes.ts';
import type { Resources, TenantList } from './resources.ts';
import type { Family } from './series.ts';
import type { JsonSchema, ObjectShape, Shape, ShapeOf } from './shape.ts';

/** What a call is about; each part left out means the default (the application asked through) or all. */
export interface Selection {
  readonly service?: string;
  readonly database?: string;
  readonly instance?: string;
  readonly release?: string;
}

/** Parameters of GET /performance/dashboard. */
export interface DashboardQuery extends Selection {
  /** How far the document looks back: 1 to 60; default 5. Not together with `from` and `to`. */
  readonly minutes?: number;
  /** RFC 3339. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  /** In ms: adds the same from so much earlier. */
  readonly compare?: number;
}

/** Parameters of GET /performance/health. */
export type HealthQuery = Selection;

/** The families that GET /performance/metrics answers. */
export type MetricsKind = Exclude<Family, 'route-statement'>;

/** Parameters of GET /performance/metrics. */
export interface MetricsQuery extends Selection {
  readonly kind: MetricsKind;
  /** With kind `route`: one route, as "GET /tasks/:id"; left out: all together. */
  readonly route?: string;
  readonly tenant?: string;
  /** A statement's id. */
  readonly statement?: string;
  readonly pool?: string;
  /** A kind of background job. */
  readonly job?: string;
  /** With kind `test`: one route of load tests that are kept apart. */
  readonly test?: string;
  /** Left out: every measure of the family. */
  readonly measure?: readonly Measure[];
  /** RFC 3339; default five minutes before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  /** In ms, a multiple of 1,000; default the finest usual one that gives at most 600 points. */
  readonly step?: number;
  /** In ms: adds the same from so much earlier. */
  readonly compare?: number;
}

/** What the list of routes can be sorted by; worst first. */
export type RouteSort = Exclude<keyof RouteRow, 'route'>;

/** Parameters of GET /performance/routes. */
export interface RoutesQuery {
  readonly service?: string;
  readonly instance?: string;
  readonly release?: string;
  /** One route, as "GET /tasks/:id". */
  readonly route?: string;
  /** RFC 3339; default 60 s before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  /** Default `timeShare`. */
  readonly sort?: RouteSort;
  /** In ms: adds the same from so much earlier. */
  readonly compare?: number;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /performance/instances. */
export interface InstancesQuery {
  readonly service?: string;
  readonly instance?: string;
  readonly release?: string;
  /** RFC 3339; default five minutes before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /metrics. */
export interface ExpositionQuery {
  readonly service?: string;
  readonly instance?: string;
  /** Classic buckets an octave: 1, 2, 4, 8 or 16; default 2. */
  readonly bucketsPerOctave?: number;
}

/** A call without parameters. */
export type NoQuery = object;

/** The body that a call takes. */
export interface OperationBody {
  readonly description: string;
  readonly mediaTypes: readonly string[];
  readonly maxBytes: number;
  /** null: the call itself reads it. */
  readonly shape: Shape | null;
}

/** One call of the HTTP API. */
export interface Operation<Query, Answer> {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE';
  /** Parts in braces are parameters: /config/versions/{n}. */
  readonly path: string;
  readonly tag: 'Performance' | 'Optimization' | 'Configuration' | 'Access' | 'Service';
  readonly summary: string;
  readonly description?: string;
  /** The least scope that may call it; null: everyone, without signing in. */
  readonly scope: Scope | null;
  /** The parameters in the path; absent: none. */
  readonly params?: ObjectShape;
  readonly query: ShapeOf<Query>;
  /** What it takes; absent: nothing. */
  readonly body?: OperationBody;
  /** null: its media type says all (a page, an OpenAPI document). */
  readonly answer: ShapeOf<Answer> | null;
  /** What it can be answered as; the first is the default. */
  readonly mediaTypes: readonly MediaType[];
  /** Codes it answers with beside those that every call can. */
  readonly problems: readonly ErrorCode[];
}

/** The types of each call by its operationId. */
export interface OperationTypes
  extends ConfigurationOperationTypes,
    AccessOperationTypes,
    DatabaseOperationTypes,
    IndexAdviceOperationTypes,
    OptimizationOperationTypes,
    ProfileOperationTypes {
  readonly getDashboard: { readonly query: DashboardQuery; readonly answer: Dashboard };
  readonly getMetrics: { readonly query: MetricsQuery; readonly answer: MetricsAnswer };
  readonly getExposition: { readonly query: ExpositionQuery; readonly answer: string };
  readonly getHealth: { readonly query: HealthQuery; readonly answer: Health };
  readonly listRoutes: { readonly query: RoutesQuery; readonly answer: RouteList };
  readonly listInstances: { readonly query: InstancesQuery; readonly answer: InstanceList };
  readonly listTenants: { readonly query: TenantsQuery; readonly answer: TenantList };
  readonly getResources: { readonly query: ResourcesQuery; readonly answer: Resources };
  readonly getOpenApi: { readonly query: NoQuery; readonly answer: JsonSchema };
  readonly getDocs: { readonly query: NoQuery; readonly answer: string };
  readonly getLiveness: { readonly query: NoQuery; readonly answer: Liveness };
  readonly getReadiness: { readonly query: NoQuery; readonly answer: Readiness };
}

/** Names a call: the key of the operation table. */
export type OperationId = keyof OperationTypes;

const nothing = { kind: 'object', fields: {} } as const;

/** The families of GET /performance/metrics. */
export const metricsKinds: readonly MetricsKind[] = [
  'route',
  'tenant',
  'statement',
  'pool',
  'runtime',
  'job',
  'compression',
  'test',
];

/** Names that the list of routes can be sorted by. */
export const routeSorts: readonly RouteSort[] = [
  'timeShare',
  'databaseShare',
  'requests',
  'requestRate',
  'errorRatio',
  'clientErrorRatio',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'meanMs',
  'maxMs',
  'apdex',
  'databaseMsPerRequest',
  'databaseCallsPerRequest',
  'bytesPerRequest',
];

/** Every call of the HTTP API, declared once: it drives routing, validation, OpenAPI and the client. */
export const operations: {
  readonly [Id in OperationId]: Operation<OperationTypes[Id]['query'], OperationTypes[Id]['answer']>;
} = {
  getDashboard: {
    method: 'GET',
    path: '/api/v1/performance/dashboard',
    tag: 'Performance',
    summary: 'Everything the first page shows, in one document',
    description:
      'Asked for as text/event-stream it sends one event named `dashboard` a second: first the whole document, then documents whose trends are cut to the last ten seconds, to be merged by `at`. A stream follows the present: it takes `minutes`, and neither `from`, `to` nor `compare`. `instances` and `health` are of the present, whatever the range.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        instance,
        release,
        minutes: optional({ kind: 'integer', min: 1, max: 60, description: 'How far to look back; default 5' }),
        from: optional({
          kind: 'string',
          format: 'time',
          description: 'Start of the range, RFC 3339; not with minutes',
        }),
        to,
        compare,
      },
    },
    answer: answer.dashboard,
    mediaTypes: ['application/json', 'text/event-stream'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_SERIES_UNKNOWN', 'AP_RANGE_INVALID', 'AP_TOO_MANY_STREAMS'],
  },
  getMetrics: {
    method: 'GET',
    path: '/api/v1/performance/metrics',
    tag: 'Performance',
    summary: 'Measures of one family over time, as a Frame',
    description:
      'Asked for as text/event-stream it sends one event named `metrics` a second: first the whole frame, then frames cut to the last ten seconds, to be merged by `at`. A stream follows the present: it takes neither `to` nor `compare`. A step finer than what is kept that far back is rounded up: to 10 s beyond the last ten minutes, to a minute beyond two hours, to an hour beyond 8 days, to a day beyond 100 days; `frame.stepMs` and `notes` say so. `frame.complete` is false when part of the range can not be had. Asked for as text/plain it is what GET /metrics answers, and takes its parameters.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        instance,
        release,
        kind: { kind: 'string', values: metricsKinds, description: 'The family of series' },
        route: optional(name('With kind=route: one route, as "GET /tasks/:id"; default: all together')),
        tenant: optional(name('With kind=tenant: one tenant; default: all together')),
        statement: optional(name("With kind=statement: one statement's id; default: all together")),
        pool: optional(name('With kind=pool: one pool; default: all together')),
        job: optional(name('With kind=job: one kind of background job; default: all together')),
        test: optional(name('With kind=test: one route, of load tests that are kept apart; default: all together')),
        measure: optional(measureList),
        from: from('five minutes'),
        to,
        step: optional({
          kind: 'integer',
          min: 1000,
          max: 30 * 86_400_000,
          unit: 'ms',
          description: 'A multiple of 1,000; default: the finest usual one that gives at most 600 points',
        }),
        compare,
      },
    },
    answer: answer.metricsAnswer,
    mediaTypes: ['application/json', 'text/event-stream', ...expositionMediaTypes],
    problems: [
      'AP_SERVICE_UNKNOWN',
      'AP_SERIES_UNKNOWN',
      'AP_RANGE_INVALID',
      'AP_TOO_MANY_STREAMS',
      'AP_EXPOSITION_BUSY',
    ],
  },
  getExposition: {
    method: 'GET',
    path: '/metrics',
    tag: 'Performance',
    summary: 'Totals of every instance for Prometheus and OpenMetrics',
    description:
      'Counters and histograms since the start, in base units. Formats by Accept: Prometheus text 0.0.4, OpenMetrics 1.0, and delimited protobuf with native histograms. The application answers this address itself, for its own process: without labels `service_name` and `instance`, and without the parameters that select.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service: optional(name('One service; default: all')),
        instance: optional(name('One instance; default: all')),
        bucketsPerOctave: optional({
          kind: 'integer',
          min: 1,
          max: 16,
          description: 'Classic buckets an octave: 1, 2, 4, 8 or 16; default 2',
        }),
      },
    },
    answer: null,
    mediaTypes: expositionMediaTypes,
    problems: ['AP_EXPOSITION_BUSY'],
  },
  getHealth: {
    method: 'GET',
    path: '/api/v1/performance/health',
    tag: 'Performance',
    summary: 'The score from 0 to 100 with its components, each point lost with its reason',
    scope: 'read',
    query: { kind: 'object', fields: { service, database, instance, release } },
    answer: answer.health,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN'],
  },
  listRoutes: {
    method: 'GET',
    path: '/api/v1/performance/routes',
    tag: 'Performance',
    summary: 'The routes with percentiles and shares, worst first',
    description: 'The pages of one list show one range: `from` and `to` of its first page travel in the cursor.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        instance,
        release,
        route: optional(name('One route, as "GET /tasks/:id"; default: all')),
        from: from('60 s'),
        to,
        sort: optional({ kind: 'string', values: routeSorts, description: 'Default timeShare' }),
        compare,
        limit,
        cursor,
      },
    },
    answer: answer.routeList,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PAGE_CURSOR_INVALID'],
  },
  listInstances: {
    method: 'GET',
    path: '/api/v1/performance/instances',
    tag: 'Performance',
    summary: 'The processes that reported within the range, each with its numbers and its state at present',
    description:
      'Where the range ends at present, processes that are linked or were within the last hour are listed too. The pages of one list show one range: `from` and `to` of its first page travel in the cursor.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: { service, instance, release, from: from('five minutes'), to, limit, cursor },
    },
    answer: answer.instanceList,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PAGE_CURSOR_INVALID'],
  },
  listTenants: {
    method: 'GET',
    path: '/api/v1/performance/tenants',
    tag: 'Performance',
    summary: 'The tenants with percentiles and what each took of the service, most first',
    description:
      'Shares are of all requests of the service: what the tenants leave of 1 was for nobody in particular. The pages of one list show one range: `from` and `to` of its first page travel in the cursor.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        instance,
        release,
        tenant: optional({
          kind: 'array',
          of: { kind: 'string', maxLength: 512 },
          maxItems: 200,
          description: 'Only these tenants, separated by commas; those that nothing is known of are left out',
        } as const),
        from: from('five minutes'),
        to,
        sort: optional({ kind: 'string', values: tenantSorts, description: 'Default timeShare' }),
        limit,
        cursor,
      },
    },
    answer: resourceAnswer.tenantList,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_SERIES_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PAGE_CURSOR_INVALID'],
  },
  getResources: {
    method: 'GET',
    path: '/api/v1/performance/resources',
    tag: 'Performance',
    summary: 'Processor, event loop, memory, disk, network and database, and what each route takes of them',
    description:
      'The routes are paged; the pages of one answer show one range: `from` and `to` of its first page travel in the cursor. Time of the event loop is an estimate, made while the setting resources.enabled is on: `loop` says whether there is one, and how far off it may be.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        instance,
        release,
        from: from('five minutes'),
        to,
        sort: optional({ kind: 'string', values: resourceSorts, description: 'Of the routes; default timeShare' }),
        limit,
        cursor,
      },
    },
    answer: resourceAnswer.resources,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_SERIES_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PAGE_CURSOR_INVALID'],
  },
  ...profileOperations,
  ...configurationOperations,
  ...databaseOperations,
  ...indexAdviceOperations,
  ...accessOperations,
  ...optimizationOperations,
  getOpenApi: {
    method: 'GET',
    path: '/api/v1/openapi.json',
    tag: 'Service',
    summary: 'This API as an OpenAPI 3.1 document',
    scope: null,
    query: nothing,
    answer: null,
    mediaTypes: ['application/json'],
    problems: [],
  },
  getDocs: {
    method: 'GET',
    path: '/api/v1/docs',
    tag: 'Service',
    summary: 'This API as a page to read',
    scope: null,
    query: nothing,
    answer: null,
    mediaTypes: ['text/html'],
    problems: [],
  },
  getLiveness: {
    method: 'GET',
    path: '/livez',
    tag: 'Service',
    summary: 'Whether the process answers',
    scope: null,
    query: nothing,
    answer: answer.liveness,
    mediaTypes: ['application/json'],
    problems: [],
  },
  getReadiness: {
    method: 'GET',
    path: '/readyz',
    tag: 'Service',
    summary: 'Whether requests can be served: 200, or 503 with the reasons',
    scope: null,
    query: nothing,
    answer: answer.readiness,
    mediaTypes: ['application/json'],
    problems: [],
  },
};
