import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SettingValues } from '../contract/configuration.ts';
import { InstanceConfig } from './instance-config.ts';
import { type ConfigOrder, LastGood, stateDirectory, withoutOverride } from './last-good.ts';

function orderOf(version: number, fleet: SettingValues): ConfigOrder {
  return { version, revision: `r${version}`, layers: { preset: {}, file: {}, fleet, instance: {} } };
}

test('an instance runs one version whole, and keeps the one before when a consumer refuses', () => {
  const kept: number[] = [];
  const config = new InstanceConfig({
    environment: { 'monitoring.maxRoutes': 30 },
    safeMode: false,
    initial: null,
    keep: ({ version }) => kept.push(version),
  });
  assert.equal(config.settings.current.monitoring.maxRoutes, 30);
  config.settings.use({
    name: 'picky',
    apply: ({ monitoring }) => {
      if (monitoring.maxTenants === 13) throw new Error('thirteen');
    },
  });
  config.take(orderOf(1, { 'monitoring.maxRoutes': 40, 'monitoring.maxTenants': 20 }));
  const first = config.settings.current;
  assert.deepEqual([first.monitoring.maxRoutes, first.monitoring.maxTenants], [40, 20]);
  config.take(orderOf(2, { 'monitoring.maxRoutes': 50, 'monitoring.maxTenants': 13 }));
  assert.equal(config.settings.current, first);
  assert.equal(config.state.version, 1);
  assert.match(config.state.error ?? '', /^Version 2 is not in force here: picky refused the change: thirteen\./);
  config.take(orderOf(3, { 'monitoring.maxRoutes': 50 }));
  assert.deepEqual([config.state.version, config.state.error], [3, null]);
  assert.deepEqual(kept, [1, 3]);
});

test('a dry run changes nothing, and counts no value that could not be used before', () => {
  const config = new InstanceConfig({ environment: {}, safeMode: false, initial: null });
  config.settings.use({
    name: 'picky',
    apply: () => {},
    check: ({ monitoring }) => (monitoring.maxTenants === 13 ? 'thirteen' : null),
  });
  config.take(orderOf(1, { 'monitoring.maxRoutes': 5 }));
  const before = config.settings.current;
  const asked = (fleet: SettingValues): string | null => config.check(orderOf(2, fleet).layers).refusal;
  assert.equal(asked({ 'monitoring.maxRoutes': 5, 'monitoring.maxTenants': 20 }), null);
  assert.match(asked({ 'monitoring.maxRoutes': 6 }) ?? '', /maxRoutes is 6; it must be from 10/);
  assert.equal(asked({ 'monitoring.maxTenants': 13 }), 'picky would refuse the change: thirteen.');
  assert.equal(config.settings.current, before);
});

test('in safe mode versions are taken and have no effect', () => {
  const config = new InstanceConfig({ environment: {}, safeMode: true, initial: null });
  config.take(orderOf(1, { 'monitoring.maxRoutes': 40 }));
  assert.equal(config.settings.current.monitoring.maxRoutes, 1_000);
  assert.deepEqual([config.state.version, config.state.safeMode], [1, true]);
});

test('the last good version is on the disk whole, and a start without anybody to ask goes by it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'last-good-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const trouble: unknown[] = [];
  const disk = (): LastGood => new LastGood(join(folder, 'state'), 'agent orders', (error) => trouble.push(error));
  const first = disk();
  assert.equal(first.read(), null);
  for (let version = 1; version <= 50; version++)
    first.keep(orderOf(version, { 'monitoring.maxRoutes': 100 + version }));
  await first.settled();
  assert.equal(disk().read()?.version, 50);
  const started = new InstanceConfig({ environment: {}, safeMode: false, initial: disk().read() });
  assert.equal(started.settings.current.monitoring.maxRoutes, 150);
  assert.equal(started.state.version, 50);
  const [name = ''] = readdirSync(join(folder, 'state'));
  for (const broken of [
    '',
    '{"version": 1',
    '[]',
    '{"version":"1","revision":"r","layers":{}}',
    'x'.repeat(2_000_000),
  ]) {
    writeFileSync(join(folder, 'state', name), broken);
    assert.equal(disk().read(), null);
  }
  const last = disk();
  last.keep(orderOf(0, {}));
  await last.settled();
  assert.deepEqual(readdirSync(join(folder, 'state')), []);
  assert.deepEqual(trouble, []);
});

test('a process without a name of its own keeps nothing of another one', () => {
  const order = orderOf(7, { 'monitoring.maxRoutes': 40 });
  assert.equal(withoutOverride(order), order);
  const instance = { 'monitoring.maxRoutes': 50 };
  const kept = withoutOverride({ ...order, layers: { ...order.layers, instance } });
  assert.deepEqual(kept, { ...order, revision: '' });
});

test('where nothing can be written the autopilot goes on without', async () => {
  const trouble: unknown[] = [];
  const disk = new LastGood('/dev/null/state', 'agent', (error) => trouble.push(error));
  disk.keep(orderOf(1, { 'monitoring.maxRoutes': 40 }));
  await disk.settled();
  assert.equal(trouble.length, 1);
  assert.equal(stateDirectory({ AUTOPILOT_STATE_DIR: '/var/lib/x' }), '/var/lib/x');
  assert.equal(stateDirectory({ XDG_STATE_HOME: '/s' }), '/s/teamflow-autopilot');
});
