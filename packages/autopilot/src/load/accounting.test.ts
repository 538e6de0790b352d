/** What keeps count and judges: queues, tallies, results, limits, steady state, the generator's check of itself. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { AbortWatch } from './abort-watch.ts';
import { Agenda } from './agenda.ts';
import { DueQueue } from './due-queue.ts';
import { type LatencySummary, latencySummary, type PartResult } from './result.ts';
import { ResultBuilder } from './result-builder.ts';
import { invalidReasonsOf } from './self-check.ts';
import { machineClock, type Reading, SharedState } from './shared-state.ts';
import { findSteadyState } from './steady-state.ts';
import { AFTER_WINDOW, OTHER_ERRORS, PREPARE_WINDOW, Tally } from './tally.ts';
import { MetronomeWaker, TimerWaker } from './waker.ts';

test('a due queue is first in, first out, bounded, and knows who waits how long', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.option(fc.nat(20))), (capacity, steps) => {
      const queue = new DueQueue(capacity);
      const model: [number, number][] = [];
      let due = 0;
      steps.forEach((step, number) => {
        if (step === null) {
          queue.shift();
          model.shift();
        } else {
          due += step;
          const room = model.length < capacity;
          if (room) model.push([due, number]);
          assert.equal(queue.push(due, number), room);
        }
        assert.equal(queue.length, model.length);
        assert.equal(queue.firstDueMs, model[0]?.[0] ?? Number.POSITIVE_INFINITY);
        if (model[0] !== undefined) assert.equal(queue.firstNumber, model[0][1]);
        assert.equal(queue.countDueBefore(due - 5), model.filter(([at]) => at < due - 5).length);
      });
    }),
  );
});

test('an agenda gives back by time', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(1000))), (steps) => {
      const agenda = new Agenda<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) assert.equal(agenda.take(), model.shift());
        else {
          agenda.add(step, step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        assert.equal(agenda.size, model.length);
        assert.equal(agenda.nextMs, model[0] ?? Number.POSITIVE_INFINITY);
      }
    }),
  );
});

test('wakers wake, at the time asked for last or before it', async () => {
  const now = machineClock();
  for (const kind of ['metronome', 'timer']) {
    let asked = 0;
    const late: number[] = [];
    const make = (wake: () => void): MetronomeWaker | TimerWaker =>
      kind === 'timer' ? new TimerWaker(now, wake) : new MetronomeWaker(now, wake);
    const done = Promise.withResolvers<void>();
    const waker = make(() => {
      const at = now();
      if (at >= asked) {
        late.push(at - asked);
        if (late.length === 50) {
          done.resolve();
          return;
        }
        asked = at + (late.length % 7);
      }
      waker.wakeAt(asked);
    });
    // The metronome's thread may still be starting; the order waits for it.
    asked = now() + 500;
    waker.wakeAt(asked);
    asked = now() + 20;
    waker.wakeAt(asked);
    await Promise.race([done.promise, delay(10_000, undefined, { ref: false })]);
    waker.wakeAt(now());
    waker.close();
    assert.equal(late.length, 50, kind);
    await delay(20);
    assert.equal(late.length, 50, `${kind} is silent when closed`);
  }
});

describe('results', () => {
  const encoded = (...values: number[]): Uint8Array => {
    const histogram = new ExponentialHistogram();
    for (const value of values) histogram.record(value);
    return histogram.encode();
  };

  test('are the same however the counting was cut', () => {
    const request = fc.record({
      window: fc.constantFrom(-2, -1, 0, 1, 2, PREPARE_WINDOW, AFTER_WINDOW),
      row: fc.nat(2),
      outcome: fc.constantFrom('done' as const, 'failed' as const, 'timedOut' as const, 'unfinished' as const),
      ms: fc.double({ min: 0, max: 1000, noNaN: true }),
      worker: fc.nat(1),
      drain: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const build = (cut: boolean): ResultBuilder => {
          const builder = new ResultBuilder();
          const tallies = [new Tally(), new Tally()];
          for (const { window, row, outcome, ms, worker, drain } of requests) {
            const tally = tallies[cut ? worker : 0];
            tally?.iteration(window);
            tally?.request(window, row, outcome, ms, ms / 2, 10, `kind ${row}`);
            if (outcome === 'unfinished') tally?.dropped(window, ms);
            if (cut && drain) builder.add(tally?.drain() ?? []);
          }
          for (const tally of tallies) builder.add(tally.drain());
          return builder;
        };
        const whole = build(false);
        const parts = build(true);
        for (const part of ['prepare', 'warmup', 'measured', 'after'] as const) {
          assert.deepEqual(parts[part].part(1000), whole[part].part(1000));
        }
        assert.deepEqual(parts.steps(['a', 'b', 'c']), whole.steps(['a', 'b', 'c']));
        assert.deepEqual(parts.windows(1500, 2500), whole.windows(1500, 2500));
      }),
    );
  });

  test('of a long run take no more memory than of a short one', () => {
    const builder = new ResultBuilder();
    const seconds = 10_000;
    for (let window = -100; window < seconds; window++) {
      const cell = { row: 0, done: 1, failed: 0, timedOut: 0, unfinished: 0, bytesReceived: 1, errors: [] };
      builder.add([
        {
          window,
          iterations: 1,
          dropped: 0,
          droppedWait: encoded(),
          cells: [{ ...cell, response: encoded(5), service: encoded(4) }],
        },
      ]);
    }
    const windows = builder.windows(100_000, seconds * 1000);
    assert.ok(windows.length <= 1200 && windows.length > 300, String(windows.length));
    assert.equal(
      windows.reduce((sum, window) => sum + window.done, 0),
      seconds + 100,
    );
    assert.equal(
      windows.reduce((sum, window) => sum + window.durationMs, 0),
      (seconds + 100) * 1000,
    );
    for (const [at, { fromMs, durationMs }] of windows.entries()) {
      if (at > 0) assert.equal((windows[at - 1]?.fromMs ?? 0) + (windows[at - 1]?.durationMs ?? 0), fromMs);
      assert.ok(fromMs >= 0 || fromMs + durationMs <= 0, 'no window spans both parts');
    }
  });

  test('kinds of failures are bounded', () => {
    const tally = new Tally();
    for (let kind = 0; kind < 1000; kind++) tally.request(0, 0, 'failed', 1, 1, 0, `kind ${kind}`);
    const errors = new Map(tally.drain()[0]?.cells[0]?.errors);
    assert.equal(errors.size, 51);
    assert.equal(errors.get(OTHER_ERRORS), 950);
  });
});

describe('limits', () => {
  const nothing = new SharedState(1).read();
  /** Runs a watch over 5 s of readings, 50 ms apart; the time of the first crossing. */
  function firstCrossing(
    limits: ConstructorParameters<typeof AbortWatch>[0],
    readingAt: (ms: number) => Partial<Reading>,
    users = 100,
  ): { atMs: number; reason: string } | undefined {
    const state = new SharedState(2);
    const watch = new AbortWatch(limits, state, users, 0);
    for (let ms = 0; ms <= 5000; ms += 50) {
      const reading = { ...nothing, ...readingAt(ms) };
      // Half of everything from each worker.
      const half = Object.fromEntries(Object.entries(reading).map(([name, value]) => [name, value / 2]));
      state.publish(0, { ...reading, ...half });
      state.publish(1, { ...reading, ...half });
      const crossing = watch.check(ms);
      if (crossing !== undefined) return { atMs: ms, reason: crossing.reason };
    }
    return undefined;
  }

  test('on errors look at the last second', () => {
    const failing = (ms: number): Partial<Reading> => ({ done: Math.min(ms, 2000), failed: Math.max(0, ms - 2000) });
    assert.deepEqual(firstCrossing({ errorRatio: 0.5 }, failing), { atMs: 2550, reason: 'error-ratio' });
    assert.equal(firstCrossing({ errorRatio: 1 }, failing), undefined);
    assert.equal(
      firstCrossing({}, (ms) => ({ done: ms, failed: ms / 3 })),
      undefined,
    );
  });

  test('wait for enough requests, and look further back for them', () => {
    assert.equal(
      firstCrossing({ errorRatio: 0.1 }, (ms) => ({ failed: Math.floor(ms / 500) })),
      undefined,
    );
    const slow = firstCrossing({ errorRatio: 0.1 }, (ms) => ({ failed: Math.floor(ms / 200) }));
    assert.equal(slow?.atMs, 4000, 'the twentieth');
    assert.ok((firstCrossing({ errorRatio: 0.1 }, (ms) => ({ failed: Math.floor(ms / 200) }), 4)?.atMs ?? 9e9) < 1000);
  });

  test('on latency count what is still under way', () => {
    const stalled = (ms: number): Partial<Reading> => ({
      done: Math.min(ms, 1000),
      underWaySlowP99: ms > 1200 ? ms - 1200 : 0,
    });
    const crossing = firstCrossing({ p99Ms: 200 }, stalled);
    assert.equal(crossing?.reason, 'latency');
    assert.ok(crossing.atMs <= 1300);
    assert.equal(
      firstCrossing({ p99Ms: 200 }, (ms) => ({ done: ms, slowP99: Math.floor(ms / 150) })),
      undefined,
    );
  });

  test('do not count what was before the load', () => {
    assert.equal(
      firstCrossing({ p95Ms: 10 }, (ms) => ({ done: 100 + ms, slowP95: 100 })),
      undefined,
    );
  });
});

