/** What every LoadTestStore does. Each implementation passes all of it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { measureDatabase } from '../../packages/autopilot/src/postgres/database-rounds.ts';
import { MemoryLoadTestStore } from '../../packages/autopilot/src/storage/memory/memory-load-test-store.ts';
import type {
  ListPart,
  LoadTestDraft,
  LoadTestGroup,
  LoadTestStore,
} from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresLoadTestStore } from '../../packages/autopilot/src/storage/postgres/postgres-load-test-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { type TestScope, throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

interface Opened {
  readonly store: LoadTestStore;
  /** The same tests, seen by another process. */
  readonly other: LoadTestStore;
}

const implementations: Readonly<Record<string, (t: TestScope) => Promise<Opened>>> = {
  MemoryLoadTestStore: async () => {
    const store = new MemoryLoadTestStore(new FakeClock(1_700_000_000_000));
    return { store, other: store };
  },
  PostgresLoadTestStore: async (t) => {
    const { url } = await metricDatabase(t, await throwawayCluster());
    const [store, other] = [new PostgresLoadTestStore(url), new PostgresLoadTestStore(url)];
    t.after(async () => {
      await Promise.all([store.close(), other.close()]);
    });
    return { store, other };
  },
};

const LONG_MS = 60_000;

function draftOf(more: Partial<LoadTestDraft> = {}): LoadTestDraft {
  const target = 'http://127.0.0.1:3000';
  return { id: randomUUID(), service: 'orders', name: 'a plan', kind: 'load', target, author: 'ann', ...more };
}

it('a database is measured without a table, and commits in a log', async (t) => {
  const { url } = await metricDatabase(t, await throwawayCluster());
  let done = 0;
  const measured = await measureDatabase({
    url,
    commitUrl: url,
    rounds: 2,
    roundMs: 1,
    connections: 2,
    onRound: (round) => {
      done = round;
    },
  });
  assert.equal(done, 2);
  assert.match(measured.version, /^\d+/);
  for (const [id, rounds] of measured.rounds) {
    assert.ok(Array.isArray(rounds) && rounds.length === 2 && rounds.every((value) => value > 0), id);
  }
  const elsewhere = 'postgres://127.0.0.1:1/none';
  const { rounds } = await measureDatabase({
    url,
    commitUrl: elsewhere,
    rounds: 1,
    roundMs: 1,
    connections: 1,
    onRound: () => {},
  });
  assert.match(JSON.stringify(rounds.get('commit')), /can't be reached/);
  await assert.rejects(
    measureDatabase({ url: elsewhere, commitUrl: null, rounds: 1, roundMs: 1, connections: 1, onRound: () => {} }),
    { code: 'AP_DATABASE_UNREACHABLE' },
  );
});

for (const [name, open] of Object.entries(implementations)) {
  describe(name, () => {
    it('lets one test at a time run against a target, whoever begins it', async (t) => {
      const { store, other } = await open(t);
      const drafts = Array.from({ length: 6 }, () => draftOf());
      const begun = await Promise.all(drafts.map((draft, at) => (at % 2 ? other : store).begin(draft, LONG_MS)));
      const [winner, ...more] = begun.filter((one) => one.begun);
      assert.ok(winner !== undefined && more.length === 0);
      assert.deepEqual([...new Set(begun.map(({ test }) => test.id))], [winner.test.id]);
      const elsewhere = await store.begin(draftOf({ target: 'http://127.0.0.1:4000' }), LONG_MS);
      assert.ok(elsewhere.begun);
      assert.equal((await other.running()).length, 2);
      const end = { state: 'passed', reason: null, summary: { requests: 3 }, report: { format: 1 } };
      assert.equal(await store.end(winner.test.id, end), true);
      assert.equal(await store.end(winner.test.id, { ...end, state: 'failed' }), false);
      const kept = await other.read(winner.test.id);
      assert.deepEqual(
        [kept?.test.state, kept?.test.summary, kept?.report],
        ['passed', { requests: 3 }, { format: 1 }],
      );
      assert.ok((await other.begin(draftOf(), LONG_MS)).begun);
    });

    it('hands on that a test is to stop, and takes one that nobody keeps alive for dead', async (t) => {
      const { store, other } = await open(t);
      const { test } = await store.begin(draftOf(), LONG_MS);
      assert.equal(await store.renew(test.id, LONG_MS), 'go-on');
      await other.stop(test.id);
      assert.equal(await store.renew(test.id, LONG_MS), 'stop');
      // Alive until now.
      await store.renew(test.id, 0);
      const next = await other.begin(draftOf(), LONG_MS);
      assert.ok(next.begun);
      const dead = await store.read(test.id);
      assert.equal(dead?.test.state, 'failed');
      assert.match(dead?.test.reason ?? '', /is gone/);
      assert.equal(await store.renew(test.id, LONG_MS), 'gone');
      assert.equal(await store.end(test.id, { state: 'passed', reason: null, summary: null, report: null }), false);
    });

    it('lists a service newest first, page by page, and keeps the newest', async (t) => {
      const { store } = await open(t);
      const ids: string[] = [];
      for (let at = 0; at < 5; at++) {
        const { test } = await store.begin(draftOf(), LONG_MS);
        ids.unshift(test.id);
        if (at < 4) await store.end(test.id, { state: 'passed', reason: null, summary: null, report: null });
      }
      await store.begin(draftOf({ service: 'other', target: 'http://127.0.0.1:4000' }), LONG_MS);
      const benchmark = await store.begin(draftOf({ kind: 'benchmark', target: 'http://127.0.0.1:5000' }), LONG_MS);
      const orders = { service: 'orders', isBenchmark: false };
      const idsOf = async (of: LoadTestGroup, part: Partial<ListPart> = {}): Promise<readonly string[]> =>
        (await store.list(of, { edge: null, toward: 'older', limit: 10, ...part })).map(({ id }) => id);
      const first = await store.list(orders, { edge: null, toward: 'older', limit: 3 });
      const edge = first.at(-1)?.number ?? null;
      assert.deepEqual([...first.map(({ id }) => id), ...(await idsOf(orders, { edge, limit: 3 }))], ids);
      assert.deepEqual(await idsOf(orders, { edge, toward: 'newer', limit: 1 }), ids.slice(1, 2));
      await store.tidy(orders, 2);
      assert.deepEqual(await idsOf(orders), ids.slice(0, 3));
      assert.equal((await idsOf({ service: 'other', isBenchmark: false })).length, 1);
      const benchmarks = { service: 'orders', isBenchmark: true };
      await store.tidy(benchmarks, 0);
      assert.deepEqual(await idsOf(benchmarks), [benchmark.test.id]);
      assert.equal(await store.read(randomUUID()), null);
      assert.equal(await store.read('no id'), null);
    });
  });
}
