/** Milliseconds since 1970-01-01T00:00:00Z, as Date.now() gives them. */
export type EpochMs = number;

/** Where the time comes from, so that tests can move it. */
export interface Clock {
  /** Wall-clock time; may jump when the machine's clock is set. */
  now(): EpochMs;
  /** Milliseconds since an arbitrary origin, never going back; for durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A clock that moves only when told; wall clock and monotonic clock can be moved apart. */
export class FakeClock implements Clock {
  #now: EpochMs;
  #monotonicMs = 0;

  constructor(now: EpochMs = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): EpochMs {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#monotonicMs += ms;
  }

  /** Sets the wall clock alone, as an administrator or NTP does. */
  jump(to: EpochMs): void {
    this.#now = to;
  }
}
