import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketUpperBound, ExponentialHistogram } from './histogram.ts';

/** Values of wildly different sizes: sub-microsecond to years, constants, two far-apart modes, heavy tails. */
const wildValue: fc.Arbitrary<number> = fc.oneof(
  fc.double({ min: 2 ** -30, max: 2 ** 42, noNaN: true }),
  fc.double({ min: -29, max: 42, noNaN: true }).map((exponent) => 2 ** exponent),
  fc.integer({ min: -480, max: 671 }).map((sixteenth) => 2 ** (sixteenth / 16)),
  fc.integer({ min: -29, max: 42 }).map((exponent) => 2 ** exponent),
  fc.constantFrom(0, 1, 100),
);
const wildSample = fc.array(wildValue, { minLength: 1, maxLength: 400, size: 'max' });
const anyQuantile = fc.double({ min: 0, max: 1, noNaN: true });

function histogramOf(values: readonly number[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

test('a quantile is never off by more than 2.5 %', () => {
  fc.assert(
    fc.property(wildSample, anyQuantile, (values, q) => {
      const sorted = values.toSorted((a, b) => a - b);
      const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
      const answer = histogramOf(values).quantile(q);
      assert.ok(Math.abs(answer - truth) <= truth * 0.025 + 2 ** -30, `q ${q}: ${answer} for ${truth}`);
    }),
    { numRuns: 2000 },
  );
});

test('merging in any order gives the same bytes, those of recording everything in one', () => {
  fc.assert(
    fc.property(fc.array(wildSample, { minLength: 2, maxLength: 6 }), fc.infiniteStream(fc.nat()), (parts, random) => {
      const shuffled = parts
        .map((part) => ({ part, key: random.next().value ?? 0 }))
        .sort((a, b) => a.key - b.key)
        .map((entry) => entry.part);
      const merged = new ExponentialHistogram();
      for (const part of shuffled) merged.mergeEncoded(histogramOf(part).encode());
      assert.deepEqual(merged.encode(), histogramOf(parts.flat()).encode());
    }),
    { numRuns: 300 },
  );
});

test('an encoded histogram decodes to itself', () => {
  fc.assert(
    fc.property(wildSample, (values) => {
      const bytes = histogramOf(values).encode();
      const decoded = ExponentialHistogram.decode(bytes);
      assert.deepEqual(decoded.encode(), bytes);
      assert.equal(decoded.count, values.length);
      assert.equal(ExponentialHistogram.sumOf(bytes), decoded.sum);
    }),
  );
});

test('bytes that were not encoded are refused and change nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), wildSample, (noise, values) => {
      const histogram = histogramOf(values);
      const before = histogram.encode();
      try {
        histogram.mergeEncoded(noise);
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'AP_HISTOGRAM_INVALID'); // `as`: node:assert gives unknown
        assert.deepEqual(histogram.encode(), before);
      }
    }),
  );
  const whole = histogramOf([1, 2, 300]).encode();
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => ExponentialHistogram.decode(whole.slice(0, length)), { code: 'AP_HISTOGRAM_INVALID' });
  }
});

test('a value at a bucket bound belongs to the bucket below it, as OpenTelemetry has it', () => {
  for (const exponent of [-20, -1, 0, 1, 10, 41]) {
    const [bucket] = histogramOf([2 ** exponent]).buckets();
    assert.equal(bucket?.upper, 2 ** exponent);
  }
  const [above] = histogramOf([1 + Number.EPSILON]).buckets();
  assert.equal(above?.lower, 1);
  assert.equal(bucketUpperBound(15), 2);
});

test('what is no duration is ignored; what is beyond the range is kept at its end', () => {
  const histogram = histogramOf([Number.NaN, Number.POSITIVE_INFINITY, -1]);
  assert.equal(histogram.count, 0);
  assert.ok(Number.isNaN(histogram.quantile(0.5)));
  assert.ok(Number.isNaN(histogram.mean));
  histogram.record(1e300);
  assert.equal(histogram.quantile(0.5), 2 ** 42);
});

test('sum and mean are exact to 1/1024 a value, also past 2^52', () => {
  const histogram = histogramOf(Array.from({ length: 5000 }, () => 2 ** 42));
  assert.equal(histogram.sum, 5000 * 2 ** 42);
  assert.ok(Math.abs(histogramOf([0.1, 0.2, 0.4]).sum - 0.7) < 3 / 1024);
});

test('the variation is that of the values, to a few percent', () => {
  const histogram = new ExponentialHistogram();
  assert.ok(Number.isNaN(histogram.variation));
  for (let at = 0; at < 10; at++) histogram.record(5);
  assert.equal(histogram.variation, 0);
  for (let at = 0; at < 10; at++) histogram.record(15);
  // Mean 10, deviation 5.
  assert.ok(Math.abs(histogram.variation - 0.25) < 0.02, `${histogram.variation}`);
  for (let at = 0; at < 20; at++) histogram.record(0);
  // Mean 5, of the squares 62.5.
  assert.ok(Math.abs(histogram.variation - 1.5) < 0.05, `${histogram.variation}`);
});

test('the share at or below a value counts whole buckets and a part of the one it cuts', () => {
  const histogram = histogramOf(Array.from({ length: 1000 }, (_, i) => i + 1));
  for (const value of [10, 100, 500, 900]) {
    assert.ok(Math.abs(histogram.fractionAtOrBelow(value) - value / 1000) < 0.02, String(value));
  }
  assert.equal(histogram.fractionAtOrBelow(1000), 1);
  assert.equal(histogram.fractionAtOrBelow(0.5), 0);
});

test('a typical series encodes in about a hundred bytes', () => {
  const values = Array.from({ length: 1000 }, (_, i) => 5 * Math.exp(((i % 97) / 97 - 0.5) * 2));
  assert.ok(histogramOf(values).encode().length < 160);
});
