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
  readonly loopDelay: Pick<LoopDelay, 'follow'>;
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
/** While requests are turned away, the loop is to be late by this part of the limit: who is let in is served soon. */
const TARGET = 0.25;
/** Of how long about the requests are counted that decide whether there are many, and how much of it the loop was late. */
const RECENT_MS = 1_000;
/** It is over when the timer was overdue for less of that than this; kept at the target it is for more than half. */
const CALM_SHARE = 0.1;
/** How fast the time for which a turn lets in is shortened, at most, and lengthened, with each tick. */
const SHORTEN = 0.5;
const LENGTHEN = 1.05;
/** And never shorter: what makes the loop late for a while may have nothing to do with requests. */
const MIN_TURN_MS = 1;

/**
 * Says which requests to turn away so that the others are served in time.
 *
 * The event loop: a timer is due every 20 ms. When it was late by more than the limit twice in a row, and three limits
 * in all, there is more to do than can be done. From then on each turn of the loop lets in what arrives in its first
 * milliseconds and turns away the rest, which is known at once, also within one long turn. How many milliseconds is
 * found out: what is let in goes on working in later turns, for how long only the loop knows; so a turn that makes the
 * timer late by more than a quarter of the limit shortens them, in proportion, and one that does not lengthens them a
 * little. A loop that is idle between turns lets everybody in, and no turn lets in nobody. (Control by time spent
 * waiting, and only once that has lasted, is CoDel's: RFC 8289.) It ends when the timer was overdue for less than a tenth
 * of about a second. While the application starts it may be late; and where few requests come it is not they who make it
 * late, but other work on the loop or on the machine (CoDel drops nothing either while less than one packet waits).
 *
 * The heap: too full is too full; the collector can't save what is alive. The pool: a caller has waited too long for a
 * connection; whoever needs none is let in.
 */
export class OverloadGuard implements Disposable {
  readonly #options: OverloadGuardOptions;
  readonly #following: Disposable;
  readonly #startedAtMs: number;
  #ticks = 0;
  /** Requests since the last tick, and of about a second before it. */
  #arrived = 0;
  #recent = 0;
  #minRequests = 0;
  #lateTicks = 0;
  #lateSumMs = 0;
  /** Of about the last second: for how much of it the timer was overdue. */
  #overdueShare = 0;
  #worstMs = 0;
  #loopIsLate = false;
  /** For how long a turn lets in, while the loop is late. */
  #turnMs = 0;
  #turnAtMs = 0;
  #turnIsOpen = false;
  readonly #endTurn = (): void => {
    this.#turnIsOpen = false;
  };
  #heap: Overload | null = null;
  #pool: Overload | null = null;
  #told = false;

  constructor(options: OverloadGuardOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonicMs();
    this.#following = options.loopDelay.follow((atMs, delayMs) => this.#tick(atMs, delayMs));
  }

  /**
   * null: let it in. `usesDatabase`: the route's requests have asked the database before.
   * @param atMs now, on the monotonic clock
   */
  check(atMs: number, usesDatabase: boolean): Overload | null {
    this.#arrived++;
    if (this.#loopIsLate && this.#isLateInTurn(atMs) && this.#recent + this.#arrived >= this.#minRequests) {
      const limitMs = this.#options.settings.current.overload.eventLoopDelayMs;
      const worstMs = Math.round(this.#worstMs);
      return {
        resource: 'event loop',
        reason: `There is more to do than can be done: the event loop was ${worstMs} ms late; the limit is ${limitMs} ms.`,
      };
    }
    return this.#heap ?? (usesDatabase ? this.#pool : null);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  /** Whether a request has come after the time for which this turn of the loop lets in. The first of a turn begins it. */
  #isLateInTurn(atMs: number): boolean {
    if (this.#turnIsOpen) return atMs - this.#turnAtMs > this.#turnMs;
    this.#turnIsOpen = true;
    this.#turnAtMs = atMs;
    // Comes after all that was there to be read when the turn began.
    setImmediate(this.#endTurn);
    return false;
  }

  #tick(atMs: number, lateMs: number): void {
    const { overload } = this.#options.settings.current;
    this.#minRequests = overload.minRequests;
    const periodMs = LOOP_DELAY_EVERY_MS + lateMs;
    const kept = Math.exp(-periodMs / RECENT_MS);
    this.#overdueShare = this.#overdueShare * kept + (lateMs / periodMs) * (1 - kept);
    this.#recent = this.#recent * kept + this.#arrived;
    this.#arrived = 0;
    if (!overload.enabled) {
      this.#reset();
      return;
    }
    if (atMs - this.#startedAtMs >= overload.startGraceMs) this.#judgeLoop(lateMs, overload.eventLoopDelayMs);
    if (this.#ticks++ % LOOK_EVERY === 0) this.#look(overload.heapRatio, overload.poolWaitMs);
    this.#tell();
  }

  #judgeLoop(lateMs: number, limitMs: number): void {
    const targetMs = LOOP_DELAY_EVERY_MS + limitMs * TARGET;
    if (this.#loopIsLate) {
      if (this.#overdueShare < CALM_SHARE) this.#loopIsLate = false;
      else this.#regulate(LOOP_DELAY_EVERY_MS + lateMs, targetMs);
    }
    if (lateMs <= limitMs) {
      this.#lateTicks = 0;
      this.#lateSumMs = 0;
      return;
    }
    this.#lateTicks++;
    this.#lateSumMs += lateMs;
    this.#worstMs = this.#lateTicks === 1 && !this.#loopIsLate ? lateMs : Math.max(this.#worstMs, lateMs);
    if (this.#loopIsLate || this.#lateTicks < LATE_TICKS || this.#lateSumMs < limitMs * LATE_SUM) return;
    this.#loopIsLate = true;
    this.#turnMs = targetMs;
  }

  #regulate(periodMs: number, targetMs: number): void {
    const factor = periodMs > targetMs ? Math.max(SHORTEN, targetMs / periodMs) : LENGTHEN;
    this.#turnMs = Math.min(targetMs, Math.max(MIN_TURN_MS, this.#turnMs * factor));
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
