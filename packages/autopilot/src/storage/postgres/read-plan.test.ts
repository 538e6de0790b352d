import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planRead, type StoredLevels } from './read-plan.ts';
import { ceilTo, DAY_MS, floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';

const NOW = 20_000 * DAY_MS + 15 * HOUR_MS + 25 * MINUTE_MS + 42_000;
const unitMs = { window: 1, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** As compaction leaves it when all goes well. */
const usual: StoredLevels = {
  windowsFrom: floorTo(NOW - 2 * HOUR_MS, HOUR_MS),
  minutesFrom: floorTo(NOW - 8 * DAY_MS, DAY_MS),
  hoursFrom: floorTo(NOW - 100 * DAY_MS, 10 * DAY_MS),
  minutesUntil: floorTo(NOW, HOUR_MS),
  hoursUntil: floorTo(NOW, DAY_MS),
};

function told(parts: ReturnType<typeof planRead>): string[] {
  return parts.map(({ level, from, to }) => `${level} ${(to - from) / unitMs[level]}`);
}

test('a range takes the coarsest level that fits and finer ones at its edges', () => {
  assert.deepEqual(told(planRead(NOW - DAY_MS, NOW, DAY_MS, usual)), [
    'minute 35',
    'hour 23',
    'minute 25',
    'window 42000',
  ]);
  assert.deepEqual(told(planRead(NOW - 90 * DAY_MS, NOW, 90 * DAY_MS, usual)), [
    'hour 9',
    'day 89',
    'hour 15',
    'minute 25',
    'window 42000',
  ]);
});

test('a step shorter than a level keeps that level out', () => {
  const midnight = floorTo(NOW, DAY_MS);
  assert.deepEqual(told(planRead(midnight - DAY_MS, midnight, 300_000, usual)), ['minute 1440']);
  assert.deepEqual(told(planRead(midnight - 30 * DAY_MS, midnight, 6 * HOUR_MS, usual)), ['hour 720']);
});

test('where nothing finer is kept, longer buckets answer, also over the edges', () => {
  const from = NOW - 50 * DAY_MS;
  assert.deepEqual(told(planRead(from, from + 2 * HOUR_MS, 1000, usual)), ['hour 3']);
  const old = NOW - 300 * DAY_MS;
  assert.deepEqual(planRead(old, old + HOUR_MS, MINUTE_MS, usual), [
    { level: 'day', from: floorTo(old, DAY_MS), to: floorTo(old, DAY_MS) + DAY_MS },
  ]);
});

test('what is not merged yet is read from what it will be merged from', () => {
  const behind = { ...usual, minutesUntil: floorTo(NOW - 5 * HOUR_MS, HOUR_MS), hoursUntil: Number.NEGATIVE_INFINITY };
  assert.deepEqual(told(planRead(floorTo(NOW, DAY_MS) - DAY_MS, floorTo(NOW, HOUR_MS), DAY_MS, behind)), [
    'hour 34',
    'minute 300',
  ]);
  const empty: StoredLevels = {
    windowsFrom: Number.POSITIVE_INFINITY,
    minutesFrom: Number.POSITIVE_INFINITY,
    hoursFrom: Number.POSITIVE_INFINITY,
    minutesUntil: Number.NEGATIVE_INFINITY,
    hoursUntil: Number.NEGATIVE_INFINITY,
  };
  // Tables without partitions say nothing about what was closed: finer ones are looked at.
  for (const resolutionMs of [1000, DAY_MS])
    assert.deepEqual(told(planRead(NOW - HOUR_MS, NOW, resolutionMs, empty)), ['minute 61']);
});

test('every moment of a range is in exactly one bucket, and no bucket lies outside', () => {
  const at = fc.integer({ min: NOW - 400 * DAY_MS, max: NOW });
  const age = (days: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: days * DAY_MS });
  const levels = fc
    .record({ windows: age(1), minutes: age(20), hours: age(200), minutesUntil: age(2), hoursUntil: age(3) })
    .map(
      (ages): StoredLevels => ({
        windowsFrom: floorTo(NOW - ages.windows, HOUR_MS),
        minutesFrom: floorTo(NOW - Math.max(ages.minutes, ages.windows, ages.minutesUntil), DAY_MS),
        hoursFrom: floorTo(NOW - Math.max(ages.hours, ages.minutes, ages.hoursUntil), 10 * DAY_MS),
        minutesUntil: floorTo(NOW - ages.minutesUntil, HOUR_MS),
        hoursUntil: floorTo(NOW - Math.max(ages.minutesUntil, ages.hoursUntil), DAY_MS),
      }),
    );
  const resolution = fc.constantFrom(1000, 10_000, MINUTE_MS, 300_000, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS);
  fc.assert(
    fc.property(at, at, levels, resolution, (a, b, stored, resolutionMs) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b) + 1];
      const parts = planRead(from, to, resolutionMs, stored);
      let covered = parts[0]?.from ?? 0;
      for (const part of parts) {
        assert.equal(part.from, covered, 'parts touch');
        assert.ok(part.from < part.to);
        covered = part.to;
        const unit = unitMs[part.level];
        assert.equal(part.from % unit, 0);
        assert.equal(part.to % unit, 0);
        if (part.level === 'day') assert.ok(unit <= resolutionMs || part.from < stored.hoursFrom);
        if (part.level === 'hour') assert.ok(unit <= resolutionMs || part.from < stored.minutesFrom);
        if (part.level === 'minute') assert.ok(unit <= resolutionMs || part.from < stored.windowsFrom);
      }
      assert.ok((parts[0]?.from ?? 0) <= from && covered >= to);
      assert.ok((parts[0]?.from ?? 0) > from - DAY_MS && covered < to + DAY_MS);
      assert.ok(covered <= ceilTo(to, DAY_MS));
    }),
    { numRuns: 2000 },
  );
});
