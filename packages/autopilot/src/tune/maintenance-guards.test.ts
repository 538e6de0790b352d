import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maintenanceGuard, maintenanceRefusal } from './maintenance-guards.ts';

const at = (time: string): number => Date.parse(`2026-03-01T${time}:00Z`);
const calm = { protectedWindows: [] as readonly string[], maxActive: 4 };

test('nothing begins within a protected window, also one over midnight, or one that can not be read', () => {
  const refused = (window: string, time: string): boolean =>
    maintenanceRefusal({ ...calm, protectedWindows: [window] }, at(time), 0) !== null;
  assert.deepEqual([refused('08:00-18:00', '07:59'), refused('08:00-18:00', '08:00')], [false, true]);
  assert.deepEqual([refused('08:00-18:00', '17:59'), refused('08:00-18:00', '18:00')], [true, false]);
  assert.deepEqual([refused('22:00-02:00', '23:30'), refused('22:00-02:00', '01:59')], [true, true]);
  assert.deepEqual([refused('22:00-02:00', '12:00'), refused('office', '12:00')], [false, true]);
});

test('nothing begins while more is at work than may be; what is not known is not held against it', () => {
  assert.match(maintenanceRefusal(calm, at('12:00'), 5) ?? '', /^load: 5 connections/);
  assert.equal(maintenanceRefusal(calm, at('12:00'), 4), null);
  assert.equal(maintenanceRefusal(calm, at('12:00'), null), null);
});

test('the guard speaks to maintenance alone', async () => {
  const guard = maintenanceGuard(() => Promise.resolve('no'));
  const change = { service: 'orders', subject: 'x', author: 'ann', origin: 'person' } as const;
  assert.deepEqual(await guard.check({ ...change, kind: 'maintenance' }), { ok: false, reason: 'no' });
  assert.deepEqual(await guard.check({ ...change, kind: 'configuration' }), { ok: true });
});
