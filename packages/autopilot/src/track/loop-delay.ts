import type { Clock } from '../kernel/clock.ts';

/** How often the event loop is asked how late it is: 50 times a second cost 0.03 % of a core. */
export const LOOP_DELAY_EVERY_MS = 20;

/** Told each time how late the timer was; must be quick and not throw. `atMs`: now, on the monotonic clock. */
export type LoopDelayListener = (atMs: number, delayMs: number) => void;

/**
 * The one timer that says how late the event loop is, to all who want to know; there is none while nobody does. The next is due
 * LOOP_DELAY_EVERY_MS after `atMs`. Does not keep the process alive.
 */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #listeners = new Set<LoopDelayListener>();
  #timer: NodeJS.Timeout | null = null;
  #dueAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells `listener` until it is disposed. */
  follow(listener: LoopDelayListener): Disposable {
    this.#listeners.add(listener);
    this.#timer ??= this.#start();
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size > 0 || this.#timer === null) return;
        clearTimeout(this.#timer);
        this.#timer = null;
      },
    };
  }

  #start(): NodeJS.Timeout {
    this.#dueAtMs = this.#clock.monotonicMs() + LOOP_DELAY_EVERY_MS;
    const timer = setTimeout(() => {
      const atMs = this.#clock.monotonicMs();
      const delayMs = Math.max(0, atMs - this.#dueAtMs);
      this.#dueAtMs = atMs + LOOP_DELAY_EVERY_MS;
      for (const listener of this.#listeners) listener(atMs, delayMs);
      // The last listener may have gone just now.
      if (this.#timer === timer) timer.refresh();
    }, LOOP_DELAY_EVERY_MS);
    timer.unref();
    return timer;
  }
}
