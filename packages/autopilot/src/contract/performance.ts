import type { Frame, TimeSpan } from './frame.ts';

/** Times on the wire: RFC 3339 in UTC. */
export type Timestamp = string;

/** One process that is linked, or was within the live hour. */
export interface InstanceStatus {
  readonly service: string;
  readonly instance: string;
  readonly release: string;
  /**
   * `live`: windows arrive; `stalled`: linked, but its event loop has not sent one for over 2.5 s;
   * `gone`: its link has ended.
   */
  readonly state: 'live' | 'stalled' | 'gone';
  readonly startedAt: Timestamp;
  readonly lastSeenAt: Timestamp;
  /** How long nothing has come from it, in ms. */
  readonly silentMs: number;
  /** Why what it measured does not reach history, as its agent says; null: it does, or it keeps none. */
  readonly historyTrouble: string | null;
}

/** When a release of a service was first seen: what charts draw as a vertical line. */
export interface ReleaseMark {
  readonly service: string;
  readonly release: string;
  /** Of its first instance: when that started, or when its first window began. */
  readonly at: Timestamp;
}

/** Requests over a range; null where there were none. */
export interface TrafficSummary {
  readonly requests: number;
  readonly requestRate: number;
  readonly errorRatio: number | null;
  readonly clientErrorRatio: number | null;
  readonly abortedRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly meanMs: number | null;
  readonly maxMs: number | null;
  readonly apdex: number | null;
  readonly bytesSentRate: number;
}

/** One route over a range. Shares are of all routes together, 0 to 1. */
export interface RouteRow {
  readonly route: string;
  readonly requests: number;
  readonly requestRate: number;
  readonly errorRatio: number | null;
  readonly clientErrorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly meanMs: number | null;
  readonly maxMs: number | null;
  readonly apdex: number | null;
  /** Share of the time all requests took. */
  readonly timeShare: number;
  /** Share of the database time all requests waited for. */
  readonly databaseShare: number;
  readonly databaseMsPerRequest: number | null;
  readonly databaseCallsPerRequest: number | null;
  readonly bytesPerRequest: number | null;
}

/** One statement over a range, as the application saw it. */
export interface StatementRow {
  readonly statement: string;
  readonly database: string;
  /** With literals replaced by `?`; cut at 2,000 characters. */
  readonly text: string;
  readonly calls: number;
  readonly callRate: number;
  readonly callErrorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly meanMs: number | null;
  readonly rowsPerCall: number | null;
  /** Share of the time of all statements, 0 to 1. */
  readonly timeShare: number;
  /** The routes that waited longest for it, longest first; at most five. */
  readonly routes: readonly string[];
}

/** One connection pool of the application. */
export interface PoolRow {
  readonly pool: string;
  readonly database: string;
  readonly size: number | null;
  readonly idle: number | null;
  readonly waiting: number | null;
  readonly max: number | null;
  readonly acquired: number;
  readonly failed: number;
  readonly waitP95Ms: number | null;
  /** Connections opened and closed over the range. */
  readonly opened: number;
  readonly closed: number;
  /** Of open connections: on average, and of the oldest. */
  readonly ageMs: number | null;
  readonly oldestMs: number | null;
  /** Connections that requests took which have ended, and never gave back; null: no sample. */
  readonly leaked: number | null;
}

export interface DatabaseSummary {
  readonly calls: number;
  readonly callRate: number;
  readonly callErrorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly meanMs: number | null;
  /** Calls under way on average. */
  readonly busy: number;
  readonly pools: readonly PoolRow[];
}

export interface RuntimeSummary {
  readonly eventLoopDelayP99Ms: number | null;
  readonly eventLoopDelayMaxMs: number | null;
  readonly eventLoopUtilization: number | null;
  readonly cpuBusy: number | null;
  readonly rssBytes: number | null;
  readonly heapUsedBytes: number | null;
  readonly heapLimitBytes: number | null;
  readonly externalBytes: number | null;
  readonly gcBusy: number | null;
  readonly gcMaxMs: number | null;
  readonly activeRequests: number | null;
}

/** Points a component lost, and why. */
export interface Deduction {
  /** Points of 100, over 0. */
  readonly points: number;
  /** A sentence with the measured value and the limit. */
  readonly reason: string;
  /** The measure it rests on. */
  readonly measure: string;
  readonly value: number;
  /** Where points begin to be lost. */
  readonly limit: number;
  /** Where to look: an address under the dashboard. */
  readonly link: string;
}

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

export interface HealthComponent {
  readonly name: string;
  /** 0 to 100; null when nothing could be judged. */
  readonly score: number | null;
  readonly status: HealthStatus;
  /** How much the score rests on, 0 (nothing) to 1 (enough data). */
  readonly confidence: number;
  readonly deductions: readonly Deduction[];
  /** Why there is no score, or what limits it; empty when there is nothing to say. */
  readonly notes: readonly string[];
}

export interface Health {
  readonly service: string;
  readonly at: Timestamp;
  /** 0 to 100: the worst component's score weighs half, their mean the other half; null when nothing could be judged. */
  readonly score: number | null;
  readonly status: HealthStatus;
  readonly components: readonly HealthComponent[];
  /** The score over the last hour. */
  readonly trend: Frame;
}

