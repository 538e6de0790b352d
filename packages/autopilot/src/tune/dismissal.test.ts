import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dismissal } from '../storage/ports.ts';
import { dismissalOf } from './dismissal.ts';

const declined = (parts: readonly string[], promised: number, author = 'ann'): Dismissal => ({
  recommendation: parts.join(),
  parts,
  promised,
  author,
  reason: 'We drop this table soon.',
  at: '2026-01-01T00:00:00.000Z',
});

test('what is dismissed stays so however often it is worked out, until it promises over twice as much', () => {
  const dismissals = [declined(['a', 'b'], 1_000)];
  for (const promised of [0, 500, 1_000, 1_500, 2_000]) {
    assert.equal(dismissalOf(['a', 'b'], promised, dismissals)?.author, 'ann');
  }
  assert.equal(dismissalOf(['a', 'b'], 2_001, dismissals), null);
});

test('a part of what was dismissed is dismissed too, with another part it is something else', () => {
  const dismissals = [declined(['a', 'b'], 1_000)];
  assert.equal(dismissalOf(['b'], 600, dismissals)?.author, 'ann');
  assert.equal(dismissalOf(['b', 'c'], 600, dismissals), null);
  assert.equal(dismissalOf([], 0, dismissals), null);
});

test('dismissed again at the higher promise it stays so until twice that; next to nothing is not told again', () => {
  const again = [declined(['a'], 1_000), declined(['a'], 3_000, 'bob')];
  assert.equal(dismissalOf(['a'], 6_000, again)?.author, 'bob');
  assert.equal(dismissalOf(['a'], 6_001, again), null);
  assert.equal(dismissalOf(['a'], 2, [declined(['a'], 0)])?.author, 'ann');
});
