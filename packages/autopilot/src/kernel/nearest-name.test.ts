import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearest-name.ts';

test('a misspelt name finds the one that was meant, a strange one none', () => {
  const names = ['minutes', 'service', 'instance', 'to', 'from'];
  assert.equal(nearestName('minuts', names), 'minutes');
  assert.equal(nearestName('Services', names), 'service');
  assert.equal(nearestName('form', ['from', 'format']), 'from');
  assert.equal(nearestName('colour', names), null);
  assert.equal(nearestName('x'.repeat(1e6), names), null);
  assert.equal(nearestName('', []), null);
});
