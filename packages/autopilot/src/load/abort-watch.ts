import type { AbortLimits } from './plan.ts';
import type { Reading, SharedState, StopReason, TargetVitals } from './shared-state.ts';

/** A limit that was crossed. */
export interface Crossing {
  readonly reason: StopReason;
  /** What was measured, against what limit. */
  readonly message: string;
}

/** Windows that a ratio is taken over: the shortest that has enough requests. */
const WINDOWS_MS: readonly number[] = [1000, 2000, 5000, 10_000];
const ENOUGH_REQUESTS = 20;
/** Slow requests it takes at least: a single one says nothing about a percentile. */
const ENOUGH_SLOW = 3;
/** Vitals older than this are no watch at all. */
const VITALS_STALE_MS = 2000;
const DEFAULT_ERROR_RATIO = 0.5;
const DEFAULT_WAIT_MS = 10_000;

/** Which latency limits a worker has to count slow requests for; Infinity: none. */
export interface SlowLimits {
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** The latency limits of a plan. */
export function slowLimitsOf(limits: AbortLimits = {}): SlowLimits {
  return { p95Ms: limits.p95Ms ?? Number.POSITIVE_INFINITY, p99Ms: limits.p99Ms ?? Number.POSITIVE_INFINITY };
}

const VITAL_LIMITS: readonly (readonly [keyof TargetVitals & keyof AbortLimits, StopReason, string])[] = [
  ['eventLoopDelayMs', 'event-loop-delay', "the target's event loop was delayed by"],
  ['cpuCores', 'cpu', 'the target keeps cores busy:'],
  ['rssBytes', 'memory', "the target's memory in bytes is"],
  ['databaseConnections', 'database-connections', "the target's database connections in use are"],
];

/** Whether a plan has limits that need the target's own figures. */
export function needsVitals(limits: AbortLimits = {}): boolean {
  return VITAL_LIMITS.some(([name]) => limits[name] !== undefined);
}

/**
 * Judges the whole run by what all workers publish. Called often (every 50 ms), by every worker; what it looks at is
 * the last second, or as much more as it takes to have 20 requests.
 */
export class AbortWatch {
  readonly #limits: AbortLimits;
  readonly #state: SharedState;
  readonly #users: number;
  readonly #history: { readonly atMs: number; readonly reading: Reading }[] = [];
  readonly #beganMs: number;

  /** `users`: the most at once, of all workers. */
  constructor(limits: AbortLimits, state: SharedState, users: number, beganMs: number) {
    this.#limits = limits;
    this.#state = state;
    this.#users = users;
    this.#beganMs = beganMs;
  }

