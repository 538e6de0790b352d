import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SeriesWindow, Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { Collector } from './collector.ts';
import type { Observation, RequestObservation } from './observation.ts';
import { StatementRegistry } from './statement-registry.ts';

const NOON = 1_700_000_000_000;

function request(clock: FakeClock, fields: Partial<RequestObservation> = {}): RequestObservation {
  return {
    kind: 'request',
    atMs: clock.monotonicMs(),
    route: 'GET /',
    tenant: null,
    status: 200,
    durationMs: 5,
    bytesSent: 100,
    aborted: false,
    databaseMs: 0,
    databaseCalls: 0,
    bytesReceived: 50,
    loopMs: 0,
    shed: false,
    ...fields,
  };
}

function countOf(windows: readonly Window[], family: string, field: string): number {
  let sum = 0;
  for (const { series } of windows)
    for (const one of series) if (one.family === family) sum += Number(one.cells[field] ?? 0);
  return sum;
}

function seriesOf(windows: readonly Window[], family: string, key: string): SeriesWindow | undefined {
  return windows.flatMap(({ series }) => series).find((one) => one.family === family && one.key === key);
}

test('a window is a whole second of the wall clock, and comes when it is over', () => {
  const clock = new FakeClock(NOON + 300);
  const collector = new Collector(clock);
  collector.record(request(clock));
  clock.advance(600);
  assert.deepEqual(collector.drain(clock.now()), []);
  clock.advance(150);
  const [window, ...rest] = collector.drain(clock.now());
  assert.deepEqual(rest, []);
  assert.equal(window?.start, NOON);
  assert.equal(window?.durationMs, 1_000);
  assert.deepEqual(window?.overflow, {});
  assert.deepEqual(collector.drain(clock.now()), []);
});

test('an observation after the second goes into the next window, also when nobody has drained', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock);
  collector.record(request(clock));
  clock.advance(1_000);
  collector.record(request(clock));
  collector.record(request(clock));
  clock.advance(1_000);
  const windows = collector.drain(clock.now());
  assert.deepEqual(
    windows.map(({ start, series }) => [start - NOON, series[0]?.cells['requests']]),
    [
      [0, 1],
      [1_000, 2],
    ],
  );
});

test('what a request was goes into its route and its tenant', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock);
  collector.record(request(clock, { tenant: 'acme', status: 503, durationMs: 12, databaseMs: 4, databaseCalls: 2 }));
  collector.record(request(clock, { tenant: 'acme', status: 404, bytesSent: 0 }));
  collector.record(request(clock, { status: 500, aborted: true }));
  const windows = collector.drain(Number.POSITIVE_INFINITY);
  const route = seriesOf(windows, 'route', 'GET /')?.cells ?? {};
  const histogram = ExponentialHistogram.decode(route['durationMs'] as Uint8Array); // `as`: a histogram's cell
  assert.equal(histogram.count, 3);
  assert.equal(histogram.max, 12);
  assert.deepEqual(
    { ...route, durationMs: null },
    {
      requests: 3,
      errors: 1,
      clientErrors: 1,
      aborted: 1,
      durationMs: null,
      bytesSent: 200,
      databaseCalls: 2,
      databaseMs: 4,
      bytesReceived: 150,
    },
  );
  assert.equal(seriesOf(windows, 'tenant', 'acme')?.cells['requests'], 2);
});

