import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mediaTypesModule, mediaTypesPath } from './media-types.ts';

test('the table of media types is what mime-db says', () => {
  const written = readFileSync(join(import.meta.dirname, '..', mediaTypesPath), 'utf8');
  assert.equal(written, mediaTypesModule(), 'run `node -C source tools/media-types.ts`');
});
