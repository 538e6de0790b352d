import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisLabels, formatPoints, formatQuantity, type QuantityKind } from './quantity.ts';

const written = (kind: QuantityKind, value: number | null): string =>
  formatQuantity(kind, value).replaceAll('\u202f', ' ');

test('durations: three digits and the unit that fits', () => {
  assert.equal(written('duration', 0), '0 ms');
  assert.equal(written('duration', 0.341), '0.34 ms');
  assert.equal(written('duration', 1.23), '1.2 ms');
  assert.equal(written('duration', 12.34), '12.3 ms');
  assert.equal(written('duration', 123.4), '123 ms');
  assert.equal(written('duration', 1534), '1.5 s');
  assert.equal(written('duration', 90_000), '1.5 min');
});

test('what rounds up to the next unit is written in it', () => {
  assert.equal(written('duration', 999.7), '1.0 s');
  assert.equal(written('duration', 996.4), '996 ms');
  assert.equal(written('duration', 0.999), '1.0 ms');
  assert.equal(written('duration', 99.97), '100 ms');
  assert.equal(written('bytes', 999_999), '1.0 MB');
});

test('ratios: nearly none and nearly all stay apart from none and all', () => {
  assert.equal(written('ratio', 0), '0 %');
  assert.equal(written('ratio', 0.00002), '<0.01 %');
  assert.equal(written('ratio', 0.004), '0.40 %');
  assert.equal(written('ratio', 0.123), '12.3 %');
  assert.equal(written('ratio', 0.9997), '99.97 %');
  assert.equal(written('ratio', 0.99999), '99.99 %');
  assert.equal(written('ratio', 1), '100 %');
});

test('bytes, rates and counts', () => {
  assert.equal(written('bytes', 512), '512 B');
  assert.equal(written('bytes', 0.4), '0 B');
  assert.equal(written('bytes', 4_200_000), '4.2 MB');
  assert.equal(written('byteRate', 1_500), '1.5 kB/s');
  assert.equal(written('rate', 182.4), '182 req/s');
  assert.equal(written('rate', 0.003), '<0.01 req/s');
  assert.equal(written('callRate', 1234), '1,234 calls/s');
  assert.equal(written('rate', 12_345), '12.3k req/s');
  assert.equal(written('count', 1_234_567), '1.2M');
  assert.equal(written('count', 999_700), '1.0M');
  assert.equal(written('count', 17), '17');
});

test('points lost are never none, and a score with points lost is never full', () => {
  assert.equal(formatPoints(12.4), '−12');
  assert.equal(formatPoints(0.2), '−0.2');
  assert.equal(formatPoints(0.01), '−0.1');
  assert.equal(formatPoints(0.97), '−1');
  assert.equal(written('score', 99.9), '99');
  assert.equal(written('score', 100), '100');
});

test('nothing measured is never a zero', () => {
  assert.equal(written('duration', null), '–');
  assert.equal(written('ratio', Number.NaN), '–');
});

test('an axis has one unit and only the decimals its ticks need', () => {
  const plain = (labels: string[]): string[] => labels.map((label) => label.replaceAll('\u202f', ' '));
  assert.deepEqual(plain(axisLabels('duration', [0, 50, 100], 50)), ['0 ms', '50 ms', '100 ms']);
  assert.deepEqual(plain(axisLabels('duration', [0, 500, 1000], 500)), ['0.0 s', '0.5 s', '1.0 s']);
  assert.deepEqual(plain(axisLabels('duration', [0, 50_000, 100_000], 50_000)), ['0 s', '50 s', '100 s']);
  assert.deepEqual(plain(axisLabels('duration', [0, 60_000, 120_000], 60_000)), ['0 min', '1 min', '2 min']);
  assert.deepEqual(plain(axisLabels('bytes', [0, 50e6, 100e6], 50e6)), ['0 MB', '50 MB', '100 MB']);
  assert.deepEqual(plain(axisLabels('ratio', [0, 0.005, 0.01], 0.005)), ['0.0 %', '0.5 %', '1.0 %']);
  assert.deepEqual(plain(axisLabels('ratio', [0, 0.025, 0.05], 0.025)), ['0.0 %', '2.5 %', '5.0 %']);
  assert.deepEqual(plain(axisLabels('rate', [0, 5000, 10_000], 5000)), ['0k', '5k', '10k']);
  assert.deepEqual(plain(axisLabels('average', [0, 0.2, 0.4], 0.2)), ['0.0', '0.2', '0.4']);
});
