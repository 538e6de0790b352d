/** What the list of tenants can be sorted by; most first. */
export type TenantSort =
  | ResourceSort
  | 'errors'
  | 'errorRatio'
  | 'p50Ms'
  | 'p95Ms'
  | 'p99Ms'
  | 'meanMs'
  | 'maxMs'
  | 'requestRate';

/** Parameters of GET /performance/tenants. */
export interface TenantsQuery {
  readonly service?: string;
  readonly instance?: string;
  readonly release?: string;
  /** Only these; those that nothing is known of are left out. */
  readonly tenant?: readonly string[];
  /** RFC 3339; default five minutes before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  /** Default `timeShare`. */
  readonly sort?: TenantSort;
  readonly limit?: number;
  readonly cursor?: string;
}

/** What the routes of GET /performance/resources can be sorted by; most first. */
export type ResourceSort =
  | 'timeShare'
  | 'requests'
  | 'databaseMs'
  | 'databaseCalls'
  | 'bytesReceived'
  | 'bytesSent'
  | 'loopMs';

/** Parameters of GET /performance/resources. */
export interface ResourcesQuery {
  readonly service?: string;
  readonly database?: string;
  readonly instance?: string;
  readonly release?: string;
  /** RFC 3339; default five minutes before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  /** Of the routes; default `timeShare`. */
  readonly sort?: ResourceSort;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Names that the routes of GET /performance/resources can be sorted by. */
export const resourceSorts: readonly ResourceSort[] = [
  'timeShare',
  'requests',
  'databaseMs',
  'databaseCalls',
  'bytesReceived',
  'bytesSent',
  'loopMs',
];

/** Names that the list of tenants can be sorted by. */
export const tenantSorts: readonly TenantSort[] = [
  ...resourceSorts,
  'errors',
  'errorRatio',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'meanMs',
  'maxMs',
  'requestRate',
];
