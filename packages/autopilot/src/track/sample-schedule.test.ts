import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SampleSchedule } from './sample-schedule.ts';

/** Numbers from 0 to 1, the same in each run. */
function seeded(): () => number {
  let state = 7;
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}

interface Ran {
  readonly truth: Readonly<Record<'timers' | 'rest', number>>;
  readonly estimate: Readonly<Record<'timers' | 'rest', number>>;
  readonly sampledShare: number;
}

type Turn = (turn: number) => { readonly timers: number; readonly rest: number };

/**
 * A loop whose turns take what `turnOf` says: first the timers, in which the schedule has its place at random, then the rest.
 * Answers true and estimated ms of the parts.
 */
function run(share: number, turns: number, turnOf: Turn): Ran {
  const random = seeded();
  const schedule = new SampleSchedule(random);
  const truth = { timers: 0, rest: 0 };
  const estimate = { timers: 0, rest: 0 };
  let nowMs = 0;
  let step = schedule.advance(nowMs, share);
  let dueAtMs = nowMs + step.nextInMs;
  let sampledMs = 0;
  const pass = (part: 'timers' | 'rest', ms: number): void => {
    nowMs += ms;
    truth[part] += ms;
    if (!step.isSampling) return;
    estimate[part] += ms * step.weight;
    sampledMs += ms;
  };
  for (let turn = 0; turn < turns; turn++) {
    const { timers, rest } = turnOf(turn);
    // Those that were due before it have their turn before it.
    const isDue = nowMs >= dueAtMs;
    const before = isDue ? random() * timers : timers;
    pass('timers', before);
    if (isDue) {
      step = schedule.advance(nowMs, share);
      dueAtMs = nowMs + step.nextInMs;
    }
    pass('timers', timers - before);
    pass('rest', rest);
  }
  return { truth, estimate, sampledShare: sampledMs / nowMs };
}

describe('when the loop is sampled', () => {
  const loops: Readonly<Record<string, Turn>> = {
    'short turns': () => ({ timers: 2, rest: 8 }),
    'turns of half a second, first of requests that begin, then of those that go on': (turn) =>
      turn % 2 === 0 ? { timers: 30, rest: 450 } : { timers: 350, rest: 70 },
    'short turns, and now and then a long one': (turn) =>
      turn % 100 === 0 ? { timers: 10, rest: 600 } : { timers: 2, rest: 3 },
  };
  for (const [name, turnOf] of Object.entries(loops)) {
    for (const share of [0.1, 0.5]) {
      test(`${name}: what ${100 * share} % of the time tells is right on average`, () => {
        const { truth, estimate, sampledShare } = run(share, name.endsWith('a long one') ? 2_000_000 : 500_000, turnOf);
        for (const part of ['timers', 'rest'] as const) {
          const ratio = estimate[part] / truth[part];
          assert.ok(Math.abs(ratio - 1) < 0.05, `${part}: ${ratio}`);
        }
        if (name === 'short turns') assert.ok(Math.abs(sampledShare / share - 1) < 0.05, `${sampledShare}`);
      });
    }
  }

  test('the share is kept where turns are short, however small it is', () => {
    for (const share of [0.001, 0.1, 0.9]) {
      const schedule = new SampleSchedule();
      schedule.advance(0, share);
      assert.ok(Math.abs(schedule.advance(100, share).weight * share - 1) < 1e-9);
    }
  });

  test('no share, no sample; and one later, when there is a share', () => {
    const schedule = new SampleSchedule();
    assert.deepEqual(schedule.advance(0, 0), { isSampling: false, weight: 1, nextInMs: 1_000 });
    const { nextInMs } = schedule.advance(1_000, 0.1);
    const begun = schedule.advance(1_000 + nextInMs, 0.1);
    assert.equal(begun.isSampling, true);
    assert.ok(Math.abs(begun.weight - 10) < 1e-9);
    assert.equal(schedule.advance(1_200, 0).isSampling, false);
  });

  test('another share holds within a second, also in a long pause', () => {
    const schedule = new SampleSchedule(() => 0.999);
    schedule.advance(0, 0.001);
    schedule.advance(100, 0.001);
    const pausing = schedule.advance(200, 0.001);
    assert.deepEqual([pausing.isSampling, pausing.nextInMs], [false, 1_000]);
    const { nextInMs } = schedule.advance(1_200, 0.5);
    assert.ok(schedule.advance(1_200 + nextInMs, 0.5).isSampling);
  });

  test('after a machine has slept for a week nothing is caught up with', () => {
    const schedule = new SampleSchedule();
    schedule.advance(0, 0.1);
    const week = 7 * 86_400_000;
    assert.equal(schedule.advance(week, 0.1).isSampling, false);
  });
});
