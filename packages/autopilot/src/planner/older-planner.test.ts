import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorsOfPage } from './older-planner.ts';

test('an element costs a page more than its pages, which is little for one with many', () => {
  // 50 and twice the binary search (6 of 44) for the element, 100 for its page of entries, 25 for half a page of rows; over one and a half pages.
  assert.equal(Math.round(operatorsOfPage({ entries: 44, entryPages: 1, dataPages: 0 })), 125);
  assert.equal(Math.round(operatorsOfPage({ entries: 300, entryPages: 20, dataPages: 4_000 })), 61);
});
