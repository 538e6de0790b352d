import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { random } from '../../../../test/support/random.ts';
import { simulateTrial } from '../../../../test/support/tuning-traffic.ts';
import { type Block, compareSequentially } from './sequential-comparison.ts';

const blocks = (logMeans: readonly number[], covariates: readonly number[] = []): readonly Block[] =>
  logMeans.map((logMean, at) => ({
    calls: 100,
    logMean,
    covariates: covariates.length === 0 ? [] : [covariates[at] ?? 0],
  }));
const values = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 40 });

test('exchanging the phases turns the effect over and leaves the evidence', () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const there = compareSequentially(blocks(before), blocks(after), 0.05);
      const back = compareSequentially(blocks(after), blocks(before), 0.05);
      assert.ok(Math.abs(Math.log(there.effect ?? 1) + Math.log(back.effect ?? 1)) < 1e-9);
      assert.ok(Math.abs(there.evidence - back.evidence) <= 1e-6 * there.evidence);
    }),
  );
});

test('the unit of what is measured does not matter', () => {
  fc.assert(
    fc.property(values, values, fc.double({ min: -5, max: 5, noNaN: true }), (before, after, unit) => {
      const plain = compareSequentially(blocks(before), blocks(after), 0.05);
      const other = compareSequentially(
        blocks(before.map((one) => one + unit)),
        blocks(after.map((one) => one + unit)),
        0.05,
      );
      assert.ok(Math.abs(Math.log(plain.evidence) - Math.log(other.evidence)) < 1e-3);
    }),
  );
});

test('the interval leaves out "no effect" exactly when the evidence reaches its threshold', () => {
  fc.assert(
    fc.property(values, values, fc.double({ min: 0, max: 2, noNaN: true }), (before, after, shift) => {
      const { evidence, interval } = compareSequentially(blocks(before), blocks(after.map((one) => one + shift)), 0.05);
      const [low, high] = interval;
      const leavesOut = (low !== null && low > 1) || (high !== null && high < 1);
      if (Math.abs(evidence - 20) > 1e-3) assert.equal(leavesOut, evidence > 20);
    }),
  );
});

test('what the surroundings explain is no effect of the change', () => {
  const noise = [0.02, -0.01, 0.01, -0.02, 0.015, -0.015, 0.005, -0.005, 0.01, -0.01];
  const calm = [0, 0.1, 0.2, 0.1, 0, 0.1, 0.2, 0.3, 0.2, 0.1];
  const busy = calm.map((one) => one + 0.2);
  const of = (load: readonly number[]): readonly Block[] =>
    blocks(
      load.map((one, at) => one + (noise[at] ?? 0)),
      load,
    );
  const known = compareSequentially(of(calm), of(busy), 0.05);
  assert.ok(known.evidence < 1, `evidence ${known.evidence}`);
  const without = compareSequentially(
    blocks(of(calm).map(({ logMean }) => logMean)),
    blocks(of(busy).map(({ logMean }) => logMean)),
    0.05,
  );
  assert.ok(without.evidence > known.evidence);
});

test('a few blocks say nothing, and the same value in all of them is no proof of a tiny change', () => {
  assert.equal(compareSequentially(blocks([1, 1, 1]), blocks([2, 2, 2]), 0.05).effect, null);
  const tiny = compareSequentially(blocks(Array(20).fill(1)), blocks(Array(20).fill(1.001)), 0.05);
  assert.ok(tiny.evidence < 1);
});

test('of simulated trials few are judged wrongly, and those of real effects soon and rightly', () => {
  const run = (effect: number, count: number, mostBlocksAfter: number): readonly ReturnType<typeof simulateTrial>[] =>
    Array.from({ length: count }, (_, at) =>
      simulateTrial({ seed: 1000 + at, effect, hasControls: true, blocksBefore: 40, mostBlocksAfter }),
    );
  const idle = run(1, 40, 60).filter(({ verdict }) => verdict === 'worse' || verdict === 'better');
  assert.ok(idle.length <= 4, `${idle.length} of 40`);
  const slower = run(1.2, 20, 360);
  assert.ok(slower.every(({ verdict }) => verdict === 'worse'));
  const requests = slower.map(({ requestsAfter }) => requestsAfter).toSorted((a, b) => a - b);
  assert.ok((requests[10] ?? 0) <= 6_000, `median ${requests[10]}`);
  assert.ok(run(0.8, 20, 360).every(({ verdict }) => verdict === 'better'));
});

/** Blocks that resemble their neighbours by `memory`, of which the last `after` have the change. */
function drifting(seed: number, memory: number, effect: number, before: number, after: number): readonly Block[][] {
  const next = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  let state = normal();
  const phase = (count: number, shift: number): Block[] =>
    Array.from({ length: count }, () => {
      state = memory * state + Math.sqrt(1 - memory * memory) * normal();
      return { calls: 100, logMean: shift + 0.2 * state, covariates: [] };
    });
  return [phase(before, 0), phase(after, Math.log(effect))];
}

test('a factor of five shows though blocks resemble their neighbours; nothing does not', () => {
  let [found, wrong] = [0, 0];
  for (let seed = 1; seed <= 40; seed++) {
    const [before = [], after = []] = drifting(seed, 0.9, 4.7, 60, 60);
    const { interval, evidence } = compareSequentially(before, after, 0.01);
    assert.ok(interval[0] !== null && interval[1] !== null, `seed ${seed}: ${interval.join(' to ')}`);
    if (evidence >= 100) found++;
    const [quiet = [], still = []] = drifting(seed, 0.9, 1, 60, 60);
    const looks = [8, 16, 24, 32, 40, 48, 56, 60].map((count) =>
      compareSequentially(quiet, still.slice(0, count), 0.01),
    );
    if (looks.some((one) => one.evidence >= 100)) wrong++;
  }
  assert.ok(found >= 24, `${found} of 40 found`);
  assert.ok(wrong <= 2, `${wrong} of 40 wrong`);
});
