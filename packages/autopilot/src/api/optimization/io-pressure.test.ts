import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../kernel/clock.ts';
import { IoPressure } from './io-pressure.ts';

test('the share of the last half hour that something waited for disks, of what the system has counted', async () => {
  const clock = new FakeClock(0);
  let totalUs = 5_000_000;
  const text = (): string =>
    `some avg10=0.75 avg60=0.52 avg300=0.54 total=${totalUs}\nfull avg10=0.48 avg60=0.34 avg300=0.30 total=1\n`;
  const pressure = new IoPressure(clock, () => Promise.resolve(text()));
  const pass = async (minutes: number, ratio: number): Promise<void> => {
    for (let half = 0; half < 2 * minutes; half++) {
      clock.advance(30_000);
      totalUs += ratio * 30_000_000;
      await pressure.sample();
    }
  };
  await pressure.sample();
  assert.equal(pressure.ratio, null, 'too short to tell');
  await pass(10, 0.9);
  assert.ok(Math.abs((pressure.ratio ?? 0) - 0.9) < 1e-9);
  await pass(40, 0.1);
  assert.ok(Math.abs((pressure.ratio ?? 0) - 0.1) < 1e-9, 'what is longer ago is forgotten');
});

test('where the system does not tell, nothing is known', async () => {
  const pressure = new IoPressure(new FakeClock(0), () => Promise.reject(new Error('ENOENT')));
  await pressure.sample();
  assert.equal(pressure.ratio, null);
});
