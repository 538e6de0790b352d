import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RateSpike, RateStage } from './plan.ts';
import { Random } from './random.ts';
import { Arrivals, openProfileOf, RateProfile, type Share, UserProfile } from './schedule.ts';

const rate = fc.integer({ min: 0, max: 300 });
const stages: fc.Arbitrary<RateStage[]> = fc.array(
  fc.record(
    { durationMs: fc.integer({ min: 1, max: 3000 }), ratePerSecond: rate, toRatePerSecond: rate },
    { requiredKeys: ['durationMs', 'ratePerSecond'] },
  ),
  { minLength: 1, maxLength: 5 },
);
const spikes: fc.Arbitrary<RateSpike[]> = fc.array(
  fc.record({ atMs: fc.nat(8000), durationMs: fc.integer({ min: 1, max: 900 }), ratePerSecond: rate }),
  { maxLength: 3 },
);

function all(
  profile: RateProfile,
  spacing: 'even' | 'poisson',
  share: Share = { index: 0, count: 1 },
): [number, number][] {
  const arrivals = new Arrivals(profile, spacing, 7, share);
  const found: [number, number][] = [];
  for (; arrivals.nextMs !== Number.POSITIVE_INFINITY; arrivals.advance())
    found.push([arrivals.nextIndex, arrivals.nextMs]);
  return found;
}

test('even arrivals are as many as the rate says, in order, each where the rate has reached it', () => {
  fc.assert(
    fc.property(stages, spikes, (stages, spikes) => {
      const profile = new RateProfile(stages, spikes);
      const found = all(profile, 'even');
      assert.equal(found.length, Math.max(0, Math.ceil(profile.total - 1e-9)));
      let before = 0;
      for (const [index, at] of found) {
        assert.ok(at >= before - 1e-6 && at <= profile.durationMs + 1e-6);
        assert.ok(Math.abs(profile.expectedBetween(0, at) - index) < 1e-6 * Math.max(1, index), `${index} at ${at}`);
        before = at;
      }
    }),
  );
});

test('shares together are the whole, whatever their number', () => {
  fc.assert(
    fc.property(
      stages,
      fc.constantFrom('even' as const, 'poisson' as const),
      fc.integer({ min: 1, max: 5 }),
      (stages, spacing, count) => {
        const profile = new RateProfile(stages);
        const parts = Array.from({ length: count }, (_, index) => all(profile, spacing, { index, count })).flat();
        assert.deepEqual(
          parts.sort(([a], [b]) => a - b),
          all(profile, spacing),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('Poisson arrivals have the right number and spread', () => {
  const profile = new RateProfile([{ durationMs: 100_000, ratePerSecond: 100, toRatePerSecond: 300 }]);
  const times = all(profile, 'poisson').map(([, at]) => at);
  // 20,000 expected, standard deviation 141.
  assert.ok(Math.abs(times.length - 20_000) < 600, String(times.length));
  // Of independent arrivals the count of a second has the variance of its mean; ramps shift both alike.
  const seconds = Array.from({ length: 100 }, () => 0);
  for (const at of times) seconds[Math.floor(at / 1000)]!++;
  const spread = seconds.reduce((sum, count, second) => {
    const mean = profile.expectedBetween(second * 1000, second * 1000 + 1000);
    return sum + (count - mean) ** 2 / mean / 100;
  }, 0);
  assert.ok(spread > 0.6 && spread < 1.5, String(spread));
});

test('a spike replaces the rate, and only there', () => {
  const profile = new RateProfile(
    [{ durationMs: 10_000, ratePerSecond: 10 }],
    [{ atMs: 4000, durationMs: 1000, ratePerSecond: 500 }],
  );
  assert.deepEqual(
    [3999, 4000, 4999, 5000, 10_000].map((ms) => profile.ratePerSecondAt(ms)),
    [10, 500, 500, 10, 0],
  );
  assert.equal(profile.total, 90 + 500);
  assert.equal(profile.peakPerSecond, 500);
  assert.equal(profile.constantFromMs, 5000);
});

test('a recorded shape is followed step by step', () => {
  const profile = openProfileOf({ kind: 'replay', ratesPerSecond: [1, 0, 5], stepMs: 2000, rateFactor: 3, users: 1 });
  assert.equal(profile.total, 36);
  assert.deepEqual(
    [0, 1999, 2000, 4000].map((ms) => profile.ratePerSecondAt(ms)),
    [3, 3, 0, 15],
  );
});

test('users follow their stages', () => {
  const profile = new UserProfile([
    { durationMs: 1000, users: 0, toUsers: 10 },
    { durationMs: 1000, users: 10 },
    { durationMs: 1000, users: 10, toUsers: 0 },
  ]);
  assert.deepEqual(
    [1, 500, 1000, 1999, 2500, 3000].map((ms) => profile.usersAt(ms)),
    [1, 5, 10, 10, 5, 0],
  );
  assert.equal(profile.peak, 10);
  assert.equal(profile.constantFromMs, 3000);
});

test('random numbers repeat by seed, differ by stream and index, and are even', () => {
  const take = (random: Random): number[] => Array.from({ length: 5 }, () => random.nextUint32());
  assert.deepEqual(take(new Random(1, 2, 3)), take(new Random(1, 2, 3)));
  const kinds = new Set<number>();
  for (let stream = 0; stream < 4; stream++)
    for (let index = 0; index < 2000; index++) kinds.add(new Random(1, stream, index).nextUint32());
  assert.ok(kinds.size > 7990, `${kinds.size} different first numbers of 8,000`);
  // The first numbers of neighbouring streams are as independent as those of one stream.
  const tens = Array.from({ length: 10 }, () => 0);
  for (let index = 0; index < 10_000; index++) tens[new Random(9, 2, index).integer(0, 9)]!++;
  for (const count of tens) assert.ok(count > 850 && count < 1150, tens.join(' '));
});
