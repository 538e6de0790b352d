/** What every MetricStore does. Each implementation is added to the list below and passes all of it. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import type { SeriesWindow, Window } from '../../packages/autopilot/src/contract/series.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { LayeredMetricStore } from '../../packages/autopilot/src/storage/layered-metric-store.ts';
import { MemoryMetricStore } from '../../packages/autopilot/src/storage/memory/memory-metric-store.ts';
import type { Compacted, MetricStore, SeriesQuery, Slice } from '../../packages/autopilot/src/storage/ports.ts';
import { leakCheck } from '../support/leak-check.ts';
import { emptyMetricStore } from '../support/metric-store.ts';
import { olderServer, olderServerSkip, type TestScope, throwawayCluster } from '../support/postgres.ts';
import { gaugeOf, histogramOf, originOf, routeOf, seriesOf, windowOf } from '../support/windows.ts';

interface Opened {
  readonly store: MetricStore;
  readonly clock: FakeClock;
}

interface Implementation {
  /** An empty store. Each test opens its own, a property one for each of its runs. */
  readonly open: (t: TestScope) => Opened | Promise<Opened>;
  readonly skip?: string | false;
  /** The resolution of its finest level, and what it keeps of it at the least. */
  readonly finestMs: number;
  readonly finestKeptMs: number;
  /** How many runs of a property are worth their time. */
  readonly runs: number;
}

leakCheck(after);

const implementations: Readonly<Record<string, Implementation>> = {
  MemoryMetricStore: {
    open: () => {
      const clock = new FakeClock(T0 + 60_000);
      return { store: new MemoryMetricStore({ clock }), clock };
    },
    finestMs: 1000,
    finestKeptMs: 600_000,
    runs: 50,
  },
  'PostgresMetricStore on the embedded server': {
    open: async (t) => {
      const clock = new FakeClock(T0 + 60_000);
      return { store: await emptyMetricStore(t, throwawayCluster, clock), clock };
    },
    finestMs: 10_000,
    finestKeptMs: 7_200_000,
    runs: 5,
  },
  'LayeredMetricStore of both': {
    open: async (t) => {
      const clock = new FakeClock(T0 + 60_000);
      const recent = new MemoryMetricStore({ clock });
      const history = await emptyMetricStore(t, throwawayCluster, clock);
      const onTrouble = (error: unknown): void => assert.fail(String(error));
      const store = new LayeredMetricStore({ recent, history, clock, onTrouble });
      // Compaction of history is not waited for by others; here it must not go on in a database that is gone.
      const compact = async (now: number): Promise<Compacted> => {
        const compacted = await store.compact(now);
        await store.settled();
        return compacted;
      };
      return {
        store: {
          append: (origin, windows) => store.append(origin, windows),
          read: (query) => store.read(query),
          compact,
          extent: (service, now) => store.extent(service, now),
        },
        clock,
      };
    },
    finestMs: 1000,
    finestKeptMs: 600_000,
    runs: 5,
  },
  'PostgresMetricStore on PostgreSQL 15': {
    open: async (t) => {
      const clock = new FakeClock(T0 + 60_000);
      return { store: await emptyMetricStore(t, olderServer, clock), clock };
    },
    skip: olderServerSkip(),
    finestMs: 10_000,
    finestKeptMs: 7_200_000,
    runs: 5,
  },
};

/** A multiple of an hour, so that steps and blocks begin there. */
const T0 = 1_699_999_200_000;

type Question = Partial<SeriesQuery> & Pick<SeriesQuery, 'from' | 'to'>;

async function read(store: MetricStore, question: Question): Promise<Slice[]> {
  const slices: Slice[] = [];
  const query: SeriesQuery = {
    service: 'orders',
    family: 'route',
    select: { kind: 'each' },
    resolutionMs: 1000,
    ...question,
  };
  for await (const slice of store.read(query)) slices.push(slice);
  return slices.sort((a, b) => a.start - b.start);
}

