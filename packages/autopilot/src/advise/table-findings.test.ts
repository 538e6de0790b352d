import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatabaseTable } from '../contract/database.ts';
import { tableFindings } from './table-findings.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');

/** A table that there is nothing to say about. */
const sound: DatabaseTable = {
  schema: 'public',
  table: 'task',
  kind: 'table',
  partitionOf: null,
  totalBytes: 1e9,
  tableBytes: 8e8,
  indexBytes: 2e8,
  toastBytes: 0,
  liveRows: 1e6,
  deadRows: 1_000,
  deadRatio: 0.001,
  sequentialScans: 10,
  sequentialRowsRead: 1e7,
  indexScans: 1e6,
  rowsInserted: 1e6,
  rowsUpdated: 1e5,
  rowsDeleted: 0,
  hotRatio: 0.9,
  changedSinceAnalyze: 100,
  insertedSinceVacuum: 100,
  cacheHitRatio: 0.999,
  lastVacuumAt: null,
  lastAutovacuumAt: '2026-01-01T00:00:00Z',
  lastAnalyzeAt: null,
  lastAutoanalyzeAt: '2026-01-01T00:00:00Z',
  vacuums: 0,
  autovacuums: 5,
  bloat: { bytes: 1e6, ratio: 0.01, method: 'estimate' },
  autovacuum: {
    enabled: true,
    vacuumThreshold: 2e5,
    analyzeThreshold: 1e5,
    insertThreshold: null,
    vacuumProgress: 0.01,
    analyzeProgress: 0.01,
    vacuumDueAt: null,
  },
  transactionAge: 1e6,
  multixactAge: 0,
  growthBytesPerDay: null,
  hasPrimaryKey: true,
  options: [],
  findings: [],
};

const kindsOf = (more: Partial<DatabaseTable>): readonly string[] =>
  tableFindings({ ...sound, ...more }, NOW).map(({ kind }) => kind);

test('a sound table gets no complaint', () => {
  assert.deepEqual(kindsOf({}), []);
});

test('what a test database can not be brought to in a moment is named by its numbers, and not before', () => {
  assert.deepEqual(kindsOf({ transactionAge: 5e8 }), ['wraparound']);
  assert.deepEqual(kindsOf({ transactionAge: 3e8 }), []);
  assert.deepEqual(kindsOf({ cacheHitRatio: 0.5 }), ['cache-misses']);
  assert.deepEqual(kindsOf({ cacheHitRatio: 0.5, totalBytes: 9e7 }), [], 'a small table is read quickly');
});
