import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvLine } from './csv.ts';

test('values are quoted where they must be, and no text is a formula', () => {
  assert.equal(csvLine([1, 'plain', null, '2026-03-01']), '1,plain,,2026-03-01\r\n');
  assert.equal(csvLine(['a,b', 'say "no"', 'two\nlines']), '"a,b","say ""no""","two\nlines"\r\n');
  assert.equal(csvLine(['=1+1', '@SUM(A1)', '-2,3', -2]), "'=1+1,'@SUM(A1),\"'-2,3\",-2\r\n");
});
