import type {
  Cell,
  Family,
  GaugeCell,
  Origin,
  SeriesWindow,
  Window,
} from '../../packages/autopilot/src/contract/series.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';

/** Makes windows as an agent sends them. */
export function originOf(instance: string, service = 'orders'): Origin {
  return { service, instance, release: '1.0.0' };
}

export function histogramOf(values: readonly number[]): Uint8Array {
  const histogram = new ExponentialHistogram();
  for (const value of values) histogram.record(value);
  return histogram.encode();
}

export function gaugeOf(...samples: readonly number[]): GaugeCell {
  const sum = samples.reduce((total, sample) => total + sample, 0);
  return { count: samples.length, sum, min: Math.min(...samples), max: Math.max(...samples) };
}

export function seriesOf(
  family: Family,
  key: string,
  cells: Readonly<Record<string, Cell>>,
  about: { readonly database?: string; readonly route?: string } = {},
): SeriesWindow {
  return { family, key, database: about.database ?? null, route: about.route ?? null, cells };
}

/** Requests of one route with these durations. */
export function routeOf(key: string, durationsMs: readonly number[], errors = 0): SeriesWindow {
  return seriesOf('route', key, {
    requests: durationsMs.length,
    errors,
    durationMs: histogramOf(durationsMs),
    bytesSent: durationsMs.length * 500,
    databaseCalls: durationsMs.length * 2,
    databaseMs: durationsMs.length * 1.5,
  });
}

export function windowOf(
  start: number,
  series: readonly SeriesWindow[],
  more: { readonly durationMs?: number; readonly overflow?: Window['overflow'] } = {},
): Window {
  return { start, durationMs: more.durationMs ?? 1000, series, overflow: more.overflow ?? {} };
}
