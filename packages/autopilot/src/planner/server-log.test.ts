import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOfLog } from './server-log.ts';

const stderr = `2026-11-23 17:05:36.123 UTC [41] LOG:  duration: 0.250 ms  parse <unnamed>: SELECT * FROM t WHERE a = $1 AND b = '$2'
2026-11-23 17:05:36.124 UTC [41] LOG:  duration: 1.500 ms  execute <unnamed>: SELECT * FROM t
\tWHERE a = $1 AND b = '$2'
2026-11-23 17:05:36.124 UTC [41] DETAIL:  Parameters: $1 = 'it''s $3'
2026-11-23 17:05:37.000 UTC [42] ERROR:  relation "gone" does not exist at character 15
2026-11-23 17:05:37.000 UTC [42] STATEMENT:  SELECT * FROM gone
2026-11-23 17:05:38.000 UTC [41] app@db LOG:  duration: 2.5 ms  statement: SELECT 1;
2026-11-23 17:05:38.100 UTC [41] app@db LOG:  duration: 0.5 ms  statement: SELECT 1
2026-11-23 17:05:38.200 UTC [41] LOG:  checkpoint starting: time
2026-11-23 17:05:39.000 UTC [41] LOG:  execute S_1: UPDATE t SET a = $1, b = $2 WHERE c = $10
2026-11-23 17:05:39.000 UTC [41] DETAIL:  parameters: $1 = '7', $2 = NULL, $10 = 'x'
2026-11-23 17:05:39.100 UTC [41] LOG:  duration: 0.033 ms
`;

const wanted = [
  { sql: `SELECT * FROM t\nWHERE a = 'it''s $3' AND b = '$2'`, calls: 1, totalMs: 1.5 },
  { sql: 'SELECT 1', calls: 2, totalMs: 3 },
  { sql: `UPDATE t SET a = '7', b = NULL WHERE c = 'x'`, calls: 1, totalMs: null },
];

const messages: readonly (readonly [severity: string, message: string, detail: string])[] = [
  ['LOG', `duration: 0.250 ms  bind <unnamed>: SELECT * FROM t`, ''],
  [
    'LOG',
    `duration: 1.500 ms  execute <unnamed>: SELECT * FROM t\nWHERE a = $1 AND b = '$2'`,
    `Parameters: $1 = 'it''s $3'`,
  ],
  ['ERROR', 'relation "gone" does not exist', ''],
  ['LOG', 'duration: 2.5 ms  statement: SELECT 1;', ''],
  ['LOG', 'duration: 0.5 ms  statement: SELECT 1', ''],
  ['LOG', 'execute S_1: UPDATE t SET a = $1, b = $2 WHERE c = $10', `parameters: $1 = '7', $2 = NULL, $10 = 'x'`],
];

test('a log is read as the server writes it to stderr, with its parameters', () => {
  assert.deepEqual(statementsOfLog(stderr), wanted);
  assert.deepEqual(statementsOfLog(stderr.replaceAll('\n', '\r\n')), wanted);
});

test('so is one in CSV and one in JSON, also when its last line is half written', () => {
  const quote = (text: string): string => (text === '' ? '' : `"${text.replaceAll('"', '""')}"`);
  const csv = messages.map(
    ([severity, message, detail]) =>
      `2026-11-23 17:05:36.123 UTC,"app","db",41,"[local]",1.29,3,"SELECT",2026-11-23 17:05:00 UTC,3/1,0,${severity},00000,${quote(message)},${quote(detail)},,,,,,,"app","client backend",,0\n`,
  );
  assert.deepEqual(statementsOfLog(csv.join('')), wanted);
  const json = messages.map(([error_severity, message, detail]) =>
    JSON.stringify({ timestamp: '2026-11-23', pid: 41, error_severity, message, ...(detail === '' ? {} : { detail }) }),
  );
  assert.deepEqual(statementsOfLog(`${json.join('\n')}\n{"timestamp":"2026`), wanted);
});

test('SQL is no log', () => {
  assert.equal(statementsOfLog(`SELECT 1; -- LOG: all\nSELECT 'LOG:  statement' FROM t`), null);
  assert.equal(statementsOfLog(''), null);
});
