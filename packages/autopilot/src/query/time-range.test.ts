import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Extent } from '../storage/ports.ts';
import { steppedRange, wholeRange } from './time-range.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_700_006_400_000;

/** The ladder of docs/architecture.md, behind the live hour. */
const ladder: Extent = {
  levels: [
    { resolutionMs: 1_000, from: NOW - 10 * 60_000 },
    { resolutionMs: 10_000, from: NOW - 2 * HOUR },
    { resolutionMs: 60_000, from: NOW - 8 * DAY },
    { resolutionMs: HOUR, from: NOW - 100 * DAY },
    { resolutionMs: DAY, from: NOW - 730 * DAY },
  ],
  newestEnd: NOW,
  droppedWindows: 0,
};

test('the step of any range is one that the ladder has back to there, with 600 points at most', () => {
  const expected: readonly (readonly [lookBackMs: number, stepMs: number])[] = [
    [5 * 60_000, 1_000],
    [HOUR, 10_000],
    [3 * HOUR, 60_000],
    [DAY, 300_000],
    [7 * DAY, 1_800_000],
    [30 * DAY, 2 * HOUR],
    [90 * DAY, 4 * HOUR],
    [120 * DAY, DAY],
    [700 * DAY, 2 * DAY],
  ];
  for (const [lookBackMs, stepMs] of expected) {
    const range = steppedRange({}, lookBackMs, ladder, NOW);
    assert.deepEqual([lookBackMs, range.stepMs, range.complete], [lookBackMs, stepMs, true]);
    assert.ok((range.to - range.from) / stepMs <= 601);
    assert.equal(stepMs % range.resolutionMs, 0);
  }
});

test('a step that is asked for is rounded up to the ladder, and the note says so', () => {
  const range = steppedRange({ from: NOW - 5 * HOUR, to: NOW - 4 * HOUR, stepMs: 25_000 }, HOUR, ladder, NOW);
  assert.equal(range.stepMs, 60_000);
  assert.match(range.notes.join(), /rounded up from 25000 to 60000 ms/);
  const old = steppedRange({ from: NOW - 50 * DAY, to: NOW - 49 * DAY, stepMs: 5_400_000 }, HOUR, ladder, NOW);
  assert.equal(old.stepMs, 2 * HOUR);
});

test('what is not kept, or can not be asked just now, makes an answer incomplete and says why', () => {
  const older = wholeRange({ from: NOW - 800 * DAY, to: NOW }, HOUR, ladder, NOW);
  assert.equal(older.complete, false);
  assert.match(older.notes.join(), /nothing older is kept/);
  const alone: Extent = {
    levels: [{ resolutionMs: 1_000, from: NOW - 30_000 }],
    newestEnd: NOW,
    droppedWindows: 0,
    trouble: "History can't be asked: the store is away.",
  };
  const range = wholeRange({}, HOUR, alone, NOW);
  assert.equal(range.complete, false);
  assert.match(range.notes.join(), /can be had: History can't be asked: the store is away\.$/);
  assert.equal(wholeRange({}, 20_000, alone, NOW).complete, true);
});

test('time that is not settled makes answers about it incomplete, and no others', () => {
  const unsettled = [{ from: NOW - 60_000, to: NOW - 30_000 }];
  const extent: Extent = { ...ladder, unsettled };
  const touched = wholeRange({ from: NOW - 40_000, to: NOW }, HOUR, extent, NOW);
  assert.equal(touched.complete, false);
  assert.match(touched.notes.join(), /something may be missing yet: another control plane took it/);
  for (const [from, to] of [
    [NOW - 30_000, NOW],
    [NOW - HOUR, NOW - 60_000],
  ] as const) {
    const { complete, notes } = wholeRange({ from, to }, HOUR, extent, NOW);
    assert.deepEqual([complete, notes], [true, []]);
  }
});
