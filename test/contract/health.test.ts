import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf } from '../../packages/autopilot/src/config/registry.ts';
import { measures } from '../../packages/autopilot/src/contract/measures.ts';
import { metrics } from '../../packages/autopilot/src/contract/metrics.ts';
import type { Cell, Family, SeriesWindow } from '../../packages/autopilot/src/contract/series.ts';
import { judgeHealth, type ObservedInstance } from '../../packages/autopilot/src/health/health.ts';
import { HealthHistory } from '../../packages/autopilot/src/health/health-history.ts';
import * as rules from '../../packages/autopilot/src/health/health-rules.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { QueryEngine } from '../../packages/autopilot/src/query/query-engine.ts';
import { MemoryMetricStore } from '../../packages/autopilot/src/storage/memory/memory-metric-store.ts';

function histogram(values: readonly number[]): Uint8Array {
  const made = new ExponentialHistogram();
  for (const value of values) made.record(value);
  return made.encode();
}

function series(family: Family, key: string, cells: Readonly<Record<string, Cell>>): SeriesWindow {
  return { family, key, database: family === 'pool' || family === 'statement' ? 'main' : null, route: null, cells };
}

function level(value: number): Cell {
  return { count: 1, sum: value, min: value, max: value };
}

const live: ObservedInstance = { instance: 'one', state: 'live', silentMs: 100, closedInOrder: false };
const set = settingsOf().health;
type Judged = Awaited<ReturnType<typeof judgeHealth>>;

async function judged(
  made: readonly SeriesWindow[],
  instances: readonly ObservedInstance[] = [live],
  seconds = 60,
): Promise<Judged> {
  const clock = new FakeClock();
  const store = new MemoryMetricStore({ clock });
  for (const { instance } of instances) {
    const windows = Array.from({ length: seconds }, (_, back) => ({
      start: clock.now() - (back + 1) * 1000,
      durationMs: 1000,
      series: made,
      overflow: {},
    }));
    await store.append({ service: 'orders', instance, release: '1' }, windows);
  }
  return judgeHealth(new QueryEngine(store), { service: 'orders' }, instances, clock.now(), set);
}

function componentOf(health: Judged, name: string): Judged['components'][number] {
  const component = health.components.find((one) => one.name === name);
  assert.ok(component);
  return component;
}

const wellRuntime = series('runtime', 'process', {
  eventLoopDelayMs: histogram([1, 2]),
  eventLoopUtilization: level(0.3),
  cpuUserMs: 300,
  heapUsedBytes: level(50e6),
  heapLimitBytes: level(2e9),
  gcMs: histogram([1]),
});

test('a service that does well has 100 points, and full confidence', async () => {
  const health = await judged([
    series('route', 'GET /', { requests: 10, durationMs: histogram(Array(10).fill(20)) }),
    series('statement', 's', { calls: 10, durationMs: histogram([2]) }),
    series('pool', 'main', { size: level(3), idle: level(2), waiting: level(0), max: level(10), acquired: 10 }),
    wellRuntime,
  ]);
  assert.deepEqual(
    health.components.map(({ name, score, status, confidence, deductions }) => [
      name,
      score,
      status,
      confidence,
      deductions,
    ]),
    ['traffic', 'runtime', 'database'].map((name) => [name, 100, 'healthy', 1, []]),
  );
  assert.deepEqual([health.score, health.status], [100, 'healthy']);
});

test('points are lost from the limit on, in proportion, and each says why', async () => {
  const traffic = async (errors: number, requests: number): Promise<Judged['components'][number]> => {
    const durations = histogram(Array(requests).fill(20));
    return componentOf(
      await judged([series('route', 'GET /', { requests, errors, durationMs: durations })]),
      'traffic',
    );
  };
  const half = rules.trafficRules(set).rules[0];
  assert.ok(half);
  assert.deepEqual((await traffic(1, 1000)).deductions, []);
  const middle = await traffic(51, 2000);
  assert.equal(middle.score, 100 - 0.5 * half.most);
  assert.deepEqual(middle.deductions, [
    {
      points: 30,
      reason: '2.55 % of the requests failed with 500 or more; up to 0.1 % costs nothing.',
      measure: 'errorRatio',
      value: 0.0255,
      limit: 0.001,
      link: '/autopilot/#routes',
    },
  ]);
  assert.equal((await traffic(900, 1000)).score, 100 - half.most);
});

test('the score is half the worst component and half their mean', async () => {
  const health = await judged([
    series('route', 'GET /', { requests: 100, errors: 100, durationMs: histogram(Array(100).fill(9000)) }),
    wellRuntime,
  ]);
  const [traffic, runtime, database] = health.components;
  assert.deepEqual([traffic?.score, runtime?.score, database?.score], [0, 100, null]);
  assert.deepEqual([health.score, health.status], [25, 'unhealthy']);
});

