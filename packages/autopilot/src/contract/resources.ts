import type { Frame } from './frame.ts';
import type { DatabaseSummary, Page, ReleaseMark, Timestamp } from './performance.ts';

/** What requests took of a service, in all. */
export interface Consumption {
  readonly requests: number;
  /** Answered with 500 or more. */
  readonly errors: number;
  /** Time they waited for the database: more than the clock's where calls overlap. */
  readonly databaseMs: number;
  readonly databaseCalls: number;
  /** Headers included. */
  readonly bytesReceived: number;
  /** As sent, after compression; headers included. */
  readonly bytesSent: number;
}

/** A part of what all requests of the service took, 0 to 1; 0 where they took nothing. */
export interface ConsumptionShares {
  readonly requestShare: number;
  /** Of the time all requests took. */
  readonly timeShare: number;
  readonly databaseShare: number;
  readonly bytesReceivedShare: number;
  readonly bytesSentShare: number;
}

/** Time of the event loop that requests took, estimated from samples of a part of the time. */
export interface LoopTime {
  /** Always true: no process can count this exactly. */
  readonly estimated: boolean;
  readonly ms: number;
  /** Of what all requests took of the loop, 0 to 1. */
  readonly share: number;
  /** How far `share` was off at most where the truth was known, as a ratio of it. */
  readonly shareError: number;
}

/** Whether there is an estimate of the event loop's time, and what it is worth. */
export interface LoopEstimate {
  readonly made: boolean;
  /** Why there is none; null: there is one. */
  readonly reason: string | null;
  /** How far a share was off at most where the truth was known, as a ratio of it. */
  readonly shareError: number;
}

/** One tenant over a range. */
export interface TenantRow extends Consumption, ConsumptionShares {
  readonly tenant: string;
  /** How the application calls it; null: it has not said since the control plane started. */
  readonly name: string | null;
  readonly requestRate: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly meanMs: number | null;
  readonly maxMs: number | null;
  /** Absent while there is no estimate: the list's `loop` says why. */
  readonly loop?: LoopTime;
  /** `requestRate` and `p95Ms` in about 60 steps. */
  readonly trend: Frame;
}

export interface TenantList {
  readonly service: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly tenants: readonly TenantRow[];
  /** All requests of the service, those for no tenant included: what the shares are of. */
  readonly whole: Consumption;
  readonly loop: LoopEstimate;
  /** Requests of tenants beyond the agents' bound, which stand together as `(other)`. */
  readonly overflow: number;
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  readonly page: Page;
}

/** What one route took. */
export interface RouteConsumption extends Consumption, ConsumptionShares {
  readonly route: string;
  /** Absent while there is no estimate: the answer's `loop` says why. */
  readonly loop?: LoopTime;
}

/** Cores kept busy; null where no process reported. */
export interface ProcessorUse {
  readonly busy: number | null;
  readonly userBusy: number | null;
  readonly systemBusy: number | null;
  /** Share of the time in which garbage collection paused a process; processes add up. */
  readonly gcBusy: number | null;
}

export interface EventLoopUse {
  /** Share of the time it was busy, 0 to 1. */
  readonly utilization: number | null;
  readonly delayP50Ms: number | null;
  readonly delayP95Ms: number | null;
  readonly delayP99Ms: number | null;
  readonly delayMaxMs: number | null;
}

/** All processes together, on average; the highest are of any one. */
export interface MemoryUse {
  readonly rssBytes: number | null;
  readonly rssMaxBytes: number | null;
  readonly heapUsedBytes: number | null;
  readonly heapUsedMaxBytes: number | null;
  readonly heapLimitBytes: number | null;
  readonly externalBytes: number | null;
}

/** What reached disks: the operating system's caches answer the rest. */
export interface DiskUse {
  readonly bytesRead: number | null;
  readonly bytesWritten: number | null;
  readonly readRate: number | null;
  readonly writeRate: number | null;
}

/** Requests and responses, headers included. */
export interface NetworkUse {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly receivedRate: number;
  readonly sentRate: number;
}

/** One kind of background job over a range. */
export interface JobConsumption {
  readonly job: string;
  readonly runs: number;
  readonly failures: number;
  readonly failureRatio: number | null;
  /** Runs that were not the first of their job. */
  readonly retries: number;
  /** From when it was due to its beginning; null where nobody said when it was due. */
  readonly waitP50Ms: number | null;
  readonly waitP95Ms: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Runs under way on average. */
  readonly concurrency: number | null;
  readonly databaseMsPerJob: number | null;
}

/** What a service uses of its machines over a range, and which routes use it. */
export interface Resources {
  readonly service: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly processor: ProcessorUse;
  readonly eventLoop: EventLoopUse;
  readonly memory: MemoryUse;
  readonly disk: DiskUse;
  readonly network: NetworkUse;
  /** With its pools. */
  readonly database: DatabaseSummary;
  /** By name: processor, eventLoop, memory, disk, network, database, pool. */
  readonly trends: Readonly<Record<string, Frame>>;
  /** All requests: what the shares of the routes are of. */
  readonly whole: Consumption;
  readonly loop: LoopEstimate;
  readonly routes: readonly RouteConsumption[];
  /** The kinds of background jobs that ran, most runs first; 100 at most. */
  readonly jobs: readonly JobConsumption[];
  /** Releases that were first seen within the range, oldest first. */
  readonly releases: readonly ReleaseMark[];
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  /** Of the routes. */
  readonly page: Page;
}
