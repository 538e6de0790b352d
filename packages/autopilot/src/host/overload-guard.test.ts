import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockFor } from '../../../../test/support/block-for.ts';
import { settingsOf } from '../config/registry.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { systemClock } from '../kernel/clock.ts';
import { LOOP_DELAY_EVERY_MS, LoopDelay, type LoopDelayListener } from '../track/loop-delay.ts';
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
  // In one turn of the loop: the first is let in, and takes long.
  assert.equal(guard.check(systemClock.monotonicMs(), false), null);
  blockFor(LIMIT_MS * 2);
  return { found: guard.check(systemClock.monotonicMs(), false), told };
}

test('a request that arrives when the loop has been late for long is turned away, and the log says why', async (t) => {
  const { found, told } = await whileLate(t, { 'overload.startGraceMs': 0, 'overload.minRequests': 1 });
  assert.equal(found?.resource, 'event loop');
  assert.match(found.reason, /: the event loop was \d+ ms late; the limit is 50 ms\.$/);
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

/** A loop whose turns take what is let in `cost` times: once when it comes, the rest in later turns. */
async function loopUnder(t: TestContext, cost: number, arrivingMs: readonly number[]): Promise<Turn[]> {
  let atMs = 0;
  let tick: LoopDelayListener = () => {};
  const guard = new OverloadGuard({
    clock: { monotonicMs: () => atMs, now: () => atMs },
    loopDelay: {
      follow: (listener) => {
        tick = listener;
        return { [Symbol.dispose]: () => {} };
      },
    },
    settings: {
      current: settingsOf({ 'overload.eventLoopDelayMs': 100, 'overload.startGraceMs': 0, 'overload.minRequests': 1 }),
    },
    poolWaitMs: () => 0,
    busiest: () => null,
    onChange: () => {},
  });
  t.after(() => guard[Symbol.dispose]());
  const turns: Turn[] = [];
  let laterMs = 0;
  for (const arriving of arrivingMs) {
    const beganAtMs = atMs;
    atMs += laterMs;
    let letIn = 0;
    for (let request = 0; request < arriving; request++) {
      if (guard.check(atMs, false) !== null) continue;
      letIn++;
      atMs++;
    }
    laterMs = letIn * (cost - 1);
    const tookMs = atMs - beganAtMs;
    atMs = Math.max(atMs, beganAtMs + LOOP_DELAY_EVERY_MS);
    tick(atMs, Math.max(0, tookMs - LOOP_DELAY_EVERY_MS));
    turns.push({ tookMs, arriving, letIn });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return turns;
}

interface Turn {
  readonly tookMs: number;
  readonly arriving: number;
  readonly letIn: number;
}

for (const cost of [1, 2, 8]) {
  test(`turns are kept short where what is let in takes ${cost} times as long as its first part, then all are let in again`, async (t) => {
    const crowd = Array<number>(200).fill(300);
    const turns = await loopUnder(t, cost, [...crowd, ...Array<number>(120).fill(2)]);
    const regulated = turns.slice(50, crowd.length);
    const meanMs = regulated.reduce((sum, { tookMs }) => sum + tookMs, 0) / regulated.length;
    // The target is 20 + 100 / 4 ms.
    assert.ok(meanMs > 25 && meanMs < 60, `${meanMs} ms a turn`);
    assert.ok(regulated.every(({ letIn }) => letIn > 0));
    assert.ok(turns.slice(-10).every(({ letIn, arriving }) => letIn === arriving));
  });
}

test('switched off it turns nobody away', async (t) => {
  const values = { 'overload.enabled': false, 'overload.startGraceMs': 0, 'overload.minRequests': 1 };
  assert.equal((await whileLate(t, values)).found, null);
});
