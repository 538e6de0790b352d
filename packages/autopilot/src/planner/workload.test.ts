import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SqlParser } from './sql-parser.ts';
import { workloadOfText } from './workload.ts';

test('statements that differ in literals are one, those on tables whose names differ in digits are not', async () => {
  const text = `SELECT a FROM t1 WHERE b = 'x1' AND c = 1; SELECT a FROM t1 WHERE b = 'x2' AND c = 2; SELECT a FROM t2 WHERE b = 'x1' AND c = 1`;
  const { statements, calls } = workloadOfText(text, await SqlParser.load());
  assert.deepEqual(
    statements.map((one) => [one.calls, one.variants.length]),
    [
      [2, 2],
      [1, 1],
    ],
  );
  assert.equal(calls, 3);
});
