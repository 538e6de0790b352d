import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockFor } from '../../../../test/support/block-for.ts';
import { settingsOf } from '../config/registry.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import { type Overload, OverloadGuard } from './overload-guard.ts';

const LIMIT_MS = 50;

/** Makes the loop late over and over; answers what the guard says to a request that arrives while it is. */
async function whileLate(t: TestContext, values: SettingValues): Promise<{ found: Overload | null; told: string[] }> {
  const told: string[] = [];
  const loopDelay = new LoopDelay(systemClock);
  const guard = new OverloadGuard({
    clock: systemClock,
    loopDelay,
    settings: { current: settingsOf({ 'overload.eventLoopDelayMs': LIMIT_MS, ...values }) },
    poolWaitMs: () => 0,
    busiest: () => ({ route: 'GET /slow', share: 0.8 }),
    onChange: (message) => told.push(message),
  });
  t.after(() => guard[Symbol.dispose]());
  await sleep(30);
  for (let i = 0; i < 4; i++) {
    blockFor(LIMIT_MS * 3);
    await sleep(0);
  }
  blockFor(LIMIT_MS * 2);
  return { found: guard.check(systemClock.monotonicMs(), false), told };
}

test('a request that arrives when the loop has been late for long is turned away, and the log says why', async (t) => {
  const { found, told } = await whileLate(t, { 'overload.startGraceMs': 0, 'overload.minRequests': 1 });
  assert.equal(found?.resource, 'event loop');
  assert.match(found.reason, /^The event loop is \d+ ms late; the limit is 50 ms\.$/);
  assert.match(told.join(), /GET \/slow takes 80 % of the loop's time/);
});

test('few requests are let in: it is not they who make the loop late', async (t) => {
  const { found } = await whileLate(t, { 'overload.startGraceMs': 0, 'overload.minRequests': 30 });
  assert.equal(found, null);
});

test('an application that starts is let be late', async (t) => {
  const { found, told } = await whileLate(t, { 'overload.minRequests': 1 });
  assert.equal(found, null);
  assert.deepEqual(told, []);
});

test('switched off it turns nobody away', async (t) => {
  const values = { 'overload.enabled': false, 'overload.startGraceMs': 0, 'overload.minRequests': 1 };
  assert.equal((await whileLate(t, values)).found, null);
});
