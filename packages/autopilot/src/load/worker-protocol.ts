import type { Crossing } from './abort-watch.ts';
import type { EngineHealth } from './engine.ts';
import type { LoadPlan } from './plan.ts';
import type { Share } from './schedule.ts';
import type { WindowDelta } from './tally.ts';
import type { PinnedTarget } from './target.ts';
import type { UserSession } from './virtual-user.ts';

/** What a worker thread is started with. */
export interface WorkerOrder {
  /** Checked, with its data read. */
  readonly plan: LoadPlan;
  readonly target: PinnedTarget;
  readonly runId: string;
  readonly share: Share;
  /** Its place in the shared state, and how many there are. */
  readonly worker: number;
  readonly workers: number;
  readonly shared: SharedArrayBuffer;
  /** Of a test of several runs; absent: the run is a test of its own. */
  readonly part?: WorkerPart;
}

/** How a run belongs to others of the same plan: its users are prepared once, and say good-bye once. */
export interface WorkerPart {
  /** What earlier runs have prepared, by number of the user. */
  readonly sessions: ReadonlyMap<number, UserSession>;
  /** Nothing is sent but what the plan has for the end. */
  readonly farewell: boolean;
}

/** What a worker thread says. */
export type WorkerMessage =
  | {
      readonly kind: 'prepared';
      readonly failure: string | undefined;
      /** Of a part: its users, by number. */
      readonly sessions: ReadonlyMap<number, UserSession>;
    }
  /** Once a second. */
  | { readonly kind: 'counted'; readonly windows: readonly WindowDelta[] }
  | { readonly kind: 'crossed'; readonly crossing: Crossing; readonly atMs: number }
  | {
      readonly kind: 'finished';
      readonly windows: readonly WindowDelta[];
      readonly health: EngineHealth;
      /** Share of the load's time that the thread was busy, 0 to 1. */
      readonly utilization: number;
    };

/** What a worker thread is told; everything else goes through the shared state. */
export interface StartMessage {
  /** By the machine's clock, see machineClock(). */
  readonly startMs: number;
}
