import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableHour } from '../storage/database-history.ts';
import { tableTrend } from './table-trend.ts';

function hour(at: number, more: Partial<TableHour>): TableHour {
  const zero = { liveRows: 0, deadRows: 0, inserted: 0, updated: 0, deleted: 0, hotUpdated: 0, vacuums: 0 };
  return { relation: 'public.tasks', at: at * 3_600_000, totalBytes: null, ...zero, ...more };
}

test('growth and churn are told by the day, through a reset of the counters', () => {
  const hours = [0, 1, 2, 3].map((at) =>
    hour(at, { totalBytes: 1_000 * at, updated: at === 3 ? 10 : 100 * (at + 1), hotUpdated: 0, inserted: 10 * at }),
  );
  const { growthBytesPerDay, deadRowsPerDay, insertedRowsPerDay } = tableTrend(hours);
  assert.equal(growthBytesPerDay, 24_000);
  assert.equal(deadRowsPerDay, (100 + 100 + 10) * 8);
  assert.equal(insertedRowsPerDay, 240);
});

test('under an hour nothing is told', () => {
  assert.equal(tableTrend([hour(0, { totalBytes: 5 })]).growthBytesPerDay, null);
  assert.equal(tableTrend([]).deadRowsPerDay, null);
});
