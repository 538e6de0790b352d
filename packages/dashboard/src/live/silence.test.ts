import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dashboard, InstanceStatus } from '@teamflow/autopilot/contract';
import { pageTitle } from './page-title.ts';
import { silenceOf } from './silence.ts';

const instance = (name: string, state: InstanceStatus['state'], second: number): InstanceStatus => ({
  service: 'orders',
  instance: name,
  release: '1.0.0',
  state,
  startedAt: '2026-01-01T00:00:00.000Z',
  lastSeenAt: `2026-01-01T00:00:0${second}.000Z`,
  silentMs: 0,
  historyTrouble: null,
});

// Only what is read here of a whole document.
const dashboard = (...instances: InstanceStatus[]): Dashboard => {
  const part: unknown = { service: 'orders', instances, health: { score: 99.6, status: 'healthy' } };
  return part as Dashboard;
};

test('silence begins with the last word of the last one that spoke', () => {
  const both = dashboard(instance('a', 'stalled', 3), instance('b', 'gone', 5));
  assert.equal(silenceOf(both, null), Date.parse('2026-01-01T00:00:05.000Z'));
  assert.equal(silenceOf(both, 'a'), Date.parse('2026-01-01T00:00:03.000Z'));
});

test('there is no silence while one answers, or none is known', () => {
  assert.equal(silenceOf(dashboard(instance('a', 'stalled', 3), instance('b', 'live', 5)), null), null);
  assert.equal(silenceOf(dashboard(), null), null);
  assert.equal(silenceOf(undefined, null), null);
});

test('the title says what is wrong first, and shows a score only while it is live', () => {
  const healthy = dashboard(instance('a', 'live', 3));
  assert.equal(pageTitle(healthy, { state: 'live' }), '99 healthy · orders – Autopilot');
  assert.match(
    pageTitle(healthy, { state: 'stale', since: 0, failure: null, isOpen: false }),
    /^Stale since \d\d:\d\d:\d\d · orders – Autopilot$/,
  );
  assert.equal(pageTitle(dashboard(instance('a', 'stalled', 3)), { state: 'live' }), '1 stalled · orders – Autopilot');
  assert.equal(pageTitle(undefined, { state: 'connecting' }), 'Autopilot');
});
