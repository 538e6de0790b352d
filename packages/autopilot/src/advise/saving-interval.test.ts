import assert from 'node:assert/strict';
import { test } from 'node:test';
import { savingInterval } from './saving-interval.ts';

const sure = { saved: 400, rowsExpected: 10, rowsCounted: 12, isUnknown: false };
const limits = { costBefore: 1_000, costError: 0.001 };

test('a saving is never told more exactly than costs are', () => {
  assert.deepEqual(savingInterval([sure], limits), { low: 0.38, high: 0.42, misjudged: 0 });
  assert.deepEqual(savingInterval([{ ...sure, rowsCounted: null }], { ...limits, costError: 0.5 }), {
    low: 0.2,
    high: 0.6,
    misjudged: 0,
  });
});

test('it is told less exactly where calls return another number of rows than the planner expects', () => {
  const { low, high, misjudged } = savingInterval([sure, { ...sure, rowsCounted: 100 }], limits);
  assert.equal(misjudged, 1);
  assert.ok(Math.abs(low - 0.42) < 1e-9, String(low));
  assert.equal(high, 1);
  const fewer = savingInterval([{ ...sure, rowsExpected: 100, rowsCounted: 10 }], limits);
  assert.ok(Math.abs(fewer.low - 0.04) < 1e-9, String(fewer.low));
});

test('what the server can not plan is not in its lower end', () => {
  const { low, high } = savingInterval([sure, { ...sure, isUnknown: true }], limits);
  assert.ok(Math.abs(low - 0.36) < 1e-9, String(low));
  assert.ok(Math.abs(high - 0.84) < 1e-9, String(high));
});
