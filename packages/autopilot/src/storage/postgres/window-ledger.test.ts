import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WindowLedger } from './window-ledger.ts';

const HOUR = 1_700_002_800_000;

test('knows the windows it was told, and no other', () => {
  const key = fc.record({
    start: fc.integer({ min: 0, max: 3600 }).map((second) => HOUR + second * 1000),
    durationMs: fc.constantFrom(1000, 4000, 10_000, 60_000),
  });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 100 }), fc.array(key, { maxLength: 20 }), (told, asked) => {
      const ledger = new WindowLedger();
      for (const one of told) ledger.add(one);
      const read = new WindowLedger(ledger.encode());
      assert.deepEqual(read.encode(), ledger.encode());
      for (const one of [...told, ...asked]) {
        const known = told.some(({ start, durationMs }) => start === one.start && durationMs === one.durationMs);
        assert.equal(read.has(one), known);
      }
    }),
  );
});

test('an hour of windows takes a few bytes', () => {
  const ledger = new WindowLedger();
  for (let start = HOUR; start < HOUR + 3_600_000; start += 10_000) ledger.add({ start, durationMs: 10_000 });
  assert.ok(ledger.encode().length < 16);
  ledger.add({ start: HOUR + 1_234_000, durationMs: 10_000 });
  assert.ok(ledger.encode().length < 48);
});