/** All of a cell's values in the slices, merged. */
function merged(
  slices: readonly Slice[],
  field: string,
): { readonly sum: number; readonly histogram: ExponentialHistogram } {
  let sum = 0;
  const histogram = new ExponentialHistogram();
  for (const { series } of slices) {
    for (const { cells } of series) {
      const cell = cells[field];
      if (typeof cell === 'number') sum += cell;
      else if (cell instanceof Uint8Array) histogram.mergeEncoded(cell);
    }
  }
  return { sum, histogram };
}

function nearestRank(sorted: readonly number[], q: number): number {
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
}

function assertQuantiles(histogram: ExponentialHistogram, raw: readonly number[]): void {
  const sorted = raw.toSorted((a, b) => a - b);
  assert.equal(histogram.count, raw.length);
  for (const q of [0.5, 0.9, 0.95, 0.99, 1]) {
    const truth = nearestRank(sorted, q);
    const off = Math.abs(histogram.quantile(q) - truth) / truth;
    assert.ok(off <= 0.025, `p${q * 100} of ${raw.length} values is off by ${(off * 100).toFixed(2)} %`);
  }
}

for (const [name, { open, skip, finestMs, finestKeptMs, runs }] of Object.entries(implementations)) {
  describe(name, { skip: skip ?? false }, () => {
    it('gives windows back as they came', async (t) => {
      const { store } = await open(t);
      const series: SeriesWindow[] = [
        routeOf('GET /tasks', [1, 2, 300], 1),
        seriesOf(
          'pool',
          'main',
          { size: gaugeOf(3, 4), waitMs: histogramOf([0, 2.5]), acquired: 7 },
          { database: 'main' },
        ),
        seriesOf('runtime', 'process', { cpuUserMs: 12.25, eventLoopUtilization: gaugeOf(0.125, 1) }),
        seriesOf('route-statement', 's1', { calls: 2, totalMs: 3.5 }, { route: 'GET /tasks' }),
        seriesOf('job', 'digest', {
          runs: 3,
          failures: 1,
          retries: 1,
          durationMs: histogramOf([20, 30]),
          waitMs: histogramOf([5]),
          databaseCalls: 9,
          databaseMs: 12.5,
        }),
      ];
      const window = windowOf(T0, series, { overflow: { tenant: 3 } });
      const origin = originOf('a');
      assert.deepEqual(await store.append(origin, [window]), { taken: 1, duplicates: 0, refused: 0, invalid: 0 });
      for (const one of series) {
        const slices = await read(store, { from: T0, to: T0 + 1000, family: one.family });
        assert.deepEqual(slices, [{ origin, start: T0, durationMs: 1000, series: [one], overflow: { tenant: 3 } }]);
      }
    });

    it('adds up kinds of jobs, of one instance and of all', async (t) => {
      const { store } = await open(t);
      const run = (key: string, runs: number): SeriesWindow =>
        seriesOf('job', key, { runs, durationMs: histogramOf([10 * runs]) });
      await store.append(originOf('a'), [windowOf(T0, [run('digest', 1), run('export', 2)])]);
      await store.append(originOf('b'), [windowOf(T0, [run('digest', 4)])]);
      const range = { from: T0, to: T0 + 1000, family: 'job' } as const;
      const totals = await read(store, { ...range, select: { kind: 'total' } });
      const runsOf = (slices: typeof totals): number =>
        slices.flatMap(({ series }) => series).reduce((sum, { cells }) => sum + Number(cells['runs']), 0);
      assert.equal(runsOf(totals), 7);
      assert.equal(runsOf(await read(store, { ...range, select: { kind: 'keys', keys: ['digest'] } })), 5);
    });

    it('takes each window once, whatever comes again and in whichever order', async (t) => {
      const windows = Array.from({ length: 30 }, (_, second) =>
        windowOf(T0 + second * 1000, [routeOf('GET /a', [second + 1]), routeOf('GET /b', [2, 3])]),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([...windows.keys(), ...windows.keys()], { minLength: 30, maxLength: 60 }),
          fc.nat({ max: 60 }),
          async (order, compactAfter) => {
            const { store, clock } = await open(t);
            const picked = new Set(order);
            for (const [position, index] of order.entries()) {
              await store.append(originOf('a'), [windows[index] as Window]);
              if (position === compactAfter) await store.compact(clock.now());
            }
            await store.compact(clock.now());
            for (const resolutionMs of [1000, 10_000]) {
              const slices = await read(store, { from: T0, to: T0 + 30_000, resolutionMs });
              assert.equal(merged(slices, 'requests').sum, picked.size * 3);
              assert.equal(merged(slices, 'durationMs').histogram.count, picked.size * 3);
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('tells windows apart by instance, start and length, and says what it did', async (t) => {
      const { store } = await open(t);
      const window = windowOf(T0, [routeOf('GET /a', [1])]);
      assert.equal((await store.append(originOf('a'), [window, window])).duplicates, 1);
      assert.equal((await store.append(originOf('b'), [window])).taken, 1);
      assert.equal((await store.append({ ...originOf('a'), release: '1.0.1' }, [window])).taken, 1);
      assert.equal((await store.append(originOf('a'), [{ ...window, start: T0 + 1000 }])).taken, 1);
      assert.equal((await store.append(originOf('a'), [window])).duplicates, 1);
      assert.equal(merged(await read(store, { from: T0, to: T0 + 2000 }), 'requests').sum, 4);
    });

    it('merges to what the raw durations say, within 2.5 %', async (t) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }), {
            minLength: 1,
            maxLength: 40,
          }),
          async (seconds) => {
            const { store, clock } = await open(t);
            const windows = seconds.map((raw, second) => windowOf(T0 + second * 1000, [routeOf('GET /a', raw)]));
            await store.append(originOf('a'), windows);
            await store.compact(clock.now());
            const raw = seconds.flat();
            for (const resolutionMs of [1000, 10_000]) {
              const slices = await read(store, { from: T0, to: T0 + 60_000, resolutionMs });
              assertQuantiles(merged(slices, 'durationMs').histogram, raw);
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('lets percentiles of the union of two instances be computed', async (t) => {
      const { store, clock } = await open(t);
      const fast = Array.from({ length: 200 }, (_, i) => 5 + (i % 10));
      const slow = Array.from({ length: 50 }, (_, i) => 400 + i * 7);
      await store.append(originOf('fast'), [windowOf(T0, [routeOf('GET /a', fast)])]);
      await store.append(originOf('slow'), [windowOf(T0, [routeOf('GET /a', slow)])]);
      await store.compact(clock.now());
      for (const kind of ['each', 'total'] as const) {
        const slices = await read(store, { from: T0, to: T0 + 10_000, resolutionMs: 10_000, select: { kind } });
        assert.equal(slices.length, 2);
        assertQuantiles(merged(slices, 'durationMs').histogram, [...fast, ...slow]);
      }
      const alone = await read(store, { from: T0, to: T0 + 1000, instance: 'slow' });
      assertQuantiles(merged(alone, 'durationMs').histogram, slow);
    });

    it('gives one release alone, merged or not', async (t) => {
      const { store, clock } = await open(t);
      await store.append({ ...originOf('a'), release: '1.0.0' }, [windowOf(T0, [routeOf('GET /a', [10])])]);
      await store.append({ ...originOf('a'), release: '1.1.0' }, [
        windowOf(T0 + 10_000, [routeOf('GET /a', [20, 30])]),
      ]);
      await store.append({ ...originOf('b'), release: '1.1.0' }, [windowOf(T0 + 10_000, [routeOf('GET /a', [40])])]);
      await store.compact(clock.now());
      for (const mergeInstances of [false, true]) {
        const range = { from: T0, to: T0 + 20_000, resolutionMs: 10_000, mergeInstances };
        assert.equal(merged(await read(store, range), 'requests').sum, 4);
        assert.equal(merged(await read(store, { ...range, release: '1.1.0' }), 'requests').sum, 3);
        assert.equal(merged(await read(store, { ...range, release: '1.1.0', instance: 'a' }), 'requests').sum, 2);
        assert.deepEqual(await read(store, { ...range, release: '2.0.0' }), []);
      }
    });

    it('takes a window that comes after its neighbours were merged, and after they were dropped', async (t) => {
      const { store, clock } = await open(t);
      await store.append(originOf('a'), [windowOf(T0, [routeOf('GET /a', [10])])]);
      await store.compact(clock.now());
      await store.append(originOf('a'), [windowOf(T0 + 3000, [routeOf('GET /a', [20])])]);
      await store.compact(clock.now());
      assert.equal(merged(await read(store, { from: T0, to: T0 + 10_000, resolutionMs: 10_000 }), 'requests').sum, 2);
      clock.advance(20 * 60_000);
      await store.compact(clock.now());
      const late = windowOf(T0 + 4000, [routeOf('GET /a', [30]), routeOf('GET /new', [5])]);
      assert.equal((await store.append(originOf('a'), [late])).taken, 1);
      assert.equal((await store.append(originOf('a'), [late])).duplicates, 1);
      assert.equal((await store.append(originOf('a'), [windowOf(T0, [routeOf('GET /a', [10])])])).duplicates, 1);
      await store.compact(clock.now());
      const slices = await read(store, { from: T0, to: T0 + 10_000, resolutionMs: 1000 });
      assert.deepEqual([merged(slices, 'requests').sum, merged(slices, 'durationMs').histogram.max], [4, 30]);
      // Merged or as they came: they say from when to when the instance reported.
      assert.deepEqual(
        [slices[0]?.start, Math.max(...slices.map(({ start, durationMs }) => start + durationMs))],
        [T0, T0 + 5000],
      );
    });

    it('keeps a window longer than the others as long as it is', async (t) => {
      const { store, clock } = await open(t);
      const long = windowOf(T0 + 5000, [routeOf('GET /a', [1, 2, 3])], { durationMs: 10_000 });
      await store.append(originOf('a'), [long, windowOf(T0 + 20_000, [routeOf('GET /a', [4])])]);
      await store.compact(clock.now());
      const slices = await read(store, { from: T0 + 14_000, to: T0 + 15_000 });
      assert.deepEqual(
        slices.map(({ start, durationMs }) => [start, durationMs]),
        [[T0 + 5000, 10_000]],
      );
      const coarse = await read(store, { from: T0, to: T0 + 30_000, resolutionMs: 10_000 });
      assert.equal(merged(coarse, 'requests').sum, 4);
    });

    it('says that an instance reported though nothing happened, and nothing where it did not', async (t) => {
      const { store } = await open(t);
      await store.append(originOf('a'), [windowOf(T0, []), windowOf(T0 + 2000, [routeOf('GET /a', [1])])]);
      const slices = await read(store, { from: T0, to: T0 + 3000 });
      assert.deepEqual(
        slices.map(({ start, series }) => [start, series.length]),
        [
          [T0, 0],
          [T0 + 2000, 1],
        ],
      );
      assert.deepEqual(await read(store, { from: T0 + 3000, to: T0 + 60_000 }), []);
      assert.deepEqual(await read(store, { from: T0, to: T0 + 3000, service: 'another' }), []);
    });

    it('reads just what is asked for', async (t) => {
      const { store } = await open(t);
      const statement = (key: string, database: string): SeriesWindow =>
        seriesOf('statement', key, { calls: 1, rows: 5, durationMs: histogramOf([2]) }, { database });
      const pair = (key: string, route: string): SeriesWindow =>
        seriesOf('route-statement', key, { calls: 1 }, { route });
      await store.append(originOf('a'), [
        windowOf(T0, [
          statement('s1', 'main'),
          statement('s1', 'archive'),
          statement('s2', 'main'),
          pair('s1', 'GET /a'),
          pair('s1', 'GET /b'),
          pair('s2', 'GET /a'),
        ]),
      ]);
      const names = async (more: Partial<SeriesQuery>): Promise<string[]> => {
        const slices = await read(store, { from: T0, to: T0 + 1000, family: 'statement', ...more });
        return slices
          .flatMap(({ series }) => series.map((one) => [one.key, one.database ?? one.route].join(' ')))
          .sort();
      };
      assert.deepEqual(await names({}), ['s1 archive', 's1 main', 's2 main']);
      assert.deepEqual(await names({ database: 'main' }), ['s1 main', 's2 main']);
      assert.deepEqual(await names({ select: { kind: 'keys', keys: ['s1', 'none'] } }), ['s1 archive', 's1 main']);
      assert.deepEqual(await names({ database: 'archive', select: { kind: 'total' } }), [' archive']);
      const pairs = { family: 'route-statement', select: { kind: 'keys', keys: ['s1'] } } as const;
      assert.deepEqual(await names(pairs), ['s1 GET /a', 's1 GET /b']);
      const [cut] = await read(store, { from: T0, to: T0 + 1000, family: 'statement', fields: ['rows'] });
      assert.deepEqual(
        cut?.series.map(({ cells }) => cells),
        [{ rows: 5 }, { rows: 5 }, { rows: 5 }],
      );
    });

    it('adds the keys of a family up: counters, distributions and levels', async (t) => {
      const { store, clock } = await open(t);
      const pool = (key: string, size: number): SeriesWindow =>
        seriesOf(
          'pool',
          key,
          { size: gaugeOf(size, size), acquired: 2, waitMs: histogramOf([size]) },
          { database: 'main' },
        );
      await store.append(originOf('a'), [
        windowOf(T0, [pool('reads', 4), pool('writes', 6)]),
        windowOf(T0 + 1000, [pool('reads', 4), pool('writes', 8)]),
      ]);
      await store.compact(clock.now());
      for (const resolutionMs of [1000, 10_000]) {
        const slices = await read(store, {
          from: T0,
          to: T0 + 10_000,
          family: 'pool',
          select: { kind: 'total' },
          resolutionMs,
        });
        assert.equal(merged(slices, 'acquired').sum, 8);
        assert.equal(merged(slices, 'waitMs').histogram.count, 4);
        const levels = slices.flatMap(({ series }) => series.map(({ cells }) => cells['size']));
        const totals = levels.map((level) => level as ReturnType<typeof gaugeOf>);
        assert.equal(
          totals.reduce((sum, level) => sum + level.sum, 0) / totals.reduce((n, level) => n + level.count, 0),
          11,
        );
      }
    });

    it('takes what it can read of a window and counts the rest', async (t) => {
      const { store } = await open(t);
      const damaged = seriesOf('route', 'GET /a', {
        requests: 1,
        durationMs: Uint8Array.of(9, 9, 9),
        errors: gaugeOf(1),
        inventedHere: 3,
      });
      // A later release may send families that this one does not know.
      const unknown = { ...routeOf('x', [1]), family: 'weather' } as unknown as SeriesWindow;
      const answer = await store.append(originOf('a'), [windowOf(T0, [damaged, unknown])]);
      assert.deepEqual(answer, { taken: 1, duplicates: 0, refused: 0, invalid: 4 });
      const [slice] = await read(store, { from: T0, to: T0 + 1000 });
      assert.deepEqual(slice?.series, [seriesOf('route', 'GET /a', { requests: 1 })]);
    });

    it('refuses windows out of all time', async (t) => {
      const { store, clock } = await open(t);
      const impossible = [
        windowOf(clock.now() + 3_600_000, []),
        windowOf(clock.now() - 400 * 86_400_000, []),
        windowOf(Number.NaN, []),
        windowOf(T0 + 0.5, []),
        windowOf(T0, [], { durationMs: 0 }),
        windowOf(T0, [], { durationMs: -1000 }),
        windowOf(T0, [], { durationMs: 86_400_000 }),
      ];
      assert.equal((await store.append(originOf('a'), impossible)).refused, impossible.length);
    });

    it('says how far back it reaches and where its newest window ends', async (t) => {
      const { store, clock } = await open(t);
      assert.equal((await store.extent('orders', clock.now())).newestEnd, null);
      await store.append(originOf('a'), [windowOf(T0 + 1000, []), windowOf(T0, [])]);
      const extent = await store.extent('orders', clock.now());
      assert.equal(extent.newestEnd, T0 + 2000);
      assert.equal(extent.droppedWindows, 0);
      const [finest] = extent.levels;
      assert.equal(finest?.resolutionMs, finestMs);
      assert.ok(finest.from <= clock.now() - finestKeptMs);
      assert.ok((extent.levels.at(-1)?.from ?? 0) <= clock.now() - 3_600_000);
    });
  });
}
