import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JudgementRules, judgeTrial, type TrialSample } from './trial-judgement.ts';

const rules: JudgementRules = { blockMs: 10_000, blockCalls: 100, leastBlocks: 6, alpha: 0.01, leastEffect: 0.05 };

/** Means in ms by statement, one sample each; calls are 100 but where said. */
function samples(
  count: number,
  means: Readonly<Record<string, number>>,
  calls: Readonly<Record<string, number>> = {},
): readonly TrialSample[] {
  return Array.from({ length: count }, (_, at) => ({
    at: at * 10_000,
    durationMs: 10_000,
    service: null,
    statements: Object.fromEntries(
      Object.entries(means).map(([id, mean]) => {
        const many = calls[id] ?? 100;
        // A ripple, so that there is noise to be measured.
        return [id, { calls: many, totalMs: many * mean * (1 + 0.02 * Math.sin(at * 3)), buffers: many * 10 * mean }];
      }),
    ),
  }));
}

test('a mix that shifts is no effect: each statement is compared with itself', () => {
  const before = samples(12, { fast: 1, slow: 50 }, { fast: 900, slow: 100 });
  const after = samples(12, { fast: 1, slow: 50 }, { fast: 100, slow: 900 });
  const { effect, verdict } = judgeTrial(before, after, { affected: ['fast', 'slow'], controls: [] }, rules);
  assert.ok(Math.abs((effect ?? 0) - 1) < 0.02, `effect ${effect}`);
  assert.notEqual(verdict, 'worse');
  assert.notEqual(verdict, 'better');
});

test('an index that makes one statement worse goes when the others do not make up for it, and stays when they do', () => {
  const question = { affected: ['read', 'write'], controls: ['other'] };
  const before = samples(12, { read: 10, write: 10, other: 5 });
  const bad = judgeTrial(before, samples(12, { read: 9, write: 20, other: 5 }), question, rules);
  assert.equal(bad.verdict, 'worse');
  const good = judgeTrial(before, samples(12, { read: 1, write: 11, other: 5 }), question, rules);
  assert.equal(good.verdict, 'better');
  assert.equal(good.statements[1]?.verdict, 'worse');
});

test('harm is seen before the least number of blocks, a gain is not', () => {
  const question = { affected: ['one'], controls: ['other'] };
  const before = samples(12, { one: 10, other: 5 });
  assert.equal(judgeTrial(before, samples(4, { one: 40, other: 5 }), question, rules).verdict, 'worse');
  assert.equal(judgeTrial(before, samples(4, { one: 2, other: 5 }), question, rules).verdict, 'not enough evidence');
});

test('nothing is said of statements that nobody calls', () => {
  const before = samples(12, { one: 10 });
  const { verdict, effect } = judgeTrial(before, samples(12, {}), { affected: ['one'], controls: [] }, rules);
  assert.deepEqual([verdict, effect], ['not enough evidence', null]);
});

test('a statement that is called now and then does not keep the others from a verdict', () => {
  const question = { affected: ['often', 'rarely'], controls: ['other'] };
  const means = { often: 10, rarely: 3, other: 5 };
  const before = samples(20, means, { rarely: 30 });
  const after = samples(12, { ...means, often: 1 }, { rarely: 40 });
  const { verdict, statements, effect, interval } = judgeTrial(before, after, question, rules);
  assert.ok((statements[1]?.time.blocksAfter ?? 9) < rules.leastBlocks);
  assert.equal(verdict, 'better');
  const [low, high] = interval;
  assert.ok(low !== null && high !== null && effect !== null);
  assert.ok(low < effect && effect < high && high < 0.2, `${low} to ${high}`);
});
