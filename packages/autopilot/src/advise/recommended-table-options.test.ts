import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatabaseTable, StatementStatistics } from '../contract/database.ts';
import { recommendedTableOptions } from './recommended-table-options.ts';

const autovacuum = { enabled: true, vacuumThreshold: 200_050, analyzeThreshold: 100_050, insertThreshold: 201_000 };
// What is not read is left out.
const table = {
  schema: 'public',
  table: 'task',
  kind: 'table',
  liveRows: 1_000_000,
  autovacuum,
  options: ['autovacuum_vacuum_scale_factor=0.2', 'fillfactor=90'],
} as unknown as DatabaseTable;
const statements = ['SELECT title FROM task', 'SELECT 1 FROM taskers'].map(
  (text, at) => ({ queryId: String(at), text, calls: 1, totalMs: 1, meanMs: 1 }) as StatementStatistics,
);
const seen = { statements, countedMs: 3_600_000 };

test('a table for which autovacuum comes too late gets a parameter of its own; its former one takes it back', () => {
  const churn = { deadRowsPerDay: 500_000, insertedRowsPerDay: 0 };
  const [one] = recommendedTableOptions('main', [table], () => churn, seen);
  assert.deepEqual(one?.recommendation.change, [
    'ALTER TABLE "public"."task" SET (autovacuum_vacuum_scale_factor = 0.05);',
  ]);
  assert.deepEqual(one.recommendation.undo, ['ALTER TABLE "public"."task" SET (autovacuum_vacuum_scale_factor=0.2);']);
  assert.deepEqual([Object.keys(one.affected), one.controls, one.aim], [['0'], ['1'], 'no harm']);
  assert.match(one.recommendation.evidence.join(), /10 times a day instead of 2.5 times a day/);
  assert.ok(one.recommendation.automatic);
});

test('tables that are well kept, or not known yet, are left with that reason', () => {
  const calm = { deadRowsPerDay: 10, insertedRowsPerDay: 10 };
  const reason = (churn: typeof calm | null): string =>
    recommendedTableOptions('main', [table], () => churn, seen)[0]?.recommendation.reason ?? '';
  assert.match(reason(calm), /comes to each of 1 tables as often as it should/);
  assert.match(reason(null), /not known yet/);
});
