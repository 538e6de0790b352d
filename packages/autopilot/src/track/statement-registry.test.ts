import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { StatementRegistry } from './statement-registry.ts';

test('texts that differ in literals are one statement, by the hash of what they have in common', () => {
  const registry = new StatementRegistry();
  const one = registry.find('main', 'select 1', 0);
  assert.equal(registry.find('main', 'select  2', 0), one);
  assert.equal(registry.find('main', 'select 1', 0), one);
  assert.equal(one.text, 'select ?');
  assert.equal(one.id, createHash('sha256').update('select ?').digest('hex').slice(0, 16));
  assert.deepEqual(registry.textOf('main', one.id), { id: one.id, database: 'main', text: 'select ?' });
  assert.equal(registry.size, 1);
});

test('each database has its own statements', () => {
  const registry = new StatementRegistry();
  const one = registry.find('main', 'select 1', 0);
  const other = registry.find('archive', 'select 1', 0);
  assert.equal(one.id, other.id);
  assert.notEqual(one.seriesId, other.seriesId);
  assert.equal(registry.textOf('nowhere', one.id), null);
});

test('when full, what is new becomes the overflow of its database, until old statements make room', () => {
  const registry = new StatementRegistry({ statements: 3 });
  for (let i = 0; i < 3; i++) registry.find('main', `select a${i}`, 0);
  assert.equal(registry.find('main', 'select a3', 1_000).id, '(other)');
  assert.equal(registry.find('archive', 'select a0', 1_000).id, '(other)');
  assert.equal(registry.find('main', 'select a1', 599_000).text, 'select a1');
  assert.equal(registry.find('main', 'select a3', 700_000).text, 'select a3');
  assert.equal(registry.size, 2);
  assert.equal(registry.find('main', 'select a1', 700_000).text, 'select a1');
});

test('the length of all texts is bounded too', () => {
  const registry = new StatementRegistry({ textLength: 10_000 });
  const long = 'x'.repeat(4_000);
  assert.notEqual(registry.find('main', `select ${long}1`, 0).id, '(other)');
  assert.notEqual(registry.find('main', `select ${long}2`, 0).id, '(other)');
  assert.equal(registry.find('main', `select ${long}3`, 0).id, '(other)');
});

test('an application that writes its values into its texts does not grow memory', () => {
  const registry = new StatementRegistry();
  const found = new Set<unknown>();
  const filler = 'y'.repeat(2_000);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20_000; i++) found.add(registry.find('main', `select '${filler}${i}'`, i));
  globalThis.gc?.();
  assert.equal(found.size, 1);
  // 40 MB of texts went by; two generations of 2 M characters may stay, and what is not collected yet.
  if (globalThis.gc !== undefined) assert.ok(process.memoryUsage().heapUsed - before < 6_000_000);
});

test('an empty call has a name', () => {
  assert.equal(new StatementRegistry().find('main', ' -- nothing', 0).text, '(empty)');
});

test('long lists of values are told once for each text', () => {
  const told: unknown[] = [];
  const registry = new StatementRegistry({}, (...list) => told.push(list));
  const textOf = (length: number): string => `select 1 from t where a in (${Array(length).fill('$1').join(', ')})`;
  const { id } = registry.find('main', textOf(3), 0);
  for (let time = 0; time < 3; time++) registry.find('main', textOf(700), 0);
  assert.deepEqual(told, [['main', id, 700]]);
});
