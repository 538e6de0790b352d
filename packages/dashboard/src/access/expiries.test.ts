import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiries, expiryAfter } from './expiries.ts';

test('a token lives so many days from now, or until it is revoked', () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  assert.equal(expiryAfter(30, now), '2026-03-31T00:00:00.000Z');
  assert.equal(expiryAfter(null, now), null);
  assert.equal(expiries.filter(({ days }) => days === 90).length, 1);
});
