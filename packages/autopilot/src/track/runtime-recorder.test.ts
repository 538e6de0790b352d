import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockFor } from '../../../../test/support/block-for.ts';
import { settingsOf } from '../config/registry.ts';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from './loop-delay.ts';
import type { Observation } from './observation.ts';
import { PageCounts } from './page-counts.ts';
import { RuntimeRecorder } from './runtime-recorder.ts';

const counts = new PageCounts({ current: settingsOf() });

test('a blocked loop shows as one delay of its length, and as utilization since the last sample', async () => {
  const seen: Observation[] = [];
  const recorder = new RuntimeRecorder({
    clock: systemClock,
    loopDelay: new LoopDelay(systemClock),
    activeRequests: () => 7,
    pages: () => counts.take(),
  });
  using _attached = recorder.attach({ record: (observation) => seen.push(observation) });
  await sleep(60);
  blockFor(400);
  await sleep(1_100);
  const delays = seen.flatMap((one) => (one.kind === 'event-loop-delay' ? [one.delayMs] : []));
  const longest = Math.max(...delays);
  assert.ok(longest > 370 && longest < 600, `${longest} ms`);
  assert.ok(delays.length > 20);
  const samples = seen.filter((one) => one.kind === 'process');
  assert.ok(samples.length >= 1 && samples.length <= 2);
  assert.ok(samples.every((one) => one.eventLoopUtilization >= 0 && one.eventLoopUtilization <= 1));
  assert.ok(samples.some((one) => one.cpuUserMs > 0 && one.rssBytes > 1e6 && one.heapLimitBytes > one.heapUsedBytes));
  assert.ok(samples.every((one) => one.activeRequests === 7));
});

test('pauses by garbage collection are seen; after disposing nothing is', async () => {
  const seen: Observation[] = [];
  const recorder = new RuntimeRecorder({
    clock: systemClock,
    loopDelay: new LoopDelay(systemClock),
    activeRequests: () => 0,
    pages: () => counts.take(),
  });
  const attached = recorder.attach({ record: (observation) => seen.push(observation) });
  let garbage: unknown[] = [];
  for (let i = 0; i < 200 && !seen.some((one) => one.kind === 'gc'); i++) {
    for (let j = 0; j < 20_000; j++) garbage.push({ i, j });
    if (i % 10 === 0) garbage = [];
    await sleep(1);
  }
  assert.ok(seen.some((one) => one.kind === 'gc' && one.pauseMs > 0));
  attached[Symbol.dispose]();
  await sleep(20);
  const count = seen.length;
  await sleep(60);
  assert.equal(seen.length, count);
});
