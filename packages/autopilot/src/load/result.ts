import type { EpochMs } from '../kernel/clock.ts';
import type { ExponentialHistogram } from '../kernel/histogram.ts';
import type { LoadPlan } from './plan.ts';
import type { StopReason } from './shared-state.ts';
import type { SteadyState } from './steady-state.ts';
import type { ThresholdResult } from './threshold.ts';

/** An ExponentialHistogram's encode() in base64, so that a result is plain JSON. */
export type EncodedHistogram = string;

/** A distribution of times, in ms; null where there were none. Each is within 2.17 %, mean and maximum exact. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
  readonly histogram: EncodedHistogram;
}

/** How requests ended: requests = done + failed + timedOut + unfinished. */
export interface RequestCounts {
  readonly requests: number;
  /** Answered, with every check passed. */
  readonly done: number;
  /** Answered with an unexpected status or a failed check, or not answered because the connection failed. */
  readonly failed: number;
  readonly timedOut: number;
  /** Cut off because the run was stopped. */
  readonly unfinished: number;
  readonly bytesReceived: number;
}

/** A part of a run. */
export interface PartResult extends RequestCounts {
  readonly durationMs: number;
  /** Due (open model) or begun (closed model). */
  readonly iterations: number;
  /** Due and never begun. */
  readonly dropped: number;
  /** Requests done a second. */
  readonly ratePerSecond: number;
  /** Failed and timed out of all that ended, 0 to 1; null when none did. */
  readonly errorRatio: number | null;
  /**
   * From when a request was due until its response was complete: what a user waits. Holds what was done and, with the time
   * until it was given up, what timed out, was cut off or dropped; not what failed.
   */
  readonly response: LatencySummary;
  /** From when a request was sent. */
  readonly service: LatencySummary;
}

/** One step over the measured part. */
export interface StepResult extends RequestCounts {
  readonly name: string;
  readonly response: LatencySummary;
  readonly service: LatencySummary;
  readonly errors: readonly ErrorCount[];
}

/** Failures of one kind: "status 503", "ECONNRESET", "items[0].id is not what was expected". */
export interface ErrorCount {
  readonly kind: string;
  readonly count: number;
}

/** A stretch of the run, by when requests were due. */
export interface WindowResult extends RequestCounts {
  /** After the end of the warm-up; negative in it. */
  readonly fromMs: number;
  readonly durationMs: number;
  readonly iterations: number;
  readonly dropped: number;
  readonly response: LatencySummary;
}

/** How well the generator kept up. */
export interface GeneratorReport {
  readonly workers: number;
  readonly machines: number;
  /** How late due requests were noticed; already part of the response times. */
  readonly slip: LatencySummary;
  /** How late timers of the workers' event loops were. */
  readonly loopDelay: LatencySummary;
  /** Of the busiest worker, 0 to 1. */
  readonly utilization: number;
  readonly iterationsFailed: number;
  readonly iterationsCut: number;
}

/** Why a run ended before its time. */
export interface StopReport {
  readonly reason: StopReason;
  readonly message: string;
  /** After the load's start. */
  readonly atMs: number;
  /** When the last request left, after the load's start. */
  readonly lastSentMs: number;
}

/** What a run found: plain JSON, mergeable with those of other machines. */
export interface LoadResult {
  readonly format: 1;
  readonly runId: string;
  readonly name: string;
  readonly target: string;
  readonly seed: number;
  readonly load: LoadPlan['load'];
  readonly warmupMs: number;
  readonly startedAt: EpochMs;
  readonly state: 'completed' | 'stopped' | 'aborted';
  readonly stop: StopReport | null;
  /** False: the figures are not those of the target, for the reasons given. */
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  readonly prepare: PartResult;
  readonly warmup: PartResult;
  readonly measured: PartResult;
  /** What iterations under way still had to do after the load's end, and `finish`. */
  readonly after: PartResult;
  readonly steps: readonly StepResult[];
  readonly windows: readonly WindowResult[];
  readonly steady: SteadyState;
  /** What the plan's thresholds came to. */
  readonly thresholds: readonly ThresholdResult[];
  readonly generator: GeneratorReport;
}

/** The figures of a histogram of ms. */
export function latencySummary(histogram: ExponentialHistogram): LatencySummary {
  const of = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return {
    count: histogram.count,
    meanMs: of(histogram.mean),
    p50Ms: of(histogram.quantile(0.5)),
    p90Ms: of(histogram.quantile(0.9)),
    p95Ms: of(histogram.quantile(0.95)),
    p99Ms: of(histogram.quantile(0.99)),
    p999Ms: of(histogram.quantile(0.999)),
    maxMs: of(histogram.max),
    histogram: Buffer.from(histogram.encode()).toString('base64'),
  };
}
