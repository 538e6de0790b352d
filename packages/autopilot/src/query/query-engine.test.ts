import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell, Family, SeriesWindow } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { MemoryMetricStore } from '../storage/memory/memory-metric-store.ts';
import { QueryEngine, type Subject } from './query-engine.ts';
import { rankedPlaces } from './ranking.ts';
import { routeRanking, routeRows, slowestStatements } from './summaries.ts';
import { type SteppedRange, steppedRange, type TimeRange } from './time-range.ts';

const T0 = 1_699_999_200_000;
const routes: Subject = { service: 'orders', family: 'route' };

function histogram(values: readonly number[]): Uint8Array {
  const made = new ExponentialHistogram();
  for (const value of values) made.record(value);
  return made.encode();
}

function series(family: Family, key: string, cells: Readonly<Record<string, Cell>>): SeriesWindow {
  const database = family === 'pool' || family === 'statement' ? 'main' : null;
  return { family, key, database, route: null, cells };
}

function route(key: string, durations: readonly number[], more: Readonly<Record<string, Cell>> = {}): SeriesWindow {
  return series('route', key, { requests: durations.length, durationMs: histogram(durations), ...more });
}

function level(value: number, count = 4): Cell {
  return { count, sum: value * count, min: value, max: value };
}

interface World {
  readonly engine: QueryEngine;
  readonly clock: FakeClock;
  readonly put: (instance: string, second: number, made: readonly SeriesWindow[], durationMs?: number) => Promise<void>;
}

function open(): World {
  const clock = new FakeClock(T0 + 60_000);
  const store = new MemoryMetricStore({ clock });
  return {
    engine: new QueryEngine(store),
    clock,
    put: async (instance, second, made, durationMs = 1000) => {
      const window = { start: T0 + second * 1000, durationMs, series: made, overflow: {} };
      const { taken } = await store.append({ service: 'orders', instance, release: '1' }, [window]);
      assert.equal(taken, 1);
    },
  };
}

function seconds(from: number, to: number, stepMs = 1000): SteppedRange {
  return { from: T0 + from * 1000, to: T0 + to * 1000, stepMs, resolutionMs: 1000, complete: true, notes: [] };
}

const whole: TimeRange = seconds(0, 10);

test('a step without requests is 0 where an instance reported and null where none did; ratios and percentiles are null in both', async () => {
  const { engine, put } = open();
  await put('a', 0, [route('GET /', [100, 100], { errors: 1 })]);
  await put('a', 1, []);
  const frame = await engine.frame(routes, null, seconds(0, 3), ['requests', 'requestRate', 'errorRatio', 'p95Ms']);
  assert.deepEqual(frame, {
    at: [T0, T0 + 1000, T0 + 2000],
    stepMs: 1000,
    columns: {
      requests: [2, 0, null],
      requestRate: [2, 0, null],
      errorRatio: [0.5, null, null],
      p95Ms: [100, null, null],
    },
    complete: true,
    missing: [{ from: T0 + 2000, to: T0 + 3000 }],
  });
  const one = await engine.frame(routes, 'GET /none', seconds(0, 3), ['requestRate', 'apdex']);
  assert.deepEqual(one.columns, { requestRate: [0, 0, null], apdex: [null, null, null] });
});

test('percentiles of a step are those of all its requests, over seconds, routes and instances', async () => {
  const { engine, put } = open();
  const raw: number[] = [];
  for (let second = 0; second < 10; second++) {
    for (const [instance, base] of [
      ['a', 10],
      ['b', 500],
    ] as const) {
      const durations = Array.from({ length: 30 }, (_, i) => base + i * (second + 1));
      raw.push(...durations);
      await put(instance, second, [route('GET /x', durations.slice(0, 10)), route('GET /y', durations.slice(10))]);
    }
  }
  raw.sort((a, b) => a - b);
  const frame = await engine.frame(routes, null, seconds(0, 10, 10_000), [
    'p50Ms',
    'p95Ms',
    'p99Ms',
    'maxMs',
    'meanMs',
  ]);
  for (const [column, q] of [
    ['p50Ms', 0.5],
    ['p95Ms', 0.95],
    ['p99Ms', 0.99],
  ] as const) {
    const truth = raw[Math.ceil(q * raw.length) - 1] ?? 0;
    const value = frame.columns[column]?.[0] ?? 0;
    assert.ok(Math.abs(value - truth) / truth < 0.025, `${column} ${value}, truly ${truth}`);
  }
  assert.equal(frame.columns['maxMs']?.[0], raw.at(-1));
  const mean = raw.reduce((sum, value) => sum + value, 0) / raw.length;
  assert.ok(Math.abs((frame.columns['meanMs']?.[0] ?? 0) - mean) < 0.01);
});

