import type { Crossing } from './abort-watch.ts';
import type { EngineHealth } from './engine.ts';
import type { LoadPlan } from './plan.ts';
import type { Share } from './schedule.ts';
import type { WindowDelta } from './tally.ts';
import type { PinnedTarget } from './target.ts';

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
}

/** What a worker thread says. */
export type WorkerMessage =
  | { readonly kind: 'prepared'; readonly failure: string | undefined }
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
