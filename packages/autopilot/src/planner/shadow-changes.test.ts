import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shadowChanges, type TargetKnowledge } from './shadow-changes.ts';
import type { TargetIndex, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const table = (oid: number): TargetTable => ({
  oid,
  schema: 'public',
  name: `t${oid}`,
  kind: 'r',
  unlogged: false,
  pages: 10,
  statisticsPages: 10,
  rows: 100,
  visiblePages: 10,
  options: [],
  partitionKey: null,
  partitionBound: null,
  parents: [],
  rowSecurity: false,
  columns: [],
});

const index: TargetIndex = {
  oid: 9,
  tableOid: 1,
  schema: 'public',
  name: 'i',
  definition: 'CREATE INDEX i ON t1 (a)',
  method: 'btree',
  unique: false,
  constraint: false,
  parentOid: null,
  pages: 2,
  statisticsPages: 2,
  rows: 100,
  keys: ['a'],
  scans: 5,
};

const column = (relation: string, distinct = 7): ColumnStatistics => ({
  schema: 'public',
  relation,
  column: 'a',
  inherited: false,
  nullFraction: 0,
  averageWidth: 4,
  distinct,
  commonValues: null,
  commonFrequencies: null,
  bounds: null,
  correlation: null,
  commonElements: null,
  commonElementFrequencies: null,
  elementCounts: null,
  rangeLengths: null,
  rangeEmptyFraction: null,
  rangeBounds: null,
});

const known = (
  tables: readonly TargetTable[],
  indexes: readonly TargetIndex[],
  columns: readonly ColumnStatistics[],
): TargetKnowledge => ({
  catalog: {
    versionNumber: 180_000,
    database: 'd',
    locale: { provider: 'c', name: 'C' },
    extensions: [],
    schemas: [],
    types: [],
    functions: [],
    collations: [],
    tables,
    constraints: [],
    indexes,
    views: [],
    statistics: [],
    settings: {},
    notes: [],
    leftOut: [],
  },
  statistics: { columns, extended: [], notes: [] },
});

const before = known([table(1), table(2)], [index], [column('t1'), column('t2')]);

test('what grew and what was analyzed is taken over, and nothing else', () => {
  const now = known([{ ...table(1), pages: 11 }, table(2)], [{ ...index, scans: 6 }], [column('t1'), column('t2', 8)]);
  const changes = shadowChanges(before, now);
  assert.deepEqual(
    [changes?.tables.map(({ oid }) => oid), changes?.indexes, changes?.columns.map(({ relation }) => relation)],
    [[1], [], ['t2']],
  );
  assert.deepEqual(shadowChanges(before, before), { tables: [], indexes: [], columns: [] });
});

test('another schema, or statistics that are gone, call for a new one', () => {
  const { tables, indexes } = before.catalog;
  const { columns } = before.statistics;
  assert.equal(shadowChanges(before, known(tables, [], columns)), null);
  assert.equal(shadowChanges(before, known([...tables, table(3)], indexes, columns)), null);
  assert.equal(shadowChanges(before, known(tables, indexes, columns.slice(1))), null);
});
