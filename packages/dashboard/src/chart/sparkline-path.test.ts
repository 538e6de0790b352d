import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparklinePath } from './sparkline-path.ts';

test('a line from edge to edge, scaled to its largest value', () => {
  assert.deepEqual(sparklinePath([0, 5, 10], 100, 20, 0), {
    line: 'M0 20L50 10L100 0',
    area: 'M0 20L0 20L50 10L100 0L100 20Z',
  });
});

test('gaps stay gaps and a single point is seen', () => {
  assert.equal(sparklinePath([10, null, 10], 100, 20, 0).line, 'M0 0L1 0M100 0L101 0');
});

test('a floor keeps noise flat; nothing at all draws nothing', () => {
  assert.equal(sparklinePath([1, 1], 100, 20, 10).line, 'M0 18L100 18');
  assert.deepEqual(sparklinePath([null, null], 100, 20, 0), { line: '', area: '' });
  assert.deepEqual(sparklinePath([], 100, 20, 0), { line: '', area: '' });
});

test('a peak survives thinning', () => {
  const values = Array.from({ length: 3600 }, (_, index) => (index === 1234 ? 100 : 1));
  assert.match(sparklinePath(values, 100, 20, 0).line, / 0L/);
});
