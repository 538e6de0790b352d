import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  comparedMs,
  comparedWords,
  liveMinutes,
  marked,
  moved,
  parseSpan,
  QUICK_RANGES_MS,
  type Range,
  spanText,
  spanWords,
  zoomedIn,
  zoomedOut,
} from './range.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

test('spans are written as people write them, and read back', () => {
  assert.deepEqual(QUICK_RANGES_MS.map(spanText), ['1m', '5m', '15m', '1h', '6h', '24h', '7d', '30d', '90d']);
  for (const ms of QUICK_RANGES_MS) assert.equal(parseSpan(spanText(ms)), ms);
  for (const text of ['', '5', '0m', '5s', '-5m', '9999d', '1.5h']) assert.equal(parseSpan(text), null, text);
  assert.deepEqual([spanWords(60_000), spanWords(HOUR), spanWords(24 * HOUR)], ['minute', 'hour', '24 hours']);
});

test('the last hour is live, and nothing that is longer or stands still', () => {
  assert.equal(liveMinutes({ kind: 'last', ms: HOUR }), 60);
  assert.equal(liveMinutes({ kind: 'last', ms: 2 * HOUR }), null);
  assert.equal(liveMinutes({ kind: 'fixed', from: NOW - HOUR, to: NOW }), null);
});

test('what is marked is at least ten seconds, and a slip is nothing', () => {
  assert.deepEqual(marked(NOW + 30_400, NOW + 100), { kind: 'fixed', from: NOW, to: NOW + 31_000 });
  assert.deepEqual(marked(NOW, NOW + 2000), { kind: 'fixed', from: NOW - 4000, to: NOW + 6000 });
  assert.equal(marked(NOW, NOW), null);
  assert.equal(marked(Number.NaN, NOW), null);
});

test('zooming in and out ends within what there is', () => {
  assert.deepEqual(zoomedIn({ from: NOW, to: NOW + 40_000 }), { kind: 'fixed', from: NOW + 10_000, to: NOW + 30_000 });
  assert.deepEqual(zoomedIn({ from: NOW, to: NOW + 10_000 }), { kind: 'fixed', from: NOW, to: NOW + 10_000 });
  assert.deepEqual(zoomedOut({ from: NOW - HOUR, to: NOW }, NOW), { kind: 'fixed', from: NOW - 2 * HOUR, to: NOW });
  const bounds = fc.tuple(fc.integer({ min: 10, max: 1e7 }), fc.integer({ min: 0, max: 1e6 }));
  fc.assert(
    fc.property(bounds, ([length, age]) => {
      const to = NOW - age * 1000;
      const from = to - length * 1000;
      const all: readonly Range[] = [
        zoomedOut({ from, to }, NOW),
        moved({ from, to }, 1, NOW),
        moved({ from, to }, -1, NOW),
      ];
      for (const made of all) {
        assert.ok(made.kind === 'fixed' && made.to <= NOW && made.to - made.from >= to - from);
      }
    }),
  );
});

test('a comparison never overlaps what it is compared with', () => {
  const day = { from: NOW - 24 * HOUR, to: NOW };
  assert.equal(comparedMs('day', day), 24 * HOUR);
  assert.equal(comparedMs('previous', { from: NOW - HOUR, to: NOW }), HOUR);
  assert.equal(comparedMs('none', day), null);
  const month = { from: NOW - 30 * 24 * HOUR, to: NOW };
  assert.equal(comparedMs('week', month), 35 * 24 * HOUR);
  assert.equal(comparedWords('week', month), '5 weeks before');
  assert.equal(comparedWords('day', day), 'yesterday');
});
