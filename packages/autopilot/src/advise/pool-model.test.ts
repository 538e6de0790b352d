import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { random } from '../../../../test/support/random.ts';
import { type PoolLoad, predictPool } from './pool-model.ts';

function close(actual: number | null, expected: number, ratio: number, what: string): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= ratio * Math.abs(expected),
    `${what}: ${actual}, not ${expected}`,
  );
}

describe('the queueing model of a pool', () => {
  test('is the closed form of M/M/1', () => {
    for (const rho of [0.1, 0.5, 0.9]) {
      const found = predictPool({ ratePerSecond: rho * 100, useMs: 10, useVariation: 1 }, 1);
      close(found.utilization, rho, 1e-12, 'utilization');
      close(found.waitProbability, rho, 1e-12, 'C');
      close(found.waitMeanMs, (10 * rho) / (1 - rho), 1e-12, 'Wq');
      if (rho > 0.05) close(found.waitP95Ms, (10 / (1 - rho)) * Math.log(rho / 0.05), 1e-9, 'p95');
    }
  });

  test('is the closed form of M/M/c', () => {
    // C(c, a) = (a^c/c!)(c/(c-a)) / (sum_{k<c} a^k/k! + (a^c/c!)(c/(c-a)))
    for (const [size, offered] of [
      [2, 1],
      [5, 4],
      [10, 7],
      [20, 19],
    ] as const) {
      let [term, sum] = [1, 0];
      for (let k = 0; k < size; k++) {
        sum += term;
        term *= offered / (k + 1);
      }
      const last = (term * size) / (size - offered);
      const waits = last / (sum + last);
      const found = predictPool({ ratePerSecond: offered * 50, useMs: 20, useVariation: 1 }, size);
      close(found.waitProbability, waits, 1e-12, `C(${size}, ${offered})`);
      close(found.waitMeanMs, (waits * 20) / (size - offered), 1e-12, `Wq(${size}, ${offered})`);
    }
  });

  test('is Pollaczek and Khinchine of one connection', () => {
    // Wq = lambda E[S^2] / (2 (1 - rho)); here always 10 ms, and as in 9 of 10 cases 1 ms and in one 91 ms.
    for (const [variation, second] of [
      [0, 100],
      [7.29, 829],
    ] as const) {
      const found = predictPool({ ratePerSecond: 60, useMs: 10, useVariation: variation }, 1);
      close(found.waitMeanMs, (0.06 * second) / (2 * 0.4), 1e-12, `variation ${variation}`);
    }
  });

  test('a pool that is asked for more than it can give has a line without end', () => {
    const found = predictPool({ ratePerSecond: 200, useMs: 10, useVariation: 1 }, 2);
    assert.deepEqual(found, { size: 2, utilization: 1, waitProbability: 1, waitMeanMs: null, waitP95Ms: null });
  });

  test('nobody waits where nobody comes', () => {
    const found = predictPool({ ratePerSecond: 0, useMs: 10, useVariation: 0 }, 1);
    assert.deepEqual(found, { size: 1, utilization: 0, waitProbability: 0, waitMeanMs: 0, waitP95Ms: 0 });
  });

  test('waits shrink with the size, and grow with the rate, the use and its variation', () => {
    const load = fc.record({
      ratePerSecond: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
      useMs: fc.double({ min: 0.1, max: 500, noNaN: true }),
      useVariation: fc.double({ min: 0, max: 20, noNaN: true }),
      arrivalVariation: fc.double({ min: 0, max: 20, noNaN: true }),
    });
    const waitOf = (one: PoolLoad, size: number): number =>
      predictPool(one, size).waitMeanMs ?? Number.POSITIVE_INFINITY;
    const notMore = (less: number, more: number): void => assert.ok(less <= more * (1 + 1e-9), `${less} over ${more}`);
    fc.assert(
      fc.property(
        load,
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (one, size, factor) => {
          const now = waitOf(one, size);
          notMore(waitOf(one, size + 1), now);
          notMore(now, waitOf({ ...one, ratePerSecond: one.ratePerSecond * factor }, size));
          notMore(now, waitOf({ ...one, useMs: one.useMs * factor }, size));
          notMore(now, waitOf({ ...one, useVariation: one.useVariation * factor }, size));
          const { waitProbability, waitP95Ms } = predictPool(one, size);
          assert.ok(waitProbability >= 0 && waitProbability <= 1);
          assert.ok(waitP95Ms === null || waitP95Ms >= 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('agrees with a simulated pool', () => {
    const next = random(11);
    const exponential = (mean: number): number => -mean * Math.log(1 - next());
    const uses: readonly (readonly [string, number, () => number])[] = [
      ['exponential', 1, () => exponential(10)],
      ['between 5 and 15 ms', 1 / 12, () => 5 + 10 * next()],
      ['now and then much longer', 9, () => exponential(next() < 0.05 ? 97.178 : 5.412)],
      ['mostly short', 4, () => exponential(next() < 0.1 ? 46.742 : 5.9175)],
    ];
    for (const [name, variation, use] of uses) {
      for (const size of [1, 4, 12]) {
        const rate = (0.75 * size) / 10;
        const waits = simulated(size, 100_000, () => exponential(1 / rate), use);
        const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
        const found = predictPool({ ratePerSecond: rate * 1_000, useMs: 10, useVariation: variation }, size);
        // Of uneven uses two moments tell less.
        close(found.waitMeanMs, mean, variation > 1 ? 0.25 : 0.1, `${name}, ${size} connections, mean`);
        // How waits are spread is exact for exponential uses only.
        if (variation !== 1) continue;
        const p95 = waits.toSorted((a, b) => a - b)[Math.floor(0.95 * waits.length)] ?? 0;
        close(found.waitP95Ms, p95, 0.15, `${name}, ${size} connections, p95`);
      }
    }
  });
});

/** The waits of callers that are served in the order in which they come, by whichever connection is free first. */
function simulated(size: number, callers: number, gapMs: () => number, useMs: () => number): readonly number[] {
  const freeAt = Array.from({ length: size }, () => 0);
  let now = 0;
  return Array.from({ length: callers }, () => {
    now += gapMs();
    let first = 0;
    for (let at = 1; at < size; at++) if ((freeAt[at] ?? 0) < (freeAt[first] ?? 0)) first = at;
    const begins = Math.max(now, freeAt[first] ?? 0);
    freeAt[first] = begins + useMs();
    return begins - now;
  });
}
