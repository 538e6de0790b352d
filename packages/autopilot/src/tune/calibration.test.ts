import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrate, calibrateEach, type PredictedMeasured } from './calibration.ts';

/** Trials one after the other, each predicted with what was learnt before it. Newest first. */
function learnt(count: number, measuredOf: (at: number) => number): readonly PredictedMeasured[] {
  const past: PredictedMeasured[] = [];
  for (let at = 0; at < count; at++) {
    const { bias, factor } = calibrate(past);
    const predicted = 0.1 * bias;
    const one = { category: 'indexes', modelled: 0.1, measured: measuredOf(at) };
    past.unshift({ ...one, low: predicted / factor, high: predicted * factor });
  }
  return past;
}

test('before anything was measured, predictions may be wrong by a factor of three', () => {
  const { trials, within, bias, factor } = calibrate([]);
  assert.deepEqual([trials, within, bias], [0, 0, 1]);
  assert.ok(factor > 2.4 && factor < 3.1, `${factor}`);
});

test('a model that is always too bright by the same factor is mended wholly, and its interval becomes narrow', () => {
  const past = learnt(40, () => 0.3);
  const { bias, factor } = calibrate(past);
  assert.ok(Math.abs(bias / 3 - 1) < 0.1, `a bias of ${bias}`);
  assert.ok(factor < 1.2, `${factor}`);
  assert.ok(past.slice(0, 20).every(({ low, high }) => low <= 0.3 && high >= 0.3));
});

test('errors that differ widen the interval until four in five are within', () => {
  const past = learnt(50, (at) => 0.1 * Math.exp(((at * 7) % 11) / 5 - 1));
  const { within, trials, factor } = calibrate(past);
  assert.ok(within / trials >= 0.7 && within / trials <= 0.95, `${within} of ${trials}`);
  assert.ok(factor > 1.8, `${factor}`);
});

test('each kind of advice is learnt from by itself', () => {
  const good = learnt(20, () => 0.1).map((one) => ({ ...one, category: 'settings' }));
  const each = calibrateEach([...learnt(20, (at) => (at % 2 === 0 ? 0.02 : 0.5)), ...good]);
  assert.ok((each.get('settings')?.factor ?? 9) < 1.1);
  assert.ok((each.get('indexes')?.factor ?? 0) > 3);
});
