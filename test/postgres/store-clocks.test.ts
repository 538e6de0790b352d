/** Clocks that leap by a day, and what happens between two steps of compaction: each window counts once, nothing is lost. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { assertTells, DAY, HOUR, MetricTruth, MINUTE, mergedDurations, readAll } from '../support/metric-truth.ts';
import { type TestScope, throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;

interface Opened {
  readonly client: pg.Client;
  readonly clock: FakeClock;
  readonly store: PostgresMetricStore;
  /** Another store on the same database, by its server's clock. */
  readonly byServer: PostgresMetricStore;
}

async function opened(t: TestScope): Promise<Opened> {
  const closing: (() => Promise<void>)[] = [];
  const scope: TestScope = {
    after: (fn) => {
      t.after(async (context) => {
        for (const close of closing) await close();
        await fn(context);
      });
    },
    afterEach: (fn) => {
      t.afterEach(fn);
    },
  };
  const { url } = await metricDatabase(scope, await throwawayCluster());
  const clock = new FakeClock(T0);
  const store = new PostgresMetricStore({ connectionString: url, clock });
  const byServer = new PostgresMetricStore({ connectionString: url });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  closing.push(
    () => store.close(),
    () => byServer.close(),
    () => client.end(),
  );
  return { client, clock, store, byServer };
}

/** A window each five minutes of [from, to), compacted as they come. */
async function fill({ store, clock }: Opened, truth: MetricTruth, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 5 * MINUTE) {
    clock.jump(at + 5 * MINUTE);
    await store.append(originOf('a'), [truth.window(originOf('a'), at)]);
    await store.compact(clock.now());
  }
}

async function requests(store: PostgresMetricStore, from: number, to: number, resolutionMs: number): Promise<number> {
  return mergedDurations(await readAll(store, { from, to, resolutionMs })).count;
}

test('all clocks leap a day ahead and come back: what came before, meanwhile and after counts once', async (t) => {
  const world = await opened(t);
  const { store, clock } = world;
  const truth = new MetricTruth(random(11));
  await fill(world, truth, T0, T0 + 5 * HOUR);
  const handedIn = T0 + 4 * HOUR;
  const again = windowOf(handedIn, [routeOf('GET /a', [1])], { durationMs: 10_000 });
  await fill(world, truth, T0 + 29 * HOUR, T0 + 33 * HOUR);
  await fill(world, truth, T0 + 5 * HOUR, T0 + 6 * HOUR);
  // Its hour's windows were dropped by the clock that was ahead: it is still known.
  await store.append(originOf('a'), [again]);
  await fill(world, truth, T0 + 6 * HOUR, T0 + 9 * HOUR);
  clock.advance(10 * MINUTE);
  await store.compact(clock.now());
  await assertTells(store, truth, T0, T0 + 34 * HOUR, [MINUTE, HOUR]);
  // Where windows were dropped too early, minutes answer: no gap.
  assert.equal(
    await requests(store, T0 + 3 * HOUR, T0 + 9 * HOUR, 10_000),
    truth.durations(({ start }) => start >= T0 + 3 * HOUR && start < T0 + 9 * HOUR).length,
  );
  // Time comes to the stretch that was lived already: what is there stays, and is not counted twice.
  const before = await requests(store, T0 + 29 * HOUR, T0 + 33 * HOUR, HOUR);
  for (let at = T0 + 29 * HOUR; at < T0 + 33 * HOUR; at += 5 * MINUTE) {
    clock.jump(at + 5 * MINUTE);
    await store.append(originOf('a'), [windowOf(at, [routeOf('GET /a', [1])], { durationMs: 10_000 })]);
    await store.compact(clock.now());
  }
  assert.equal(await requests(store, T0 + 29 * HOUR, T0 + 33 * HOUR, HOUR), before);
});

test('an agent’s clock that goes back a day makes windows the store has, one that leaps ahead windows that are refused', async (t) => {
  const world = await opened(t);
  const { store, clock } = world;
  const truth = new MetricTruth(random(12));
  await fill(world, truth, T0, T0 + 26 * HOUR);
  const now = clock.now();
  const wrong = (at: number) => windowOf(at, [routeOf('GET /a', [1])], { durationMs: 10_000 });
  const back = Array.from({ length: 12 }, (_, i) => wrong(now - DAY + i * 5 * MINUTE));
  assert.deepEqual(
    { ...(await store.append(originOf('a'), back)), reasons: [] },
    {
      taken: 12,
      duplicates: 0,
      refused: 0,
      invalid: 0,
      reasons: [],
    },
  );
  const ahead = await store.append(originOf('a'), [wrong(now + DAY)]);
  assert.deepEqual([ahead.taken, ahead.refused], [0, 1]);
  assert.match(ahead.reasons?.join(' ') ?? '', /clock is ahead/);
  await fill(world, truth, now, now + HOUR);
  clock.advance(10 * MINUTE);
  await store.compact(clock.now());
  // Those of a day ago were handed over, because their partition is gone, and found in the ledger when they were to be merged.
  await assertTells(store, truth, T0, now + HOUR, [MINUTE, HOUR]);
});

