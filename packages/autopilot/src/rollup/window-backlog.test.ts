import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesWindow, Window } from '../contract/series.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { WindowBacklog } from './window-backlog.ts';

const NOON = 1_700_000_000_000;

function windowAt(second: number, keys: readonly string[] = ['GET /']): Window {
  const durationMs = new ExponentialHistogram();
  durationMs.record(second + 1);
  const series = keys.map(
    (key): SeriesWindow => ({
      family: 'route',
      key,
      database: null,
      route: null,
      cells: { requests: 2, durationMs: durationMs.encode() },
    }),
  );
  const runtime: SeriesWindow = {
    family: 'runtime',
    key: 'process',
    database: null,
    route: null,
    cells: { rssBytes: { count: 1, sum: second, min: second, max: second } },
  };
  return { start: NOON + second * 1_000, durationMs: 1_000, series: [...series, runtime], overflow: { tenant: 1 } };
}

function all(backlog: WindowBacklog): readonly Window[] {
  return backlog.peek(Number.POSITIVE_INFINITY);
}

test('the last seconds stay as they came, older ones become tens with everything in them', () => {
  const backlog = new WindowBacklog();
  for (let second = 0; second < 55; second++) backlog.push(windowAt(second));
  const windows = all(backlog);
  assert.deepEqual(
    windows.map(({ start, durationMs }) => [(start - NOON) / 1_000, durationMs / 1_000]),
    [[0, 10], [10, 10], [20, 5], ...Array.from({ length: 30 }, (_, i) => [25 + i, 1])],
  );
  const [first] = windows;
  const route = first?.series.find((one) => one.family === 'route')?.cells ?? {};
  assert.equal(route['requests'], 20);
  const histogram = ExponentialHistogram.decode(route['durationMs'] as Uint8Array); // `as`: a histogram's cell
  assert.equal(histogram.count, 10);
  assert.equal(histogram.max, 10);
  const runtime = first?.series.find((one) => one.family === 'runtime')?.cells;
  assert.deepEqual(runtime?.['rssBytes'], { count: 10, sum: 45, min: 0, max: 9 });
  assert.deepEqual(first?.overflow, { tenant: 10 });
});

test('what was looked at stays until it is dropped', () => {
  const backlog = new WindowBacklog();
  for (let second = 0; second < 45; second++) backlog.push(windowAt(second));
  const before = all(backlog);
  assert.deepEqual(all(backlog), before);
  backlog.drop(2);
  assert.deepEqual(all(backlog), before.slice(2));
  backlog.drop(before.length);
  assert.ok(backlog.empty);
  assert.equal(backlog.bytes, 0);
});

test('one look takes what fits, and at least one', () => {
  const backlog = new WindowBacklog();
  for (let second = 0; second < 5; second++) backlog.push(windowAt(second));
  assert.equal(backlog.peek(1).length, 1);
  assert.equal(backlog.peek(backlog.bytes).length, 5);
});

test('ten minutes are kept, what is older is dropped and counted', () => {
  const backlog = new WindowBacklog();
  for (let second = 0; second < 900; second++) backlog.push(windowAt(second));
  const windows = all(backlog);
  const oldest = (windows[0]?.start ?? 0) - NOON;
  assert.ok(oldest >= 290_000 && oldest <= 300_000, String(oldest));
  assert.equal(backlog.lostWindows, oldest / 10_000);
});

test('bytes are bounded, whatever the windows hold', () => {
  const backlog = new WindowBacklog({ bytes: 100_000 });
  for (let second = 0; second < 300; second++) {
    backlog.push(
      windowAt(
        second,
        Array.from({ length: 100 }, (_, i) => `GET /${second}/${i}`),
      ),
    );
    assert.ok(backlog.bytes <= 100_000, `${backlog.bytes} bytes after ${second} s`);
  }
  assert.ok(backlog.lostWindows > 0);
  assert.equal(all(backlog).at(-1)?.start, NOON + 299_000);
});
