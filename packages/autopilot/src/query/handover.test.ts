/**
 * Control planes of a fleet follow one another, second by second on a clock of our own: agents are linked late, or to the wrong one
 * for a while, and write to history as ever. Whatever is asked of the leader at any moment, an answer that is said to be complete
 * has each request once, and none has one twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../../../test/support/random.ts';
import type { Origin, Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { LayeredMetricStore } from '../storage/layered-metric-store.ts';
import { MemoryMetricStore } from '../storage/memory/memory-metric-store.ts';
import { QueryEngine } from './query-engine.ts';
import { steppedRange } from './time-range.ts';

const SECOND = 1_000;
const BLOCK = 10_000;
const MINUTE = 60_000;
/** Not at the beginning of a minute. */
const T0 = 1_700_006_400_000 + 47 * SECOND;

function windowOf(start: number, durationMs: number, requests: number): Window {
  const histogram = new ExponentialHistogram();
  for (let i = 0; i < requests; i++) histogram.record(5);
  const cells = { requests, durationMs: histogram.encode() };
  const series = [{ family: 'route', key: 'GET /', database: null, route: null, cells } as const];
  return { start, durationMs, series: requests === 0 ? [] : series, overflow: {} };
}

/** What an agent does with its windows: to the link each second, to history each ten. */
class Agent {
  readonly origin: Origin;
  readonly requests: Map<number, number> = new Map();
  linkedTo: LayeredMetricStore | null;
  /** Seconds of a stalled process, which have no windows. */
  stalledUntil = 0;
  storeAway = false;
  #waiting: Window[] = [];
  #takenUntil: number | null = null;
  #block: Window[] = [];
  #unwritten: Window[] = [];

  constructor(instance: string, linkedTo: LayeredMetricStore) {
    this.origin = { service: 'orders', instance, release: '1' };
    this.linkedTo = linkedTo;
  }

