import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesWindow } from '../../contract/series.ts';
import { FakeClock } from '../../kernel/clock.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import type { SeriesQuery } from '../ports.ts';
import { MemoryMetricStore } from './memory-metric-store.ts';

const T0 = 1_699_999_200_000;
const origin = { service: 'orders', instance: 'a', release: '1' };

function route(key: string, durationMs: number): SeriesWindow {
  const histogram = new ExponentialHistogram();
  histogram.record(durationMs);
  return { family: 'route', key, database: null, route: null, cells: { requests: 1, durationMs: histogram.encode() } };
}

async function lengths(store: MemoryMetricStore, from: number, to: number, resolutionMs = 1000): Promise<number[]> {
  const query: SeriesQuery = { service: 'orders', family: 'route', select: { kind: 'each' }, from, to, resolutionMs };
  const found: [number, number][] = [];
  for await (const { start, durationMs } of store.read(query)) found.push([start, durationMs]);
  return found.sort((a, b) => a[0] - b[0]).map(([, durationMs]) => durationMs);
}

test('seconds are kept for ten minutes, tens of seconds for an hour, and then nothing, not even names', async () => {
  const clock = new FakeClock(T0);
  const store = new MemoryMetricStore({ clock });
  const empty = store.bytes;
  for (let second = 0; second < 3700; second++) {
    const start = clock.now();
    clock.advance(1000);
    await store.append(origin, [{ start, durationMs: 1000, series: [route(`GET /${second % 700}`, 5)], overflow: {} }]);
    await store.compact(clock.now());
  }
  const now = clock.now();
  assert.deepEqual(new Set(await lengths(store, now - 600_000, now)), new Set([1000]));
  assert.equal((await lengths(store, now - 600_000, now)).length, 600);
  assert.deepEqual(new Set(await lengths(store, now - 3_600_000, now - 700_000)), new Set([10_000]));
  assert.equal((await lengths(store, now - 3_600_000, now - 700_000)).length, 290);
  assert.deepEqual(await lengths(store, T0, now - 3_700_000 + 60_000), []);
  clock.advance(4_000_000);
  await store.compact(clock.now());
  assert.equal(store.bytes, empty);
  assert.equal((await store.extent('orders', clock.now())).newestEnd, null);
});

test('an hour is read in whole minutes, which change when a window comes late', async () => {
  const clock = new FakeClock(T0);
  const store = new MemoryMetricStore({ clock });
  const windowAt = (second: number): Parameters<typeof store.append>[1] => [
    { start: T0 + second * 1000, durationMs: 1000, series: [route('GET /', second + 1)], overflow: {} },
  ];
  const requests = async (from: number, to: number): Promise<readonly [slices: number, requests: number]> => {
    const query = {
      service: 'orders',
      family: 'route',
      select: { kind: 'each' },
      fields: ['requests', 'durationMs'],
    } as const;
    let slices = 0;
    let sum = 0;
    for await (const { series } of store.read({
      ...query,
      from,
      to,
      resolutionMs: to - from,
      sumsOf: ['durationMs'],
    })) {
      slices++;
      for (const { cells } of series) {
        assert.equal(typeof cells['durationMs'], 'number');
        sum += Number(cells['requests']);
      }
    }
    return [slices, sum];
  };
  for (let second = 0; second < 600; second++) {
    clock.advance(1000);
    // One will come half an hour late.
    if (second !== 65) await store.append(origin, windowAt(second));
    await store.compact(clock.now());
  }
  clock.advance(10_000);
  await store.compact(clock.now());
  assert.deepEqual(await requests(T0, T0 + 600_000), [10, 599]);
  assert.deepEqual(await requests(T0 + 50_000, T0 + 190_000), [1 + 2 + 1, 139]);
  clock.advance(1_800_000);
  await store.compact(clock.now());
  await store.append(origin, windowAt(65));
  assert.deepEqual(await requests(T0, T0 + 600_000), [9 + 6, 600]);
  await store.compact(clock.now());
  assert.deepEqual(await requests(T0, T0 + 600_000), [10, 600]);
});

test('over its bound the oldest go first, counted, and what is left is whole', async () => {
  const clock = new FakeClock(T0);
  const maxBytes = 200_000;
  const store = new MemoryMetricStore({ clock, maxBytes });
  for (let second = 0; second < 600; second++) {
    const start = clock.now();
    clock.advance(1000);
    const series = Array.from({ length: 20 }, (_, i) => route(`GET /${second}/${i}`, second + i));
    await store.append(origin, [{ start, durationMs: 1000, series, overflow: {} }]);
    await store.compact(clock.now());
    assert.ok(store.bytes <= maxBytes, `${store.bytes} bytes after ${second} s`);
  }
  const extent = await store.extent('orders', clock.now());
  const kept = await lengths(store, T0, clock.now());
  const from = extent.levels.at(-1)?.from ?? 0;
  assert.ok(from > T0);
  assert.equal(kept.length, (clock.now() - from) / 1000);
  assert.equal(extent.droppedWindows + kept.length, 600);
});

test('a second of a thousand routes takes about 70 bytes a route', async () => {
  const clock = new FakeClock(T0);
  const store = new MemoryMetricStore({ clock });
  const series = Array.from({ length: 1000 }, (_, i) => {
    const histogram = new ExponentialHistogram();
    for (let request = 0; request < 1 + (i % 5); request++) histogram.record(5 + (i % 100) + request * 7);
    return {
      ...route(`GET /${i}`, 1),
      cells: { requests: 3, durationMs: histogram.encode(), bytesSent: 2100, databaseCalls: 6, databaseMs: 4.11 },
    };
  });
  await store.append(origin, [{ start: T0 - 1000, durationMs: 1000, series, overflow: {} }]);
  const first = store.bytes;
  await store.append(origin, [{ start: T0 - 2000, durationMs: 1000, series, overflow: {} }]);
  const perRoute = (store.bytes - first) / 1000;
  assert.ok(perRoute < 75, `${perRoute} bytes a route`);
});
