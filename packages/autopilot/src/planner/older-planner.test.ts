import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorsOfPage } from './older-planner.ts';

test('an element costs a page more than its pages, which is little for one with many', () => {
  // 50 for each page; 50 and the binary search (6 of 44) for the element, over one page of entries and half a page of rows.
  assert.equal(Math.round(operatorsOfPage({ entries: 44, entryPages: 1, dataPages: 0 })), 87);
  assert.equal(Math.round(operatorsOfPage({ entries: 300, entryPages: 20, dataPages: 4_000 })), 54);
});
