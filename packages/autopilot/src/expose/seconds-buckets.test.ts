import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketUpperBound, ExponentialHistogram } from '../kernel/histogram.ts';
import { bucketDensities, classicBounds, countClassic, SECONDS_SCALE, secondsBucket } from './seconds-buckets.ts';

const durations = fc.array(fc.double({ min: 0.0001, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 200 });

function of(values: readonly number[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

test('the bucket in seconds holds the value that stands for the bucket in ms', () => {
  for (let index = -480; index < 671; index++) {
    const lower = bucketUpperBound(index - 1);
    const upper = bucketUpperBound(index);
    const meanSeconds = (2 * lower * upper) / (lower + upper) / 1000;
    const bucket = secondsBucket(index);
    assert.ok(meanSeconds <= 2 ** (bucket / 2 ** SECONDS_SCALE), `bucket ${index}`);
    assert.ok(meanSeconds > 2 ** ((bucket - 1) / 2 ** SECONDS_SCALE), `bucket ${index}`);
  }
});

test('classic buckets count exactly what lies at or under their bounds', () => {
  for (const density of bucketDensities) {
    const bounds = classicBounds(density);
    assert.equal(bounds.seconds[0], 0.0005);
    assert.equal(bounds.seconds.at(-1), 16.384);
    fc.assert(
      fc.property(durations, (values) => {
        const counts = new Float64Array(bounds.seconds.length);
        countClassic(of(values), bounds, counts);
        bounds.indexes.forEach((index, at) => {
          const expected = values.filter((value) => value <= bucketUpperBound(index)).length;
          assert.equal(counts[at], expected);
        });
      }),
      { numRuns: 50 },
    );
  }
  assert.throws(() => classicBounds(3), RangeError);
});