test('what too few requests say is not judged, and said so', async () => {
  const traffic = componentOf(
    await judged([series('route', 'GET /', { requests: 1, durationMs: histogram([9000]) })], [live], 5),
    'traffic',
  );
  assert.deepEqual([traffic.score, traffic.confidence], [100, 0.05]);
  assert.equal(
    traffic.notes[0],
    '5 requests in a minute are too few to judge p95Ms (from 20 on), p99Ms (from 100 on), apdex (from 20 on).',
  );
});

test('without data there is no score, but a note', async () => {
  const none = await judged([], []);
  assert.deepEqual([none.score, none.status], [null, 'unknown']);
  assert.deepEqual(
    none.components.map(({ score, notes }) => [score, notes.length]),
    [
      [null, 1],
      [null, 1],
      [null, 1],
    ],
  );
  const closed: ObservedInstance = { ...live, state: 'gone', silentMs: 5000, closedInOrder: true };
  assert.deepEqual(componentOf(await judged([], [closed]), 'runtime').notes, ['Its last instance closed in order.']);
});

test('an instance that is silent, or was lost, costs points', async () => {
  const other: ObservedInstance = { ...live, instance: 'two' };
  const stalled = await judged([wellRuntime], [{ ...live, state: 'stalled', silentMs: 6250 }, other]);
  const runtime = componentOf(stalled, 'runtime');
  assert.equal(runtime.score, 60);
  assert.match(runtime.deductions[0]?.reason ?? '', /^one has been silent for 6250 ms/);
  const lost = await judged([wellRuntime], [{ ...live, state: 'gone', silentMs: 20_000 }, other]);
  assert.equal(componentOf(lost, 'runtime').score, 60);
  const longAgo = await judged([wellRuntime], [{ ...live, state: 'gone', silentMs: 90_000 }, other]);
  assert.equal(componentOf(longAgo, 'runtime').score, 100);
  const allLost = componentOf(await judged([wellRuntime], [{ ...live, state: 'gone', silentMs: 90_000 }]), 'runtime');
  assert.deepEqual([allLost.score, allLost.status], [0, 'unhealthy']);
});

test('of several instances with the same trouble the worst speaks, once', async () => {
  const blocked = series('runtime', 'process', {
    eventLoopDelayMs: histogram([275]),
    eventLoopUtilization: level(0.9),
  });
  const runtime = componentOf(await judged([blocked], [live, { ...live, instance: 'two' }]), 'runtime');
  assert.deepEqual(
    runtime.deductions.map(({ points, measure }) => [measure, points]),
    [
      ['eventLoopDelayP99Ms', 17.5],
      ['eventLoopUtilization', 15],
    ],
  );
  assert.match(runtime.deductions[0]?.reason ?? '', /^one: .*275 ms.* \(1 more like it\.\)$/);
});

test('a pool that is used up costs points; an idle one does not', async () => {
  const pool = (idle: number, waiting: number, failed: number): SeriesWindow =>
    series('pool', 'main', {
      size: level(10),
      idle: level(idle),
      waiting: level(waiting),
      max: level(10),
      acquired: 20,
      failed,
      waitMs: histogram(Array(20).fill(255)),
    });
  const exhausted = componentOf(await judged([pool(0, 20, 2)]), 'database');
  assert.deepEqual(
    exhausted.deductions.map(({ measure, points }) => [measure, points]),
    [
      ['poolFailed', 60],
      ['poolWaiting', 20],
      ['poolWaitP95Ms', 15],
      ['poolSize', 15],
    ],
  );
  assert.equal(exhausted.score, 0);
});

test('every rule rests on measures of its family and has a limit, a worst value and a source', () => {
  const all = [rules.trafficRules(set), rules.runtimeRules(set), rules.databaseRules(set)]
    .flatMap((component) => component.rules)
    .concat(rules.poolRules(set));
  for (const { value, limit, worst, most, source, reason } of all) {
    for (const measure of [value.measure, value.less, value.over]) {
      if (measure !== undefined) assert.ok(measures[measure].families.every((family) => metrics[family]));
    }
    assert.ok(limit !== worst && most > 0 && most <= 100 && source.length > 20, reason);
    assert.match(reason, /\{value\}/);
  }
});

test('the history keeps an hour of scores by ten seconds', () => {
  const history = new HealthHistory();
  const now = 1_700_000_000_000;
  for (let second = 0; second < 7200; second += 5) history.record('orders', now + second * 1000, second);
  const trend = history.trend('orders', now + 7_199_000);
  assert.deepEqual([trend.at.length, trend.stepMs, trend.at.at(-1)], [360, 10_000, now + 7_190_000]);
  assert.equal(trend.columns['score']?.at(-1), 7195);
  assert.equal(trend.columns['score']?.[0], 3605);
  assert.ok(history.trend('orders', now + 9_000_000).columns['score']?.includes(null));
  history.keepOnly([]);
  assert.ok(history.trend('orders', now + 7_199_000).columns['score']?.every((score) => score === null));
});
