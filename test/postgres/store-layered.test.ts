/**
 * The live hour and history as one: windows of a second come over the link, the same facts as windows of ten seconds into the database.
 * Whatever is asked, each request counts once.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Origin } from '../../packages/autopilot/src/contract/series.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { LayeredMetricStore } from '../../packages/autopilot/src/storage/layered-metric-store.ts';
import { MemoryMetricStore } from '../../packages/autopilot/src/storage/memory/memory-metric-store.ts';
import type { MetricStore } from '../../packages/autopilot/src/storage/ports.ts';
import type { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { emptyMetricStore } from '../support/metric-store.ts';
import { HOUR, MINUTE, mergedDurations, readAll } from '../support/metric-truth.ts';
import { type TestScope, throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;
const BLOCK = 10_000;

/** Two instances that serve 3 requests each second, a control plane, and a database. */
class World {
  readonly clock: FakeClock;
  readonly history: PostgresMetricStore;
  recent: MemoryMetricStore;
  store: LayeredMetricStore;
  readonly troubles: unknown[] = [];
  readonly durations: { readonly origin: Origin; readonly at: number; readonly ms: number }[] = [];
  readonly #origins = [originOf('a'), originOf('b')];
  readonly #next = random(21);
  /** What this control plane asks for history; another one when it is away. */
  asked: MetricStore;

  static async open(t: TestScope): Promise<World> {
    const clock = new FakeClock(T0);
    return new World(clock, await emptyMetricStore(t, throwawayCluster, clock));
  }

  private constructor(clock: FakeClock, history: PostgresMetricStore) {
    this.clock = clock;
    this.history = history;
    this.asked = history;
    [this.recent, this.store] = this.#controlPlane();
  }

  /** The control plane is started anew: its memory is empty. */
  restart(): void {
    [this.recent, this.store] = this.#controlPlane();
  }

