import { type ExposedMetric, type ExposedPart, exposedFactor } from '../contract/exposition.ts';
import type { Origin } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import type { Attribute, CumulativeMetrics, CumulativeSeries } from './cumulative-metrics.ts';

/** What one process has measured, and since when. */
export interface ExposedSource {
  readonly origin: Origin;
  /** When its counters were zero. */
  readonly startedAt: EpochMs;
  readonly metrics: CumulativeMetrics;
  /** Attributes that tell it from the other sources of the same answer; none when it is alone. */
  readonly attributes: readonly Attribute[];
}

/** Whoever asks when nothing was recorded yet. */
const empty: ExponentialHistogram = new ExponentialHistogram();

/** A counter's or a gauge's value in the metric's unit; undefined: a gauge without a sample. */
export function numberOf(series: CumulativeSeries, metric: ExposedMetric, part: ExposedPart): number | undefined {
  const value = series.number(part.field) ?? (metric.kind === 'counter' ? 0 : undefined);
  if (value === undefined) return undefined;
  const less = part.less === undefined ? 0 : (series.number(part.less) ?? 0);
  return Math.max(0, value - less) * exposedFactor(metric, part);
}

/** A part's histogram as recorded, in ms; empty where nothing was. */
export function histogramOf(series: CumulativeSeries, { field }: ExposedPart): ExponentialHistogram {
  return series.histogram(field) ?? empty;
}

/** A part's own attributes as a list. */
export function partAttributes({ attributes }: ExposedPart): readonly Attribute[] {
  return attributes === undefined ? [] : Object.entries(attributes);
}
