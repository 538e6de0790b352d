import type { Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { everySecond } from '../track/second-timer.ts';
import { WindowBacklog } from './window-backlog.ts';

/** Where closed windows come from: a Collector. */
export interface WindowSource {
  drain(until: EpochMs): readonly Window[];
}

/** Takes windows, oldest first; false: not now, keep them. An empty list says that the process is alive. */
export type Deliver = (windows: readonly Window[]) => boolean;

/** What a {@link Flush} is made of. */
export interface FlushOptions {
  readonly source: WindowSource;
  readonly deliver: Deliver;
  readonly clock: Clock;
  readonly backlog?: WindowBacklog;
  /** Told of a failure that is ours; the process goes on without that second. */
  readonly onTrouble?: (error: unknown) => void;
}

/** After a second's end, so that its last observations are in. */
const AFTER_MS = 20;

/** Most of a backlog that is handed over at once, so that catching up never blocks. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Once a second, just after it has ended, hands closed windows on, and keeps in bounds what nobody takes. Its timer
 * does not keep the process alive; nothing it does waits or throws.
 */
export class Flush {
  readonly #source: WindowSource;
  readonly #deliver: Deliver;
  readonly #clock: Clock;
  readonly #backlog: WindowBacklog;
  readonly #onTrouble: (error: unknown) => void;
  #timer: Disposable | null = null;

  constructor({ source, deliver, clock, backlog = new WindowBacklog(), onTrouble = () => {} }: FlushOptions) {
    this.#source = source;
    this.#deliver = deliver;
    this.#clock = clock;
    this.#backlog = backlog;
    this.#onTrouble = onTrouble;
  }

  /** Windows dropped because nobody took them for too long. */
  get lostWindows(): number {
    return this.#backlog.lostWindows;
  }

  start(): void {
    this.#timer = everySecond(this.#clock, AFTER_MS, () => this.run(this.#clock.now()));
  }

  /** Hands over what has ended by `until`; Infinity, when the process closes: also what is still open, and all of a backlog. */
  run(until: EpochMs): void {
    try {
      this.#handOver(until);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #handOver(until: EpochMs): void {
    const closed = this.#source.drain(until);
    if (this.#backlog.empty && this.#deliver(closed)) return;
    for (const window of closed) this.#backlog.push(window);
    const closing = until === Number.POSITIVE_INFINITY;
    do {
      const batch = this.#backlog.peek(BATCH_BYTES);
      if (!this.#deliver(batch)) return;
      this.#backlog.drop(batch.length);
    } while (closing && !this.#backlog.empty);
  }
}