describe('steady state', () => {
  const windows = (values: readonly number[], done: readonly number[] = values.map(() => 100)) =>
    values.map((p50Ms, at) => ({ fromMs: at * 1000, durationMs: 1000, done: done[at] ?? 0, p50Ms }));
  const noise = (at: number): number => 1 + 0.02 * Math.sin(at * 12.9898);

  test('begins where the warm-up has ended', () => {
    const values = Array.from({ length: 40 }, (_, at) => (at < 6 ? 30 - 4 * at : 5) * noise(at));
    const found = findSteadyState(windows(values), 0);
    assert.equal(found.state, 'steady');
    assert.ok(found.fromMs >= 5000 && found.fromMs <= 9000, String(found.fromMs));
    assert.equal(found.untilMs, 40_000);
  });

  test('is not found where there is a drift, a collapse or too little', () => {
    const drifting = Array.from({ length: 40 }, (_, at) => (5 + 0.1 * at) * noise(at));
    assert.equal(findSteadyState(windows(drifting), 0).state, 'unsteady');
    const flat = drifting.map((_, at) => 5 * noise(at));
    assert.equal(findSteadyState(windows(flat), 0).state, 'steady');
    assert.equal(
      findSteadyState(
        windows(
          flat,
          flat.map((_, at) => (at < 35 ? 100 : 10)),
        ),
        0,
      ).state,
      'unsteady',
    );
    assert.equal(findSteadyState(windows(flat.slice(0, 9)), 0).state, 'not-judged');
    assert.equal(findSteadyState(windows(flat), 35_000).state, 'not-judged');
  });
});

