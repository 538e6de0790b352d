import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadPlaces } from './spread-scale.ts';

test('spreads are drawn on one scale, on which twice is as far as half', () => {
  const [before, after] = spreadPlaces([
    { stretches: 9, quantiles: [4, 4, 8, 8, 16, 16, 16] },
    { stretches: 9, quantiles: [1, 1, 2, 2, 4, 4, 4] },
  ]);
  assert.ok(before !== undefined && after !== undefined);
  assert.equal(after.least, 0.02);
  assert.equal(before.most, 0.98);
  assert.ok(Math.abs(before.least - after.most) < 1e-12);
  assert.ok(Math.abs(before.median - before.least - (after.median - after.least)) < 1e-12);
});

test('what always took the same is a line in the middle', () => {
  const [only] = spreadPlaces([{ stretches: 1, quantiles: [3, 3, 3, 3, 3, 3, 3] }]);
  assert.deepEqual([only?.least, only?.median, only?.most], [0.5, 0.5, 0.5]);
});
