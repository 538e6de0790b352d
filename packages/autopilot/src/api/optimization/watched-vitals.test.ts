import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessVitals } from '../../contract/process-vitals.ts';
import { FakeClock } from '../../kernel/clock.ts';
import { WatchedVitals } from './watched-vitals.ts';

const origin = (instance: string): { service: string; instance: string; release: string } => ({
  service: 'orders',
  instance,
  release: '1',
});
const said = (more: Partial<ProcessVitals> = {}): ProcessVitals => ({
  elapsedMs: 200,
  cpuMs: 20,
  eventLoopDelayMs: 1,
  rssBytes: 100,
  databaseConnections: 2,
  ...more,
});

test('a service is watched as long as one of its tests runs', () => {
  const changes: string[] = [];
  const vitals = new WatchedVitals(new FakeClock(), (service) => {
    changes.push(`${service} ${vitals.isWatched(service)}`);
  });
  vitals.hear(origin('a'), said());
  assert.equal(vitals.of('orders', ['a']), null, 'nobody watches');
  const one = vitals.watch('orders');
  const other = vitals.watch('orders');
  vitals.hear(origin('a'), said());
  one[Symbol.dispose]();
  assert.equal(vitals.of('orders', ['a'])?.rssBytes, 100);
  other[Symbol.dispose]();
  assert.equal(vitals.of('orders', ['a']), null);
  assert.deepEqual(changes, ['orders true', 'orders false']);
});

test('processors and connections add up, memory and delay are those of the worst', () => {
  const clock = new FakeClock();
  const vitals = new WatchedVitals(clock, () => undefined);
  vitals.watch('orders');
  vitals.hear(origin('a'), said({ cpuMs: 200 }));
  assert.equal(vitals.of('orders', ['a', 'b']), null, 'an agent of an older release never says anything');
  clock.advance(200);
  vitals.hear(origin('a'), said({ cpuMs: 100, eventLoopDelayMs: 30 }));
  vitals.hear(origin('b'), said({ cpuMs: 40, rssBytes: 300, databaseConnections: null }));
  assert.deepEqual(vitals.of('orders', ['a', 'b']), {
    cpuCores: 300 / 400 + 40 / 200,
    eventLoopDelayMs: 30,
    rssBytes: 300,
    databaseConnections: 2,
  });
  clock.advance(1100);
  vitals.hear(origin('a'), said({ cpuMs: 0, rssBytes: 90, databaseConnections: 0 }));
  assert.deepEqual(vitals.of('orders', ['a']), {
    cpuCores: 0,
    eventLoopDelayMs: 1,
    rssBytes: 90,
    databaseConnections: 0,
  });
});

test('one that says nothing is delayed', () => {
  const clock = new FakeClock();
  const vitals = new WatchedVitals(clock, () => undefined);
  vitals.watch('orders');
  vitals.hear(origin('a'), said());
  clock.advance(290);
  assert.equal(vitals.of('orders', ['a'])?.eventLoopDelayMs, 1);
  clock.advance(410);
  assert.equal(vitals.of('orders', ['a'])?.eventLoopDelayMs, 500);
});

test('what is no word of a process is passed over', () => {
  const vitals = new WatchedVitals(new FakeClock(), () => undefined);
  vitals.watch('orders');
  for (const wrong of [
    null,
    'busy',
    {},
    said({ cpuMs: -1 }),
    said({ rssBytes: Number.NaN }),
    { ...said(), cpuMs: '1' },
  ]) {
    vitals.hear(origin('a'), wrong);
  }
  assert.equal(vitals.of('orders', ['a']), null);
});
