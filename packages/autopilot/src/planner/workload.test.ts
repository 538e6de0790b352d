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

test('a log tells how long its statements took, and has them with their values', async () => {
  const line = (ms: number, value: number): string =>
    `2026-11-23 17:05:36.124 UTC [41] LOG:  duration: ${ms} ms  execute <unnamed>: SELECT a FROM t1 WHERE b = $1
2026-11-23 17:05:36.124 UTC [41] DETAIL:  Parameters: $1 = '${value}'`;
  const text = [line(1.5, 7), line(2.5, 8), '2026-11-23 UTC [41] LOG:  duration: 9 ms  statement: SELECT now()'].join(
    '\n',
  );
  const { statements, calls, totalMs, counted } = workloadOfText(text, await SqlParser.load());
  assert.deepEqual(
    statements.map((one) => [one.calls, one.totalMs, one.variants]),
    [
      [1, 9, ['SELECT now()']],
      [2, 4, [`SELECT a FROM t1 WHERE b = '7'`, `SELECT a FROM t1 WHERE b = '8'`]],
    ],
  );
  assert.deepEqual([calls, totalMs, counted], [3, 13, false]);
});
