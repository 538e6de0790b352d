import type { LoadResult } from './result.ts';
import type { TargetVitals } from './shared-state.ts';
import { type Trend, trendOf } from './trend.ts';

/** The target's own figures at a moment of a run. */
export interface VitalsSample extends TargetVitals {
  /** After the load's start. */
  readonly atMs: number;
}

/** One figure over a long run. */
export interface DriftFigure {
  readonly figure: 'p50Ms' | 'p95Ms' | 'ratePerSecond' | 'rssBytes' | 'eventLoopDelayMs' | 'databaseConnections';
  readonly trend: Trend;
  /** It gets worse by more than `DRIFT_RATIO` over the run, and its interval says that this is no chance. */
  readonly drifts: boolean;
}

/** Whether a service stayed what it was under a load that stayed the same. */
export interface DriftReport {
  readonly verdict: 'steady' | 'drifts' | 'not-judged';
  /** Sentences. */
  readonly reasons: readonly string[];
  readonly figures: readonly DriftFigure[];
}

/** Changes over a whole run under this are no drift. */
const DRIFT_RATIO = 0.1;
const FEWEST_WINDOWS = 30;
const FALLS: ReadonlySet<DriftFigure['figure']> = new Set(['ratePerSecond']);
const NAMES: Readonly<Record<DriftFigure['figure'], string>> = {
  p50Ms: 'the median response time',
  p95Ms: 'the p95 of response times',
  ratePerSecond: 'the requests done a second',
  rssBytes: "the target's memory",
  eventLoopDelayMs: "the target's event-loop delay",
  databaseConnections: "the target's database connections",
};

/** Judges the measured part of a run whose plan asks for the same load all the time. */
export function judgeDrift({ windows, warmupMs }: LoadResult, vitals: readonly VitalsSample[]): DriftReport {
  const measured = windows.filter(({ fromMs }) => fromMs >= 0);
  // What the end of the load cut short has fewer requests for no other reason.
  const whole = measured.slice(0, -1);
  if (whole.length < FEWEST_WINDOWS) {
    const reason = `The run has ${whole.length} whole windows, and ${FEWEST_WINDOWS} are needed to tell a drift.`;
    return { verdict: 'not-judged', reasons: [reason], figures: [] };
  }
  const series: [DriftFigure['figure'], { x: number; y: number }[]][] = [
    ['p50Ms', whole.flatMap(({ fromMs, response: { p50Ms } }) => (p50Ms === null ? [] : [{ x: fromMs, y: p50Ms }]))],
    ['p95Ms', whole.flatMap(({ fromMs, response: { p95Ms } }) => (p95Ms === null ? [] : [{ x: fromMs, y: p95Ms }]))],
    ['ratePerSecond', whole.map(({ fromMs, durationMs, done }) => ({ x: fromMs, y: (1000 * done) / durationMs }))],
  ];
  for (const figure of ['rssBytes', 'eventLoopDelayMs', 'databaseConnections'] as const) {
    const points = vitals.flatMap(({ atMs, [figure]: y }) =>
      y === undefined || atMs < warmupMs ? [] : [{ x: atMs - warmupMs, y }],
    );
    series.push([figure, points]);
  }
  const figures = series.flatMap(([figure, points]): DriftFigure[] => {
    const trend = trendOf(points);
    if (trend === null) return [];
    const drifts = FALLS.has(figure)
      ? trend.change < -DRIFT_RATIO && trend.high < 0
      : trend.change > DRIFT_RATIO && trend.low > 0;
    return [{ figure, trend, drifts }];
  });
  const drifting = figures.filter(({ drifts }) => drifts);
  const reasons = drifting.map(
    ({ figure, trend: { change, low, high } }) =>
      `Over the run ${NAMES[figure]} ${change > 0 ? 'rose' : 'fell'} by ${percent(Math.abs(change))} (99 % interval: ${percent(low)} to ${percent(high)}).`,
  );
  if (!figures.some(({ figure }) => figure === 'rssBytes')) {
    reasons.push("The target's memory was not read, so that a leak can't be told.");
  }
  return { verdict: drifting.length > 0 ? 'drifts' : 'steady', reasons, figures };
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`;
}