test('a control plane whose clock is a day off compacts by the server’s', async (t) => {
  const { byServer, client } = await opened(t);
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const windows = Array.from({ length: 60 }, (_, i) =>
    windowOf(now - (60 - i) * 10_000, [routeOf('GET /a', [1])], { durationMs: 10_000 }),
  );
  await byServer.append(originOf('a'), windows);
  for (const wrong of [now - DAY, now + DAY]) {
    const { expired } = await byServer.compact(wrong);
    assert.equal(expired, 0);
  }
  const { rows } = await client.query<{ left: number; partitions: number }>(
    `SELECT (SELECT count(*) FROM autopilot.unfolded_windows)::integer AS left,
       (SELECT count(*) FROM pg_class WHERE relname ~ '^windows_2' AND relkind = 'r')::integer AS partitions`,
  );
  const [{ left, partitions } = { left: -1, partitions: 0 }] = rows;
  // All but those of a minute that is not over for 15 s.
  assert.ok(left >= 0 && left <= 6, `${left} windows wait`);
  // Two hours back to three ahead of the server's clock, not of ours.
  assert.ok(partitions >= 5 && partitions <= 7, `${partitions} partitions`);
  assert.equal(await requests(byServer, now - HOUR, now, 10_000), 60);
});

test('a window that comes while its partition is being dropped is not lost', async (t) => {
  const world = await opened(t);
  const { store, clock, client } = world;
  const truth = new MetricTruth(random(13));
  await fill(world, truth, T0, T0 + 3 * HOUR - 5 * MINUTE);
  await client.query('BEGIN');
  await client.query(
    `WITH late AS (
       INSERT INTO autopilot.windows (scope_id, start_ms, duration_ms)
       SELECT scope_id, ${T0 + 30_000}, 10000 FROM autopilot.scopes WHERE instance = 'a' RETURNING *)
     INSERT INTO autopilot.unfolded_windows SELECT scope_id, start_ms, duration_ms FROM late`,
  );
  clock.advance(10 * MINUTE);
  let compacting = true;
  const compacted = store
    .compact(clock.now())
    .catch((error: unknown) => {
      // It waits for 300 ms only; then it is tried again later.
      assert.equal((error as { code?: string }).code, 'AP_STORE_BUSY', String(error));
    })
    .finally(() => {
      compacting = false;
    });
  const watcher = new pg.Client({ connectionString: connectionOf(client) });
  await watcher.connect();
  try {
    let waited = false;
    while (compacting && !waited) {
      const { rows } = await watcher.query(`SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`);
      waited = rows.length > 0;
      if (!waited) await sleep(5);
    }
    assert.ok(waited, 'the drop waits for the window');
  } finally {
    await client.query('COMMIT');
    await watcher.end();
  }
  await compacted;
  for (let rounds = 0; rounds < 3; rounds++) {
    clock.advance(6 * MINUTE);
    await store.compact(clock.now());
  }
  assert.equal((await store.extent('orders', clock.now())).droppedWindows, 0);
  const { rows } = await client.query('SELECT FROM autopilot.unfolded_windows');
  assert.equal(rows.length, 0);
  const partitions = await client.query(`SELECT FROM pg_class WHERE relname = 'windows_20231115t00'`);
  assert.equal(partitions.rowCount, 0, 'dropped in the end');
});

test('a minute of more windows than one transaction takes becomes one row a scope and block', async (t) => {
  const { store, clock, client } = await opened(t);
  clock.advance(10 * MINUTE);
  // 2,520 windows, in an order that is not that of the services.
  for (let instance = 0; instance < 60; instance++) {
    const windows = Array.from({ length: 42 }, (_, i) =>
      windowOf(T0 + i * 10_000, [routeOf('GET /a', [1])], { durationMs: 10_000 }),
    );
    await store.append(originOf(`i${instance}`, instance % 2 === 0 ? 'orders' : 'stock'), windows);
  }
  const { merged } = await store.compact(clock.now());
  assert.equal(merged, 2520);
  const { rows } = await client.query<{ minutes: number; blocks: number; rows: number }>(
    `SELECT count(DISTINCT (scope_id, start_ms))::integer AS minutes,
       count(DISTINCT (scope_id, start_ms, first_series))::integer AS blocks, count(*)::integer AS rows
     FROM autopilot.minute_blocks WHERE family = 1`,
  );
  const [stored = { minutes: 0, blocks: 0, rows: 0 }] = rows;
  assert.equal(stored.minutes, 62 * 7);
  const perMinute = stored.blocks / stored.minutes;
  // Only the scope and the service at the border between two transactions may have theirs twice.
  assert.ok(stored.rows <= stored.blocks + 2 * perMinute, JSON.stringify(stored));
  for (const mergeInstances of [true, false]) {
    const slices = await readAll(store, { from: T0, to: T0 + HOUR, resolutionMs: MINUTE, mergeInstances });
    assert.equal(mergedDurations(slices).count, 30 * 42);
  }
});

function connectionOf({ host, port, user, database }: pg.Client): string {
  return `postgres://${user ?? ''}@/${database ?? ''}?host=${encodeURIComponent(host)}&port=${port}`;
}