  check(nowMs: number): Crossing | undefined {
    const reading = this.#state.read();
    this.#history.push({ atMs: nowMs, reading });
    const oldest = WINDOWS_MS.at(-1) ?? 0;
    // One older than the longest window stays, to count from.
    while ((this.#history[1]?.atMs ?? nowMs) <= nowMs - oldest) this.#history.shift();
    return this.#errors(nowMs, reading) ?? this.#latency(nowMs, reading) ?? this.#rate(reading) ?? this.#vitals(nowMs);
  }

  #errors(nowMs: number, reading: Reading): Crossing | undefined {
    const limit = this.#limits.errorRatio ?? DEFAULT_ERROR_RATIO;
    if (limit >= 1) return undefined;
    for (const windowMs of WINDOWS_MS) {
      const before = this.#before(nowMs - windowMs);
      const bad = reading.failed + reading.timedOut - before.failed - before.timedOut;
      const all = reading.done - before.done + bad;
      if (all < Math.min(ENOUGH_REQUESTS, Math.max(ENOUGH_SLOW, this.#users))) continue;
      if (bad / all <= limit) return undefined;
      return {
        reason: 'error-ratio',
        message: `${bad} of the last ${all} requests failed or timed out (${percent(bad / all)}, the limit is ${percent(limit)})`,
      };
    }
    return undefined;
  }

  #latency(nowMs: number, reading: Reading): Crossing | undefined {
    return (
      this.#quantile(nowMs, reading, 0.95, this.#limits.p95Ms, 'slowP95', 'underWaySlowP95') ??
      this.#quantile(nowMs, reading, 0.99, this.#limits.p99Ms, 'slowP99', 'underWaySlowP99')
    );
  }

  /** A quantile is over its limit when a larger share of the requests than it leaves is. */
  #quantile(
    nowMs: number,
    reading: Reading,
    q: number,
    limitMs: number | undefined,
    slowField: 'slowP95' | 'slowP99',
    underWayField: 'underWaySlowP95' | 'underWaySlowP99',
  ): Crossing | undefined {
    if (limitMs === undefined) return undefined;
    // Under way or waiting for longer than the limit: slow already, however they will end.
    const pending = reading[underWayField];
    for (const windowMs of WINDOWS_MS) {
      const before = this.#before(nowMs - windowMs);
      const slow = reading[slowField] - before[slowField] + pending;
      const all = ended(reading) - ended(before) + pending;
      if (all < Math.min(ENOUGH_REQUESTS, Math.max(ENOUGH_SLOW, this.#users))) continue;
      if (slow < ENOUGH_SLOW || slow / all <= 1 - q) return undefined;
      return {
        reason: 'latency',
        message: `${slow} of the last ${all} requests took over ${limitMs} ms (${percent(slow / all)}), so that p${q * 100} is over its limit`,
      };
    }
    return undefined;
  }

  #rate(reading: Reading): Crossing | undefined {
    const limit = this.#limits.waitMs ?? DEFAULT_WAIT_MS;
    if (reading.dropped > 0) {
      return {
        reason: 'rate-unreachable',
        message: `${reading.dropped} arrivals found the queue full (${reading.waiting} waiting, the longest for ${Math.round(reading.longestWaitMs)} ms): the asked rate can't be reached`,
      };
    }
    if (reading.longestWaitMs <= limit) return undefined;
    return {
      reason: 'rate-unreachable',
      message: `an arrival waited ${Math.round(reading.longestWaitMs)} ms for a free user (the limit is ${limit} ms, ${reading.waiting} wait): the asked rate can't be reached`,
    };
  }

  #vitals(nowMs: number): Crossing | undefined {
    if (!needsVitals(this.#limits)) return undefined;
    const { atMs, values } = this.#state.vitals();
    const age = nowMs - (Number.isNaN(atMs) ? this.#beganMs : atMs);
    if (age > VITALS_STALE_MS) {
      return {
        reason: 'vitals-missing',
        message: `nothing was heard of the target's own state for ${Math.round(age)} ms, and limits rest on it`,
      };
    }
    if (Number.isNaN(atMs)) return undefined;
    for (const [name, reason, said] of VITAL_LIMITS) {
      const limit = this.#limits[name];
      const value = values[name];
      if (limit === undefined) continue;
      if (value === undefined) {
        return { reason: 'vitals-missing', message: `the target does not say ${name}, and a limit rests on it` };
      }
      if (value > limit)
        return { reason, message: `${said} ${Number(value.toPrecision(6))} (${name}, the limit is ${limit})` };
    }
    return undefined;
  }

  /** The reading at a time: the last one not after it, or the first there is (what was counted before is no part of the load). */
  #before(atMs: number): Reading {
    return (this.#history.findLast((entry) => entry.atMs <= atMs) ?? this.#history[0])?.reading ?? NOTHING;
  }
}

function ended(reading: Reading): number {
  return reading.done + reading.failed + reading.timedOut;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

const NOTHING: Reading = {
  started: 0,
  done: 0,
  failed: 0,
  timedOut: 0,
  unfinished: 0,
  iterations: 0,
  dropped: 0,
  slowP95: 0,
  slowP99: 0,
  underWay: 0,
  underWaySlowP95: 0,
  underWaySlowP99: 0,
  waiting: 0,
  longestWaitMs: 0,
  users: 0,
  lastSentMs: 0,
};
