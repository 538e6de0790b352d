import { setTimeout as sleep } from 'node:timers/promises';
import { keepNextTickFast } from '../../packages/autopilot/src/track/next-tick.ts';

/**
 * A process that has been idle: some ticks, then full collections while none waits, eight times over. With `kept` as its
 * first argument it did what the autopilot does first. Prints the least time of a process.nextTick, in ns.
 */

const TICKS = 20_000;
const BATCHES = 20;

if (process.argv[2] === 'kept') keepNextTickFast();
const { gc } = globalThis;
if (gc === undefined) throw new Error('Run with --expose-gc.');
const nothing = (): void => {};
for (let idle = 0; idle < 8; idle++) {
  for (let call = 0; call < 50; call++) process.nextTick(nothing);
  await sleep(5);
  for (let collection = 0; collection < 4; collection++) {
    gc();
    await sleep(2);
  }
}
let leastMs = Number.POSITIVE_INFINITY;
for (let batch = 0; batch < BATCHES; batch++) {
  await new Promise<void>((done) => {
    setImmediate(() => {
      const began = performance.now();
      for (let call = 0; call < TICKS; call++) process.nextTick(nothing);
      leastMs = Math.min(leastMs, performance.now() - began);
      done();
    });
  });
}
process.stdout.write(String((leastMs * 1e6) / TICKS));
