import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnFactsBook } from './column-facts.ts';
import type { TableRoles } from './column-roles.ts';
import { candidateDdl, candidatesFor, tooSmall } from './index-candidate.ts';
import type { TargetCatalog, TargetColumn, TargetTable } from './target-catalog.ts';

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
  ],
});

function bookOf(pages: number): ColumnFactsBook {
  const catalog: TargetCatalog = {
    versionNumber: 180_000,
    database: 'd',
    locale: { provider: 'c', name: 'C' },
    extensions: [],
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
  return new ColumnFactsBook(catalog, { columns: [], extended: [], notes: [] });
}

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
    ],
  );
});

test('a small table gets none, and the reason', () => {
  assert.deepEqual(candidatesFor(roles, bookOf(9)), []);
  assert.match(tooSmall(table(9), bookOf(9)) ?? '', /^It has 9 pages/);
  assert.equal(tooSmall(table(10), bookOf(10)), null);
});
