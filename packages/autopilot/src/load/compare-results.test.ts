import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { compareLoadResults } from './compare-results.ts';
import { Random } from './random.ts';
import { type LoadResult, latencySummary, type WindowResult } from './result.ts';

interface Shape {
  readonly seconds?: number;
  readonly perSecond?: number;
  readonly slowBy?: number;
  readonly failing?: number;
  /** How much a second's level swings, and how much of that the next second keeps. */
  readonly swing?: number;
}

/** A run whose seconds hang together, as those of real services do. */
function made(
  seed: number,
  { seconds = 20, perSecond = 200, slowBy = 1, failing = 0, swing = 0.05 }: Shape = {},
): LoadResult {
  const random = new Random(seed, 5);
  const normal = (): number => Math.sqrt(2 * random.exponential()) * Math.cos(2 * Math.PI * random.next());
  let level = 0;
  const windows = Array.from({ length: seconds }, (_, second): WindowResult => {
    level = 0.6 * level + swing * normal();
    const histogram = new ExponentialHistogram();
    let failed = 0;
    for (let request = 0; request < perSecond; request++) {
      if (random.next() < failing) failed++;
      // Log-normal with a tail, as response times are.
      else histogram.record(slowBy * Math.exp(level) * 5 * Math.exp(0.4 * normal()));
    }
    const done = perSecond - failed;
    const counts = { requests: perSecond, done, failed, timedOut: 0, unfinished: 0, bytesReceived: 0 };
    return {
      fromMs: 1000 * second,
      durationMs: 1000,
      iterations: perSecond,
      dropped: 0,
      ...counts,
      response: latencySummary(histogram),
    };
  });
  const steady = { state: 'not-judged', reason: '' } as const;
  // The comparison looks at nothing else of a result.
  return { windows, steady, valid: true, invalidReasons: [], state: 'completed', stop: null } as unknown as LoadResult;
}

describe('a comparison', () => {
  test('of equal services shows no difference, in at least 95 % of 40 pairs', () => {
    let alarms = 0;
    for (let pair = 0; pair < 40; pair++) {
      const { verdict } = compareLoadResults([made(2 * pair)], [made(2 * pair + 1)], { seed: pair });
      if (verdict !== 'no-difference') alarms++;
    }
    assert.ok(alarms <= 2, `${alarms} false alarms`);
  });

  test('names a slow-down by 10 %, and a speed-up, in at least 95 % of 40 pairs', () => {
    let missed = 0;
    for (let pair = 0; pair < 40; pair++) {
      const before = made(1000 + 2 * pair, { swing: 0.02 });
      const after = made(1001 + 2 * pair, { swing: 0.02, slowBy: 1.1 });
      if (compareLoadResults([before], [after]).verdict !== 'worse') missed++;
      if (compareLoadResults([after], [before]).verdict !== 'better') missed++;
    }
    assert.ok(missed <= 4, `missed ${missed} of 80`);
  });

  test('gives the change with its interval', () => {
    const { figures } = compareLoadResults([made(1, { swing: 0.02 })], [made(2, { swing: 0.02, slowBy: 1.2 })]);
    for (const { figure, change, low, high, before, after } of figures) {
      assert.ok(low <= change && change <= high, figure);
      if (figure === 'errorRatio') continue;
      assert.ok(low < 1.2 && high > 1.2, `${figure}: ${low} to ${high}`);
      assert.ok(Math.abs(after / before - change) < 1e-9);
    }
  });

  test('sees more failures', () => {
    const { verdict, figures } = compareLoadResults([made(1)], [made(2, { failing: 0.02 })]);
    assert.equal(verdict, 'worse');
    assert.equal(figures.find(({ figure }) => figure === 'errorRatio')?.verdict, 'worse');
  });

  test('of several runs a side takes in what differs from run to run', () => {
    // Each run has a level of its own: 6 % up or down.
    const runs = (seed: number): LoadResult[] =>
      [0.94, 1.06, 0.97, 1.03].map((slowBy, at) => made(seed + at, { slowBy, swing: 0.01 }));
    const width = (before: LoadResult[], after: LoadResult[]): number => {
      const [p50] = compareLoadResults(before, after).figures;
      return (p50?.high ?? 0) - (p50?.low ?? 0);
    };
    assert.ok(width(runs(10), runs(20)) > 1.5 * width(runs(10).slice(0, 1), runs(20).slice(0, 1)));
    assert.equal(compareLoadResults(runs(10), runs(20)).verdict, 'no-difference');
  });

  test('says when there is not enough, or nothing valid, to compare', () => {
    const fine = made(1);
    const reason = (before: LoadResult[], after: LoadResult[]): string => {
      const { verdict, reasons } = compareLoadResults(before, after);
      assert.equal(verdict, 'not-enough-data');
      return reasons.join(' ');
    };
    assert.match(reason([fine], []), /no run after/);
    assert.match(reason([made(2, { seconds: 9 })], [fine]), /before have 9 windows/);
    assert.match(reason([fine], [made(2, { perSecond: 5 })]), /after have 100 requests/);
    assert.match(reason([fine], [{ ...fine, valid: false, invalidReasons: ['It was late.'] }]), /invalid: It was late/);
    assert.match(reason([{ ...fine, state: 'aborted' }], [fine]), /ended before its time/);
  });
});
