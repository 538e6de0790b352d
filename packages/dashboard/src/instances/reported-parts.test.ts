import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportedParts, reportedShare } from './reported-parts.ts';

test('spans become parts of the bar, cut at its ends', () => {
  const reported = [
    { from: -10, to: 25 },
    { from: 50, to: 60 },
    { from: 90, to: 130 },
    { from: 200, to: 300 },
  ];
  assert.deepEqual(reportedParts(reported, 0, 100), [
    { left: 0, width: 25 },
    { left: 50, width: 10 },
    { left: 90, width: 10 },
  ]);
  assert.equal(reportedShare(reported, 0, 100), 0.45);
  assert.equal(reportedShare([], 0, 100), 0);
});
