import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ExistingIndex, mergedColumns, type ReplacementProblem, replaceIndexes } from './replaced-indexes.ts';

const index = (id: string, columns: readonly string[] | null, bytes = 100): ExistingIndex => ({
  id,
  table: 't',
  bytes,
  writeCost: 1,
  columns,
});

/** Statements, each served by any of some indexes and dear without. */
const costOf =
  (statements: readonly (readonly string[])[]) =>
  async (on: ReadonlySet<string>): Promise<number> =>
    statements.reduce((sum, served) => sum + (served.some((id) => on.has(id)) ? 10 : 1_000), 0);

const replace = (problem: Partial<ReplacementProblem>): ReturnType<typeof replaceIndexes> =>
  replaceIndexes({
    existing: [],
    chosen: new Map(),
    constraints: [],
    merges: [],
    cost: costOf([]),
    read: new Set(),
    foreignKeys: [],
    unseen: () => null,
    nameOf: (id) => `new ${id}`,
    budgetBytes: 1_000,
    over: () => false,
    ...problem,
  });

describe('existing indexes', () => {
  test('are dropped when another begins with their columns, whatever the workload holds', async () => {
    const unseen = (): string => 'something may be missing.';
    const { drop } = await replace({
      existing: [index('a', ['x']), index('b', ['x', 'y']), index('c', ['z']), index('d', null)],
      constraints: [{ name: 'key', table: 't', columns: ['z', 'id'] }],
      unseen,
    });
    assert.deepEqual(
      drop.map(({ id, reason }) => [id, reason.split(' ')[0]]),
      [
        ['a', 'b'],
        ['c', 'key'],
      ],
    );
  });

  test('stay when nothing reads them, when statements may be missing, and when a plan gets dearer', async () => {
    const both = { existing: [index('a', ['x']), index('b', ['y'])], cost: costOf([['a', 'b'], ['b']]) };
    const unread = await replace({ ...both, read: new Set(['b']) });
    assert.deepEqual([unread.drop, unread.kept.map(({ id }) => id)], [[], ['a']]);
    const unseen = await replace({ ...both, read: new Set(['a', 'b']), unseen: () => 'some are missing.' });
    assert.deepEqual(
      [unseen.drop, unseen.kept[0]?.reason],
      [[], 'The workload would do without it, but some are missing.'],
    );
    const seen = await replace({ ...both, read: new Set(['a', 'b']) });
    assert.deepEqual(
      seen.drop.map(({ id }) => id),
      ['a'],
    );
  });

  test('stay for a foreign key, which no plan shows', async () => {
    const { drop, kept } = await replace({
      existing: [index('a', ['x']), index('b', ['y', 'x'])],
      cost: costOf([['a', 'b'], ['b']]),
      read: new Set(['a', 'b']),
      foreignKeys: [{ table: 't', columns: ['x'] }],
    });
    assert.deepEqual(drop, []);
    assert.match(kept[0]?.reason ?? '', /foreign key \(x\)/);
  });

  test('two give way to one that is smaller than both', async () => {
    const problem = {
      existing: [index('a', ['x', 'y']), index('b', ['x', 'z'])],
      merges: [{ index: index('m', ['x', 'y', 'z'], 150), replaces: ['a', 'b'] as const }],
      cost: costOf([
        ['a', 'm'],
        ['b', 'm'],
      ]),
      read: new Set(['a', 'b']),
    };
    const { create, drop } = await replace(problem);
    assert.deepEqual(create, ['m']);
    assert.deepEqual(
      drop.map(({ id }) => id),
      ['a', 'b'],
    );
    assert.deepEqual((await replace({ ...problem, budgetBytes: 100 })).create, []);
    assert.deepEqual((await replace({ ...problem, unseen: () => 'no.' })).drop, []);
    assert.deepEqual((await replace({ ...problem, cost: costOf([['a'], ['b']]) })).create, []);
  });
});

test('columns are merged behind a common first one, unless one index begins with the other', () => {
  assert.deepEqual(mergedColumns(['x', 'y'], ['x', 'z']), [
    ['x', 'y', 'z'],
    ['x', 'z', 'y'],
  ]);
  assert.deepEqual(mergedColumns(['x'], ['x', 'z']), []);
  assert.deepEqual(mergedColumns(['y'], ['x']), []);
});
