import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Coverage, gapsBetween, joinedSpans } from './coverage.ts';

test('time that several reported counts once', () => {
  const coverage = new Coverage();
  assert.equal(coverage.unionMs, 0);
  coverage.add('a', 0, 10);
  coverage.add('b', 5, 20);
  coverage.add('b', 30, 40);
  assert.deepEqual([coverage.unionMs, coverage.shareOf('a'), coverage.shareOf('c')], [30, 1 / 3, 0]);
});

test('gaps are what the spans leave of a range', () => {
  const spans = [
    { from: 30, to: 40 },
    { from: 0, to: 10 },
    { from: 10, to: 12 },
  ];
  assert.deepEqual(joinedSpans(spans), [
    { from: 0, to: 12 },
    { from: 30, to: 40 },
  ]);
  assert.deepEqual(gapsBetween(spans, 5, 50), [
    { from: 12, to: 30 },
    { from: 40, to: 50 },
  ]);
  assert.deepEqual(gapsBetween([], 5, 50), [{ from: 5, to: 50 }]);
  assert.deepEqual(gapsBetween([{ from: 60, to: 70 }], 5, 50), [{ from: 5, to: 50 }]);
});

test('spans and gaps together are the whole range', () => {
  const span = fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 30 }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), (made) => {
      const spans = made.map(([from, length]) => ({ from, to: Math.min(100, from + length) }));
      const known = new Set(spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)));
      const missing = gapsBetween(spans, 0, 100).flatMap(({ from, to }) =>
        Array.from({ length: to - from }, (_, i) => from + i),
      );
      assert.equal(missing.length + known.size, 100);
      assert.ok(missing.every((at) => !known.has(at)));
    }),
  );
});
