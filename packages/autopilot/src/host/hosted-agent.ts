import type { Pool } from 'pg';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Clock } from '../kernel/clock.ts';
import type { PageLimits } from '../page/page.ts';
import type { CompressionRecorder } from '../track/compression-recorder.ts';
import type { HttpRecorder } from '../track/http-recorder.ts';
import type { JobRun } from '../track/job-recorder.ts';
import type { KnownNames } from '../track/known-names.ts';
import type { LoopDelay } from '../track/loop-delay.ts';
import type { RequestContext } from '../track/request-scope.ts';
import type { ScrapeAnswer, ScrapeRequest } from './agent-exposition.ts';

/** Reaches what an agent shares with the adapters of this package; of no use to anyone else. */
export const internals: unique symbol = Symbol('autopilot.internals');

/** How a pool is named. */
export interface InstrumentOptions {
  /** Names the pool; default "main". A name that is taken gets a number. */
  readonly name?: string;
  /** Names the database that the pool leads to; default: the pool's name. */
  readonly database?: string;
}

/** How writing history is doing. */
export interface AgentHistoryStatus {
  /** `off`: it is not known where history is kept; `well`: the last write was taken; `away`: windows wait. */
  readonly state: 'off' | 'well' | 'away';
  /** Why windows wait, or why the store refused some within the last minute; null: nothing is wrong. */
  readonly reason: string | null;
  /** Windows that wait for the store. */
  readonly waitingWindows: number;
  /** Windows that were merged into longer ones because they waited long: nothing but resolution is lost. */
  readonly mergedWindows: number;
  /** Windows that are lost: over the bound, refused by the store, or left at the end. */
  readonly lostWindows: number;
}

/** How an agent is doing. */
export type AgentStatus =
  | { readonly state: 'disabled' }
  | {
      /** `refused`: the control plane does not speak with this release; `closed`: close() was called. */
      readonly state: 'starting' | 'linked' | 'unlinked' | 'refused' | 'closed';
      /** Where the control plane answers; null while it is not linked. */
      readonly controlPlane: string | null;
      /** How often the control plane was started again. */
      readonly restarts: number;
      /** Windows that never reached the live view, because nobody took them for over ten minutes, or there were too many. */
      readonly lostWindows: number;
      /** What this process writes to the store by itself. */
      readonly history: AgentHistoryStatus;
      /** The last thing that went wrong inside the agent; null: nothing has. */
      readonly trouble: string | null;
    };

/** The part of the autopilot that lives in the application. Nothing it does throws into the application, or waits for the control plane. */
export interface Agent extends AsyncDisposable {
  /**
   * Measures every call through this pool, by the object and never by the driver: `pg` itself stays untouched.
   * Answers the same pool. Instrumenting it twice changes nothing.
   */
  instrument<P extends Pool>(pool: P, options?: InstrumentOptions): P;
  /**
   * Runs one background job and answers what `work` answers, or fails as it fails. Measures wait, duration, failures,
   * retries and database time by `kind`; statements that it makes belong to "job <kind>". Kinds are few names known
   * beforehand: never put an id into one. Which queue the jobs come from does not matter.
   */
  job<Result>(kind: string, run: JobRun, work: () => Result | Promise<Result>): Promise<Result>;
  /**
   * Calls `apply` with how many jobs shall run at once in this process: now, and at each change of the setting
   * `jobs.concurrency`. While that is not set it is `own`. `apply` must not wait; what it throws refuses the change.
   */
  followJobConcurrency(own: number, apply: (concurrency: number) => void): Disposable;
  /** For `new Pager({ key, limits: agent.paging })`: limits of pages by the settings `paging`, and a count of those that are read. */
  readonly paging: PageLimits;
  readonly status: AgentStatus;
  /** Sends what is left, ends the control plane that it started, and restores what it has instrumented. Takes a second at most; never fails. */
  close(): Promise<void>;
  readonly [internals]: AgentInternals | null;
}

/** What the adapters of this package need of an agent. */
export interface AgentInternals {
  readonly clock: Clock;
  readonly loopDelay: LoopDelay;
  readonly http: HttpRecorder;
  readonly compression: CompressionRecorder;
  readonly context: RequestContext;
  /** Of tenants and users, as the application gives them. */
  readonly names: KnownNames;
  /** What the request layers are told; changes while the service runs. */
  readonly settings: Pick<LiveSettings, 'current' | 'use'>;
  /** How long the caller that waits longest for a connection of any pool has waited, in ms. */
  poolWaitMs(): number;
  /** The route that takes most of the event loop; null: nobody knows. */
  busiestRoute(): { readonly route: string; readonly share: number } | null;
  /** The service that this process belongs to: what is forwarded is about it, if it names none. */
  readonly service: string;
  /** Signs principals that are forwarded. */
  readonly linkKey: string;
  /** Where the control plane answers, as an origin like "http://127.0.0.1:3001"; null while it is away. */
  controlPlaneAddress(): string | null;
  /** Answers a request for /metrics; never rejects. */
  scrape(request: ScrapeRequest): Promise<ScrapeAnswer>;
  /** An application will listen: the control plane waits for its port. */
  expectListening(): void;
  /** The application listens on `port`, and answers this machine at `url`. */
  listening(port: number, url: string): void;
  /** Disposes something when the agent closes. */
  onClose(resource: Disposable): void;
}
