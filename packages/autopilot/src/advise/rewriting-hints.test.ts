import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnhelpedStatement } from './rewriting-hints.ts';
import { rewritingHints } from './rewriting-hints.ts';

function hintOf(sql: string, filter?: string, costAfter = 900): string | undefined {
  const generic = {
    'Node Type': 'Seq Scan',
    'Startup Cost': 0,
    'Total Cost': 1_000,
    'Plan Rows': 1,
    ...(filter === undefined ? {} : { Filter: filter }),
  };
  const statement = {
    sql,
    fingerprint: sql,
    kind: 'select' as const,
    written: null,
    calls: 1,
    rowsWritten: 1,
    totalMs: null,
    variants: [sql],
  };
  const one: UnhelpedStatement = { prepared: { statement, candidates: [], generic }, costBefore: 1_000, costAfter };
  return rewritingHints([one], { refused: new Map(), hasTrigrams: false })[0]?.hint;
}

test('statements that no index helps are told how to be written, others nothing', () => {
  assert.match(hintOf('SELECT * FROM t ORDER BY a LIMIT 9 OFFSET $1') ?? '', /OFFSET/);
  assert.match(hintOf('SELECT count(*) FROM public.t') ?? '', /reltuples/);
  assert.match(hintOf('SELECT * FROM t ORDER BY random()') ?? '', /TABLESAMPLE/);
  assert.match(hintOf('SELECT 1', '(NOT (ANY (t.a = (hashed SubPlan 1).col1)))') ?? '', /NOT EXISTS/);
  assert.match(hintOf('SELECT 1', "(t.name ~~ '%x%'::text)") ?? '', /pg_trgm/);
  assert.match(hintOf('SELECT 1', '((o.a = 1) OR (c.b = 2))') ?? '', /UNION/);
  assert.equal(hintOf('SELECT 1', '((o.a = 1) OR (o.b = 2))'), undefined);
  assert.equal(hintOf('SELECT count(*) FROM t WHERE a = 1'), undefined);
  assert.equal(hintOf('SELECT count(*) FROM t', undefined, 100), undefined);
});