test('statements, pairs, pools and the process have their series', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock);
  const statement = new StatementRegistry().find('main', 'select 1', 0);
  const call = { kind: 'statement', atMs: 0, statement, durationMs: 3, rows: 7, failed: false } as const;
  collector.record({ ...call, route: 'GET /' });
  collector.record({ ...call, route: null, failed: true, rows: 0 });
  const pool = { atMs: 0, pool: 'main', database: 'main' } as const;
  collector.record({ kind: 'pool-wait', ...pool, waitMs: 2, failed: false });
  collector.record({ kind: 'pool-wait', ...pool, waitMs: 9, failed: true });
  const level = { size: 4, idle: 1, waiting: 0, max: 10, opened: 2, closed: 1, agesMs: [10, 30], leaked: 0 };
  collector.record({ kind: 'pool-level', ...pool, ...level });
  collector.record({ kind: 'repeat', atMs: 0, statement, route: 'GET /', calls: 12 });
  collector.record({ kind: 'event-loop-delay', atMs: 0, delayMs: 5_000 });
  collector.record({ kind: 'gc', atMs: 0, pauseMs: 3 });
  const windows = collector.drain(Number.POSITIVE_INFINITY);
  const cells = (family: string, key: string): Readonly<Record<string, unknown>> =>
    seriesOf(windows, family, key)?.cells ?? {};
  assert.equal(cells('statement', statement.id)['calls'], 2);
  assert.equal(cells('statement', statement.id)['errors'], 1);
  assert.equal(cells('statement', statement.id)['rows'], 7);
  assert.deepEqual(cells('route-statement', statement.id), { calls: 1, totalMs: 3, repeats: 1, repeatedCalls: 12 });
  assert.equal(seriesOf(windows, 'route-statement', statement.id)?.route, 'GET /');
  assert.equal(seriesOf(windows, 'statement', statement.id)?.database, 'main');
  assert.equal(cells('pool', 'main')['acquired'], 1);
  assert.equal(cells('pool', 'main')['failed'], 1);
  assert.deepEqual(cells('pool', 'main')['size'], { count: 1, sum: 4, min: 4, max: 4 });
  assert.deepEqual(cells('pool', 'main')['ageMs'], { count: 2, sum: 40, min: 10, max: 30 });
  assert.deepEqual([cells('pool', 'main')['opened'], cells('pool', 'main')['closed']], [2, 1]);
  const delay = ExponentialHistogram.decode(cells('runtime', 'process')['eventLoopDelayMs'] as Uint8Array); // `as`: a histogram's cell
  assert.equal(delay.max, 5_000);
});

test('a family keeps its bound; what is beyond is counted, in the open', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock, { route: 3, tenant: 2, 'route-statement': 2, statement: 4 });
  const registry = new StatementRegistry();
  for (let i = 0; i < 10; i++) {
    collector.record(request(clock, { route: `GET /${i}`, tenant: `t${i}` }));
    const statement = registry.find('main', `select a${i}`, 0);
    collector.record({
      kind: 'statement',
      atMs: 0,
      statement,
      route: 'GET /0',
      durationMs: i,
      rows: 0,
      failed: false,
    });
  }
  const [window] = collector.drain(Number.POSITIVE_INFINITY);
  assert.ok(window);
  assert.deepEqual(window.overflow, { route: 7, tenant: 8, statement: 6, 'route-statement': 8 });
  const keys = (family: string): readonly string[] =>
    window.series.filter((one) => one.family === family).map((one) => one.key);
  assert.deepEqual(keys('route'), ['GET /0', 'GET /1', 'GET /2', '(other)']);
  assert.equal(seriesOf([window], 'route', '(other)')?.cells['requests'], 7);
  assert.equal(keys('statement').length, 5);
  assert.equal(seriesOf([window], 'statement', '(other)')?.database, 'main');
  // The pairs that took most time are kept.
  const kept = window.series.filter((one) => one.family === 'route-statement').map((one) => one.cells['totalMs']);
  assert.deepEqual(kept.length, 2);
});

test('pairs: the ones that took most time stay', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock, { 'route-statement': 2 });
  const registry = new StatementRegistry();
  [5, 1, 9, 2].forEach((durationMs, i) => {
    const statement = registry.find('main', `select a${i}`, 0);
    collector.record({ kind: 'statement', atMs: 0, statement, route: 'GET /', durationMs, rows: 0, failed: false });
  });
  const [window] = collector.drain(Number.POSITIVE_INFINITY);
  const kept = window?.series.filter((one) => one.family === 'route-statement').map((one) => one.cells['totalMs']);
  assert.deepEqual(kept, [9, 5]);
  assert.equal(window?.overflow['route-statement'], 2);
});

