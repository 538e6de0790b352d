import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../../contract/frame.ts';
import { tailOf } from './frame-tail.ts';

function frame(from: number, values: readonly (number | null)[]): Frame {
  return { at: values.map((_, i) => (from + i) * 1000), stepMs: 1000, columns: { a: values }, complete: true };
}

test('a tail has ten seconds, or more where older points changed', () => {
  const values = Array.from({ length: 60 }, (_, i) => i);
  const before = frame(0, values);
  const after = frame(1, [...values.slice(1), 60]);
  assert.deepEqual(tailOf(after, before).at.length, 10);
  const late = frame(1, [...values.slice(1).map((value) => (value === 30 ? 31 : value)), 60]);
  assert.equal(tailOf(late, before).at[0], 30_000);
  assert.deepEqual(tailOf(after, undefined), after);
  assert.deepEqual(tailOf(frame(500, values), before), frame(500, values));
  assert.deepEqual(tailOf({ ...after, stepMs: 2000 }, before).at.length, 60);
});
