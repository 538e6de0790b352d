import { setTimeout as sleep } from 'node:timers/promises';
import type { Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { everySecond } from '../track/second-timer.ts';
import { WindowBacklog } from './window-backlog.ts';

/** Where closed windows come from: a Collector. */
export interface WindowSource {
  drain(until: EpochMs): readonly Window[];
}

/** Who takes windows: an AgentLink. */
export interface Delivery {
  /** Whether deliver() is worth a try now; a delivery may send first what it still holds. Cheap when nobody listens. */
  prepare(): boolean;
  /** Takes windows, oldest first; false: not now, keep them. An empty list says that the process is alive. */
  deliver(windows: readonly Window[]): boolean;
  /** Resolves with true when there is room, with false when there will be none or after `waitMs`. */
  room(waitMs: number): Promise<boolean>;
}

/** What a {@link Flush} is made of. */
export interface FlushOptions {
  readonly source: WindowSource;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly backlog?: WindowBacklog;
  /** Is given the same windows, once a second also when there are none: what writes history. Must not wait or throw. */
  readonly alsoTo?: (windows: readonly Window[]) => void;
  /** Told of a failure that is ours; the process goes on without that second. */
  readonly onTrouble?: (error: unknown) => void;
}

/** After a second's end, so that its last observations are in. */
const AFTER_MS = 20;

/** Most of a backlog that is handed over at once, so that catching up never blocks. */
const BATCH_BYTES = 1024 * 1024;

/** How long closing waits for a buffer. */
const FULL_MS = 5;

/**
 * Once a second, just after it has ended, hands closed windows on, and keeps in bounds what nobody takes. Its timer
 * does not keep the process alive; nothing it does waits or throws.
 */
export class Flush {
  readonly #source: WindowSource;
  readonly #delivery: Delivery;
  readonly #clock: Clock;
  readonly #backlog: WindowBacklog;
  readonly #alsoTo: (windows: readonly Window[]) => void;
  readonly #onTrouble: (error: unknown) => void;
  #timer: Disposable | null = null;

  constructor(options: FlushOptions) {
    this.#source = options.source;
    this.#delivery = options.delivery;
    this.#clock = options.clock;
    this.#backlog = options.backlog ?? new WindowBacklog();
    this.#alsoTo = options.alsoTo ?? ((): void => {});
    this.#onTrouble = options.onTrouble ?? ((): void => {});
  }

  /** Windows dropped because nobody took them for too long, or before the end. */
  get lostWindows(): number {
    return this.#backlog.lostWindows;
  }

  start(): void {
    this.#timer = everySecond(this.#clock, AFTER_MS, () => this.run(this.#clock.now()));
  }

  /** Hands over what has ended by `until`, and of a backlog as much as one turn bears. */
  run(until: EpochMs): void {
    try {
      this.#handOver(until);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /**
   * The last run: also hands over what is still open, and the whole backlog as fast as it is taken, for `waitMs` at
   * most. What nobody has taken by then is lost, and counted.
   */
  async close(waitMs: number): Promise<void> {
    const endsAtMs = performance.now() + waitMs;
    this.stop();
    try {
      this.#handOver(Number.POSITIVE_INFINITY);
      // room() with no time left says how it is: the limit is asked here.
      while (
        !this.#backlog.empty &&
        performance.now() < endsAtMs &&
        (await this.#delivery.room(endsAtMs - performance.now()))
      ) {
        // Room, and yet refused: the channel's buffer is full for a moment.
        if (!this.#deliverBatch()) await sleep(FULL_MS);
      }
    } catch (error) {
      this.#onTrouble(error);
    }
    this.#backlog.abandon();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #handOver(until: EpochMs): void {
    const closed = this.#source.drain(until);
    this.#alsoTo(closed);
    // Asked first: looking into the backlog costs what is in it, each second that nobody listens.
    const ready = this.#delivery.prepare();
    if (ready && this.#backlog.empty && this.#delivery.deliver(closed)) return;
    for (const window of closed) this.#backlog.push(window);
    if (ready && !this.#backlog.empty) this.#deliverBatch();
  }

  #deliverBatch(): boolean {
    const batch = this.#backlog.peek(BATCH_BYTES);
    if (!this.#delivery.deliver(batch)) return false;
    this.#backlog.drop(batch.length);
    return true;
  }
}
