import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IndexCandidate } from '../planner/index-candidate.ts';
import type { TargetIndex, TargetTable } from '../planner/target-catalog.ts';
import { servedAlready } from './served-already.ts';

const table = { oid: 7, schema: 'public', name: 'users' } as TargetTable; // `as`: no other field is read
const index = (name: string, method: string, rest: string): TargetIndex =>
  ({
    tableOid: 7,
    schema: 'public',
    name,
    method,
    definition: `CREATE INDEX ${name} ON public.users USING ${method} ${rest}`,
  }) as TargetIndex; // `as`: no other field is read
const candidate = (
  keys: readonly (readonly [sql: string, suffix?: string])[],
  rest: Partial<IndexCandidate> = {},
): IndexCandidate => ({
  table,
  method: 'btree',
  keys: keys.map(([sql, suffix = '']) => ({ sql, suffix, column: 'id', columns: ['id'] })),
  included: [],
  where: null,
  ...rest,
});

const served = servedAlready({
  indexes: [
    index('users_pkey', 'btree', '(id)'),
    index('users_some', 'btree', `(email) WHERE (deleted_at IS NULL)`),
    index('users_name', 'btree', `("Last, name" text_pattern_ops, lower(email) DESC, ((data ->> 'x,('::text)))`),
    index('users_seen', 'btree', '(org_id, seen_at DESC) INCLUDE (name)'),
    index('users_data', 'gin', '(data, tags)'),
  ],
});

test('what an index begins with, in its order or turned round, needs no other', () => {
  assert.equal(served(candidate([['"id"']])), '"public"."users_pkey"');
  assert.equal(served(candidate([['"id"', ' DESC']])), '"public"."users_pkey"');
  assert.equal(served(candidate([['"org_id"'], ['"seen_at"', ' DESC']])), '"public"."users_seen"');
  assert.equal(served(candidate([['"org_id"', ' DESC'], ['"seen_at"']])), '"public"."users_seen"');
  assert.equal(
    served(candidate([['"Last, name"', ' text_pattern_ops'], ['lower(email)', ' DESC'], [`(data ->> 'x,('::text)`]])),
    '"public"."users_name"',
  );
});

test('another order, an operator class, other columns, a part of the rows and included columns are something else', () => {
  assert.equal(served(candidate([['"org_id"'], ['"seen_at"']])), null);
  assert.equal(served(candidate([['"seen_at"', ' DESC']])), null);
  assert.equal(served(candidate([['"Last, name"']])), null);
  assert.equal(served(candidate([['"email"']])), null);
  assert.equal(served(candidate([['"id"'], ['"name"']])), null);
  assert.equal(served(candidate([['"id"']], { included: ['name'] })), null);
  assert.equal(served(candidate([['"id"']], { where: 'active' })), null);
  assert.equal(served(candidate([['"id"']], { table: { ...table, oid: 8 } })), null);
});

test('of other kinds only the same one is', () => {
  assert.equal(served(candidate([['"data"'], ['"tags"']], { method: 'gin' })), '"public"."users_data"');
  assert.equal(served(candidate([['"data"']], { method: 'gin' })), null);
  assert.equal(served(candidate([['"id"']], { method: 'hash' })), null);
});