  /** Time passes. `linked`: windows of a second reach the control plane; `stored`: those of ten seconds the database. */
  async pass(untilMs: number, { linked = true, stored = true, of = this.#origins } = {}): Promise<void> {
    while (this.clock.now() < untilMs) {
      const from = this.clock.now();
      // Agents end their windows at multiples of ten seconds.
      const to = Math.min(untilMs, Math.floor(from / BLOCK + 1) * BLOCK);
      for (const origin of of) {
        const seconds = [];
        const block: number[] = [];
        for (let at = from; at < to; at += 1000) {
          const durations = Array.from({ length: 3 }, () => Math.exp(this.#next() * 6));
          block.push(...durations);
          for (const ms of durations) this.durations.push({ origin, at, ms });
          seconds.push(windowOf(at, [routeOf('GET /a', durations)]));
        }
        this.clock.jump(to);
        if (linked) await this.store.append(origin, seconds);
        if (stored)
          await this.history.append(origin, [windowOf(from, [routeOf('GET /a', block)], { durationMs: to - from })]);
        this.clock.jump(from);
      }
      this.clock.advance(to - from);
      if (to % MINUTE === 0) {
        await this.store.compact(this.clock.now());
        await this.store.settled();
      }
    }
  }

  async assertTells(from: number, to: number, resolutionsMs: readonly number[]): Promise<void> {
    const truth = this.durations.filter(({ at }) => at >= from && at < to).length;
    for (const resolutionMs of resolutionsMs) {
      for (const select of [{ kind: 'each' }, { kind: 'total' }, { kind: 'keys', keys: ['GET /a'] }] as const) {
        const slices = await readAll(this.store, { from, to, resolutionMs, select, mergeInstances: true });
        const what = `${(from - T0) / MINUTE} to ${(to - T0) / MINUTE} min at ${resolutionMs} ms, ${select.kind}`;
        // A window that reaches out of the range counts with the part that lies in it, as charts have it.
        const counts = slices.map((slice) => {
          const { start, durationMs } = slice;
          const inside = Math.min(start + durationMs, to) - Math.max(start, from);
          return (mergedDurations([slice]).count * inside) / durationMs;
        });
        const told = counts.reduce((sum, count) => sum + count, 0);
        assert.ok(Math.abs(told - truth) < 0.5, `${told} of ${truth}: ${what}`);
      }
    }
  }

  #controlPlane(): [MemoryMetricStore, LayeredMetricStore] {
    const recent = new MemoryMetricStore({ clock: this.clock });
    const history: MetricStore = {
      append: (origin, windows) => this.asked.append(origin, windows),
      read: (query) => this.asked.read(query),
      compact: (now) => this.asked.compact(now),
      extent: (service, now) => this.asked.extent(service, now),
    };
    const onTrouble = (error: unknown): void => {
      this.troubles.push(error);
    };
    return [recent, new LayeredMetricStore({ recent, history, clock: this.clock, onTrouble })];
  }
}

test('each request counts once, over any range and at any step', async (t) => {
  const world = await World.open(t);
  await world.pass(T0 + 2 * HOUR + 7 * MINUTE + 30_000);
  const now = world.clock.now();
  await world.assertTells(now - 5 * MINUTE, now, [1000, BLOCK]);
  await world.assertTells(now - 45 * MINUTE, now, [1000, BLOCK, MINUTE, HOUR]);
  await world.assertTells(T0, now, [BLOCK, MINUTE, 5 * MINUTE, HOUR, 24 * HOUR]);
  await world.assertTells(T0 + 30 * MINUTE, T0 + 90 * MINUTE, [BLOCK, MINUTE, HOUR]);
  assert.deepEqual(world.troubles, []);
  const { levels } = await world.store.extent('orders', now);
  assert.deepEqual(
    levels.map(({ resolutionMs }) => resolutionMs),
    [1000, BLOCK, MINUTE, HOUR, 24 * HOUR],
  );
});

test('a control plane that was just started fills its hour from history', async (t) => {
  const world = await World.open(t);
  await world.pass(T0 + 70 * MINUTE + 4000);
  world.restart();
  await world.pass(world.clock.now() + 3 * MINUTE + 26_000);
  const now = world.clock.now();
  await world.assertTells(T0, now, [BLOCK, MINUTE, HOUR]);
  await world.assertTells(T0 + 20 * MINUTE, now, [1000, BLOCK, MINUTE]);
});

test('what the link did not bring comes from history, what the database did not get from the link', async (t) => {
  const world = await World.open(t);
  await world.pass(T0 + 30 * MINUTE);
  await world.pass(T0 + 45 * MINUTE + 5000, { linked: false });
  await world.pass(T0 + 62 * MINUTE + 7000);
  await world.assertTells(T0, world.clock.now(), [BLOCK, MINUTE, HOUR]);
  // An agent whose role may not write: the live hour is all there is of it.
  const from = world.clock.now();
  await world.pass(from + 15 * MINUTE, { stored: false });
  await world.assertTells(from, world.clock.now(), [BLOCK, MINUTE]);
  await world.assertTells(from - 10 * MINUTE, world.clock.now(), [BLOCK, MINUTE]);
});

test('while history is away the live hour answers, and says that it is alone', async (t) => {
  const world = await World.open(t);
  await world.pass(T0 + 90 * MINUTE);
  const away: MetricStore = {
    append: () => Promise.reject(new Error('away')),
    // oxlint-disable-next-line require-yield
    async *read() {
      throw new Error('away');
    },
    compact: () => Promise.reject(new Error('away')),
    extent: () => Promise.reject(new Error('away')),
  };
  world.asked = away;
  const now = world.clock.now();
  await world.assertTells(now - 5 * MINUTE, now, [1000, BLOCK]);
  assert.equal(world.troubles.length, 0);
  // Said to be complete a moment ago; it is not.
  await assert.rejects(readAll(world.store, { from: T0, to: now, resolutionMs: MINUTE }), /away/);
  assert.equal((await world.store.extent('orders', now)).levels.length, 2);
  const slices = await readAll(world.store, { from: T0, to: now, resolutionMs: MINUTE });
  assert.ok(slices.length > 0 && slices.every(({ start }) => start >= now - 62 * MINUTE));
  await world.store.compact(now);
  await world.store.settled();
  assert.equal(world.troubles.length, 2, 'told once for reading and once for compacting');
  world.asked = world.history;
  world.clock.advance(6000);
  await world.assertTells(T0, now, [MINUTE]);
  assert.equal((await world.store.extent('orders', world.clock.now())).levels.length, 5);
});
