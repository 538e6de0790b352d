import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conjunctsOf, operandsOf, withoutAlias } from './condition-text.ts';

test('conditions of which all must hold are taken apart, also in brackets, and not within strings or names', () => {
  assert.deepEqual(conjunctsOf(`(o.id = 1)`), [`(o.id = 1)`]);
  assert.deepEqual(conjunctsOf(`((o.a = ' AND (') AND (NOT o.b) AND o.c)`), [`(o.a = ' AND (')`, '(NOT o.b)', 'o.c']);
  assert.deepEqual(conjunctsOf(`(("x AND y".a = 1) AND ((o.b = 2) OR (o.c = 3)))`), [
    `("x AND y".a = 1)`,
    '((o.b = 2) OR (o.c = 3))',
  ]);
});

test('an operator has the operands in its own brackets, counted in bytes', () => {
  const text = `(COALESCE("tä".due, 'x(y'::text) >= ($1)::text)`;
  const at = Buffer.from(text).indexOf('>=');
  assert.deepEqual(operandsOf(text, at), { left: `COALESCE("tä".due, 'x(y'::text)`, right: '($1)::text' });
  const any = `(o.state = ANY ('{a,b}'::text[]))`;
  assert.deepEqual(operandsOf(any, any.indexOf('=')), { left: 'o.state', right: `('{a,b}'::text[])` });
});

test('an index is written without the name of its table', () => {
  const text = `((o."order id" + "Ä b".c))`;
  assert.equal(withoutAlias(text, [2, Buffer.from(text).indexOf('"Ä')]), '"order id" + c');
});
