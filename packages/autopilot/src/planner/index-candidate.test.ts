import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnFactsBook } from './column-facts.ts';
import type { TableRoles } from './column-roles.ts';
import { candidateDdl, candidatesFor, tooSmall } from './index-candidate.ts';
import type { TargetCatalog, TargetColumn, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const column = (name: string, number: number, plainType: string, category: string): TargetColumn => ({
  name,
  number,
  type: plainType,
  plainType,
  typeLength: -1,
  alignment: 4,
  category,
  extension: null,
  collation: null,
  notNull: false,
  virtualExpression: null,
});

const table = (pages: number): TargetTable => ({
  oid: 1,
  schema: 'public',
  name: 'bookings',
  kind: 'r',
  unlogged: false,
  pages,
  statisticsPages: pages,
  rows: 10_000,
  visiblePages: 0,
  options: [],
  partitionKey: null,
  partitionBound: null,
  parents: [],
  rowSecurity: false,
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
  const catalog: TargetCatalog = {
    versionNumber: 180_000,
    database: 'd',
    locale: { provider: 'c', name: 'C' },
    extensions: extensions.map((name) => ({ name, schema: 'public' })),
    schemas: [],
    types: [],
    functions: [],
    collations: [],
    tables: [table(pages)],
    constraints: [],
    indexes: [],
    views: [],
    statistics: [],
    settings: {},
    notes: [],
    leftOut: [],
  };
  return new ColumnFactsBook(catalog, {
    columns: [statistics('token', 44, -1), statistics('name', 44, 9)],
    extended: [],
    notes: [],
  });
}

const statistics = (name: string, averageWidth: number, distinct: number): ColumnStatistics => ({
  schema: 'public',
  relation: 'bookings',
  column: name,
  inherited: false,
  nullFraction: 0,
  averageWidth,
  distinct,
  commonValues: null,
  commonFrequencies: null,
  bounds: null,
  correlation: 0,
  commonElements: null,
  commonElementFrequencies: null,
  elementCounts: null,
  rangeLengths: null,
  rangeEmptyFraction: null,
  rangeBounds: null,
});

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
