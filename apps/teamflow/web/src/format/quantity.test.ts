import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesText, shareText, spanText } from './quantity.ts';

test('bytes, spans and shares keep to a few digits', () => {
  assert.deepEqual([0, 999, 1000, 4_234_567, 123_456_789].map(bytesText), ['0 B', '999 B', '1 kB', '4.2 MB', '123 MB']);
  assert.deepEqual([0, 8.24, 740, 1499, 720_000].map(spanText), ['0 ms', '8.2 ms', '740 ms', '1.5 s', '12 min']);
  assert.deepEqual(
    [
      [1, 8],
      [1, 300],
      [0, 5],
      [1, 0],
    ].map(([part = 0, whole = 0]) => shareText(part, whole)),
    ['13 %', '0.3 %', '0 %', '–'],
  );
});
