/**
 * The store over simulated days: windows of several instances come in time, late, twice and in any order, compaction runs at any time,
 * and each resolution tells the same: what was appended, each window once.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Origin, Window } from '../../packages/autopilot/src/contract/series.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { leakCheck } from '../support/leak-check.ts';
import { emptyMetricStore, storedRows } from '../support/metric-store.ts';
import { assertTells, DAY, HOUR, MetricTruth, MINUTE, mergedDurations, readAll } from '../support/metric-truth.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { gaugeOf, originOf, routeOf, seriesOf, windowOf } from '../support/windows.ts';

leakCheck(after);

/** Midnight, so that days begin there. */
const T0 = 1_700_006_400_000;
const RESOLUTIONS = [1000, 5 * MINUTE, HOUR, 30 * DAY];

interface Sent {
  readonly origin: Origin;
  readonly window: Window;
}

function assertQuantiles(histogram: ReturnType<typeof mergedDurations>, raw: readonly number[]): void {
  const sorted = raw.toSorted((a, b) => a - b);
  assert.equal(histogram.count, raw.length);
  for (const q of [0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
    const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
    const off = Math.abs(histogram.quantile(q) - truth) / truth;
    assert.ok(off <= 0.025, `p${q * 100} of ${raw.length} durations is off by ${(off * 100).toFixed(2)} %`);
  }
}

// Each in a database of its own, so that this process and the server work at the same time.
describe('the store over simulated days', { concurrency: true }, () => {
  it('whatever comes whenever, each resolution tells the same, each window once', async (t) => {
    const clock = new FakeClock(T0);
    const store = await emptyMetricStore(t, throwawayCluster, clock);
    const next = random(7);
    const truth = new MetricTruth(next);
    const sent: Sent[] = [];
    const held: (Sent & { readonly until: number })[] = [];
    let repeated = 0;
    let known = 0;
    const append = async (origin: Origin, windows: readonly Window[]): Promise<void> => {
      const { taken, refused, duplicates, invalid } = await store.append(origin, windows);
      assert.deepEqual([taken, refused, duplicates, invalid], [windows.length, 0, 0, 0]);
      for (const window of windows) sent.push({ origin, window });
    };
    const sendHeld = async (where: (one: (typeof held)[number]) => boolean): Promise<void> => {
      for (const one of held.filter(where)) {
        held.splice(held.indexOf(one), 1);
        await append(one.origin, [one.window]);
      }
    };
    const instances = [originOf('a'), originOf('b'), { ...originOf('a'), release: '2.0.0' }];
    const hours = 54;
    for (let at = 0; at < hours * HOUR; at += 12 * MINUTE) {
      clock.jump(T0 + at + 12 * MINUTE);
      const appends: Promise<void>[] = [];
      for (const origin of instances) {
        // The second instance is away for a while: the service is then one instance alone.
        if (origin.instance === 'b' && at > 15 * HOUR && at < 28 * HOUR) continue;
        if (origin.release !== '1.0.0' && at < 22 * HOUR) continue;
        const windows = [0, 1, 2].map((k) =>
          truth.window(origin, T0 + at + k * 4 * MINUTE + Math.floor(next() * 11) * 10_000),
        );
        if (next() < 0.05) {
          const until = at + next() * 30 * HOUR;
          held.push(...windows.map((window) => ({ origin, window, until })));
        } else appends.push(append(origin, windows));
      }
      await Promise.all(appends);
      await sendHeld(({ until }) => until <= at);
      // What was sent before comes once more: from a moment ago, or from days ago.
      const again = sent[Math.floor(next() * sent.length)];
      if (again !== undefined && next() < 0.3) {
        repeated++;
        known += (await store.append(again.origin, [again.window])).duplicates;
      }
      if (next() < 0.7) await store.compact(clock.now());
      if (at === 30 * HOUR) {
        await sendHeld(() => true);
        await assertTells(store, truth, T0, T0 + at + HOUR, RESOLUTIONS);
      }
    }
    await sendHeld(() => true);
    await assertTells(store, truth, T0, T0 + hours * HOUR, [HOUR]);
    for (let rounds = 0; rounds < 3; rounds++) {
      clock.advance(6 * MINUTE);
      await store.compact(clock.now());
    }
    await assertTells(store, truth, T0, T0 + hours * HOUR, RESOLUTIONS);
    await assertTells(store, truth, T0 + 5 * HOUR, T0 + 29 * HOUR, [5 * MINUTE, 30 * DAY]);
    await assertTells(store, truth, T0 + 50 * HOUR, T0 + 54 * HOUR, RESOLUTIONS);
    t.diagnostic(`${sent.length} windows, ${repeated} sent again, ${known} of them known at once`);
    // Every level was there to be read.
    const rows = await storedRows(t);
    for (const table of ['window_blocks', 'minute_blocks', 'minute_chunks', 'hour_blocks', 'hour_chunks', 'day_blocks'])
      assert.ok((rows.get(table) ?? 0) > 0, `${table} has rows`);
    assert.equal(rows.get('unfolded_windows'), 0);
  });

  it('percentiles of two instances over a day are those of the raw durations, within 2.5 %', async (t) => {
    const clock = new FakeClock(T0);
    const store = await emptyMetricStore(t, throwawayCluster, clock);
    const next = random(3);
    const raw: Record<string, number[]> = { fast: [], slow: [] };
    for (let at = 0; at < 26 * HOUR; at += 30 * MINUTE) {
      clock.jump(T0 + at + 30 * MINUTE);
      const appends: Promise<unknown>[] = [];
      for (const [instance, medianMs] of [
        ['fast', 4],
        ['slow', 90],
      ] as const) {
        const durations = Array.from({ length: 40 }, () => medianMs * Math.exp((next() + next() + next() - 1.5) * 1.5));
        raw[instance]?.push(...durations);
        const window = windowOf(T0 + at, [routeOf('GET /a', durations)], { durationMs: 10_000 });
        appends.push(store.append(originOf(instance), [window]));
      }
      await Promise.all(appends);
      await store.compact(clock.now());
    }
    const union = [...(raw['fast'] ?? []), ...(raw['slow'] ?? [])];
    for (const resolutionMs of [10_000, MINUTE, HOUR, DAY]) {
      for (const mergeInstances of [false, true]) {
        const slices = await readAll(store, { from: T0, to: T0 + 26 * HOUR, resolutionMs, mergeInstances });
        assertQuantiles(mergedDurations(slices), union);
      }
      const slow = await readAll(store, { from: T0, to: T0 + 26 * HOUR, resolutionMs, instance: 'slow' });
      assertQuantiles(mergedDurations(slow), raw['slow'] ?? []);
    }
  });

  it('levels of pools and processes are joined over time and added side by side, at every level', async (t) => {
    const clock = new FakeClock(T0);
    const store = await emptyMetricStore(t, throwawayCluster, clock);
    const pool = (key: string, size: number) =>
      seriesOf('pool', key, { size: gaugeOf(size, size), acquired: 3 }, { database: 'main' });
    for (let at = 0; at < 26 * HOUR; at += HOUR) {
      clock.jump(T0 + at + HOUR);
      const series = [
        pool('reads', 4),
        pool('writes', 6),
        seriesOf('runtime', 'process', { rssBytes: gaugeOf(100, 300) }),
      ];
      await store.append(originOf('a'), [windowOf(T0 + at, series, { durationMs: 10_000 })]);
      await store.compact(clock.now());
    }
    for (const resolutionMs of [10_000, MINUTE, HOUR, DAY]) {
      // Asked for together, they stay apart: how a level of all follows from those of each depends on the measure.
      const range = { from: T0, to: T0 + 26 * HOUR, resolutionMs, mergeInstances: true };
      const total = await readAll(store, { ...range, family: 'pool', select: { kind: 'total' } });
      let acquired = 0;
      for (const { origin, series } of total) {
        assert.equal(origin.instance, 'a');
        for (const { key, database, cells } of series) {
          assert.deepEqual([key, database], ['', 'main']);
          const size = cells['size'];
          assert.ok(typeof size === 'object' && 'sum' in size);
          assert.equal(size.sum / size.count, 10);
          assert.deepEqual([size.min, size.max], [10, 10]);
          acquired += typeof cells['acquired'] === 'number' ? cells['acquired'] : 0;
        }
      }
      assert.equal(acquired, 26 * 6);
      const runtime = await readAll(store, { ...range, family: 'runtime', select: { kind: 'total' } });
      const samples = runtime.flatMap(({ series }) => series.map(({ cells }) => cells['rssBytes']));
      assert.ok(samples.every((one) => typeof one === 'object' && 'sum' in one && one.sum / one.count === 200));
      const each = await readAll(store, { ...range, family: 'pool' });
      assert.ok(
        each.every(
          ({ series }) =>
            series
              .map(({ key }) => key)
              .sort()
              .join() === 'reads,writes',
        ),
      );
    }
  });

  it('what is kept of each level shrinks with age, and coarse reads go on', async (t) => {
    const clock = new FakeClock(T0);
    const store = await emptyMetricStore(t, throwawayCluster, clock);
    const truth = new MetricTruth(random(5));
    const origins = [originOf('a'), originOf('b')];
    const days = 116;
    for (let at = 0; at < days * DAY; at += DAY) {
      clock.jump(T0 + at + DAY);
      const windows = origins.map((origin) => [origin, truth.window(origin, T0 + at + 5 * HOUR + 20_000)] as const);
      await Promise.all(windows.map(([origin, window]) => store.append(origin, [window])));
      // Each day at the ends; in between it is as well done for several at once, which is most of the time saved.
      const day = at / DAY;
      if (day < 3 || day > days - 6 || day % 5 === 0) await store.compact(clock.now());
    }
    for (let rounds = 0; rounds < 3; rounds++) {
      clock.advance(10 * MINUTE);
      await store.compact(clock.now());
    }
    const now = clock.now();
    const { levels } = await store.extent('orders', now);
    const ages = levels.map(({ resolutionMs, from }) => [resolutionMs, (now - from) / DAY] as const);
    // Kept as long as promised, and a partition's width more at the most.
    for (const [resolutionMs, least, most] of [
      [10_000, 2 / 24, 3 / 24],
      [MINUTE, 8, 9.1],
      [HOUR, 100, 110.1],
      [DAY, 730, 731],
    ] as const) {
      const [, age = 0] = ages.find(([of]) => of === resolutionMs) ?? [];
      assert.ok(age >= least && age <= most, `${resolutionMs} ms are kept for ${age} days`);
    }
    const lengths = async (day: number): Promise<readonly number[]> => {
      const from = T0 + day * DAY;
      const slices = await readAll(store, { from, to: from + DAY, resolutionMs: 1000, instance: 'a' });
      return slices.map(({ durationMs }) => durationMs);
    };
    // As long as anything is kept it says when there was something: the window's 10 s, whatever it was merged to.
    for (const day of [days - 3, days - 40, 2]) assert.deepEqual(await lengths(day), [10_000]);
    assert.equal(
      (await readAll(store, { from: T0, to: T0 + 3 * DAY, resolutionMs: 1000, family: 'runtime' })).length,
      6,
    );
    await assertTells(store, truth, T0, T0 + days * DAY, [DAY]);
    const rows = await storedRows(t);
    // These came late and were merged at once. Nothing is dropped behind the newest window, whatever the clock says: its minute stays.
    assert.deepEqual([rows.get('windows'), (rows.get('minute_blocks') ?? 0) < 20], [0, true]);
  });
});