test('rates divide by the time that was reported, once for all instances', async () => {
  const { engine, put } = open();
  for (let second = 0; second < 5; second++) {
    await put('a', second, [route('GET /', [20, 20])]);
    await put('b', second, [route('GET /', [20, 20])]);
  }
  const { values, reportedMs } = await engine.summary(routes, whole, ['requests', 'requestRate', 'concurrency']);
  assert.deepEqual([values, reportedMs], [{ requests: 20, requestRate: 4, concurrency: 0.08 }, 5000]);
});

test('levels of instances and pools add up, weighed by the time each was there; a mean stays a mean', async () => {
  const { engine, put } = open();
  const pools: Subject = { service: 'orders', family: 'pool' };
  const runtime: Subject = { service: 'orders', family: 'runtime' };
  for (let second = 0; second < 10; second++) {
    const reported = [
      series('pool', 'reads', { size: level(4) }),
      series('pool', 'writes', { size: level(6, 1) }),
      series('runtime', 'process', { rssBytes: level(100), eventLoopUtilization: level(0.2), cpuUserMs: 500 }),
    ];
    await put('a', second, reported);
    if (second >= 5) await put('b', second, reported);
  }
  const size = (await engine.summary(pools, whole, ['poolSize'])).values.poolSize;
  assert.equal(size, 15);
  const asked = ['rssBytes', 'eventLoopUtilization', 'cpuBusy'] as const;
  const { values } = await engine.summary(runtime, whole, asked);
  assert.deepEqual(values, { rssBytes: 150, eventLoopUtilization: 0.2, cpuBusy: 0.75 });
  const frame = await engine.frame(pools, null, seconds(4, 6), ['poolSize']);
  assert.deepEqual(frame.columns['poolSize'], [10, 20]);
});

test('a window longer than the steps is spread over them', async () => {
  const { engine, put } = open();
  await put('a', 0, [route('GET /', [50, 50, 50, 50])], 4000);
  const frame = await engine.frame(routes, null, seconds(0, 5), ['requests', 'requestRate', 'p50Ms']);
  assert.deepEqual(frame.columns, {
    requests: [1, 1, 1, 1, null],
    requestRate: [1, 1, 1, 1, null],
    p50Ms: [50, 50, 50, 50, null],
  });
  const half = await engine.summary(routes, { ...whole, to: T0 + 2000 }, ['requests', 'requestRate']);
  assert.deepEqual(half.values, { requests: 2, requestRate: 1 });
});

test('apdex counts half of what was tolerable', async () => {
  const { engine, put } = open();
  await put('a', 0, [route('GET /', [...Array(6).fill(50), ...Array(2).fill(1000), ...Array(2).fill(5000)])]);
  const { values } = await engine.summary(routes, whole, ['apdex']);
  assert.equal(values.apdex, 0.7);
});

test('top ranks by any measure, and rows have shares of the whole', async () => {
  const { engine, put } = open();
  await put('a', 0, [
    route('GET /slow', [900], { databaseMs: 10, databaseCalls: 1 }),
    route('GET /often', Array(50).fill(2), { databaseMs: 30, databaseCalls: 100 }),
    route('GET /none', []),
  ]);
  const scope = { service: 'orders' };
  const byTime = await rankedPlaces(engine, routes, whole, routeRanking('timeShare'));
  assert.deepEqual(
    byTime.map((place) => place.key),
    ['GET /slow', 'GET /often', 'GET /none'],
  );
  const byApdex = await rankedPlaces(engine, routes, whole, routeRanking('apdex'));
  assert.deepEqual(
    byApdex.map((place) => [place.key, place.value]),
    [
      ['GET /slow', 0.5],
      ['GET /often', 1],
      ['GET /none', null],
    ],
  );
  const [slow, often, none] = await routeRows(engine, scope, whole, ['GET /slow', 'GET /often', 'GET /none', 'GET /?']);
  assert.deepEqual([slow?.timeShare, slow?.databaseShare, slow?.p99Ms], [0.9, 0.25, 900]);
  assert.deepEqual([often?.timeShare, often?.databaseShare, often?.databaseCallsPerRequest], [0.1, 0.75, 2]);
  assert.deepEqual([none?.requests, none?.errorRatio, none?.p50Ms, none?.timeShare], [0, null, null, 0]);
});

