import { ExponentialHistogram } from '../kernel/histogram.ts';
import type { ArrivalLoad, LoadPlan, UserLoad } from './plan.ts';
import { type LoadResult, latencySummary, type WindowResult } from './result.ts';
import { openProfileOf, UserProfile } from './schedule.ts';
import { median } from './trend.ts';

/** Before, in and after a burst. */
export interface SpikePart {
  readonly ratePerSecond: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** 0 to 1; null: nothing ended. */
  readonly errorRatio: number | null;
}

/** What a burst did to a service, and how soon it was over. */
export interface SpikeReport {
  /** After the end of the warm-up. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly before: SpikePart;
  readonly during: SpikePart;
  readonly after: SpikePart;
  /** From the end of the burst until three windows in a row were as before; null: they never were. */
  readonly recoveredAfterMs: number | null;
}

/** As before: a p95 within a quarter of it, or within 5 ms. */
const RECOVERED_RATIO = 1.25;
const RECOVERED_MS = 5;
const RECOVERED_WINDOWS = 3;
/** Ends of bursts are looked for at this distance. */
const LOOK_MS = 100;

/** The plan's load with a burst in its middle fifth, unless it has bursts of its own. */
export function spikeLoad(plan: LoadPlan, factor: number): ArrivalLoad | UserLoad {
  const { load, warmupMs = 0 } = plan;
  if (load.kind === 'users') {
    const profile = new UserProfile(load.stages);
    const users = Math.max(1, profile.usersAt(profile.durationMs - 1));
    if (profile.peak >= 2 * users) return load;
    const left = profile.durationMs - warmupMs;
    const calm = { durationMs: 0.4 * left, users };
    const stages = [
      { durationMs: warmupMs + 0.4 * left, users },
      { durationMs: 0.2 * left, users: Math.round(factor * users) },
      calm,
    ];
    return { ...load, stages };
  }
  if (load.kind === 'arrivals' && (load.spikes ?? []).length > 0) return load;
  const profile = openProfileOf(load);
  const rate =
    load.kind === 'arrivals'
      ? profile.ratePerSecondAt(profile.durationMs - 1)
      : profile.total / (profile.durationMs / 1000);
  const left = profile.durationMs - warmupMs;
  return {
    kind: 'arrivals',
    users: load.users,
    ...(load.spacing === undefined ? {} : { spacing: load.spacing }),
    ...(load.maxWaiting === undefined ? {} : { maxWaiting: load.maxWaiting }),
    stages: [{ durationMs: profile.durationMs, ratePerSecond: rate }],
    spikes: [{ atMs: warmupMs + 0.4 * left, durationMs: 0.2 * left, ratePerSecond: factor * rate }],
  };
}

/** Judges a run of spikeLoad(); null when its load has no burst. */
export function judgeSpike(result: LoadResult): SpikeReport | null {
  const { load, warmupMs, windows } = result;
  const levelAt =
    load.kind === 'users'
      ? (ms: number): number => new UserProfile(load.stages).usersAt(ms)
      : (ms: number): number => openProfileOf(load).ratePerSecondAt(ms);
  const measured = windows.filter(({ fromMs }) => fromMs >= 0);
  const lengthMs = (measured.at(-1)?.fromMs ?? 0) + (measured.at(-1)?.durationMs ?? 0);
  const levels = Array.from({ length: Math.ceil(lengthMs / LOOK_MS) }, (_, at) => levelAt(warmupMs + at * LOOK_MS));
  const usual = median(levels);
  const first = levels.findIndex((level) => level >= 2 * usual && level > 0);
  if (first < 0) return null;
  const last = levels.findLastIndex((level) => level >= 2 * usual);
  const fromMs = first * LOOK_MS;
  const untilMs = (last + 1) * LOOK_MS;
  const before = partOf(measured.filter((window) => window.fromMs + window.durationMs <= fromMs));
  const later = measured.filter((window) => window.fromMs >= untilMs);
  const limit = before.p95Ms === null ? 0 : Math.max(before.p95Ms * RECOVERED_RATIO, before.p95Ms + RECOVERED_MS);
  const calm = later.map(
    ({ response: { p95Ms }, failed, timedOut }) => (p95Ms ?? limit + 1) <= limit && failed + timedOut === 0,
  );
  const recovered = calm.findIndex(
    (_, at) =>
      calm.slice(at, at + RECOVERED_WINDOWS).length === RECOVERED_WINDOWS &&
      calm.slice(at, at + RECOVERED_WINDOWS).every(Boolean),
  );
  return {
    fromMs,
    untilMs,
    before,
    during: partOf(measured.filter((window) => window.fromMs + window.durationMs > fromMs && window.fromMs < untilMs)),
    after: partOf(later),
    recoveredAfterMs: recovered < 0 ? null : Math.max(0, (later[recovered]?.fromMs ?? 0) - untilMs),
  };
}

function partOf(windows: readonly WindowResult[]): SpikePart {
  const histogram = new ExponentialHistogram();
  let done = 0;
  let bad = 0;
  let durationMs = 0;
  for (const window of windows) {
    histogram.mergeEncoded(Buffer.from(window.response.histogram, 'base64'));
    done += window.done;
    bad += window.failed + window.timedOut;
    durationMs += window.durationMs;
  }
  const { p50Ms, p95Ms, p99Ms } = latencySummary(histogram);
  return {
    ratePerSecond: durationMs === 0 ? 0 : (1000 * done) / durationMs,
    p50Ms,
    p95Ms,
    p99Ms,
    errorRatio: done + bad === 0 ? null : bad / (done + bad),
  };
}
