import type {
  LoadTestLevel,
  LoadTestPrediction,
  LoadTestProgress,
  LoadTestReport,
  LoadTestState,
  LoadTestSummary,
} from '../../contract/load-tests.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { type LoadReport, passed, type StressReport, type StressStep } from '../../load/load-report.ts';
import { reportLines } from '../../load/report/text-report.ts';
import type { LoadProgress } from '../../load/run-load.ts';

/** Shares of the requests that a curve is drawn through. */
const RATIOS: readonly number[] = [
  0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99,
  0.9925, 0.995, 0.9975, 0.999, 0.9995, 0.9999, 1,
];

/** What a report comes to, in a word. */
export function stateOf(report: LoadReport): LoadTestState {
  const { kind, result } = report;
  if (result.stop?.reason === 'requested' || report.stress?.state === 'ended') return 'stopped';
  if (kind !== 'stress' && result.state === 'aborted')
    return result.stop?.reason === 'preparation' ? 'failed' : 'aborted';
  if (kind !== 'stress' && !result.valid) return 'invalid';
  return passed(report) ? 'passed' : 'missed';
}

/** Why it is in this state; null: the state says it. */
export function reasonOf({ kind, result, stress, drift }: LoadReport): string | null {
  if (stress !== null) return stress.reason;
  if (result.stop !== null) return result.stop.message;
  if (!result.valid) return result.invalidReasons.join(' ');
  const missed = result.thresholds.filter(({ met }) => !met).map(({ threshold }) => threshold);
  if (missed.length > 0) return `Missed: ${missed.join(', ')}.`;
  return kind === 'soak' && drift?.verdict === 'drifts' ? drift.reasons.join(' ') : null;
}

/** The figures of a report. */
export function summaryOf({ result, stress }: LoadReport): LoadTestSummary {
  const { requests, ratePerSecond, errorRatio, response } = result.measured;
  const { p50Ms, p95Ms, p99Ms } = response;
  return {
    requests,
    ratePerSecond,
    errorRatio,
    p50Ms,
    p95Ms,
    p99Ms,
    knee: stress?.knee ?? null,
    kneeUnit: stress?.unit ?? null,
  };
}

/** A report as the API gives it: without histograms. */
export function reportView(report: LoadReport): LoadTestReport {
  const { result, vitals, stress } = report;
  const histogram = ExponentialHistogram.decode(Buffer.from(result.measured.response.histogram, 'base64'));
  return {
    lines: reportLines(report),
    thresholds: result.thresholds,
    seconds: result.windows.map(({ fromMs, durationMs, done, failed, timedOut, response }) => ({
      fromMs,
      ratePerSecond: durationMs > 0 ? (1000 * done) / durationMs : 0,
      failed,
      timedOut,
      p50Ms: response.p50Ms,
      p95Ms: response.p95Ms,
      p99Ms: response.p99Ms,
    })),
    percentiles: RATIOS.flatMap((ratio) => {
      const ms = histogram.quantile(ratio);
      return Number.isFinite(ms) ? [{ ratio, ms }] : [];
    }),
    steps: result.steps.map(({ name, requests, failed, timedOut, response, errors }) => ({
      name,
      requests,
      failed,
      timedOut,
      p50Ms: response.p50Ms,
      p95Ms: response.p95Ms,
      p99Ms: response.p99Ms,
      errors,
    })),
    vitals: vitals.map(({ atMs, cpuCores, eventLoopDelayMs, rssBytes, databaseConnections }) => ({
      atMs,
      cpuCores: cpuCores ?? null,
      eventLoopDelayMs: eventLoopDelayMs ?? null,
      rssBytes: rssBytes === undefined ? null : Math.round(rssBytes),
      databaseConnections: databaseConnections ?? null,
    })),
    levels: (stress?.steps ?? []).map(levelView),
    predictions: predictionsOf(stress),
  };
}

function predictionsOf(stress: StressReport | null): readonly LoadTestPrediction[] {
  const predictions = stress?.capacity.state === 'fitted' ? (stress.capacity.predictions ?? []) : [];
  return predictions.map(({ instances, concurrency, ratePerSecond, responseMs }) => ({
    instances,
    concurrency,
    ratePerSecond: ratePerSecond.value,
    ratePerSecondLow: ratePerSecond.low,
    ratePerSecondHigh: ratePerSecond.high,
    responseMs: responseMs.value,
  }));
}

export function levelView(step: StressStep): LoadTestLevel {
  const { level, outcome, ratePerSecond, errorRatio, p50Ms, p95Ms, p99Ms, concurrency } = step;
  return { level, outcome, ratePerSecond, errorRatio, p50Ms, p95Ms, p99Ms, concurrency };
}

export function progressView(progress: LoadProgress): LoadTestProgress {
  const { phase, elapsedMs, durationMs, users, waiting, requests, failed, timedOut, dropped, ratePerSecond } = progress;
  const { p50Ms, p95Ms, p99Ms } = progress;
  const counts = { users, waiting, requests, failed, timedOut, dropped };
  return { phase, elapsedMs, durationMs, ...counts, ratePerSecond, p50Ms, p95Ms, p99Ms };
}
