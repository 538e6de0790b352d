import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withValues } from './parameter-values.ts';

test('a parameter that is compared with no column gets a value that its type takes', () => {
  const types = [
    'integer',
    'order_state',
    'regconfig',
    'character varying',
    'jsonb',
    'text[]',
    'timestamp with time zone',
  ];
  assert.deepEqual(
    withValues('SELECT $1', types, [], () => null),
    [{ sql: 'SELECT $1', values: ['20', null, 'simple', 'value', '{}', '{}', '2026-01-01'] }],
  );
  assert.deepEqual(
    withValues('SELECT 1', [], [], () => null),
    [{ sql: 'SELECT 1', values: [] }],
  );
});
