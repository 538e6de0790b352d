import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { Flush } from './flush.ts';

function windowAt(second: number): Window {
  return { start: second * 1_000, durationMs: 1_000, series: [], overflow: {} };
}

function harness(): {
  readonly flush: Flush;
  readonly closed: Window[];
  readonly delivered: number[][];
  readonly link: { open: boolean };
  readonly troubles: unknown[];
} {
  const closed: Window[] = [];
  const delivered: number[][] = [];
  const link = { open: true };
  const troubles: unknown[] = [];
  const flush = new Flush({
    source: { drain: () => closed.splice(0) },
    deliver: (windows) => {
      if (link.open) delivered.push(windows.map(({ start }) => start / 1_000));
      return link.open;
    },
    clock: new FakeClock(0),
    onTrouble: (error) => troubles.push(error),
  });
  return { flush, closed, delivered, link, troubles };
}

test('windows go straight through, and nothing too: silence means a blocked process', () => {
  const { flush, closed, delivered } = harness();
  closed.push(windowAt(1));
  flush.run(0);
  flush.run(0);
  assert.deepEqual(delivered, [[1], []]);
});

test('what nobody takes is kept and comes first, in order, when somebody does', () => {
  const { flush, closed, delivered, link } = harness();
  link.open = false;
  for (let second = 0; second < 3; second++) {
    closed.push(windowAt(second));
    flush.run(0);
  }
  assert.deepEqual(delivered, []);
  link.open = true;
  closed.push(windowAt(3));
  flush.run(0);
  assert.deepEqual(delivered, [[0, 1, 2, 3]]);
  flush.run(0);
  assert.deepEqual(delivered.at(-1), []);
  assert.equal(flush.lostWindows, 0);
});

test('a failure of our own is told and goes no further', () => {
  const troubles: unknown[] = [];
  const flush = new Flush({
    source: {
      drain: () => {
        throw new Error('broken');
      },
    },
    deliver: () => true,
    clock: new FakeClock(0),
    onTrouble: (error) => troubles.push(error),
  });
  flush.run(0);
  assert.equal(troubles.length, 1);
});