test('a generator that was late, busy or left something out says so', () => {
  const times = (...values: number[]): LatencySummary => {
    const histogram = new ExponentialHistogram();
    for (const value of values) histogram.record(value);
    return latencySummary(histogram);
  };
  const fine = {
    workers: 1,
    machines: 1,
    slip: times(0.1, 0.3),
    loopDelay: times(1),
    utilization: 0.4,
    iterationsFailed: 0,
    iterationsCut: 0,
  };
  const measured = { response: times(20), requests: 10, dropped: 0, iterations: 10 } as PartResult; // what is looked at
  assert.deepEqual(invalidReasonsOf(fine, measured), []);
  assert.match(invalidReasonsOf({ ...fine, slip: times(3) }, measured)[0] ?? '', /3 ms late/);
  assert.deepEqual(invalidReasonsOf({ ...fine, slip: times(3) }, { ...measured, response: times(900) }), []);
  assert.match(invalidReasonsOf({ ...fine, loopDelay: times(30) }, measured)[0] ?? '', /event loop/);
  assert.match(invalidReasonsOf({ ...fine, utilization: 0.97 }, measured)[0] ?? '', /bottleneck/);
  assert.match(invalidReasonsOf(fine, { ...measured, dropped: 3 })[0] ?? '', /3 of 10 arrivals/);
  assert.match(invalidReasonsOf(fine, { ...measured, requests: 0 })[0] ?? '', /Not one/);
});
