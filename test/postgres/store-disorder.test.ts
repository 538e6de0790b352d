/** What goes wrong around a store: clocks, names, races, partitions, damage, servers that go away. No crash, nothing twice, a reason told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import pg from 'pg';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { assertTells, DAY, HOUR, MetricTruth, MINUTE, mergedDurations, readAll } from '../support/metric-truth.ts';
import { type TestScope, throwawayCluster, throwawayServer } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { originOf, routeOf, seriesOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;

interface Opened {
  readonly url: string;
  readonly clock: FakeClock;
  readonly open: (clock?: FakeClock | null) => PostgresMetricStore;
}

/** A database and stores on it, which are closed before it is dropped. */
async function opened(t: TestScope): Promise<Opened> {
  const stores: PostgresMetricStore[] = [];
  const scope: TestScope = {
    after: (fn) => {
      t.after(async (context) => {
        await Promise.all(stores.map((store) => store.close()));
        await fn(context);
      });
    },
    afterEach: (fn) => {
      t.afterEach(fn);
    },
  };
  const { url } = await metricDatabase(scope, await throwawayCluster());
  const clock = new FakeClock(T0);
  const open = (given: FakeClock | null = clock): PostgresMetricStore => {
    const store = new PostgresMetricStore({ connectionString: url, ...(given === null ? {} : { clock: given }) });
    stores.push(store);
    return store;
  };
  return { url, clock, open };
}

async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function requests(store: PostgresMetricStore, from: number, to: number, resolutionMs: number): Promise<number> {
  return mergedDurations(await readAll(store, { from, to, resolutionMs })).count;
}

test('ten writers of the same windows at once: each window once, nobody waits for ever', async (t) => {
  const { clock, open } = await opened(t);
  clock.advance(HOUR);
  const windows = Array.from({ length: 30 }, (_, i) =>
    windowOf(
      T0 + i * 10_000,
      Array.from({ length: 40 }, (_, route) => routeOf(`GET /${route}`, [i + 1])),
      { durationMs: 10_000 },
    ),
  );
  const stores = Array.from({ length: 10 }, () => open());
  const answers = await Promise.all(
    // Each in an order of its own, and in calls of different sizes.
    stores.map(async (store, writer) => {
      let taken = 0;
      const order = windows.toSorted(
        (a, b) => (((a.start / 10_000) * (writer + 3)) % 31) - (((b.start / 10_000) * (writer + 3)) % 31),
      );
      for (let at = 0; at < order.length; at += writer + 1) {
        taken += (await store.append(originOf('a'), order.slice(at, at + writer + 1))).taken;
      }
      return taken;
    }),
  );
  assert.equal(
    answers.reduce((sum, taken) => sum + taken),
    windows.length,
  );
  const [store] = stores;
  assert.ok(store !== undefined);
  assert.equal(await requests(store, T0, T0 + HOUR, 10_000), 30 * 40);
  await Promise.all(stores.map((one) => one.compact(clock.now())));
  assert.equal(await requests(store, T0, T0 + HOUR, MINUTE), 30 * 40);
});

test('writers that bring the same new names in any order do not deadlock', async (t) => {
  const { url, clock, open } = await opened(t);
  clock.advance(HOUR);
  const names = Array.from({ length: 400 }, (_, i) => `GET /${i}`);
  await Promise.all(
    Array.from({ length: 12 }, async (_, writer) => {
      const own = names.toSorted(
        (a, b) =>
          ((a.length * 7 + writer * a.charCodeAt(a.length - 1)) % 13) -
          ((b.length * 7 + writer * b.charCodeAt(b.length - 1)) % 13),
      );
      const answer = await open().append(originOf(`web-${writer}`), [
        windowOf(
          T0,
          own.map((name) => routeOf(name, [1])),
        ),
      ]);
      assert.equal(answer.taken, 1);
    }),
  );
  const [row] = await sql(url, 'SELECT count(*)::integer AS names FROM autopilot.series');
  assert.equal(row?.['names'], 401);
});

test('two control planes compact at once: every window is merged once', async (t) => {
  const { clock, open } = await opened(t);
  const truth = new MetricTruth(random(1));
  const [one, two] = [open(), open()];
  let merged = 0;
  for (let hour = 0; hour < 30; hour++) {
    for (let at = T0 + hour * HOUR; at < T0 + (hour + 1) * HOUR; at += 5 * MINUTE) {
      await one.append(originOf('a'), [truth.window(originOf('a'), at)]);
      clock.jump(at + 5 * MINUTE);
    }
    for (const answer of await Promise.all([
      one.compact(clock.now()),
      two.compact(clock.now()),
      one.compact(clock.now()),
    ]))
      merged += answer.merged;
  }
  clock.advance(10 * MINUTE);
  for (const store of [one, two, one]) merged += (await store.compact(clock.now())).merged;
  assert.equal(merged, 30 * 12);
  await assertTells(two, truth, T0, T0 + 30 * HOUR, [10_000, HOUR, DAY]);
});

