import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Origin, SeriesWindow, Window } from '../../packages/autopilot/src/contract/series.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import type { MetricStore, SeriesQuery, Slice } from '../../packages/autopilot/src/storage/ports.ts';
import { gaugeOf, routeOf, seriesOf, windowOf } from './windows.ts';

export const MINUTE = 60_000;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** One route in one window. */
export interface Fact {
  readonly origin: Origin;
  readonly start: number;
  readonly route: string;
  readonly durations: readonly number[];
}

/** What windows held, to compare a store with. */
export class MetricTruth {
  readonly facts: Fact[] = [];
  readonly #next: () => number;

  constructor(next: () => number) {
    this.#next = next;
  }

  /** A window of 10 s with some of three routes, and noted down. */
  window(origin: Origin, start: number): Window {
    const series: SeriesWindow[] = [];
    for (const route of ['GET /a', 'GET /b', 'GET /c']) {
      if (this.#next() < 0.4) continue;
      const durations = Array.from({ length: 1 + Math.floor(this.#next() * 4) }, () => 0.5 + this.#next() * 900);
      this.facts.push({ origin, start, route, durations });
      series.push(routeOf(route, durations));
    }
    series.push(
      seriesOf('runtime', 'process', { cpuUserMs: 25, eventLoopUtilization: gaugeOf(0.25, 0.75) }),
      seriesOf('pool', 'main', { size: gaugeOf(10), acquired: 2 }, { database: 'main' }),
    );
    return windowOf(start, series, { durationMs: 10_000 });
  }

  /** All durations of the facts that fit, raw. */
  durations(where: (fact: Fact) => boolean): readonly number[] {
    return this.facts.filter(where).flatMap(({ durations }) => durations);
  }
}

/** Everything the query gives; what it leaves out is asked as for the whole family `route` of `orders`. */
export async function readAll(
  store: MetricStore,
  query: Partial<SeriesQuery> & Pick<SeriesQuery, 'from' | 'to' | 'resolutionMs'>,
): Promise<readonly Slice[]> {
  const slices: Slice[] = [];
  const whole: SeriesQuery = { service: 'orders', family: 'route', select: { kind: 'each' }, ...query };
  for await (const slice of store.read(whole)) slices.push(slice);
  return slices;
}

/** All durations in the slices. */
export function mergedDurations(slices: readonly Slice[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram();
  for (const { series } of slices) {
    for (const { cells } of series) {
      if (cells['durationMs'] instanceof Uint8Array) histogram.mergeEncoded(cells['durationMs']);
    }
  }
  return histogram;
}

/** Its count, and a fingerprint of its bytes. */
function told(histogram: ExponentialHistogram): string {
  return `${histogram.count} durations, ${createHash('sha256').update(histogram.encode()).digest('hex').slice(0, 12)}`;
}

function toldOf(durations: readonly number[]): string {
  const histogram = new ExponentialHistogram();
  for (const duration of durations) histogram.record(duration);
  return told(histogram);
}

/**
 * Asks for [from, to), whose ends are whole hours, at these resolutions in every way there is, and compares with the truth. Bytes, not
 * quantiles: nothing may differ.
 */
export async function assertTells(
  store: MetricStore,
  truth: MetricTruth,
  from: number,
  to: number,
  resolutionsMs: readonly number[],
): Promise<void> {
  const inside = ({ start }: Fact): boolean => start >= from && start < to;
  const all = toldOf(truth.durations(inside));
  const ofB = toldOf(truth.durations((fact) => inside(fact) && fact.route === 'GET /b'));
  const ofInstance = toldOf(truth.durations((fact) => inside(fact) && fact.origin.instance === 'a'));
  for (const resolutionMs of resolutionsMs) {
    const range = { from, to, resolutionMs };
    const what = `${(to - from) / HOUR} h at ${resolutionMs} ms`;
    for (const mergeInstances of [false, true]) {
      const asked = { ...range, mergeInstances };
      const how = `${what}, ${mergeInstances ? 'merged' : 'each instance'}`;
      assert.equal(told(mergedDurations(await readAll(store, asked))), all, `each route over ${how}`);
      const total = await readAll(store, { ...asked, select: { kind: 'total' } });
      assert.equal(told(mergedDurations(total)), all, `all routes over ${how}`);
      const one = await readAll(store, { ...asked, select: { kind: 'keys', keys: ['GET /b'] } });
      assert.equal(told(mergedDurations(one)), ofB, `one route over ${how}`);
    }
    const alone = await readAll(store, { ...range, instance: 'a' });
    assert.equal(told(mergedDurations(alone)), ofInstance, `one instance over ${what}`);
  }
}
