import type { LatencySummary, PartResult, StepResult } from './result.ts';

/**
 * Conditions that a result meets or not, as people write them: "p99 < 200", "errorRatio < 0.1 %", "sign in: p95 < 1 s".
 * Latencies are response times, in ms unless the value says s; ratios are 0 to 1 unless it says %.
 */
export interface Threshold {
  readonly text: string;
  /** The step it is about; null: all requests. */
  readonly step: string | null;
  readonly figure: ThresholdFigure;
  readonly operator: '<' | '<=' | '>' | '>=';
  /** In ms, a ratio of 0 to 1, or a number. */
  readonly limit: number;
}

const LATENCIES: Readonly<Record<LatencyFigure, LatencyField>> = {
  p50: 'p50Ms',
  p90: 'p90Ms',
  p95: 'p95Ms',
  p99: 'p99Ms',
  p999: 'p999Ms',
  mean: 'meanMs',
  max: 'maxMs',
};

type LatencyFigure = 'p50' | 'p90' | 'p95' | 'p99' | 'p999' | 'mean' | 'max';
type LatencyField = Exclude<keyof LatencySummary, 'count' | 'histogram'>;

/** What a threshold can be about. */
export type ThresholdFigure = LatencyFigure | 'errorRatio' | 'ratePerSecond' | 'dropped';

/** What became of a threshold. */
export interface ThresholdResult {
  readonly threshold: string;
  /** In the unit of {@link Threshold.limit}; null: nothing was measured, and the threshold is not met. */
  readonly value: number | null;
  readonly met: boolean;
}

const FORM =
  /^(?:(?<step>.+?)\s*:\s*)?(?<figure>p50|p90|p95|p99|p999|mean|max|errorRatio|ratePerSecond|dropped)\s*(?<operator><=|>=|<|>)\s*(?<limit>\d+(?:\.\d+)?)\s*(?<unit>ms|s|%)?$/;
/** How a threshold is written, for messages. */
export const THRESHOLD_REMEDY =
  'Write it as "p99 < 200", "errorRatio < 0.1 %" or "name of a step: p95 < 1 s"; figures are p50, p90, p95, p99, p999, mean, max, errorRatio, ratePerSecond, dropped.';

/** Reads a threshold; null: it is none. */
export function parseThreshold(text: string): Threshold | null {
  const groups = FORM.exec(text.trim())?.groups;
  if (groups === undefined) return null;
  const { step, unit } = groups;
  const figure = groups['figure'] as ThresholdFigure; // `as`: the pattern names them
  const operator = groups['operator'] as Threshold['operator']; // likewise
  const isLatency = figure in LATENCIES;
  if (unit === '%' ? figure !== 'errorRatio' : unit !== undefined && !isLatency) return null;
  if (step !== undefined && (figure === 'ratePerSecond' || figure === 'dropped')) return null;
  const factor = unit === 's' ? 1000 : unit === '%' ? 0.01 : 1;
  return { text: text.trim(), step: step ?? null, figure, operator, limit: Number(groups['limit']) * factor };
}

/** Judges thresholds, as parseThreshold() takes them, by what was measured. */
export function judgeThresholds(
  texts: readonly string[],
  measured: PartResult,
  steps: readonly StepResult[],
): readonly ThresholdResult[] {
  return texts.map((text) => {
    const threshold = parseThreshold(text);
    const value = threshold === null ? null : valueOf(threshold, measured, steps);
    return { threshold: text, value, met: threshold !== null && value !== null && holds(value, threshold) };
  });
}

function valueOf({ step: name, figure }: Threshold, measured: PartResult, steps: readonly StepResult[]): number | null {
  const part = name === null ? measured : steps.find((step) => step.name === name);
  if (part === undefined) return null;
  if (figure === 'ratePerSecond') return measured.ratePerSecond;
  if (figure === 'dropped') return measured.dropped;
  if (figure === 'errorRatio') {
    const ended = part.done + part.failed + part.timedOut;
    return ended === 0 ? null : (part.failed + part.timedOut) / ended;
  }
  return part.response[LATENCIES[figure]];
}

function holds(value: number, { operator, limit }: Threshold): boolean {
  switch (operator) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
  }
}