test('windows ahead of the server’s clock, or too old for it, are refused with the reason; the machine’s own clock has no say', async (t) => {
  const { open } = await opened(t);
  const store = open(null);
  const now = Math.floor(Date.now() / 1000) * 1000;
  const answer = await store.append(originOf('a'), [
    windowOf(now + 3 * HOUR, []),
    windowOf(now + 4 * HOUR, []),
    windowOf(now - 8 * DAY, []),
    windowOf(now - 10_000, [routeOf('GET /a', [1])]),
    windowOf(now - 10_000, [], { durationMs: 30 * MINUTE }),
  ]);
  assert.deepEqual([answer.taken, answer.refused], [1, 4]);
  const reasons = answer.reasons?.join(' ') ?? '';
  assert.match(reasons, /2 windows begin over a minute after the store's time: this machine's clock is ahead/);
  assert.match(reasons, /1 windows are older than the 7 days/);
  assert.match(reasons, /1 windows have a start or a length/);
  assert.equal(await requests(store, now - MINUTE, now, 10_000), 1);
});

test('a clock that is set back makes windows the store has: they count once', async (t) => {
  const { clock, open } = await opened(t);
  const store = open();
  const truth = new MetricTruth(random(2));
  const append = async (at: number): Promise<number> => {
    clock.jump(at + 10_000);
    const answer = await store.append(originOf('a'), [
      windowOf(at, [routeOf('GET /a', [at % 997])], { durationMs: 10_000 }),
    ]);
    await store.compact(clock.now());
    return answer.taken;
  };
  let taken = 0;
  for (let at = T0; at < T0 + 20 * MINUTE; at += 10_000) taken += await append(at);
  // Ten minutes back, and on from there.
  for (let at = T0 + 10 * MINUTE; at < T0 + 30 * MINUTE; at += 10_000) taken += await append(at);
  assert.equal(taken, 180);
  assert.equal(truth.facts.length, 0);
  clock.advance(5 * MINUTE);
  await store.compact(clock.now());
  for (const resolutionMs of [10_000, MINUTE]) assert.equal(await requests(store, T0, T0 + HOUR, resolutionMs), 180);
});

test('a control plane’s clock that leaps ahead drops nothing that is newer than what is kept behind the newest window', async (t) => {
  const { clock, open, url } = await opened(t);
  const store = open();
  const truth = new MetricTruth(random(4));
  for (let at = T0; at < T0 + 6 * HOUR; at += 10 * MINUTE) {
    await store.append(originOf('a'), [truth.window(originOf('a'), at)]);
    clock.jump(at + 10 * MINUTE);
    await store.compact(clock.now());
  }
  await store.compact(clock.now() + 3000 * DAY);
  await store.compact(clock.now());
  await assertTells(store, truth, T0, T0 + 6 * HOUR, [MINUTE, HOUR]);
  // Whose own clock leaps, and no other is given, drops nothing at all for ten minutes.
  const doubting = open(null);
  const before = await sql(url, 'SELECT count(*)::integer AS n FROM pg_inherits');
  assert.equal((await doubting.compact(Date.now())).expired, 0);
  const [now] = await sql(url, 'SELECT count(*)::integer AS n FROM pg_inherits');
  assert.ok(Number(now?.['n']) >= Number(before[0]?.['n']));
});

