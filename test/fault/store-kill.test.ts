/**
 * Compaction is killed with -9 at points spread over its work, twenty times, while windows come, late ones and repeated ones among them.
 * After each death the store must tell exactly what was appended, and the next process must be able to go on.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Origin, Window } from '../../packages/autopilot/src/contract/series.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import type { CompactorOrders } from '../support/metric-compactor.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { assertTells, DAY, HOUR, MetricTruth, MINUTE } from '../support/metric-truth.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { originOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;
const ROUNDS = 20;
const HOURS_A_ROUND = 3;
/** All the work of a round takes about as long on two busy cores. */
const LONGEST_LIFE_MS = 2500;
const RESOLUTIONS = [10_000, 5 * MINUTE, HOUR, 30 * DAY];

function compactor(orders: CompactorOrders): ChildProcess {
  return spawn(
    process.execPath,
    ['-C', 'source', join(import.meta.dirname, '../support/metric-compactor.ts'), JSON.stringify(orders)],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
}

/** What of compaction is done, to see that the deaths were spread over it. */
async function progress(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ told: string }>(
      `SELECT concat_ws('/', (SELECT count(*) FROM autopilot.unfolded_windows), (SELECT count(*) FROM autopilot.minute_blocks),
         (SELECT count(*) FROM autopilot.minute_chunks), (SELECT count(*) FROM autopilot.hour_chunks)) AS told`,
    );
    return rows[0]?.told ?? '';
  } finally {
    await client.end();
  }
}

test('killed while compacting, twenty times: no window is lost or counted twice', async (t) => {
  const { url } = await metricDatabase(t, await throwawayCluster());
  const clock = new FakeClock(T0);
  const store = new PostgresMetricStore({ connectionString: url, clock });
  try {
    const next = random(11);
    const truth = new MetricTruth(next);
    const origins = [originOf('a'), originOf('b')];
    const held: { readonly origin: Origin; readonly window: Window }[] = [];
    const sent: { readonly origin: Origin; readonly window: Window }[] = [];
    const seen: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const from = T0 + round * HOURS_A_ROUND * HOUR;
      clock.jump(from + HOURS_A_ROUND * HOUR);
      for (const origin of origins) {
        const windows: Window[] = [];
        for (let at = from; at < clock.now(); at += 2 * MINUTE) {
          const window = truth.window(origin, at);
          if (next() < 0.02) held.push({ origin, window });
          else windows.push(window);
        }
        await store.append(origin, windows);
        for (const window of windows) sent.push({ origin, window });
      }
      // Late ones from rounds before, and some that were stored already.
      for (const { origin, window } of held.splice(0, Math.floor(held.length / 2)))
        await store.append(origin, [window]);
      for (let again = 0; again < 5; again++) {
        const one = sent[Math.floor(next() * sent.length)];
        if (one !== undefined) await store.append(one.origin, [one.window]);
      }
      const child = compactor({ url, now: clock.now() + 20_000 });
      const gone = once(child, 'exit');
      try {
        await once(child.stdout ?? child, 'data');
        // Every other one early, while windows are merged into minutes.
        await delay(Math.random() * (round % 2 === 0 ? LONGEST_LIFE_MS : LONGEST_LIFE_MS / 4));
      } finally {
        child.kill('SIGKILL');
        await gone;
      }
      seen.push(await progress(url));
      if (held.length === 0) await assertTells(store, truth, T0, clock.now(), [HOUR]);
    }
    t.diagnostic(`left after each death (unfolded/minute blocks/minute chunks/hour chunks): ${seen.join(' ')}`);
    for (const { origin, window } of held) await store.append(origin, [window]);
    await assertTells(store, truth, T0, clock.now(), RESOLUTIONS);
    for (let rounds = 0; rounds < 10; rounds++) {
      clock.advance(6 * MINUTE);
      await store.compact(clock.now());
    }
    const end = T0 + ROUNDS * HOURS_A_ROUND * HOUR;
    await assertTells(store, truth, T0, end, RESOLUTIONS);
    await assertTells(store, truth, T0 + 7 * HOUR, T0 + 31 * HOUR, RESOLUTIONS);
    assert.equal(store.damagedRows, 0);
    assert.match(await progress(url), /^0\//);
  } finally {
    await store.close();
  }
});
