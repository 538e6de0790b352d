import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caseResults, parameterizedStatement, withParameterTypes } from './parameterized-statement.ts';

/** A text as a server or an agent tells it, and what can be parsed. */
const cases: readonly (readonly [told: string, becomes: string])[] = [
  ['SELECT a WHERE at > now() - interval $1', 'SELECT a WHERE at > now() - $1::interval'],
  ['SELECT a WHERE at > now() - interval ? AND b = ?', 'SELECT a WHERE at > now() - $1::interval AND b = $2'],
  ['SELECT INTERVAL $1 DAY, b', 'SELECT $1::INTERVAL DAY, b'],
  ['SELECT interval $1 year to month', 'SELECT $1::interval year to month'],
  ['SELECT interval(0) ?', 'SELECT $1::interval'],
  ['SELECT timestamp with time zone $1', 'SELECT $1::timestamp with time zone'],
  ['SELECT time(3) without time zone $2', 'SELECT $2::time without time zone'],
  [
    'SELECT extract($1 FROM at), extract(? FROM timestamp $2)',
    'SELECT date_part($1, at), date_part($3, $2::timestamp)',
  ],
  ['SELECT now() AT TIME ZONE $1', 'SELECT now() AT TIME ZONE $1'],
  ['SELECT numeric(10, 2) $1, double precision $2', 'SELECT $1::numeric, $2::double precision'],
  [
    'SELECT interval $1 second(?), a::numeric(?, ?), CAST(b AS varchar(?))',
    'SELECT $1::interval second, a::numeric, CAST(b AS varchar)',
  ],
  [
    'SELECT a FROM f(?) AS t(b) WHERE b IN (?) AND g(?, $1) = ?',
    'SELECT a FROM f($2) AS t(b) WHERE b IN ($3) AND g($4, $1) = $5',
  ],
  ['SELECT pg_catalog.date $1 + $2', 'SELECT $1::pg_catalog.date + $2'],
  ['SELECT national character varying $1', 'SELECT $1::national character varying'],
  ['SELECT a IN ($1 /*, ... */) LIMIT $2 OFFSET $3', 'SELECT a IN ($1 ) LIMIT $2 OFFSET $3'],
  ['SELECT a IN (?) AND b = $1', 'SELECT a IN ($2) AND b = $1'],
  ['SELECT data ? $1, data ?| $2, data ?& ?', 'SELECT data ? $1, data ?| $2, data ?& $3'],
  ['SELECT data ? key FROM t WHERE a = ?', 'SELECT data ? key FROM t WHERE a = $1'],
  ['SELECT "a?b" FROM t WHERE x = ? GROUP BY y', 'SELECT "a?b" FROM t WHERE x = $1 GROUP BY y'],
  ['SELECT CASE WHEN a THEN ? ELSE ? END', 'SELECT CASE WHEN a THEN $1 ELSE $2 END'],
  ['SELECT b BETWEEN ? AND ? AND NOT ?', 'SELECT b BETWEEN $1 AND $2 AND NOT $3'],
  ["SELECT 'left', 5", 'SELECT $1, $2'],
  ['', ''],
];

test('placeholders become what can be parsed', () => {
  for (const [told, becomes] of cases) assert.equal(parameterizedStatement(told), becomes);
});

test('what it has made of a text it leaves alone', () => {
  for (const [, becomes] of cases) assert.equal(parameterizedStatement(becomes), becomes);
});

test('parameters whose type nothing tells are found, and given one', () => {
  assert.deepEqual(caseResults('SELECT sum(CASE WHEN a = $3 THEN $1 ELSE $2 END)'), ['$1', '$2']);
  assert.equal(
    withParameterTypes(`SELECT f($1, $11, '$1')`, new Map([['$1', 'text']])),
    `SELECT f($1::text, $11, '$1')`,
  );
});
