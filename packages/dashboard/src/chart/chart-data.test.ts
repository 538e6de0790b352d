import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '@teamflow/autopilot/contract';
import fc from 'fast-check';
import { alignedValues, earlierValues, extentOf, latestOf, lonelyPoints, niceCeiling } from './chart-data.ts';

const frame: Frame = {
  at: [1000, 2000, 3000, 7000, 8000],
  stepMs: 1000,
  columns: { p95Ms: [1, null, 3, 7, 8] },
  complete: true,
};

test('missing steps become a gap, and a missing column is empty', () => {
  assert.deepEqual(alignedValues(frame, ['p95Ms', 'other'], 0, 9000), [
    [1, 2, 3, 4, 7, 8],
    [1, null, 3, null, 7, 8],
    [null, null, null, null, null, null],
  ]);
});

test('only the range is taken, with one step before it so that the line enters from the edge', () => {
  assert.deepEqual(alignedValues(frame, ['p95Ms'], 3000, 7000), [
    [2, 3, 4, 7],
    [null, 3, null, 7],
  ]);
});

test('earlier values lie under the steps they belong to', () => {
  const earlier: Frame = { at: [2000, 4000], stepMs: 2000, columns: { p95Ms: [5, null] }, complete: true };
  assert.deepEqual(earlierValues(earlier, ['p95Ms', 'other'], [1, 2, 3, 4, 6]), [
    [null, 5, 5, null, null],
    [null, null, null, null, null],
  ]);
});

test('points alone between gaps are found', () => {
  assert.deepEqual(lonelyPoints([1, null, 2, null, 3, 4]), [0, 2]);
  assert.deepEqual(lonelyPoints([null, 5]), [1]);
  assert.deepEqual(lonelyPoints([1, 2, 3]), []);
});

test('the latest value is one of the present, or nothing', () => {
  assert.equal(latestOf([1, 2, null]), 2);
  assert.equal(latestOf([1, null, null, null]), null);
  assert.deepEqual(extentOf([4, 1, null, 3]), { latest: 3, least: 1, most: 4 });
  assert.deepEqual(extentOf([null]), { latest: null, least: null, most: null });
});

test('an axis ends above its largest value, and not far above', () => {
  assert.equal(niceCeiling(180, 0), 200);
  assert.equal(niceCeiling(0, 0.01), 0.01);
  assert.equal(niceCeiling(0, 0), 1);
  assert.equal(niceCeiling(96, 0), 150);
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (most) => {
      const end = niceCeiling(most, 0);
      assert.ok(end >= most && end <= most * 2.2, `${end} for ${most}`);
    }),
  );
});
