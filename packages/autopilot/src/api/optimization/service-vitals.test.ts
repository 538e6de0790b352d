import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell, SeriesWindow } from '../../contract/series.ts';
import { FakeClock } from '../../kernel/clock.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { QueryEngine } from '../../query/query-engine.ts';
import { MemoryMetricStore } from '../../storage/memory/memory-metric-store.ts';
import { serviceVitals } from './service-vitals.ts';

const T0 = 1_699_999_200_000;

function route(key: string, requests: number, errors: number, ms: number): SeriesWindow {
  const durations = new ExponentialHistogram();
  for (let count = 0; count < requests; count++) durations.record(ms);
  const cells = { requests, errors, durationMs: durations.encode() };
  return { family: 'route', key, database: null, route: null, cells };
}

test('the vitals of a service are those of windows that have arrived, each route by itself', async () => {
  const store = new MemoryMetricStore({ clock: new FakeClock(T0 + 60_000) });
  const level = (value: number): Cell => ({ count: 1, sum: value, min: value, max: value });
  const runtime: SeriesWindow = {
    family: 'runtime',
    key: '',
    database: null,
    route: null,
    cells: { cpuUserMs: 300, cpuSystemMs: 100, rssBytes: level(2e8), activeRequests: level(3) },
  };
  for (let second = 0; second < 12; second++) {
    // The newest two seconds are still on their way, and would look like less traffic.
    const late = second >= 10;
    const windows = [runtime, ...(late ? [] : [route('GET /list', 40, 0, 10), route('GET /report', 10, 1, 100)])];
    const window = { start: T0 + second * 1_000, durationMs: 1_000, series: windows, overflow: {} };
    await store.append({ service: 'orders', instance: 'a', release: '1' }, [window]);
  }
  const engine = new QueryEngine(store);
  const vitals = await serviceVitals(engine, 'orders', T0 + 12_000, 10_000, 1);
  assert.ok(vitals !== null);
  const { routes, p99Ms, errorRatio, ...rest } = vitals;
  assert.deepEqual(rest, { durationMs: 10_000, requests: 500, active: 3, cpuBusy: 0.4, rssBytes: 2e8, processes: 1 });
  assert.ok(Math.abs((errorRatio ?? 0) - 0.02) < 1e-9);
  assert.ok(Math.abs((p99Ms ?? 0) / 100 - 1) < 0.05);
  assert.deepEqual(
    Object.entries(routes).map(([name, { requests, errorRatio: ratio }]) => [name, requests, ratio]),
    [
      ['GET /list', 400, 0],
      ['GET /report', 100, 0.1],
    ],
  );
  assert.equal(await serviceVitals(engine, 'unheard', T0 + 12_000, 10_000, 0), null);
});
