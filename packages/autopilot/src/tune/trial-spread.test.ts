import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialSample } from './trial-judgement.ts';
import { spreadsOf } from './trial-spread.ts';

const samples = (...means: readonly number[]): readonly TrialSample[] =>
  means.map((mean, at) => ({
    at,
    durationMs: 1_000,
    service: null,
    statements: { one: { calls: 10, totalMs: 10 * mean, buffers: 0 } },
  }));

test('the spread of a statement is that of its stretches, by seven quantiles; what was not called has none', () => {
  const { one, other } = spreadsOf(['one', 'other'], samples(5, 1, 3, 2, 4), samples(7));
  assert.deepEqual(one?.before, { stretches: 5, quantiles: [1, 1.4, 2, 3, 4, 4.6, 5] });
  assert.deepEqual(one?.after, { stretches: 1, quantiles: [7, 7, 7, 7, 7, 7, 7] });
  assert.deepEqual(other, { before: null, after: null });
});