test('frames of keys have the same times, and what each did in each step', async () => {
  const { engine, put } = open();
  await put('a', 0, [route('GET /a', [10]), route('GET /b', [20, 30])]);
  await put('b', 1, [route('GET /b', [40])]);
  const stepped = { ...whole, stepMs: 1000, resolutionMs: 1000 };
  const frames = await engine.frames(routes, ['GET /a', 'GET /b', 'GET /?'], stepped, ['requests', 'maxMs']);
  const rowsOf = (key: string): unknown => Object.values(frames.get(key)?.columns ?? {}).map((one) => one.slice(0, 2));
  assert.deepEqual(rowsOf('GET /a'), [
    [1, 0],
    [10, null],
  ]);
  assert.deepEqual(rowsOf('GET /b'), [
    [2, 1],
    [30, 40],
  ]);
  assert.deepEqual(rowsOf('GET /?'), [
    [0, 0],
    [null, null],
  ]);
});

test('the slowest statements name the routes that waited longest', async () => {
  const { engine, put } = open();
  const pair = (key: string, of: string, totalMs: number): SeriesWindow => ({
    ...series('route-statement', key, { calls: 1, totalMs }),
    route: of,
  });
  await put('a', 0, [
    series('statement', 's1', { calls: 2, rows: 10, durationMs: histogram([30, 50]) }),
    series('statement', 's2', { calls: 1, rows: 0, errors: 1, durationMs: histogram([20]) }),
    ...[1, 2, 3, 4, 5, 6].map((n) => pair('s1', `GET /${n}`, n)),
  ]);
  const rows = await slowestStatements(engine, { service: 'orders' }, whole, 10, async (names) =>
    names.map(({ database, id }) => `${database}/${id}`),
  );
  assert.deepEqual(
    rows.map(({ statement, text, timeShare, rowsPerCall, callErrorRatio }) => [
      statement,
      text,
      timeShare,
      rowsPerCall,
      callErrorRatio,
    ]),
    [
      ['s1', 'main/s1', 0.8, 5, 0],
      ['s2', 'main/s2', 0.2, 0, 1],
    ],
  );
  assert.deepEqual(rows[0]?.routes, ['GET /6', 'GET /5', 'GET /4', 'GET /3', 'GET /2']);
  const [cut] = await slowestStatements(engine, { service: 'orders' }, whole, 1, async () => []);
  assert.equal(cut?.text, '');
});

test('a service that nobody reported for has no value anywhere, and no NaN', async () => {
  const { engine } = open();
  const { values } = await engine.summary(routes, whole, ['requests', 'errorRatio', 'p95Ms', 'apdex', 'concurrency']);
  assert.deepEqual(Object.values(values), [null, null, null, null, null]);
  assert.deepEqual(await engine.top(routes, whole, 'p95Ms', 5), []);
});

test('ranges are aligned to steps, bounded, and say where they differ from what was asked', async () => {
  const { engine, clock } = open();
  const now = clock.now();
  const extent = await engine.extent('orders', now);
  const plain = steppedRange({}, 300_000, extent, now);
  assert.deepEqual([plain.to - plain.from, plain.stepMs, plain.complete, plain.notes], [300_000, 1000, true, []]);
  const old = steppedRange({ from: now - 1_800_000, to: now - 60_001, stepMs: 3000 }, 0, extent, now);
  assert.deepEqual([old.stepMs, old.from % 10_000, old.to % 10_000, old.resolutionMs], [10_000, 0, 0, 10_000]);
  assert.match(old.notes[0] ?? '', /rounded up from 3000 to 10000 ms/);
  assert.equal(steppedRange({ stepMs: 15_000 }, 300_000, extent, now).resolutionMs, 1000);
  const beyond = steppedRange({ from: now - 7_200_000 }, 0, extent, now);
  assert.deepEqual([beyond.complete, beyond.stepMs, beyond.notes.length], [false, 20_000, 1]);
  const refused = { code: 'AP_RANGE_INVALID' };
  for (const asked of [
    { from: now, to: now - 1 },
    { from: now - 1000, to: now - 1000 },
    { from: now + 1, to: now + 1000 },
    { stepMs: 1500 },
    { stepMs: 0 },
    { from: now - 3_600_000 * 24, stepMs: 10_000 },
  ]) {
    assert.throws(() => steppedRange(asked, 300_000, extent, now), refused, JSON.stringify(asked));
  }
});
