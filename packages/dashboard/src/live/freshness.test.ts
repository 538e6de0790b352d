import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Freshness, freshnessOf, isSameFreshness } from './freshness.ts';
import type { StreamLink, StreamSnapshot } from './shared-stream.ts';

const failure = { problem: null, detail: 'connection refused' };
const stale = (since: number): Freshness => ({ state: 'stale', since, failure: { ...failure }, isOpen: false });
const snapshot = (heardAt: number | null, link: StreamLink): StreamSnapshot<string> => ({
  document: heardAt === null ? undefined : 'document',
  heardAt,
  link,
});

test('an open connection that says nothing is not live', () => {
  const open = snapshot(10_000, { state: 'open' });
  assert.deepEqual(freshnessOf(open, 11_000), { state: 'live' });
  assert.deepEqual(freshnessOf(open, 13_000), { state: 'reconnecting', since: 10_000 });
  assert.deepEqual(freshnessOf(open, 15_000), { state: 'stale', since: 10_000, failure: null, isOpen: true });
});

test('a connection that broke a moment ago leaves the numbers live until they are late', () => {
  const waiting = snapshot(10_000, { state: 'waiting', failure });
  assert.equal(freshnessOf(waiting, 11_000).state, 'live');
  assert.deepEqual(freshnessOf(waiting, 20_000), { state: 'stale', since: 10_000, failure, isOpen: false });
});

test('without any document it is connecting, then unreachable with the reason', () => {
  assert.deepEqual(freshnessOf(snapshot(null, { state: 'connecting' }), 99_000), { state: 'connecting' });
  assert.deepEqual(freshnessOf(snapshot(null, { state: 'waiting', failure }), 99_000), {
    state: 'unreachable',
    failure,
  });
});

test('a refusal counts at once, however fresh the numbers', () => {
  assert.deepEqual(freshnessOf(snapshot(10_000, { state: 'refused', failure }), 10_001), { state: 'refused', failure });
});

test('a clock set back does not make old numbers stale, nor the page fail', () => {
  assert.equal(freshnessOf(snapshot(10_000, { state: 'open' }), 4_000).state, 'live');
});

test('judgements are the same when they read the same', () => {
  assert.ok(isSameFreshness({ state: 'live' }, { state: 'live' }));
  assert.ok(isSameFreshness(stale(1), stale(1)));
  assert.ok(!isSameFreshness(stale(1), stale(2)));
  assert.ok(!isSameFreshness({ state: 'live' }, { state: 'connecting' }));
});