test('an instance that is renamed, or deployed anew, stands beside its former self; the whole counts both once', async (t) => {
  const { clock, open } = await opened(t);
  const store = open();
  const origins = [originOf('web-1'), originOf('web-one'), { ...originOf('web-one'), release: '2.0.0' }];
  for (const [i, origin] of origins.entries()) {
    for (let minute = 0; minute < 60; minute++) {
      const at = T0 + i * HOUR + minute * MINUTE;
      clock.jump(at + MINUTE);
      await store.append(origin, [windowOf(at, [routeOf('GET /a', [i + 1])], { durationMs: 10_000 })]);
    }
    await store.compact(clock.now());
  }
  clock.advance(HOUR);
  await store.compact(clock.now());
  for (const resolutionMs of [MINUTE, HOUR]) {
    const range = { from: T0, to: T0 + 3 * HOUR, resolutionMs };
    const each = await readAll(store, range);
    const byOrigin = (instance: string, release: string): number =>
      mergedDurations(each.filter(({ origin }) => origin.instance === instance && origin.release === release)).count;
    assert.deepEqual(
      [byOrigin('web-1', '1.0.0'), byOrigin('web-one', '1.0.0'), byOrigin('web-one', '2.0.0')],
      [60, 60, 60],
    );
    assert.equal(mergedDurations(await readAll(store, { ...range, mergeInstances: true })).count, 180);
    assert.equal(mergedDurations(await readAll(store, { ...range, instance: 'web-one' })).count, 120);
  }
});

