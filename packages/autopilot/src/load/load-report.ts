import type { CapacityModel, NoCapacityModel } from './capacity-model.ts';
import type { LoadResult } from './result.ts';
import type { DriftReport, VitalsSample } from './soak.ts';
import type { SpikeReport } from './spike.ts';
import type { ThresholdResult } from './threshold.ts';

/**
 * What a test wants to know. `smoke`: does it work at all; `load`: the plan as it is; `spike`: a burst and how it is got over;
 * `soak`: does it stay what it was; `stress`: where does it break.
 */
export type LoadTestKind = 'smoke' | 'load' | 'spike' | 'soak' | 'stress';

export const loadTestKinds: readonly LoadTestKind[] = ['smoke', 'load', 'spike', 'soak', 'stress'];

/** Little's law, L = lambda W: what was under way at once against rate and time, which were measured each by itself. */
export type LittleReport =
  | {
      readonly state: 'agrees' | 'differs';
      /** Mean of what was under way, looked at once a second. */
      readonly underWay: number;
      /** Requests done a second times the mean time they took. */
      readonly expected: number;
    }
  | { readonly state: 'not-judged'; readonly reason: string };

/** One load that a stress test tried. */
export interface StressStep {
  /** Arrivals a second, or users. */
  readonly level: number;
  readonly outcome: 'met' | 'missed' | 'unclear';
  /** What decided it: thresholds, or why the run ended. */
  readonly objective: readonly ThresholdResult[];
  readonly stopped: string | null;
  readonly ratePerSecond: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Requests under way at once on average, by Little's law. */
  readonly concurrency: number;
  /** The highest that was read of the target's own figures. */
  readonly vitals: Omit<VitalsSample, 'atMs'>;
}

/** Where a service breaks. */
export interface StressReport {
  readonly unit: 'arrivals a second' | 'users';
  readonly objective: readonly string[];
  readonly state: 'found' | 'not-reached' | 'never-met' | 'ended';
  /** The highest level that met the objective; null: none did. */
  readonly knee: number | null;
  /** The lowest that missed it; null: none did. */
  readonly broke: number | null;
  /** Why the knee was not found; null: it was. */
  readonly reason: string | null;
  readonly tookMs: number;
  /** In the order they were tried. */
  readonly steps: readonly StressStep[];
  readonly capacity: CapacityModel | NoCapacityModel;
  /** What was at its limit where the service broke, as a sentence. */
  readonly saturated: string;
}

/** A load test of any kind: what the engine measured, and what it says for this kind. Plain JSON. */
export interface LoadReport {
  readonly format: 1;
  readonly kind: LoadTestKind;
  /** Of a stress test: the highest level that met the objective, or else the first. */
  readonly result: LoadResult;
  /** The target's own figures once a second; empty: nobody read them. */
  readonly vitals: readonly VitalsSample[];
  readonly little: LittleReport;
  readonly drift: DriftReport | null;
  readonly spike: SpikeReport | null;
  readonly stress: StressReport | null;
  /** Steps that no request was sent of: the test says nothing about them. */
  readonly untried: readonly string[];
}

/** Whether a report is good news: complete, valid, every threshold met, and what its kind asks for. */
export function passed({ kind, result, drift, stress }: LoadReport): boolean {
  if (kind === 'stress') return stress?.state === 'found' || stress?.state === 'not-reached';
  return (
    result.state === 'completed' &&
    result.valid &&
    result.thresholds.every(({ met }) => met) &&
    drift?.verdict !== 'drifts'
  );
}
