import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ginElements, ginShape, pagesOf } from './gin-size.ts';
import type { ColumnStatistics } from './target-statistics.ts';

const statistics = (change: Partial<ColumnStatistics>): ColumnStatistics => ({
  schema: 'public',
  relation: 't',
  column: 'c',
  inherited: false,
  nullFraction: 0,
  averageWidth: 40,
  distinct: 4,
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
  ...change,
});

test('documents are read for their keys and values, or for their paths, as often as they are there', () => {
  const documents = statistics({
    nullFraction: 0.25,
    commonValues: String.raw`{"{\"a\": 1, \"b\": [\"x\"]}","{\"a\": 2}"}`,
    commonFrequencies: [0.5, 0.25],
  });
  const { shares, others } = ginElements('jsonb', documents, 40, 1_000);
  // The keys a and b, the values 1, x and 2, and the rows without a document.
  assert.deepEqual(
    shares.toSorted((a, b) => a - b),
    [0.25, 0.25, 0.5, 0.5, 0.5, 0.75],
  );
  assert.equal(others.eachRow, 0);
  assert.deepEqual(
    ginElements('jsonb', documents, 40, 1_000, true).shares.toSorted((a, b) => a - b),
    [0.25, 0.25, 0.5, 0.5],
  );
});

test('what only one document of many has stands for more of its kind', () => {
  const bounds = `{${Array.from({ length: 100 }, (_, at) => String.raw`"{\"id\": ${at}}"`).join(',')}}`;
  const { shares, others } = ginElements('jsonb', statistics({ bounds, distinct: -1 }), 40, 50_000);
  assert.deepEqual(
    shares.map((share) => share.toFixed(6)),
    ['1.000000'],
  );
  assert.deepEqual([others.eachRow.toFixed(6), others.atLeast], ['1.000000', 50_000]);
  assert.equal(ginShape(50_000, 500, [{ shares, others, width: 4 }]).entries, 50_001);
});

test('of words and members the common ones are known, and how many there are in all', () => {
  const words = statistics({
    commonElements: '{all,one}',
    commonElementFrequencies: [1, 0.5, 0.5, 1, 0],
    elementCounts: [1, 2, 2],
  });
  const { shares, others } = ginElements('text[]', words, 40, 1_000);
  assert.deepEqual(shares, [1, 0.5]);
  assert.deepEqual(others, { eachRow: 0.5, atLeast: 1 });
});

test('a long list of rows has pages of its own, and an index of a known length is as long as that', () => {
  const few = { shares: Array.from({ length: 44 }, () => 0.05), others: { eachRow: 0, atLeast: 0 }, width: 4 };
  const short = ginShape(1_000, 20, [few]);
  assert.deepEqual([short.entries, short.entryPages, short.dataPages], [44, 1, 0]);
  const long = ginShape(1_000_000, 20_000, [few]);
  assert.equal(long.entryPages, 1);
  assert.ok(long.dataPages >= 44 * 10, String(long.dataPages));
  assert.equal(pagesOf(ginShape(1_000_000, 20_000, [few], 700)), 700);
  const unknown = { shares: [], others: { eachRow: 10, atLeast: 100 }, width: 8 };
  const [small, large] = [3_000, 12_000].map((pages) => ginShape(1_000_000, 20_000, [unknown], pages));
  assert.ok(small && large && small.entries < large.entries);
  assert.deepEqual([pagesOf(small), pagesOf(large)], [3_000, 12_000]);
});
