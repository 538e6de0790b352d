import { type ProcessVitals, VITALS_EVERY_MS } from '../contract/process-vitals.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LoopDelay } from './loop-delay.ts';

/** What a {@link VitalsBeat} is made of. */
export interface VitalsBeatOptions {
  readonly clock: Clock;
  readonly loopDelay: LoopDelay;
  /** Connections of the pools that somebody uses; null: there is no pool. */
  readonly databaseConnections: () => number | null;
}

/**
 * Says five times a second how the process is, while somebody watches: windows are one to two seconds old when they are read, and a
 * load test has to end within one of its limit. Does not keep the process alive.
 */
export class VitalsBeat {
  readonly #options: VitalsBeatOptions;

  constructor(options: VitalsBeatOptions) {
    this.#options = options;
  }

  /** Tells `listener`, which must not throw, until it is disposed. */
  follow(listener: (vitals: ProcessVitals) => void): Disposable {
    const { clock, loopDelay, databaseConnections } = this.#options;
    let usage = process.cpuUsage();
    let atMs = clock.monotonicMs();
    let delayMs = 0;
    const delay = loopDelay.follow((_, ms) => {
      delayMs = Math.max(delayMs, ms);
    });
    const timer = setInterval(() => {
      const now = clock.monotonicMs();
      const since = process.cpuUsage(usage);
      const elapsedMs = now - atMs;
      listener({
        elapsedMs,
        cpuMs: (since.user + since.system) / 1000,
        // This timer may come first after a block.
        eventLoopDelayMs: Math.max(delayMs, elapsedMs - VITALS_EVERY_MS),
        rssBytes: process.memoryUsage.rss(),
        databaseConnections: databaseConnections(),
      });
      usage = process.cpuUsage();
      atMs = now;
      delayMs = 0;
    }, VITALS_EVERY_MS);
    timer.unref();
    return {
      [Symbol.dispose]: () => {
        clearInterval(timer);
        delay[Symbol.dispose]();
      },
    };
  }
}
