import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CapacityPoint, fitCapacity, predictLoad } from './capacity-model.ts';
import { Random } from './random.ts';

function points(
  concurrencies: readonly number[],
  [lambda, sigma, kappa]: readonly [number, number, number],
  noise = 0,
): CapacityPoint[] {
  const random = new Random(3, 9);
  return concurrencies.map((n) => ({
    concurrency: n,
    ratePerSecond: ((lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1))) * (1 + noise * (2 * random.next() - 1)),
  }));
}

const levels = [1, 2, 4, 8, 16, 32, 48, 64];

describe('the capacity model', () => {
  test('finds the parameters it was made with, and their intervals hold them', () => {
    const exact = fitCapacity(points(levels, [100, 0.05, 0.0005]));
    assert.ok(exact.state === 'fitted');
    assert.ok(Math.abs(exact.lambda.value - 100) < 0.01);
    assert.ok(Math.abs(exact.sigma.value - 0.05) < 1e-6);
    assert.ok(Math.abs((exact.peakConcurrency ?? 0) - Math.sqrt(0.95 / 0.0005)) < 0.01);
    const noisy = fitCapacity(points(levels, [100, 0.05, 0.0005], 0.05));
    assert.ok(noisy.state === 'fitted');
    assert.ok(noisy.lambda.low < 100 && 100 < noisy.lambda.high);
    assert.ok(noisy.peakPerSecond.low <= 1074 && noisy.peakPerSecond.high >= 1074);
    const predictions = noisy.predictions ?? [];
    assert.deepEqual([...new Set(predictions.map(({ concurrency }) => concurrency))], [16, 32, 64, 128]);
    for (const { concurrency, instances, ratePerSecond, responseMs } of predictions) {
      const said = predictLoad(noisy, concurrency, instances);
      assert.equal(ratePerSecond.value, said.ratePerSecond);
      assert.ok(responseMs.low <= said.responseMs && said.responseMs <= responseMs.high);
      const n = concurrency / instances;
      const truth = (instances * 100 * n) / (1 + 0.05 * (n - 1) + 0.0005 * n * (n - 1));
      assert.ok(ratePerSecond.low <= 1.03 * truth && ratePerSecond.high >= 0.97 * truth, `${concurrency} ${instances}`);
    }
  });

  test('predicts throughput, latency by Little’s law, and several instances', () => {
    const model = fitCapacity(points(levels, [100, 0.05, 0]));
    assert.ok(model.state === 'fitted');
    assert.equal(model.peakConcurrency, null);
    assert.ok(Math.abs(model.peakPerSecond.value - 2000) < 1);
    const one = predictLoad(model, 20);
    assert.ok(Math.abs(one.ratePerSecond - 2000 / 1.95) < 1);
    assert.ok(Math.abs(one.responseMs - (1000 * 20) / one.ratePerSecond) < 1e-9);
    assert.ok(Math.abs(predictLoad(model, 40, 2).ratePerSecond - 2 * one.ratePerSecond) < 1e-6);
  });

  test('is refused, with the reason, where the data can’t carry it', () => {
    const refusedBecause = (given: readonly CapacityPoint[], reason: RegExp): void => {
      const model = fitCapacity(given);
      assert.equal(model.state, 'refused');
      assert.match(model.reason, reason);
    };
    refusedBecause(points([1, 2, 4], [100, 0.05, 0]), /3 steps/);
    refusedBecause(points([10, 12, 14, 16, 18], [100, 0.05, 0]), /factor of 1\.8/);
    refusedBecause(points(levels, [100, 0.0001, 0]), /still grew/);
    const wild = levels.map((concurrency, at) => ({ concurrency, ratePerSecond: at % 2 === 0 ? 100 : 1000 }));
    refusedBecause(wild, /off the curve|on no curve/);
  });
});