/** An earlier range that an answer is compared with, as long as the answer's own. */
export interface Baseline {
  /** When it was; to compare with, `shiftMs` is added. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** How much earlier it is: what was asked for, rounded up to a whole number of steps. */
  readonly shiftMs: number;
  /** false: it reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
}

/** The dashboard of an earlier range: `slowestRoutes` are those of the present range, as they were then. */
export interface DashboardBaseline extends Baseline {
  readonly traffic: TrafficSummary;
  readonly slowestRoutes: readonly RouteRow[];
  readonly database: DatabaseSummary;
  readonly runtime: RuntimeSummary;
  /** With the times of the document's own trends, so that lines lie over each other. */
  readonly trends: Readonly<Record<string, Frame>>;
}

/** The measures of an earlier range. */
export interface MetricsBaseline extends Baseline {
  /** With the times of the answer's own frame: each value was measured `shiftMs` before its `at`. */
  readonly frame: Frame;
}

/** The routes of a page, as they were in an earlier range; those that nothing was known of then are left out. */
export interface RoutesBaseline extends Baseline {
  readonly routes: readonly RouteRow[];
}

/** Everything the first page shows, in one document. */
export interface Dashboard {
  readonly service: string;
  /** Every service that is known here, first linked first. */
  readonly services: readonly string[];
  readonly at: Timestamp;
  /** The range the summaries are about; `instances` and `health` are of the present. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly instances: readonly InstanceStatus[];
  readonly traffic: TrafficSummary;
  readonly health: Health;
  readonly slowestRoutes: readonly RouteRow[];
  readonly slowestQueries: readonly StatementRow[];
  readonly database: DatabaseSummary;
  readonly runtime: RuntimeSummary;
  /** By name: traffic, latency, database, runtime. */
  readonly trends: Readonly<Record<string, Frame>>;
  /** By family: observations in the range that the agents' bounds moved into `(other)` or left out; empty when none. */
  readonly overflow: Readonly<Record<string, number>>;
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  /** Releases that were first seen within the range, oldest first. */
  readonly releases: readonly ReleaseMark[];
  /** What limits this document, as sentences: facts dropped by a bound, a range not wholly kept; empty when nothing does. */
  readonly notes: readonly string[];
  /** Present when a comparison was asked for. */
  readonly baseline?: DashboardBaseline;
}

/** The frames of GET /performance/metrics. */
export interface MetricsAnswer {
  readonly service: string;
  readonly kind: string;
  /** What the frames are about: a route, tenant, statement or pool; absent: the family as a whole. */
  readonly key?: string;
  readonly frame: Frame;
  /** Unit by column. */
  readonly units: Readonly<Record<string, string>>;
  /** Releases that were first seen within the range of the frame, oldest first. */
  readonly releases: readonly ReleaseMark[];
  /** Where the answer differs from what was asked, as sentences: a step rounded up, a range not wholly kept. */
  readonly notes: readonly string[];
  /** Present when a comparison was asked for. */
  readonly baseline?: MetricsBaseline;
}

/** Where a list goes on. */
export interface Page {
  readonly limit: number;
  /** The cursor of the page after this one; null: this is the last. */
  readonly next: string | null;
  /** The cursor of the page before this one; null: this is the first. */
  readonly previous: string | null;
  /** Why there are fewer items than asked for though there are more; absent: the page was not cut. */
  readonly cut?: 'bytes' | 'time';
  /** How many items the list has on all of its pages. */
  readonly count?: { readonly value: number; readonly exact: boolean };
}

export interface RouteList {
  readonly service: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly routes: readonly RouteRow[];
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  /** Present when a comparison was asked for. */
  readonly baseline?: RoutesBaseline;
  readonly page: Page;
}

/** One process over a range, with its state at present. A process that came back with another release is another row. */
export interface InstanceRow {
  readonly service: string;
  readonly instance: string;
  readonly release: string;
  readonly state: InstanceStatus['state'];
  /** null: not known, because it left before this control plane was started. */
  readonly startedAt: Timestamp | null;
  readonly lastSeenAt: Timestamp;
  /** How long nothing has come from it, in ms. */
  readonly silentMs: number;
  readonly requestRate: number | null;
  readonly errorRatio: number | null;
  readonly p95Ms: number | null;
  readonly eventLoopDelayP99Ms: number | null;
  readonly eventLoopUtilization: number | null;
  readonly cpuBusy: number | null;
  readonly rssBytes: number | null;
  readonly heapUsedBytes: number | null;
  /** `requestRate` and `p95Ms` in about 60 steps. */
  readonly trend: Frame;
  /** When it reported, within the range. */
  readonly reported: readonly TimeSpan[];
}

export interface InstanceList {
  readonly service: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly instances: readonly InstanceRow[];
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  readonly page: Page;
}

/** GET /livez: the process answers. */
export interface Liveness {
  readonly status: 'alive';
}

/** GET /readyz: whether requests can be served, and if not, why. */
export interface Readiness {
  readonly status: 'ready' | 'not ready';
  readonly reasons: readonly string[];
  /** What is served without, though requests can be: history, say, while the store is away. Empty: nothing. */
  readonly limits: readonly string[];
}
