import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MeasuredPool, poolAdvice } from './pool-advice.ts';

const steady: MeasuredPool = {
  pool: 'main',
  database: 'main',
  instances: 1,
  size: 10,
  acquired: 90_000,
  ratePerSecond: 300,
  peakPerSecond: 320,
  useMs: 20,
  useVariation: 1,
  waitMeanMs: 0.6,
};
const roomy = { room: 90, cores: null };

describe('the advised size of a pool', () => {
  test('a size that does well is left alone', () => {
    const advice = poolAdvice(steady, roomy);
    assert.equal(advice.action, 'leave');
    assert.equal(advice.advised, 10);
    assert.match(advice.reasons.join(' '), /60 % of it is in use/);
    assert.ok(advice.predictions.some(({ size }) => size < 10) && advice.predictions.some(({ size }) => size > 10));
    assert.deepEqual(
      advice.predictions.map(({ size }) => size),
      advice.predictions.map(({ size }) => size).toSorted((a, b) => a - b),
    );
  });

  test('it grows to where callers wait short in the busiest minute', () => {
    const advice = poolAdvice({ ...steady, size: 7, waitMeanMs: 10 }, roomy);
    assert.equal(advice.action, 'change');
    assert.ok(advice.advised >= 9 && advice.advised <= 10, `${advice.advised}`);
    const at = advice.predictions.find(({ size }) => size === advice.advised);
    assert.ok((at?.waitMeanMs ?? 99) <= 2);
  });

  test('it shrinks where most of it stands idle, and not by one or two', () => {
    assert.deepEqual(pick(poolAdvice({ ...steady, size: 40, waitMeanMs: 0 }, roomy)), ['change', 10]);
    assert.deepEqual(pick(poolAdvice({ ...steady, size: 11, waitMeanMs: 0.2 }, roomy)), ['leave', 11]);
  });

  test('one that is all in use is doubled, whatever its rate', () => {
    const full = { ...steady, size: 4, ratePerSecond: 196, peakPerSecond: 199, waitMeanMs: 200 };
    assert.deepEqual(pick(poolAdvice(full, roomy)), ['change', 8]);
  });

  test('max_connections bounds the whole fleet', () => {
    const full = { ...steady, instances: 4, size: 4, ratePerSecond: 196, peakPerSecond: 199, waitMeanMs: 200 };
    const some = poolAdvice(full, { room: 23, cores: null });
    assert.deepEqual(pick(some), ['change', 5]);
    assert.match(some.reasons.join(' '), /max_connections leaves 23 for 4 instances/);
    const none = poolAdvice(full, { room: 12, cores: null });
    assert.deepEqual(pick(none), ['leave', 4]);
    assert.match(none.reasons.join(' '), /It does not grow all the same/);
  });

  test('so do the processors of the server, and never below the size it has', () => {
    const full = { ...steady, size: 4, ratePerSecond: 196, peakPerSecond: 199, waitMeanMs: 200 };
    assert.deepEqual(pick(poolAdvice(full, { room: 90, cores: 3 })), ['change', 6]);
    const held = poolAdvice(full, { room: 90, cores: 2 });
    assert.deepEqual(pick(held), ['leave', 4]);
    assert.match(held.reasons.join(' '), /2 processors/);
  });

  test('thin evidence, and a model that does not fit, leave it with the reason', () => {
    const thin = poolAdvice({ ...steady, acquired: 40 }, roomy);
    assert.equal(thin.action, 'leave');
    assert.match(thin.reasons.join(' '), /Only 40 callers/);
    assert.equal(poolAdvice({ ...steady, useMs: 0 }, roomy).action, 'leave');
    const odd = poolAdvice({ ...steady, waitMeanMs: 30 }, roomy);
    assert.equal(odd.action, 'leave');
    assert.match(odd.reasons.join(' '), /does not fit/);
  });
});

function pick({ action, advised }: { readonly action: string; readonly advised: number }): readonly [string, number] {
  return [action, advised];
}
