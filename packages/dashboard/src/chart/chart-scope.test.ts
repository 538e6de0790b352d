import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingInSight } from './chart-scope.ts';

const missing = [
  { from: 0, to: 20 },
  { from: 50, to: 100 },
];

test('what has not come is not missing, and silence is shaded by itself', () => {
  const scope = { from: 10, to: 100, silentSince: null, knownUntil: 80 };
  assert.deepEqual(missingInSight(missing, scope), [
    { from: 10, to: 20 },
    { from: 50, to: 80 },
  ]);
  assert.deepEqual(missingInSight(missing, { ...scope, silentSince: 60 }).at(-1), { from: 50, to: 60 });
  assert.deepEqual(missingInSight(missing, { ...scope, silentSince: 50 }).length, 1);
});
