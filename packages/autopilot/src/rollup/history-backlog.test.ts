import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../contract/series.ts';
import { HistoryBacklog } from './history-backlog.ts';

const BLOCK = 10_000;
const T0 = 1_700_006_400_000;

function windowAt(block: number, requests = 1): Window {
  return {
    start: T0 + block * BLOCK,
    durationMs: BLOCK,
    series: [{ family: 'route', key: 'GET /', database: null, route: null, cells: { requests } }],
    overflow: {},
  };
}

async function filled(
  blocks: number,
  limits: ConstructorParameters<typeof HistoryBacklog>[0],
): Promise<HistoryBacklog> {
  const backlog = new HistoryBacklog(limits);
  for (let block = 0; block < blocks; block++) await backlog.push(windowAt(block), block * BLOCK);
  return backlog;
}

/** Everything that waits, taken out. */
function takeAll(backlog: HistoryBacklog): Window[] {
  const all: Window[] = [];
  while (backlog.size > 0) {
    all.push(...backlog.offer(Number.POSITIVE_INFINITY));
    backlog.drop();
  }
  return all;
}

function requestsOf(windows: readonly Window[]): number {
  return windows.reduce((sum, { series }) => sum + Number(series[0]?.cells['requests'] ?? 0), 0);
}

test('fifteen minutes are kept as they came', async () => {
  const backlog = await filled(90, {});
  const windows = takeAll(backlog);
  assert.equal(windows.length, 90);
  assert.ok(windows.every(({ durationMs }) => durationMs === BLOCK));
  assert.deepEqual([backlog.mergedWindows, backlog.lostWindows, backlog.bytes], [0, 0, 0]);
});

test('the oldest become minutes, and nothing is lost by it', async () => {
  const backlog = await filled(180, {});
  assert.equal(backlog.lostWindows, 0);
  assert.ok(backlog.mergedWindows >= 90);
  const windows = takeAll(backlog);
  assert.equal(requestsOf(windows), 180);
  assert.deepEqual(new Set(windows.map(({ durationMs }) => durationMs)), new Set([60_000, BLOCK]));
  for (const [at, { start, durationMs }] of windows.entries()) {
    assert.equal(windows[at + 1]?.start ?? start + durationMs, start + durationMs, 'in order, without a gap');
  }
});

test('over the byte limit the oldest are merged first, then dropped and counted; the bound holds', async () => {
  const bytes = 40 * 150;
  const backlog = await filled(2_000, { bytes });
  assert.ok(backlog.bytes <= bytes);
  assert.ok(backlog.lostWindows > 0);
  const windows = takeAll(backlog);
  assert.equal(windows[0]?.durationMs, 5 * 60_000);
  assert.equal(windows.at(-1)?.durationMs, BLOCK);
  // What is there is whole: it covers the end of the time without a gap.
  const first = windows[0]?.start ?? 0;
  assert.equal(requestsOf(windows), 2_000 - (first - T0) / BLOCK);
});

test('what was offered stays as it is until it was taken', async () => {
  const backlog = new HistoryBacklog({ wholeWindows: 6 });
  await backlog.push(windowAt(0), 0);
  const offered = backlog.offer(1);
  for (let block = 1; block < 60; block++) await backlog.push(windowAt(block), block * BLOCK);
  assert.deepEqual(backlog.offer(Number.POSITIVE_INFINITY), offered, 'the same again, whatever has come since');
  backlog.drop();
  const rest = takeAll(backlog);
  assert.equal(requestsOf(rest), 59);
  assert.equal(rest[0]?.start, T0 + BLOCK);
});

test('what has waited for over a day is dropped, by a clock that nobody sets', async () => {
  const backlog = new HistoryBacklog();
  await backlog.push(windowAt(0), 0);
  // The wall clock was a year ahead for a moment.
  await backlog.push(windowAt(365 * 8_640), 1);
  assert.equal(backlog.lostWindows, 0);
  await backlog.push(windowAt(1), 86_400_001);
  assert.equal(backlog.lostWindows, 1);
});
