import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnStatistics, targetCatalog, targetTable } from '../../../../test/support/target-parts.ts';
import { shadowChanges, type TargetKnowledge } from './shadow-changes.ts';
import type { TargetIndex, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const table = (oid: number): TargetTable =>
  targetTable({ oid, name: `t${oid}`, pages: 10, statisticsPages: 10, rows: 100, visiblePages: 10 });

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

const column = (relation: string, distinct = 7): ColumnStatistics =>
  columnStatistics({ relation, column: 'a', distinct });

const known = (
  tables: readonly TargetTable[],
  indexes: readonly TargetIndex[],
  columns: readonly ColumnStatistics[],
): TargetKnowledge => ({
  catalog: targetCatalog({ tables, indexes }),
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
