import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShortcutReader } from './shortcuts.ts';

test('single keys and pairs', () => {
  const reader = new ShortcutReader();
  assert.equal(reader.read('/', 0), 'filter');
  assert.equal(reader.read('g', 10), null);
  assert.equal(reader.read('o', 20), 'overview');
  assert.equal(reader.read('o', 30), null, 'the pair is used up');
});

test('a pair typed too slowly is none, and another key breaks it', () => {
  const reader = new ShortcutReader();
  reader.read('g', 0);
  assert.equal(reader.read('r', 5000), null);
  reader.read('g', 6000);
  assert.equal(reader.read('x', 6010), null);
  assert.equal(reader.read('r', 6020), null);
});

test('a single key counts after a first key that it does not complete', () => {
  const reader = new ShortcutReader();
  reader.read('g', 0);
  assert.equal(reader.read('?', 10), 'help');
});
