import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfBounds, settingsOutOfBounds } from './setting-bounds.ts';

test('values within their bounds may be tried; others, and other names, may not', () => {
  const one = (name: string, value: string | null): string | null => outOfBounds([{ name, value }]);
  for (const [name, value] of [
    ['work_mem', '64MB'],
    ['random_page_cost', '1.1'],
    ['effective_cache_size', '700GB'],
    ['autovacuum_vacuum_scale_factor', '0.05'],
  ] as const) {
    assert.equal(one(name, value), null, name);
  }
  assert.match(one('work_mem', '2GB') ?? '', /work_mem = 2GB is beyond 1MB to 256MB/);
  assert.match(one('random_page_cost', '0.01') ?? '', /beyond 1 to 8/);
  for (const value of ['nonsense', '1e3', '-1', '', null])
    assert.ok(one('random_page_cost', value) !== null, String(value));
  assert.match(one('archive_command', 'rm') ?? '', /nothing that the autopilot sets/);
  assert.equal(settingsOutOfBounds({ 'database.poolMax': 20, 'compression.effort': 'adaptive' }), null);
  assert.match(settingsOutOfBounds({ 'database.poolMax': 1 }) ?? '', /beyond 2 to 100/);
  assert.match(settingsOutOfBounds({ 'monitoring.maxRoutes': 1 }) ?? '', /nothing that the autopilot sets/);
});