test('partitions that somebody dropped leave a gap, and nothing else', async (t) => {
  const { url, clock, open } = await opened(t);
  const store = open();
  const truth = new MetricTruth(random(6));
  const fill = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 5 * MINUTE) {
      clock.jump(at + 5 * MINUTE);
      await store.append(originOf('a'), [truth.window(originOf('a'), at)]);
      await store.compact(clock.now());
    }
  };
  await fill(T0, T0 + 27 * HOUR);
  // The windows of this hour, some of which are not merged; yesterday's minutes; and every partition that is to come.
  const partitions = await sql(
    url,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'autopilot'::regnamespace AND relispartition AND relkind = 'r'
     AND (relname ~ '^(windows|window_blocks)_.*t(02|03|04|05|06)$' OR relname = 'minute_chunks_20231115t00')`,
  );
  assert.ok(partitions.length >= 8, JSON.stringify(partitions));
  await store.append(originOf('a'), [truth.window(originOf('a'), clock.now())]);
  for (const { name } of partitions) await sql(url, `DROP TABLE autopilot.${String(name)}`);
  const day = await requests(store, T0, T0 + DAY, DAY);
  assert.equal(day, truth.durations(({ start }) => start < T0 + DAY).length);
  // The minutes are gone, so hours answer; their edges are known.
  assert.equal(await requests(store, T0, T0 + DAY, MINUTE), day);
  const went = T0 + 27 * HOUR;
  await fill(went + 5 * MINUTE, went + 4 * HOUR);
  clock.advance(20 * MINUTE);
  await store.compact(clock.now());
  const expected = truth.durations(({ start }) => start >= went + 5 * MINUTE).length;
  for (const resolutionMs of [MINUTE, HOUR])
    assert.equal(await requests(store, went, went + 4 * HOUR, resolutionMs), expected);
  assert.equal((await store.extent('orders', clock.now())).droppedWindows, 1);
});

test('without any control plane windows go into the default partition, and are merged when one comes', async (t) => {
  const { url, clock, open } = await opened(t);
  const store = open();
  const truth = new MetricTruth(random(8));
  for (let at = T0; at < T0 + 9 * HOUR; at += 5 * MINUTE) {
    clock.jump(at + 5 * MINUTE);
    await store.append(originOf('a'), [truth.window(originOf('a'), at)]);
  }
  await assertTells(store, truth, T0, T0 + 9 * HOUR, [1000, HOUR]);
  clock.advance(3 * MINUTE);
  await store.compact(clock.now());
  await assertTells(store, truth, T0, T0 + 9 * HOUR, [MINUTE, HOUR]);
  const [left] = await sql(url, 'SELECT count(*)::integer AS windows FROM autopilot.windows_default');
  assert.equal(left?.['windows'], 0);
});

test('a row that is damaged is left out and counted; the rest is answered and merged', async (t) => {
  const { url, clock, open } = await opened(t);
  const store = open();
  await store.compact(T0);
  for (let minute = 0; minute < 10; minute++) {
    clock.jump(T0 + (minute + 1) * MINUTE);
    await store.append(originOf('a'), [
      windowOf(T0 + minute * MINUTE, [routeOf('GET /a', [1])], { durationMs: 10_000 }),
    ]);
  }
  await sql(
    url,
    `UPDATE autopilot.window_blocks SET cells = '\\x02ffff'::bytea WHERE start_ms = ${T0 + 2 * MINUTE} AND first_series <> last_series;
     UPDATE autopilot.window_blocks SET cells = '\\x'::bytea WHERE start_ms = ${T0 + 3 * MINUTE}`,
  );
  assert.equal(await requests(store, T0, T0 + HOUR, 1000), 9);
  assert.ok(store.damagedRows > 0);
  clock.advance(2 * HOUR);
  await store.compact(clock.now());
  assert.equal(await requests(store, T0, T0 + HOUR, HOUR), 9);
});

test('names that PostgreSQL can’t hold, or not index, do not stop the windows they are in', async (t) => {
  const { clock, open } = await opened(t);
  const store = open();
  clock.advance(HOUR);
  const long = 'x'.repeat(5000);
  const odd = [
    `GET /${long}`,
    '界'.repeat(3000),
    'GET /\u0000',
    'GET /\ud800',
    'GET /"quoted", {braced} \\',
    'GET /größe/日本',
    '',
  ];
  const origin = { service: 'orders', instance: `a${long}`, release: '\u0000' };
  const far = { service: '界'.repeat(3000), instance: 'a', release: '' };
  assert.equal(
    (
      await store.append(far, [
        windowOf(
          T0,
          odd.map((key) => routeOf(key, [1])),
        ),
      ])
    ).taken,
    1,
  );
  const answer = await store.append(origin, [
    windowOf(T0, [
      ...odd.map((key) => routeOf(key, [1])),
      seriesOf('statement', 's', { calls: 1 }, { database: 'a\u0000b' }),
    ]),
  ]);
  assert.deepEqual([answer.taken, answer.invalid], [1, 0]);
  assert.equal(await requests(store, T0, T0 + HOUR, 1000), odd.length);
  await store.compact(clock.now());
  assert.equal(await requests(store, T0, T0 + HOUR, MINUTE), odd.length);
  const [slice] = await readAll(store, { from: T0, to: T0 + 1000, resolutionMs: 1000 });
  assert.ok(
    slice?.series.some(({ key }) => key === 'GET /größe/日本') && slice.series.some(({ key }) => key === odd[4]),
  );
});

test('a backlog of hours is handed over in calls of bearable size', async (t) => {
  const { clock, open } = await opened(t);
  const store = open();
  clock.advance(5 * HOUR);
  const next = random(9);
  const windows = Array.from({ length: 900 }, (_, i) =>
    windowOf(
      T0 + i * 10_000,
      Array.from({ length: 40 }, (_, route) =>
        routeOf(
          `GET /${route}`,
          Array.from({ length: 30 }, () => next() * 1000),
        ),
      ),
      { durationMs: 10_000 },
    ),
  );
  assert.equal((await store.append(originOf('a'), windows)).taken, 900);
  assert.equal((await store.append(originOf('a'), windows)).duplicates, 900);
  assert.equal(await requests(store, T0, T0 + 5 * HOUR, 10_000), 900 * 40 * 30);
});

test('a store that goes away and comes back: errors that say so, and nothing lost or twice', async (t) => {
  const server = await throwawayServer(t);
  const url = server.url('postgres');
  const clock = new FakeClock(T0);
  await using store = new PostgresMetricStore({ connectionString: url, clock });
  await assert.rejects(store.append(originOf('a'), [windowOf(T0, [])]), { code: 'AP_STORE_SCHEMA_MISSING' });
  await store.migrate();
  await store.append(originOf('a'), [windowOf(T0, [routeOf('GET /a', [1])])]);
  // Every connection is cut, as by a restart of the server.
  await sql(
    server.url('postgres'),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'autopilot'`,
  );
  const next = windowOf(T0 + 1000, [routeOf('GET /a', [1])]);
  const first = await store.append(originOf('a'), [next]).catch((error: unknown) => error);
  if (first instanceof Error) assert.equal((first as { code?: string }).code, 'AP_STORE_UNAVAILABLE');
  // What may have been stored is handed in again as it was.
  const again = await store.append(originOf('a'), [next]);
  assert.equal(again.taken + again.duplicates, 1);
  assert.equal(await requests(store, T0, T0 + MINUTE, 1000), 2);
});

test('a server that does not answer, or is not there', async (t) => {
  const sockets: { destroy(): void }[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  for (const port of [address.port, 1]) {
    await using store = new PostgresMetricStore({
      connectionString: `postgres://u@127.0.0.1:${port}/d`,
      connectTimeoutMs: 300,
    });
    await assert.rejects(store.append(originOf('a'), [windowOf(T0, [])]), {
      code: 'AP_STORE_UNAVAILABLE',
      message: /^Writing 1 windows of a failed: /,
    });
    await assert.rejects(store.compact(T0), { code: 'AP_STORE_UNAVAILABLE' });
    await assert.rejects(store.extent('orders', T0), { code: 'AP_STORE_UNAVAILABLE' });
  }
});
