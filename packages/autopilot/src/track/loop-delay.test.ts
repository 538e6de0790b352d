import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from './loop-delay.ts';

test('all who follow are told the same, each until it is disposed', async () => {
  const delay = new LoopDelay(systemClock);
  const [first, second]: [number[], number[]] = [[], []];
  const one = delay.follow((_atMs, delayMs) => first.push(delayMs));
  const other = delay.follow((_atMs, delayMs) => second.push(delayMs));
  while (second.length < 3) await sleep(5);
  assert.deepEqual(first, second);
  one[Symbol.dispose]();
  const told = first.length;
  while (second.length < told + 2) await sleep(5);
  assert.equal(first.length, told);
  other[Symbol.dispose]();
  other[Symbol.dispose]();
  const last = second.length;
  await sleep(60);
  assert.equal(second.length, last);
  using _again = delay.follow((_atMs, delayMs) => first.push(delayMs));
  while (first.length === told) await sleep(5);
  assert.ok(first.every((delayMs) => delayMs >= 0));
});

test('who stops following while it is told is told no more', async () => {
  const delay = new LoopDelay(systemClock);
  let told = 0;
  const following = delay.follow(() => {
    told++;
    following[Symbol.dispose]();
  });
  while (told === 0) await sleep(5);
  await sleep(60);
  assert.equal(told, 1);
});
