import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDatabaseHistory } from '../storage/memory/memory-database-history.ts';
import { planChanges } from './plan-watch.ts';

const DAY_MS = 86_400_000;

test('a plan that took the place of another is a change for a week, a single one is none', async () => {
  const history = new MemoryDatabaseHistory();
  const keep = (at: number, queryId: string, fingerprint: string, cost: number): Promise<void> =>
    history.keepPlan('main', at, { queryId, fingerprint, cost, steps: [] });
  await keep(0, 'steady', 'a', 5);
  await keep(1_000, 'steady', 'a', 6);
  await keep(0, 'changed', 'index', 8);
  await keep(1_000, 'changed', 'index', 9);
  await keep(2_000, 'changed', 'scan', 4_000);
  await keep(3_000, 'changed', 'scan', 4_100);
  const plans = await history.plans('main', null);
  const changes = planChanges(plans, 4_000);
  assert.deepEqual([...changes], [['changed', { at: new Date(2_000).toISOString(), costBefore: 9, cost: 4_100 }]]);
  assert.deepEqual([...planChanges(plans, 8 * DAY_MS)], []);
});
