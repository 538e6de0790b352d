import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnStatistics, targetCatalog, targetColumn, targetTable } from '../../../../test/support/target-parts.ts';
import { ColumnFactsBook } from './column-facts.ts';
import type { TableRoles } from './column-roles.ts';
import { candidateDdl, candidatesFor, tooSmall } from './index-candidate.ts';
import type { TargetColumn, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const column = (name: string, number: number, type: string, category: string): TargetColumn =>
  targetColumn({ name, number, type, category });

const table = (pages: number): TargetTable =>
  targetTable({
    name: 'bookings',
    pages,
    statisticsPages: pages,
    rows: 10_000,
    columns: [
      column('during', 1, 'tstzrange', 'R'),
      column('address', 2, 'inet', 'I'),
      column('data', 3, 'jsonb', 'U'),
      column('name', 4, 'text', 'S'),
      column('room_id', 5, 'bigint', 'N'),
      column('token', 6, 'text', 'S'),
    ],
  });

function bookOf(pages: number, extensions: readonly string[] = []): ColumnFactsBook {
  const catalog = targetCatalog({
    extensions: extensions.map((name) => ({ name, schema: 'public' })),
    tables: [table(pages)],
  });
  return new ColumnFactsBook(catalog, {
    columns: [statistics('token', 44, -1), statistics('name', 44, 9)],
    extended: [],
    notes: [],
  });
}

const statistics = (column: string, averageWidth: number, distinct: number): ColumnStatistics =>
  columnStatistics({ relation: 'bookings', column, averageWidth, distinct, correlation: 0 });

const compared = (name: string): TableRoles['equal'][number] => ({
  column: name,
  columns: [name],
  sql: `"${name}"`,
  joined: false,
});

const contained = (name: string, operatorClass: string | null = null): TableRoles['contained'][number] => ({
  column: name,
  columns: [name],
  sql: `"${name}"`,
  operatorClass,
});

const roles: TableRoles = {
  schema: 'public',
  table: 'bookings',
  equal: [],
  ranges: [],
  sort: [],
  conditions: [],
  contained: [contained('during'), contained('address'), contained('data'), contained('name', 'gin_trgm_ops')],
  needed: [],
};

test('what overlaps gets a GiST index, what is contained an inverted one, each with the operators it is asked by', () => {
  assert.deepEqual(
    candidatesFor(roles, bookOf(100)).map((one) => candidateDdl(one, 'i')),
    [
      'CREATE INDEX "i" ON "public"."bookings" USING gist ("during")',
      'CREATE INDEX "i" ON "public"."bookings" USING gist ("address" inet_ops)',
      'CREATE INDEX "i" ON "public"."bookings" USING gin ("data")',
      'CREATE INDEX "i" ON "public"."bookings" USING gin ("name" gin_trgm_ops)',
      'CREATE INDEX "i" ON "public"."bookings" USING gist ("during", "address" inet_ops)',
    ],
  );
});

test('what is compared besides goes in front of what overlaps, where the server can do that', () => {
  const booked = { ...roles, equal: [compared('room_id')], contained: [contained('during')] };
  const gist = (extensions: readonly string[]): readonly string[] =>
    candidatesFor(booked, bookOf(100, extensions))
      .filter(({ method }) => method === 'gist')
      .map(({ keys }) => keys.map(({ column }) => column).join());
  assert.deepEqual(gist([]), ['during']);
  assert.deepEqual(gist(['btree_gist']), ['during', 'room_id,during']);
});

test('long values that are mostly different may be hashed', () => {
  const asked = { ...roles, equal: [compared('token'), compared('name'), compared('room_id')], contained: [] };
  const hashed = candidatesFor(asked, bookOf(100)).filter(({ method }) => method === 'hash');
  assert.deepEqual(
    hashed.map((one) => candidateDdl(one, 'i')),
    ['CREATE INDEX "i" ON "public"."bookings" USING hash ("token")'],
  );
});

test('a small table gets none, and the reason', () => {
  assert.deepEqual(candidatesFor(roles, bookOf(9)), []);
  assert.match(tooSmall(table(9), bookOf(9)) ?? '', /^It has 9 pages/);
  assert.equal(tooSmall(table(10), bookOf(10)), null);
});
