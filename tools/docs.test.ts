import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referencePages } from './docs.ts';

test('the reference pages are what npm run docs makes now', () => {
  const root = join(import.meta.dirname, '..');
  for (const [path, text] of Object.entries(referencePages(root))) {
    assert.equal(readFileSync(join(root, path), 'utf8'), text, `${path} is old: npm run docs`);
  }
});