  /** The second that ends at `now` is over. */
  async second(now: number, requests: number, history: MemoryMetricStore): Promise<void> {
    const start = now - SECOND;
    if (start >= this.stalledUntil) {
      const window = windowOf(start, SECOND, requests);
      this.requests.set(start, requests);
      this.#waiting.push(window);
      this.#block.push(window);
    }
    if (this.linkedTo !== null && this.#waiting.length > 0) {
      if (this.#takenUntil !== null) this.linkedTo.noteTaken(this.origin, this.#takenUntil);
      await this.linkedTo.append(this.origin, this.#waiting);
      this.#takenUntil = (this.#waiting.at(-1)?.start ?? 0) + SECOND;
      this.#waiting = [];
    }
    const [first] = this.#block;
    if (first !== undefined && Math.floor(first.start / BLOCK) < Math.floor(now / BLOCK)) {
      const end = (this.#block.at(-1)?.start ?? 0) + SECOND;
      const sum = this.#block.reduce((all, { start: at }) => all + (this.requests.get(at) ?? 0), 0);
      this.#unwritten.push(windowOf(first.start, end - first.start, sum));
      this.#block = [];
    }
    // A second late.
    if (!this.storeAway && now % BLOCK >= SECOND && this.#unwritten.length > 0) {
      await history.append(this.origin, this.#unwritten);
      this.#unwritten = [];
    }
  }

  count(from: number, to: number): number {
    let sum = 0;
    for (const [start, requests] of this.requests) if (start >= from && start < to) sum += requests;
    return sum;
  }
}

interface Plane {
  readonly layered: LayeredMetricStore;
  readonly engine: QueryEngine;
}

class Fleet {
  readonly clock = new FakeClock(T0);
  readonly history = new MemoryMetricStore({ clock: this.clock });
  readonly planes: Plane[] = [];
  readonly agents: Agent[] = [];
  readonly #later: { readonly at: number; readonly act: () => void }[] = [];
  leader: Plane;
  complete = 0;
  incomplete = 0;

  constructor() {
    this.leader = this.addPlane();
    for (const instance of ['one', 'two']) this.agents.push(new Agent(instance, this.leader.layered));
  }

  addPlane(): Plane {
    const { clock, history } = this;
    const recent = new MemoryMetricStore({ clock });
    const onTrouble = (error: unknown): void => assert.fail(String(error));
    const layered = new LayeredMetricStore({ recent, history, clock, onTrouble, mayCompact: () => false });
    const plane = { layered, engine: new QueryEngine(layered) };
    this.planes.push(plane);
    return plane;
  }

  /** `plane` leads from now on; each agent is linked to it after so many seconds, and until then as before or to nobody. */
  lead(plane: Plane, links: readonly { readonly afterMs: number; readonly stays: boolean }[]): void {
    this.leader = plane;
    plane.layered.beginLive(true);
    this.agents.forEach((agent, index) => {
      const { afterMs, stays } = links[index] ?? { afterMs: 0, stays: false };
      if (!stays) agent.linkedTo = null;
      const at = this.clock.now() + afterMs;
      this.#later.push({ at, act: () => (agent.linkedTo = plane.layered) });
    });
  }

  async pass(seconds: number, requests: () => number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(SECOND);
      const now = this.clock.now();
      for (const { act } of this.#later.filter(({ at }) => at === now)) act();
      for (const agent of this.agents) await agent.second(now, requests(), this.history);
      for (const { layered } of this.planes) await layered.compact(now);
      await this.history.compact(now);
      await this.assertTells(now);
    }
  }

  async assertTells(now: number): Promise<void> {
    const minute = Math.floor(now / MINUTE) * MINUTE;
    // History has blocks of ten seconds: a range that begins within one has a share of it.
    const tens = Math.floor(now / BLOCK) * BLOCK;
    for (const asked of [
      { from: minute - 2 * MINUTE, to: minute + MINUTE, stepMs: MINUTE },
      { from: minute - 20 * MINUTE, to: minute + MINUTE, stepMs: MINUTE },
      { from: tens - BLOCK, to: now, stepMs: SECOND },
      { from: tens - 4 * BLOCK, to: now, stepMs: SECOND },
      { from: minute - 3 * MINUTE, to: minute - MINUTE, stepMs: BLOCK },
    ]) {
      const { engine } = this.leader;
      const extent = await engine.extent('orders', now);
      const range = steppedRange(asked, 0, extent, now);
      const frame = await engine.frame({ service: 'orders', family: 'route' }, null, range, ['requests']);
      const told = (frame.columns['requests'] ?? []).reduce((sum: number, value) => sum + (value ?? 0), 0);
      const truth = this.agents.reduce((sum, agent) => sum + agent.count(range.from, range.to), 0);
      const what = `${(range.from - now) / SECOND} to ${(range.to - now) / SECOND} s by ${asked.stepMs} ms, ${(now - T0) / SECOND} s after the start`;
      if (frame.complete) {
        this.complete++;
        assert.equal(Math.round(told), truth, what);
      } else {
        this.incomplete++;
        assert.notEqual(range.notes.length, 0);
        // Ends of a stored window of ten seconds may lie in another step than what happened in it.
        assert.ok(told <= truth + 40, `${told} of ${truth}: ${what}`);
      }
    }
  }
}

test('after a takeover no answer has too little and says that it is complete', async () => {
  const fleet = new Fleet();
  await fleet.pass(75, () => 2);
  assert.equal(fleet.incomplete, 0, 'the first leader takes over from nobody');
  // Both lose what the leader took since their last flush, one of them is linked late.
  fleet.lead(fleet.addPlane(), [
    { afterMs: 6_000, stays: false },
    { afterMs: 1_000, stays: false },
  ]);
  await fleet.pass(60, () => 2);
  assert.notEqual(fleet.incomplete, 0);
  // When all is in history, it is complete again.
  const { incomplete } = fleet;
  await fleet.pass(30, () => 2);
  assert.equal(fleet.incomplete, incomplete);
});

test('leaders come and go, agents stay with the wrong one, processes stall, the store is away', async () => {
  for (const seed of [2]) {
    const next = random(seed);
    const fleet = new Fleet();
    const requests = (): number => Math.floor(next() * 4);
    await fleet.pass(20, requests);
    for (let round = 0; round < 3; round++) {
      const before = fleet.leader;
      // Also one that led before, whose memory has a hole since.
      const plane = fleet.planes.find((one) => one !== before && next() < 0.6) ?? fleet.addPlane();
      const away = next() < 0.3;
      for (const agent of fleet.agents) {
        agent.storeAway = away;
        if (next() < 0.5) agent.stalledUntil = fleet.clock.now() + Math.floor(next() * 6) * SECOND;
      }
      const links = fleet.agents.map(() => {
        const stays = !away && next() < 0.4;
        return { afterMs: (1 + Math.floor(next() * (stays ? 30 : 9))) * SECOND, stays };
      });
      fleet.lead(plane, links);
      await fleet.pass(25, requests);
      for (const agent of fleet.agents) agent.storeAway = false;
      await fleet.pass(20 + Math.floor(next() * 50), requests);
    }
    assert.ok(fleet.complete > fleet.incomplete, `${fleet.complete} complete, ${fleet.incomplete} not`);
  }
});