test('a series that is idle is in no window, and after ten minutes gives its place away', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock, { tenant: 1 });
  collector.record(request(clock, { tenant: 'first' }));
  clock.advance(1_000);
  collector.record(request(clock));
  clock.advance(1_000);
  const windows = collector.drain(clock.now());
  assert.equal(seriesOf(windows.slice(1), 'tenant', 'first'), undefined);
  clock.advance(300_000);
  collector.record(request(clock, { tenant: 'second' }));
  assert.ok(seriesOf(collector.drain(Number.POSITIVE_INFINITY), 'tenant', '(other)'));
  clock.advance(400_000);
  collector.record(request(clock, { tenant: 'third' }));
  assert.ok(seriesOf(collector.drain(Number.POSITIVE_INFINITY), 'tenant', 'third'));
});

test('however the clock is set, nothing is lost, doubled or named twice', () => {
  const step = fc.record({
    advance: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(1, 999, 1_000)),
    jump: fc.option(fc.oneof(fc.integer({ min: -5_000, max: 5_000 }), fc.integer({ min: -1e7, max: 1e7 })), {
      freq: 4,
    }),
    records: fc.integer({ min: 0, max: 3 }),
    drain: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const clock = new FakeClock(NOON);
      const collector = new Collector(clock);
      const windows: Window[] = [];
      let recorded = 0;
      for (const { advance, jump, records, drain } of steps) {
        clock.advance(advance);
        if (jump !== null) clock.jump(clock.now() + jump);
        for (let i = 0; i < records; i++) collector.record(request(clock));
        recorded += records;
        if (drain) windows.push(...collector.drain(clock.now()));
      }
      windows.push(...collector.drain(Number.POSITIVE_INFINITY));
      assert.equal(countOf(windows, 'route', 'requests'), recorded);
      assert.equal(new Set(windows.map(({ start }) => start)).size, windows.length);
      for (const { start } of windows) assert.ok(start % 1_000 < 100, `${start}`);
    }),
    { numRuns: 500 },
  );
});

test('a clock that is slowed down a little gives a window a second all the same', () => {
  const clock = new FakeClock(NOON + 950);
  const collector = new Collector(clock);
  const starts: number[] = [];
  for (let second = 0; second < 100; second++) {
    collector.record(request(clock));
    clock.advance(1_000);
    clock.jump(clock.now() - (second % 3));
    starts.push(...collector.drain(clock.now()).map(({ start }) => start));
  }
  assert.ok(starts.length >= 99);
  for (const start of starts) assert.equal(start % 1_000, 0);
});

test('nobody who drains costs a bounded memory', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock);
  const seen: Observation = request(clock);
  for (let second = 0; second < 200; second++) {
    collector.record({ ...seen, atMs: clock.monotonicMs() });
    clock.advance(1_000);
  }
  assert.equal(collector.drain(clock.now()).length, 60);
  assert.equal(collector.lostWindows, 140);
});

test('requests of tests that are kept apart are in no figure of routes or tenants', () => {
  const clock = new FakeClock(NOON);
  const collector = new Collector(clock);
  collector.record(request(clock, { tenant: 'acme' }));
  collector.record(request(clock, { tenant: null, isTest: true, status: 503, durationMs: 900 }));
  const loop = { kind: 'loop-time', atMs: clock.monotonicMs(), route: 'GET /', tenant: null, loopMs: 3 } as const;
  collector.record({ ...loop, isTest: true });
  clock.advance(1_000);
  const windows = collector.drain(clock.now());
  assert.deepEqual(
    ['route', 'tenant', 'test'].map((family) => [
      countOf(windows, family, 'requests'),
      countOf(windows, family, 'errors'),
      countOf(windows, family, 'loopMs'),
    ]),
    [
      [1, 0, 0],
      [1, 0, 0],
      [1, 1, 3],
    ],
  );
  assert.ok(seriesOf(windows, 'test', 'GET /') !== undefined);
});
