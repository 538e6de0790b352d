import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvOf, jsonOf } from './table-text.ts';

test('rows become columns: values one level down too, lists and frames not', () => {
  const rows = [
    { route: 'GET /a,b', p95Ms: 1.5, loop: { ms: 3, made: true }, routes: ['x'], trend: { at: [1], stepMs: 1 } },
    { route: '=cmd()', p95Ms: null, note: 'says "no"\nand more' },
  ];
  assert.equal(
    csvOf(rows),
    'route,p95Ms,loop.ms,loop.made,note\r\n"GET /a,b",1.5,3,true,\r\n\'=cmd(),,,,"says ""no""\nand more"\r\n',
  );
  assert.equal(csvOf([]), '\r\n');
  assert.deepEqual(JSON.parse(jsonOf(rows)), rows);
});
