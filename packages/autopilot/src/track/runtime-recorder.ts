import { type EventLoopUtilization, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../kernel/clock.ts';
import type { LoopDelay } from './loop-delay.ts';
import type { Recorder, Sink } from './observation.ts';
import type { PageTotals } from './page-counts.ts';
import { everySecond } from './second-timer.ts';

/** What a {@link RuntimeRecorder} is made of. */
export interface RuntimeRecorderOptions {
  readonly clock: Clock;
  readonly loopDelay: LoopDelay;
  /** Requests being handled now. */
  readonly activeRequests: () => number;
  /** What was read of lists since it was asked last. */
  readonly pages: () => PageTotals;
}

/** In the middle of a window's second. */
const SAMPLE_AT_MS = 500;
/** What getrusage() counts in, whatever the device's own blocks are. */
const DISK_BLOCK_BYTES = 512;

/**
 * Watches the process: how late timers fire, how busy loop and processor were since the last sample, memory, pauses by
 * garbage collection.
 *
 * Lateness comes from a timer of ours and not from monitorEventLoopDelay(), whose histogram can't be merged with
 * another's. A loop that was blocked for 5 s gives one value of 5,000 ms, in the window in which it woke up.
 */
export class RuntimeRecorder implements Recorder {
  readonly name = 'runtime';
  readonly #clock: Clock;
  readonly #loopDelay: LoopDelay;
  readonly #activeRequests: () => number;
  readonly #pages: () => PageTotals;

  constructor({ clock, loopDelay, activeRequests, pages }: RuntimeRecorderOptions) {
    this.#clock = clock;
    this.#loopDelay = loopDelay;
    this.#activeRequests = activeRequests;
    this.#pages = pages;
  }

  attach(sink: Sink): Disposable {
    const delay = this.#loopDelay.follow((atMs, delayMs) => sink.record({ kind: 'event-loop-delay', atMs, delayMs }));
    const sample = this.#watchProcess(sink);
    const gc = this.#watchGc(sink);
    return {
      [Symbol.dispose]: () => {
        delay[Symbol.dispose]();
        sample[Symbol.dispose]();
        gc[Symbol.dispose]();
      },
    };
  }

  #watchProcess(sink: Sink): Disposable {
    let utilization: EventLoopUtilization = performance.eventLoopUtilization();
    let usage = process.resourceUsage();
    return everySecond(this.#clock, SAMPLE_AT_MS, () => {
      const utilizationNow = performance.eventLoopUtilization();
      const usageNow = process.resourceUsage();
      const memory = process.memoryUsage();
      sink.record({
        kind: 'process',
        atMs: this.#clock.monotonicMs(),
        // Against the sample before: against the start of the process it would be an average of its whole life.
        eventLoopUtilization: performance.eventLoopUtilization(utilizationNow, utilization).utilization,
        cpuUserMs: (usageNow.userCPUTime - usage.userCPUTime) / 1_000,
        cpuSystemMs: (usageNow.systemCPUTime - usage.systemCPUTime) / 1_000,
        rssBytes: memory.rss,
        heapUsedBytes: memory.heapUsed,
        heapLimitBytes: getHeapStatistics().heap_size_limit,
        externalBytes: memory.external,
        activeRequests: this.#activeRequests(),
        diskReadBytes: (usageNow.fsRead - usage.fsRead) * DISK_BLOCK_BYTES,
        diskWriteBytes: (usageNow.fsWrite - usage.fsWrite) * DISK_BLOCK_BYTES,
        pages: this.#pages(),
      });
      utilization = utilizationNow;
      usage = usageNow;
    });
  }

  #watchGc(sink: Sink): Disposable {
    const observer = new PerformanceObserver((list) => {
      const atMs = this.#clock.monotonicMs();
      for (const { duration } of list.getEntries()) sink.record({ kind: 'gc', atMs, pauseMs: duration });
    });
    observer.observe({ entryTypes: ['gc'] });
    return { [Symbol.dispose]: () => observer.disconnect() };
  }
}
