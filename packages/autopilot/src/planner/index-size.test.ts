import assert from 'node:assert/strict';
import { test } from 'node:test';
import { btreeLevel, estimateIndexSize, type IndexSizeFacts } from './index-size.ts';

const integerColumn = {
  averageWidth: 8,
  alignment: 8,
  nullFraction: 0,
  distinct: 1_000_000,
  sharesDuplicates: true,
  included: false,
  elements: null,
};

function facts(change: Partial<IndexSizeFacts>): IndexSizeFacts {
  return { method: 'btree', rows: 1_000_000, tablePages: 10_000, columns: [integerColumn], ...change };
}

test('a B-tree of a million bigints is what PostgreSQL makes: 2,745 pages, two levels', () => {
  const { pages, level } = estimateIndexSize(facts({}));
  assert.ok(Math.abs(pages / 2_745 - 1) < 0.01, String(pages));
  assert.equal(level, 2);
});

test('duplicates share posting lists: a thousand keys over a million rows need under a third', () => {
  const { pages } = estimateIndexSize(facts({ columns: [{ ...integerColumn, distinct: 1_000 }] }));
  assert.ok(Math.abs(pages / 851 - 1) < 0.05, String(pages));
});

test('an included column stands in every entry, so nothing is shared', () => {
  const columns = [
    { ...integerColumn, distinct: 1_000 },
    { ...integerColumn, included: true },
  ];
  const { pages } = estimateIndexSize(facts({ columns }));
  assert.ok(pages > 3_700, String(pages));
});

test('an empty index has a page, and a root on top of one leaf is none', () => {
  assert.equal(estimateIndexSize(facts({ rows: 0 })).pages, 2);
  assert.equal(btreeLevel(1, 16), 0);
  assert.equal(btreeLevel(2, 16), 1);
});

test('BRIN is tiny, hash is for its keys of four bytes', () => {
  assert.ok(estimateIndexSize(facts({ method: 'brin' })).pages < 5);
  const hash = estimateIndexSize(facts({ method: 'hash' })).pages;
  assert.ok(hash > 2_500 && hash < 5_000, String(hash));
});
