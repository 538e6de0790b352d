import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Delta, deltaOf } from './delta.ts';

const plain = (delta: Delta | null): string | null =>
  delta === null ? null : `${delta.text.replaceAll('\u202f', ' ')} ${delta.tone}`;

test('durations change in percent, and from three times on as a factor', () => {
  assert.equal(plain(deltaOf('duration', 'less', 112, 100)), '+12 % worse');
  assert.equal(plain(deltaOf('duration', 'less', 50, 100)), '−50 % better');
  assert.equal(plain(deltaOf('duration', 'less', 105, 100)), '+5 % none');
  assert.equal(plain(deltaOf('duration', 'less', 310, 100)), '×3.1 worse');
  assert.equal(plain(deltaOf('duration', 'less', 100.1, 100)), 'same none');
});

test('ratios change in points, and little of them is noise', () => {
  assert.equal(plain(deltaOf('ratio', 'less', 0.02, 0.01)), '+1.0 pp worse');
  assert.equal(plain(deltaOf('ratio', 'less', 0.0001, 0)), '+0.01 pp none');
  assert.equal(plain(deltaOf('apdex', 'more', 0.9, 0.95)), '−0.05 worse');
});

test('traffic is neither better nor worse; without a value there is no change', () => {
  assert.equal(plain(deltaOf('rate', 'neither', 20, 10)), '+100 % none');
  assert.equal(plain(deltaOf('rate', 'neither', 20, 0)), 'new none');
  assert.equal(deltaOf('rate', 'neither', 20, null), null);
  assert.equal(deltaOf('rate', 'neither', undefined, 3), null);
});
