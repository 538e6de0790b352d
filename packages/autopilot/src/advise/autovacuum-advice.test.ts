import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatabaseTable } from '../contract/database.ts';
import { autovacuumAdvice } from './autovacuum-advice.ts';
import { maintenanceDue } from './maintenance-due.ts';

function table(more: Partial<DatabaseTable> = {}, vacuumThreshold = 200_050): DatabaseTable {
  const base = {
    schema: 'public',
    table: 'tasks',
    kind: 'table',
    liveRows: 1_000_000,
    deadRows: 0,
    changedSinceAnalyze: 0,
    transactionAge: 100,
    autovacuum: {
      enabled: true,
      vacuumThreshold,
      analyzeThreshold: 100_050,
      insertThreshold: 201_000,
      vacuumProgress: 0,
      analyzeProgress: 0,
      vacuumDueAt: null,
    },
  };
  // What is not read here is not made.
  return { ...base, ...more } as DatabaseTable;
}

test('a busy table is vacuumed before a twentieth of it is dead, at most every ten minutes', () => {
  const busy = autovacuumAdvice(table(), { deadRowsPerDay: 400_000, insertedRowsPerDay: 0 });
  assert.deepEqual([busy?.option, busy?.value], ['autovacuum_vacuum_scale_factor', 0.05]);
  assert.ok(busy !== null && busy.vacuumsPerDay > 7.9 && busy.vacuumsPerDay < 8.1 && busy.vacuumsPerDayNow < 2.1);
  assert.equal(busy.sql, 'ALTER TABLE "public"."tasks" SET (autovacuum_vacuum_scale_factor = 0.05);');
  const churned = autovacuumAdvice(table(), { deadRowsPerDay: 14_400_000, insertedRowsPerDay: 0 });
  assert.equal(churned?.value, 0.1);
});

test('calm, small and well set tables are left alone', () => {
  const calm = { deadRowsPerDay: 100, insertedRowsPerDay: 0 };
  assert.equal(autovacuumAdvice(table(), calm), null);
  assert.equal(autovacuumAdvice(table({ liveRows: 5_000 }), { ...calm, deadRowsPerDay: 9e6 }), null);
  assert.equal(autovacuumAdvice(table({}, 50_050), { ...calm, deadRowsPerDay: 9e5 }), null);
});

test('a table that only grows is visited once a week', () => {
  const advice = autovacuumAdvice(table(), { deadRowsPerDay: 0, insertedRowsPerDay: 5_000 });
  assert.deepEqual([advice?.option, advice?.value], ['autovacuum_vacuum_insert_scale_factor', 0.035]);
});

test('what is due is named with its reason, and nothing else', () => {
  assert.equal(maintenanceDue(table(), 0.05), null);
  assert.equal(maintenanceDue(table({ deadRows: 60_000 }), 0.05)?.operation, 'vacuum');
  assert.equal(maintenanceDue(table({ liveRows: 1_000, deadRows: 900 }), 0.05), null, 'too few to matter');
  assert.equal(maintenanceDue(table({ changedSinceAnalyze: 200_000 }), 0.05)?.sql, 'ANALYZE "public"."tasks";');
  assert.match(maintenanceDue(table({ transactionAge: 5e8 }), 0.05)?.reason ?? '', /frozen 500,000,000/);
});
