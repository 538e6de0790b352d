import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SqlParser } from './sql-parser.ts';

test('a text is cut into statements where they end, comments, quotes and other letters notwithstanding', async () => {
  const parser = await SqlParser.load();
  const statements = parser.statements(
    `-- größer; als\nSELECT 'a;b' FROM "Ärger";\n\nUPDATE s.t SET a = 1, b = 2 WHERE id = $1;INSERT INTO u VALUES (1); DELETE FROM v`,
  );
  assert.deepEqual(
    statements.map(({ kind, written }) => ({ kind, written })),
    [
      { kind: 'select', written: null },
      { kind: 'update', written: { schema: 's', name: 't', columns: ['a', 'b'] } },
      { kind: 'insert', written: { schema: null, name: 'u', columns: [] } },
      { kind: 'delete', written: { schema: null, name: 'v', columns: [] } },
    ],
  );
  assert.match(statements[0]?.sql ?? '', /SELECT 'a;b' FROM "Ärger"$/);
  assert.equal(statements[3]?.sql, 'DELETE FROM v');
});

test('statements that differ in literals have one fingerprint', async () => {
  const parser = await SqlParser.load();
  const [one, two, three] = parser.statements(
    'SELECT a FROM t WHERE b = 1; SELECT a FROM t WHERE b = 2; SELECT b FROM t',
  );
  assert.equal(one?.fingerprint, two?.fingerprint);
  assert.notEqual(one?.fingerprint, three?.fingerprint);
});

test('what is no SQL does not keep the rest of a text from being read', async () => {
  const parser = await SqlParser.load();
  const { statements, refused } = parser.readable(`SELECT 'a;ä'; SELEKT 1; -- no; end\nSELECT b FROM "c;d";`);
  assert.deepEqual(
    statements.map(({ sql }) => sql.replace(/^--.*\n/, '')),
    [`SELECT 'a;ä'`, `SELECT b FROM "c;d"`],
  );
  assert.equal(refused.length, 1);
  assert.match(refused[0]?.reason ?? '', /SELEKT/);
  assert.equal(parser.readable(`SELECT 1; SELECT 'never ends`).refused.length, 1);
});

test('what is no SQL is refused with the place', async () => {
  const parser = await SqlParser.load();
  assert.throws(() => parser.statements('SELEKT 1'), { code: 'AP_PLANNER_STATEMENT', message: /SELEKT/ });
  assert.equal(parser.expression('(('), null);
  assert.ok(parser.expression('(a.b = 1)'));
});

test('literals become parameters, counted on from those that are there', async () => {
  const parser = await SqlParser.load();
  assert.equal(
    parser.withoutLiterals(`SELECT * FROM t WHERE a = $1 AND b = 'x' AND at > now() - interval '1 day' LIMIT 5`),
    'SELECT * FROM t WHERE a = $1 AND b = $2 AND at > now() - $3::interval LIMIT $4',
  );
  assert.throws(() => parser.withoutLiterals('SELEKT 1'), { code: 'AP_PLANNER_STATEMENT' });
});
