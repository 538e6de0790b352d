import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { slugOf } from './slug.ts';

test('names become addresses', () => {
  assert.deepEqual(['Müller & Söhne', '  A  b ', '株式会社'].map(slugOf), ['muller-sohne', 'a-b', 'organization']);
});

test('whatever the name, the address needs no escaping', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => /^[a-z0-9][a-z0-9-]*$/.test(slugOf(name))));
});
