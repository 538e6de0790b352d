import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSpan } from './time.ts';

test('spans in at most two units', () => {
  assert.equal(formatSpan(3210), '3.2 s');
  assert.equal(formatSpan(-5), '0.0 s');
  assert.equal(formatSpan(42_400), '42 s');
  assert.equal(formatSpan(59_700), '1 min');
  assert.equal(formatSpan(250_000), '4 min 10 s');
  assert.equal(formatSpan(7_500_000), '2 h 5 min');
  assert.equal(formatSpan(3_600_000), '1 h');
  assert.equal(formatSpan(273_600_000), '3 d 4 h');
});
