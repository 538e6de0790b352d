import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { Flush } from './flush.ts';
import { WindowBacklog } from './window-backlog.ts';

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
    delivery: {
      prepare: () => link.open,
      deliver: (windows) => {
        if (link.open) delivered.push(windows.map(({ start }) => start / 1_000));
        return link.open;
      },
      room: () => Promise.resolve(link.open),
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
    delivery: { prepare: () => true, deliver: () => true, room: () => Promise.resolve(true) },
    clock: new FakeClock(0),
    onTrouble: (error) => troubles.push(error),
  });
  flush.run(0);
  assert.equal(troubles.length, 1);
});

test('two minutes without a link: half a minute fine, the rest in tens, nothing looked at, all delivered later', () => {
  const backlog = new WindowBacklog();
  const closed: Window[] = [];
  const delivered: Window[] = [];
  let linked = false;
  let tries = 0;
  const flush = new Flush({
    source: { drain: () => closed.splice(0) },
    delivery: {
      prepare: () => linked,
      deliver: (windows) => {
        tries++;
        delivered.push(...windows);
        return true;
      },
      room: () => Promise.resolve(linked),
    },
    clock: new FakeClock(0),
    backlog,
  });
  let mostBytes = 0;
  for (let second = 0; second < 120; second++) {
    closed.push(windowAt(second));
    flush.run(0);
    // Somebody may look meanwhile: the open ten seconds go on.
    backlog.peek(1_000_000);
    mostBytes = Math.max(mostBytes, backlog.bytes);
  }
  assert.equal(tries, 0);
  assert.ok(mostBytes < 40 * 200, `${mostBytes} bytes for at most 40 empty windows`);
  linked = true;
  flush.run(0);
  assert.deepEqual(
    delivered.map(({ start, durationMs }) => [start / 1_000, durationMs / 1_000]),
    [...Array.from({ length: 9 }, (_, i) => [10 * i, 10]), ...Array.from({ length: 30 }, (_, i) => [90 + i, 1])],
  );
  assert.ok(backlog.empty);
  assert.equal(flush.lostWindows, 0);
});

test('closing waits for room again and again, and counts what is left as lost', async () => {
  for (const rooms of [100, 2]) {
    let left = rooms;
    let room = false;
    let delivered = 0;
    const closed: Window[] = Array.from({ length: 30 }, (_, second) => ({
      ...windowAt(second),
      series: [{ family: 'route', key: 'x'.repeat(200_000), database: null, route: null, cells: {} }],
    }));
    const flush = new Flush({
      source: { drain: () => closed.splice(0) },
      delivery: {
        prepare: () => room,
        deliver: (windows) => {
          if (!room) return false;
          room = false;
          delivered += windows.length;
          return true;
        },
        room: async () => {
          await Promise.resolve();
          room = left-- > 0;
          return room;
        },
      },
      clock: new FakeClock(0),
    });
    await flush.close(1_000);
    assert.equal(delivered + flush.lostWindows, 30);
    assert.equal(flush.lostWindows > 0, rooms === 2);
  }
});
