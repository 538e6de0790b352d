import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnStatistics, targetCatalog, targetColumn, targetTable } from '../../../../test/support/target-parts.ts';
import { arrayMembers } from './parameter-values.ts';
import { withoutSamples } from './private-statistics.ts';
import type { TargetColumn } from './target-catalog.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const column = (name: string, type: string, category = 'S'): TargetColumn =>
  targetColumn({ name, type, plainType: type.replace(/\(\d+\)$/, ''), category });

const known = (name: string, common: readonly string[], bounds: readonly string[]): ColumnStatistics =>
  columnStatistics({
    relation: 't',
    column: name,
    nullFraction: 0.1,
    averageWidth: 8,
    distinct: -1,
    commonValues: common.length === 0 ? null : `{${common.map((one) => JSON.stringify(one)).join(',')}}`,
    commonFrequencies: common.length === 0 ? null : common.map(() => 0.1),
    bounds: bounds.length === 0 ? null : `{${bounds.map((one) => JSON.stringify(one)).join(',')}}`,
    correlation: 0.5,
  });

function replaced(
  columns: readonly TargetColumn[],
  statistics: readonly ColumnStatistics[],
  check = '',
): readonly ColumnStatistics[] {
  const catalog = targetCatalog({
    tables: [targetTable({ name: 't', columns })],
    constraints: [{ tableOid: 1, name: 'c', kind: 'c', definition: check, columns: [] }],
  });
  return withoutSamples({ columns: statistics, extended: [], notes: [] }, catalog).columns;
}

const list = (text: string | null | undefined): readonly string[] => arrayMembers(text ?? '{}');

test('numbers are replaced by others, in the same order, at their places', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 30 }), (numbers) => {
      const spaced = numbers.map((one) => 4 * one).toSorted((a, b) => a - b);
      const [one] = replaced(
        [column('n', 'bigint', 'N')],
        [known('n', spaced.slice(0, 1).map(String), spaced.slice(1).map(String))],
      );
      const others = [...list(one?.commonValues), ...list(one?.bounds)].map(Number);
      for (const [at, value] of others.entries()) {
        assert.ok(!spaced.includes(value));
        assert.ok(value > (spaced[at] ?? 0) && value < (spaced[at + 1] ?? Number.POSITIVE_INFINITY), `${value}`);
      }
    }),
  );
});

test('times lie between theirs and the next, days without a gap stay', () => {
  const [time, day] = replaced(
    [column('at', 'timestamp with time zone', 'D'), column('day', 'date', 'D')],
    [
      known('at', [], ['2026-01-01 00:00:00+00', '2026-01-01 01:00:00.5+00', '2026-01-02 00:00:00+00']),
      known('day', ['2026-01-02'], ['2026-01-01', '2026-01-05']),
    ],
  );
  assert.deepEqual(list(time?.bounds).slice(0, 1), ['2026-01-01 00:30:00.250+00']);
  assert.deepEqual([list(day?.commonValues), list(day?.bounds)], [['2026-01-03'], ['2026-01-01', '2026-01-06']]);
});

test('texts become names, the same in every column, except what the schema tells', () => {
  const [first, second, short] = replaced(
    [column('a', 'text'), column('b', 'character varying(20)'), column('c', 'character varying(1)')],
    [known('a', ['Jane', 'open'], ['Ann', 'Bob "B"']), known('b', ['Jane'], []), known('c', ['x'], [])],
    `CHECK (a = ANY (ARRAY['open'::text, 'closed'::text]))`,
  );
  assert.deepEqual(list(first?.commonValues), [...list(second?.commonValues), 'open']);
  assert.ok([...list(first?.bounds), ...list(second?.commonValues)].every((one) => /^v\w+$/.test(one)));
  assert.deepEqual(list(first?.bounds), list(first?.bounds).toSorted());
  assert.deepEqual([short?.commonValues, short?.commonFrequencies, short?.distinct], [null, null, -1]);
});

test('of what can not be replaced nothing is left', () => {
  const [document, infinite, label] = replaced(
    [column('d', 'jsonb', 'U'), column('i', 'timestamp without time zone', 'D'), column('e', 'state', 'E')],
    [known('d', ['{"name": "Jane"}'], []), known('i', ['infinity'], ['2026-01-01 00:00:00']), known('e', ['open'], [])],
  );
  assert.deepEqual([document?.commonValues, infinite?.commonValues, infinite?.bounds], [null, null, null]);
  assert.deepEqual(list(label?.commonValues), ['open']);
});

test('words keep their frequencies, in the order of their new names', () => {
  const words = {
    ...known('s', [], []),
    commonElements: '{zoo,ant,bee}',
    commonElementFrequencies: [0.3, 0.1, 0.2, 0.1, 0.3],
  };
  const [one] = replaced([column('s', 'tsvector', 'U')], [words]);
  const names = list(one?.commonElements);
  assert.deepEqual([names, one?.commonElementFrequencies], [names.toSorted(), [0.1, 0.2, 0.3, 0.1, 0.3]]);
  assert.ok(names.every((name) => name.startsWith('v')));
});
