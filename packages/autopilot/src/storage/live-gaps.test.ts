import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findGaps } from './live-gaps.ts';

const BLOCK = 10;
const SECONDS = 80;

interface Span {
  readonly origin: { readonly service: string; readonly instance: string; readonly release: string };
  readonly start: number;
  readonly durationMs: number;
}

function span(instance: string, start: number, durationMs: number): Span {
  return { origin: { service: 's', instance, release: '1' }, start, durationMs };
}

/** Runs of true as spans, cut at the blocks' ends and at most `longest` long. */
function spansOf(instance: string, seconds: readonly boolean[], longest: number): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < seconds.length; ) {
    if (seconds[start] !== true) {
      start++;
      continue;
    }
    let end = start + 1;
    while (end < seconds.length && seconds[end] === true && end % BLOCK !== 0 && end - start < longest) end++;
    spans.push(span(instance, start, end - start));
    start = end;
  }
  return spans;
}

function secondsOf(spans: readonly Span[], instance: string): number[] {
  const counts = Array.from({ length: SECONDS + 40 }, () => 0);
  for (const { origin, start, durationMs } of spans) {
    if (origin.instance !== instance) continue;
    for (let at = start; at < start + durationMs; at++) counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

const presence = fc.array(fc.boolean(), { minLength: SECONDS, maxLength: SECONDS });
const mostly = fc.array(
  fc.nat({ max: 15 }).map((n) => n > 0),
  { minLength: SECONDS, maxLength: SECONDS },
);

test('no second counts twice, and each block has what the better of the two has', () => {
  const timeline = fc.oneof(presence, mostly, fc.constant(Array.from({ length: SECONDS }, () => true)));
  fc.assert(
    fc.property(timeline, timeline, fc.constantFrom(1, 4, 10), (liveSeconds, storedSeconds, longest) => {
      const live = [...spansOf('a', liveSeconds, 1), ...spansOf('b', storedSeconds, longest)];
      const stored = [...spansOf('a', storedSeconds, longest), ...spansOf('b', liveSeconds, 10)];
      const gaps = findGaps(live, stored, { blockMs: BLOCK });
      const result = [...live.filter((one) => !gaps.replaces(one)), ...stored.filter((one) => gaps.takes(one))];
      for (const instance of ['a', 'b']) {
        const counts = secondsOf(result, instance);
        assert.ok(counts.every((count) => count <= 1));
        for (let block = 0; block < SECONDS; block += BLOCK) {
          const of = (list: readonly number[]): number =>
            list.slice(block, block + BLOCK).reduce((sum, n) => sum + n, 0);
          assert.equal(of(counts), Math.max(of(secondsOf(live, instance)), of(secondsOf(stored, instance))));
        }
      }
      assert.equal(gaps.isEmpty, !stored.some((one) => gaps.takes(one)));
    }),
  );
});

test('windows that span blocks are taken with all that touch those, or not at all', () => {
  const live = Array.from({ length: 60 }, (_, second) => span('a', second, 1));
  const minute = span('a', 0, 60);
  assert.ok(findGaps(live, [minute], { blockMs: BLOCK }).isEmpty);
  const gaps = findGaps(live.toSpliced(20, 5), [minute], { blockMs: BLOCK });
  assert.ok(gaps.takes(minute) && live.every((one) => gaps.replaces(one)));
  const stretched = [span('a', 8, 7), span('a', 15, 5), span('a', 20, 10)];
  const around = findGaps(live.toSpliced(8, 12), stretched, { blockMs: BLOCK });
  assert.deepEqual(
    stretched.map((one) => around.takes(one)),
    [true, true, false],
  );
  assert.deepEqual(
    [5, 12, 25].map((second) => around.replaces(span('a', second, 1))),
    [true, true, false],
  );
});

test('a live slice that was joined over time it knows nothing of does not count for that time', () => {
  const minute = [span('a', 0, 60)];
  const tens = [0, 10, 20, 30, 40, 50].map((start) => span('a', start, 10));
  assert.ok(findGaps(minute, tens, { blockMs: BLOCK }).isEmpty);
  const lacks = (): readonly { from: number; to: number }[] => [{ from: 17, to: 31 }];
  const gaps = findGaps(minute, tens, { blockMs: BLOCK, lacks });
  assert.deepEqual(
    tens.map((one) => gaps.takes(one)),
    [false, true, true, true, false, false],
  );
  assert.deepEqual([gaps.from, gaps.to], [10, 40]);
  // Of what lies outside of the range nobody asks.
  assert.ok(findGaps(minute, tens, { blockMs: BLOCK, lacks, from: 31, to: 60 }).isEmpty);
  assert.ok(findGaps([span('a', 25, 5)], [span('a', 20, 10)], { blockMs: BLOCK, from: 25 }).isEmpty);
});
