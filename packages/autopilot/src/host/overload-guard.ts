import { getHeapStatistics } from 'node:v8';
import type { SettingsView } from '../config/live-settings.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { LOOP_DELAY_EVERY_MS, type LoopDelay } from '../track/loop-delay.ts';

/** Why requests are turned away. */
export interface Overload {
  readonly resource: 'event loop' | 'heap' | 'connection pool';
  /** A sentence with the measured value and the limit. */
  readonly reason: string;
}

/** What an {@link OverloadGuard} watches. */
export interface OverloadGuardOptions {
  readonly clock: Clock;
  readonly loopDelay: LoopDelay;
  readonly settings: SettingsView;
  /** How long the caller that waits longest for a connection has waited, in ms; 0: nobody waits. */
  readonly poolWaitMs: () => number;
  /** The route that takes most of the event loop, and its share of what all take. */
  readonly busiest: () => { readonly route: string; readonly share: number } | null;
  /** Told in a sentence when requests begin to be turned away, and when that ends. */
  readonly onChange: (message: string) => void;
}

/** Heap and pools are looked at with every so many ticks. */
const LOOK_EVERY = 5;
/** One long callback is no overload: so many ticks in a row have to be late, by so many times the limit together. */
const LATE_TICKS = 2;
const LATE_SUM = 3;
/** While requests are turned away, the loop is kept under this part of the limit: who is let in is served soon. */
const TARGET = 0.25;
/** Of how long about the requests are counted that decide whether there are many. */
const RECENT_MS = 1_000;
/** Every tick of this long was in time: it is over. */
const CALM_MS = 1_000;

/**
 * Says which requests to turn away so that the others are served in time.
 *
 * The event loop: a timer is due every 20 ms. When it was late by more than the limit twice in a row, and three limits
 * in all, there is more to do than can be done. From then on a request that arrives when the timer is overdue by a
 * quarter of the limit is turned away, which is known at once, also within one long turn of the loop: what is let in
 * then is what can be served before the loop is late (as CoDel does it: RFC 8289, control by time spent waiting, and
 * only once that has lasted). A second without a late tick ends it. While the application starts it may be late; and
 * where few requests come it is not they who make it late, but other work on the loop or on the machine (CoDel drops
 * nothing either while less than one packet waits).
 *
 * The heap: too full is too full; the collector can't save what is alive. The pool: a caller has waited too long for a
 * connection; whoever needs none is let in.
 */
export class OverloadGuard implements Disposable {
  readonly #options: OverloadGuardOptions;
  readonly #following: Disposable;
  readonly #startedAtMs: number;
  #dueAtMs: number;
  #ticks = 0;
  /** Requests since the last tick, and of about a second before it. */
  #arrived = 0;
  #recent = 0;
  #minRequests = 0;
  #lateTicks = 0;
  #lateSumMs = 0;
  #calmSinceMs = 0;
  #loopIsLate = false;
  #heap: Overload | null = null;
  #pool: Overload | null = null;
  #told = false;
  /** Requests that arrive after this are turned away; infinite while the loop keeps up. */
  #shedAfterMs = Number.POSITIVE_INFINITY;

  constructor(options: OverloadGuardOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonicMs();
    this.#dueAtMs = this.#startedAtMs + LOOP_DELAY_EVERY_MS;
    this.#following = options.loopDelay.follow((atMs, delayMs) => this.#tick(atMs, delayMs));
  }

  /**
   * null: let it in. `usesDatabase`: the route's requests have asked the database before.
   * @param atMs now, on the monotonic clock
   */
  check(atMs: number, usesDatabase: boolean): Overload | null {
    this.#arrived++;
    if (atMs > this.#shedAfterMs && this.#recent + this.#arrived >= this.#minRequests) {
      const lateMs = Math.round(atMs - this.#dueAtMs);
      const limitMs = this.#options.settings.current.overload.eventLoopDelayMs;
      return { resource: 'event loop', reason: `The event loop is ${lateMs} ms late; the limit is ${limitMs} ms.` };
    }
    return this.#heap ?? (usesDatabase ? this.#pool : null);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  #tick(atMs: number, lateMs: number): void {
    this.#dueAtMs = atMs + LOOP_DELAY_EVERY_MS;
    const { overload } = this.#options.settings.current;
    this.#minRequests = overload.minRequests;
    this.#recent = this.#recent * Math.exp(-(LOOP_DELAY_EVERY_MS + lateMs) / RECENT_MS) + this.#arrived;
    this.#arrived = 0;
    if (!overload.enabled) {
      this.#reset();
      return;
    }
    if (atMs - this.#startedAtMs >= overload.startGraceMs) this.#judgeLoop(atMs, lateMs, overload.eventLoopDelayMs);
    if (this.#ticks++ % LOOK_EVERY === 0) this.#look(overload.heapRatio, overload.poolWaitMs);
    this.#shedAfterMs = this.#loopIsLate
      ? this.#dueAtMs + overload.eventLoopDelayMs * TARGET
      : Number.POSITIVE_INFINITY;
    this.#tell();
  }

  #judgeLoop(atMs: number, lateMs: number, limitMs: number): void {
    if (lateMs > limitMs) {
      this.#lateTicks++;
      this.#lateSumMs += lateMs;
      this.#calmSinceMs = atMs;
      if (this.#lateTicks >= LATE_TICKS && this.#lateSumMs >= limitMs * LATE_SUM) this.#loopIsLate = true;
      return;
    }
    this.#lateTicks = 0;
    this.#lateSumMs = 0;
    // Kept just under the limit by turning requests away is not yet calm.
    if (lateMs > limitMs * TARGET) this.#calmSinceMs = atMs;
    if (atMs - this.#calmSinceMs > CALM_MS) this.#loopIsLate = false;
  }

  #look(heapRatio: number, poolWaitLimitMs: number): void {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    const full = used / limit;
    this.#heap =
      full > heapRatio
        ? {
            resource: 'heap',
            reason: `The heap is ${Math.round(full * 100)} % full; the limit is ${Math.round(heapRatio * 100)} %.`,
          }
        : null;
    const waitMs = this.#options.poolWaitMs();
    this.#pool =
      waitMs > poolWaitLimitMs
        ? {
            resource: 'connection pool',
            reason: `A caller has waited ${Math.round(waitMs)} ms for a connection; the limit is ${poolWaitLimitMs} ms.`,
          }
        : null;
  }

  #reset(): void {
    this.#loopIsLate = false;
    this.#heap = null;
    this.#pool = null;
    this.#lateTicks = 0;
    this.#lateSumMs = 0;
    this.#shedAfterMs = Number.POSITIVE_INFINITY;
    this.#tell();
  }

  #tell(): void {
    const isOverloaded = this.#loopIsLate || this.#heap !== null || this.#pool !== null;
    if (isOverloaded === this.#told) return;
    this.#told = isOverloaded;
    const { busiest, onChange, settings } = this.#options;
    try {
      if (!isOverloaded) {
        onChange('The overload is over; all requests are let in again.');
        return;
      }
      const late = `The event loop was late by more than ${settings.current.overload.eventLoopDelayMs} ms several times in a row.`;
      const why = this.#loopIsLate ? late : (this.#heap?.reason ?? this.#pool?.reason ?? '');
      const most = busiest();
      const cause =
        most === null ? '' : ` ${most.route} takes ${Math.round(most.share * 100)} % of the loop's time (estimate).`;
      onChange(`Overload: requests are answered 503 until it is over. ${why}${cause}`);
    } catch (error) {
      // A log that fails is not to end the timer.
      process.emitWarning(`autopilot: ${messageOf(error)}`);
    }
  }
}
