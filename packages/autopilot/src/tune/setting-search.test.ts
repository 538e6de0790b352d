import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextSearchValue, type SearchBounds, type SearchedValue } from './setting-search.ts';

/** Searches where a value is kept when it costs a twentieth less than the best before it. */
function search(start: number, bounds: SearchBounds, costOf: (value: number) => number): readonly SearchedValue[] {
  const tried: SearchedValue[] = [];
  let best = start;
  for (;;) {
    const value = nextSearchValue(start, tried, bounds);
    if (value === null) return tried;
    const isKept = costOf(value) < 0.95 * costOf(best);
    if (isKept) best = value;
    tried.push({ value, isKept });
    assert.ok(tried.length < 60, JSON.stringify(tried));
  }
}

test('from the value of now it goes outwards, on while it helps, and back with smaller steps', () => {
  const tried = search(10, { min: 2, max: 100, isInteger: true }, (value) => Math.abs(Math.log(value / 38)) + 0.1);
  assert.deepEqual(
    tried.slice(0, 4).map(({ value, isKept }) => [value, isKept]),
    [
      [20, true],
      [40, true],
      [80, false],
      // 20 is known to be worse.
      [57, false],
    ],
  );
});

test('whatever is tried, no value is beyond the bounds or tried twice, and it comes to an end', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1e6, noNaN: true }),
      fc.boolean(),
      fc.array(fc.boolean(), { maxLength: 60 }),
      (start, isInteger, verdicts) => {
        const bounds = { min: start / 16, max: start * 16, isInteger };
        const tried: SearchedValue[] = [];
        for (const isKept of verdicts) {
          const value = nextSearchValue(start, tried, bounds);
          if (value === null) return;
          assert.ok(value >= bounds.min && value <= bounds.max, `${value}`);
          assert.ok(!tried.some((one) => one.value === value) && value !== start, `${value} again`);
          tried.push({ value, isKept });
        }
        assert.ok(tried.length < 60);
      },
    ),
  );
});

test('of a cost with one valley it finds the bottom, or what can not be told from it', () => {
  fc.assert(
    fc.property(fc.double({ min: 3, max: 90, noNaN: true }), fc.integer({ min: 3, max: 90 }), (bottom, start) => {
      const costOf = (value: number): number => 1 + Math.log(value / bottom) ** 2;
      const tried = search(start, { min: 2, max: 100, isInteger: false }, costOf);
      const best = tried.findLast(({ isKept }) => isKept)?.value ?? start;
      assert.ok(costOf(best) < 1.2, `${best} for ${bottom}`);
    }),
  );
});

test('what is off is not searched', () => {
  assert.equal(nextSearchValue(0, [], { min: 0, max: 10, isInteger: true }), null);
});
