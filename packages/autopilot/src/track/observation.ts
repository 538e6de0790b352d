import type { PageTotals } from './page-counts.ts';
import type { Statement } from './statement-registry.ts';

/** One request whose response has ended or was aborted. */
export interface RequestObservation {
  readonly kind: 'request';
  /** When it ended, on the monotonic clock. */
  readonly atMs: number;
  /** Method and pattern, "GET /tasks/:id", or UNMATCHED_ROUTE. */
  readonly route: string;
  readonly tenant: string | null;
  /** The status answered; 0 when the client went away before there was one. */
  readonly status: number;
  readonly durationMs: number;
  /** As sent on the connection, headers included. */
  readonly bytesSent: number;
  /** The client went away before the response ended. */
  readonly aborted: boolean;
  /** Time at least one database call was under way, its wait for a connection included; never over durationMs. */
  readonly databaseMs: number;
  readonly databaseCalls: number;
  /** As received on the connection, headers included. */
  readonly bytesReceived: number;
  /** Estimated time of the event loop; 0 where none of it fell into a sample. */
  readonly loopMs: number;
  /** Turned away because the service had too much to do. */
  readonly shed: boolean;
  /** Of a load test that is kept apart: no route's, and no tenant's. Absent: not. */
  readonly isTest?: boolean;
}

/** Estimated time of the event loop that a request took after it had ended. */
export interface LoopTimeObservation {
  readonly kind: 'loop-time';
  readonly atMs: number;
  readonly route: string;
  readonly tenant: string | null;
  readonly loopMs: number;
  readonly isTest?: boolean;
}

/** One execution of a statement, from the call to its last row. */
export interface StatementObservation {
  readonly kind: 'statement';
  /** When it ended, on the monotonic clock. */
  readonly atMs: number;
  readonly statement: Statement;
  /** The route that issued it; null outside of a request. */
  readonly route: string | null;
  readonly durationMs: number;
  /** Rows returned or affected. */
  readonly rows: number;
  readonly failed: boolean;
}

/** One request that sent a statement again and again, and has ended. */
export interface RepeatObservation {
  readonly kind: 'repeat';
  readonly atMs: number;
  readonly statement: Statement;
  readonly route: string;
  readonly calls: number;
}

/** One caller that asked a pool for a connection. */
export interface PoolWaitObservation {
  readonly kind: 'pool-wait';
  readonly atMs: number;
  readonly pool: string;
  readonly database: string;
  readonly waitMs: number;
  /** It got an error instead of a connection. */
  readonly failed: boolean;
}

/** One connection that a caller gave back to its pool. */
export interface PoolUseObservation {
  readonly kind: 'pool-use';
  readonly atMs: number;
  readonly pool: string;
  readonly database: string;
  /** Since the caller got it. */
  readonly useMs: number;
}

/** The state of a pool at one moment. */
export interface PoolLevelObservation {
  readonly kind: 'pool-level';
  readonly atMs: number;
  readonly pool: string;
  readonly database: string;
  readonly size: number;
  readonly idle: number;
  readonly waiting: number;
  readonly max: number;
  /** Connections opened and closed since the sample before. */
  readonly opened: number;
  readonly closed: number;
  /** Of the connections that are open, those whose opening was seen. */
  readonly agesMs: readonly number[];
  /** Connections taken by requests that ended long ago, and never given back. */
  readonly leaked: number;
}

/** How late a timer fired: what any callback of the process had to wait. */
export interface EventLoopDelayObservation {
  readonly kind: 'event-loop-delay';
  readonly atMs: number;
  readonly delayMs: number;
}

/** One pause by garbage collection. */
export interface GcObservation {
  readonly kind: 'gc';
  readonly atMs: number;
  readonly pauseMs: number;
}

/** The process since the sample before (CPU, utilization) or at one moment (the others). */
export interface ProcessObservation {
  readonly kind: 'process';
  readonly atMs: number;
  /** Busy share of the event loop, 0 to 1. */
  readonly eventLoopUtilization: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  readonly externalBytes: number;
  readonly activeRequests: number;
  /** From and to the file system's devices since the sample before; what its cache answered is not in it. */
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
  /** Of lists, since the sample before. */
  readonly pages: PageTotals;
}

/** One run of a background job that has ended. */
export interface JobObservation {
  readonly kind: 'job';
  readonly atMs: number;
  /** What kind of job: "digest". */
  readonly job: string;
  readonly durationMs: number;
  /** From when it was due to its beginning; null: nobody said when that was. */
  readonly waitMs: number | null;
  readonly failed: boolean;
  /** Not the first run of its job. */
  readonly retried: boolean;
  readonly databaseMs: number;
  readonly databaseCalls: number;
}

/** One answer with content that was sent. */
export interface CompressionObservation {
  readonly kind: 'compression';
  readonly atMs: number;
  /** What became of it and its route: "zstd:1 GET /tasks", "too-small GET /tasks/:id". */
  readonly series: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cpuMs: number;
  /** What it waited for its coding; null: it did not. */
  readonly addedMs: number | null;
}

/** Anything a recorder saw. Times on the monotonic clock, which is Clock.monotonicMs(). */
export type Observation =
  | RequestObservation
  | LoopTimeObservation
  | StatementObservation
  | RepeatObservation
  | PoolWaitObservation
  | PoolUseObservation
  | PoolLevelObservation
  | EventLoopDelayObservation
  | GcObservation
  | ProcessObservation
  | JobObservation
  | CompressionObservation;

/**
 * Takes observations. Never throws, awaits or grows; over capacity it counts what it could not keep apart. It keeps the
 * values and not the object, which a recorder may use again.
 */
export interface Sink {
  record(observation: Observation): void;
}

/** Watches one thing of the host while attached; disposing restores the host exactly. */
export interface Recorder {
  readonly name: string;
  attach(sink: Sink): Disposable;
}
