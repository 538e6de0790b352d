import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LiveSettings } from '../config/live-settings.ts';
import { systemClock } from '../kernel/clock.ts';
import { type EventSource, EventStreams } from './event-streams.ts';

interface Numbered {
  readonly n: number;
  readonly whole: boolean;
}

function counting(key = 'a'): { readonly source: EventSource<Numbered>; readonly computed: () => number } {
  let n = 0;
  return {
    computed: () => n,
    source: {
      key,
      event: 'count',
      compute: () => Promise.resolve({ n: ++n, whole: true }),
      tail: (document) => ({ ...document, whole: false }),
    },
  };
}

function unexpected(message: string): void {
  assert.fail(message);
}

const settings = new LiveSettings();
const first: Numbered = { n: 0, whole: true };
const never = new AbortController().signal;

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Numbered | string | null> {
  const { done, value } = await reader.read();
  if (done) return null;
  const text = new TextDecoder().decode(value);
  const data = /^data: (.*)$/m.exec(text)?.[1];
  return data === undefined ? text : (JSON.parse(data) as Numbered);
}

test('equal streams are computed once a tick: first whole, then what is new', async () => {
  const streams = new EventStreams({ clock: systemClock, settings, onTrouble: unexpected });
  const { source, computed } = counting();
  const readers = [1, 2, 3].map(() => streams.open(source, first, never).getReader());
  for (const reader of readers) assert.deepEqual(await next(reader), first);
  streams.poke();
  streams.poke();
  for (const reader of readers) assert.deepEqual(await next(reader), { n: 1, whole: false });
  assert.equal(computed(), 1);
  await Promise.all(readers.map((reader) => reader.cancel()));
  assert.equal(streams.size, 0);
});

test('a poke is answered soon, but not more than once a second; without one it ticks all the same', async () => {
  const streams = new EventStreams({ clock: systemClock, settings, onTrouble: unexpected });
  const reader = streams.open(counting().source, first, never).getReader();
  await next(reader);
  const started = performance.now();
  streams.poke();
  await next(reader);
  const soon = performance.now() - started;
  for (let poke = 0; poke < 10; poke++) streams.poke();
  await next(reader);
  const second = performance.now() - started;
  await next(reader);
  const unprompted = performance.now() - started;
  assert.ok(soon < 500, `${soon} ms`);
  assert.ok(second >= 900 && second < 1900, `${second} ms`);
  assert.ok(unprompted - second >= 1100 && unprompted - second < 2200, `${unprompted - second} ms`);
  streams.close();
});

test('a reader that is slow has one event waiting, skips the others, and is then told all', async () => {
  const streams = new EventStreams({ clock: systemClock, settings, onTrouble: unexpected });
  const { source, computed } = counting();
  const slow = streams.open(source, first, never).getReader();
  const quick = streams.open(source, first, never).getReader();
  await next(quick);
  for (let tick = 1; tick <= 3; tick++) {
    streams.poke();
    assert.deepEqual(await next(quick), { n: tick, whole: false });
  }
  assert.equal(computed(), 3);
  assert.deepEqual(await next(slow), first);
  const waiting = next(slow);
  streams.poke();
  assert.deepEqual(await waiting, { n: 4, whole: true });
  streams.close();
  assert.deepEqual([await next(slow), await next(quick)], [null, { n: 4, whole: false }]);
});

test('streams end with their signal, with close, and there are not more than allowed', async () => {
  const streams = new EventStreams({
    clock: systemClock,
    settings: new LiveSettings({ 'api.maxStreams': 2 }),
    onTrouble: unexpected,
  });
  const { source } = counting();
  const leaving = new AbortController();
  const left = streams.open(source, first, leaving.signal).getReader();
  const other = streams.open(source, first, never).getReader();
  assert.throws(() => streams.open(source, first, never), { code: 'AP_TOO_MANY_STREAMS' });
  leaving.abort();
  assert.equal(streams.size, 1);
  assert.deepEqual([await next(left), await next(left)], [first, null]);
  streams.open(source, first, AbortSignal.abort());
  assert.equal(streams.size, 1);
  streams.close();
  assert.deepEqual([await next(other), await next(other)], [first, null]);
  assert.throws(() => streams.open(source, first, never), { code: 'AP_CONTROL_PLANE_CLOSING' });
});

test('a document that can not be made is told to the log, and the stream lives on', async () => {
  const trouble: string[] = [];
  const streams = new EventStreams({ clock: systemClock, settings, onTrouble: (message) => trouble.push(message) });
  let fails = true;
  const source: EventSource<Numbered> = {
    ...counting().source,
    compute: () => (fails ? Promise.reject(new Error('no luck')) : Promise.resolve({ n: 1, whole: true })),
  };
  const reader = streams.open(source, first, never).getReader();
  await next(reader);
  streams.poke();
  const beat = await next(reader);
  assert.ok(typeof beat === 'string' && beat.startsWith(': nothing to send'));
  assert.match(trouble.join(), /no luck/);
  fails = false;
  streams.poke();
  assert.deepEqual(await next(reader), { n: 1, whole: false });
  streams.close();
  await delay(0);
});
