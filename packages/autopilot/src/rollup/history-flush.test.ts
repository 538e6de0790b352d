import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import type { StatementText, Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { HistoryFlush } from './history-flush.ts';

const T0 = 1_700_006_400_000;
const origin = { service: 'orders', instance: 'a', release: '1' };
const away = new AutopilotError('AP_STORE_UNAVAILABLE', 'Writing failed.', { remedy: 'Wait.' });

function second(at: number, requests = 1): Window {
  return {
    start: at,
    durationMs: 1_000,
    series: [
      { family: 'route', key: 'GET /', database: null, route: null, cells: { requests } },
      { family: 'statement', key: 's1', database: 'main', route: null, cells: { calls: requests } },
    ],
    overflow: { tenant: 1 },
  };
}

interface World {
  readonly clock: FakeClock;
  readonly flush: HistoryFlush;
  readonly written: Window[];
  readonly texts: StatementText[];
  readonly store: { fails: Error | null; opened: number; closed: boolean };
  readonly known: { is: boolean };
  /** Lets a second pass in which `requests` came, and what follows from it happen. */
  readonly pass: (seconds: number, requests?: number) => Promise<void>;
}

function open(): World {
  const clock = new FakeClock(T0);
  const written: Window[] = [];
  const texts: StatementText[] = [];
  const store: World['store'] = { fails: null, opened: 0, closed: false };
  const known = { is: true };
  const flush = new HistoryFlush({
    origin,
    clock,
    isKnown: () => known.is,
    open: async () => {
      store.opened++;
      return {
        append: async (_origin, windows) => {
          await immediate();
          if (store.fails !== null) throw store.fails;
          written.push(...windows);
          return { taken: windows.length, duplicates: 0, refused: 0, invalid: 0 };
        },
        appendTexts: async (_service, some) => {
          texts.push(...some);
        },
        close: async () => {
          store.closed = true;
        },
      };
    },
    statementText: (database, id) => ({ database, id, text: `select ${id}` }),
    delayMs: 0,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return {
    clock,
    flush,
    written,
    texts,
    store,
    known,
    pass: async (seconds, requests = 1) => {
      for (let i = 0; i < seconds; i++) {
        const at = Math.floor(clock.now() / 1_000) * 1_000;
        clock.advance(1_000);
        flush.take([second(at, requests)]);
        await settle();
      }
    },
  };
}

function told(windows: readonly Window[]): (readonly [number, number, unknown])[] {
  return windows.map(({ start, durationMs, series }) => [
    (start - T0) / 1_000,
    durationMs,
    series[0]?.cells['requests'],
  ]);
}

test('ten seconds become one window, written once with the texts of its statements; nothing is loaded before', async () => {
  const { flush, written, texts, store, pass } = open();
  await pass(9);
  assert.deepEqual([store.opened, written.length], [0, 0]);
  await pass(11);
  assert.deepEqual(told(written), [
    [0, 10_000, 10],
    [10, 10_000, 10],
  ]);
  assert.deepEqual(written[0]?.overflow, { tenant: 10 });
  assert.deepEqual(texts, [{ database: 'main', id: 's1', text: 'select s1' }]);
  assert.deepEqual(flush.status, { state: 'well', reason: null, waitingWindows: 0, mergedWindows: 0, lostWindows: 0 });
  await flush.close(500);
});

test('closing writes what is open, and closes the store', async () => {
  const { flush, written, store, pass } = open();
  await pass(13);
  await flush.close(500);
  assert.deepEqual(told(written), [
    [0, 10_000, 10],
    [10, 3_000, 3],
  ]);
  assert.ok(store.closed);
  assert.equal(flush.status.lostWindows, 0);
});

test('while the store is away windows wait with its reason; they are offered unchanged and arrive once', async () => {
  const { flush, written, store, pass } = open();
  store.fails = away;
  await pass(60, 2);
  assert.equal(written.length, 0);
  const { state, reason, waitingWindows } = flush.status;
  assert.deepEqual([state, reason, waitingWindows], ['away', 'Writing failed. Wait.', 6]);
  store.fails = null;
  await pass(20, 2);
  assert.deepEqual(
    told(written).slice(0, 7),
    Array.from({ length: 7 }, (_, i) => [i * 10, 10_000, 20]),
  );
  assert.equal(flush.status.state, 'well');
  await flush.close(500);
});

test('what the store can not take at all stands in nobody’s way, and is counted', async () => {
  const { flush, written, store, pass } = open();
  store.fails = new AutopilotError('AP_STORE_FAILED', 'Writing failed.', {
    cause: Object.assign(new Error('invalid'), { code: '22021' }),
  });
  await pass(10);
  assert.equal(flush.status.lostWindows, 1);
  store.fails = null;
  await pass(20);
  assert.deepEqual(
    told(written).map(([start]) => start),
    [10, 20],
  );
  await flush.close(500);
});

test('what the store can not take for a moment is written the next time, also a lone window', async () => {
  const { flush, written, store, pass } = open();
  // As when the partition of a row is made while the row is on its way to the default one.
  const cause = Object.assign(new Error('violates partition constraint'), { code: '23514' });
  store.fails = new AutopilotError('AP_STORE_BUSY', 'Writing failed.', { cause });
  await pass(10);
  assert.deepEqual([flush.status.lostWindows, flush.status.waitingWindows], [0, 1]);
  store.fails = null;
  await pass(12);
  assert.deepEqual(told(written)[0], [0, 10_000, 10]);
  await flush.close(500);
});

test('a clock that is set back or forward leaves each second counted once, under keys of its own', async () => {
  const { clock, flush, written, pass } = open();
  await pass(15);
  clock.jump(clock.now() - 12_000);
  // The collector starts windows of a second time a millisecond later.
  for (let i = 0; i < 12; i++) {
    const at = clock.now();
    clock.advance(1_000);
    flush.take([second(at + 1)]);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  clock.jump(clock.now() + 3_600_000);
  await pass(10);
  await flush.close(500);
  assert.equal(
    told(written).reduce((sum, [, , requests]) => sum + Number(requests), 0),
    37,
  );
  assert.equal(new Set(written.map(({ start, durationMs }) => `${start} ${durationMs}`)).size, written.length);
  assert.ok(written.every(({ durationMs }) => durationMs <= 20_000));
});

test('without a place nothing is kept for longer than a minute; what comes after it is known is written', async () => {
  const { flush, written, known, pass } = open();
  known.is = false;
  await pass(70);
  assert.deepEqual(flush.status, { state: 'off', reason: null, waitingWindows: 0, mergedWindows: 0, lostWindows: 0 });
  known.is = true;
  await pass(20);
  assert.ok(written.length >= 1);
  await flush.close(500);
});

test('closing does not wait for a store that hangs, and says what was lost', async () => {
  const clock = new FakeClock(T0);
  const flush = new HistoryFlush({
    origin,
    clock,
    isKnown: () => true,
    open: () => new Promise(() => {}),
    statementText: () => null,
    delayMs: 0,
  });
  flush.take([second(T0)]);
  const before = performance.now();
  await flush.close(50);
  assert.ok(performance.now() - before < 1_000);
  assert.equal(flush.status.lostWindows, 1);
});
