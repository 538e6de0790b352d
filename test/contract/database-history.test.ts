/** What every DatabaseHistory does. Each implementation passes all of it. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { statementCounters } from '../../packages/autopilot/src/contract/statement-counters.ts';
import {
  type Counters,
  type DatabaseBatch,
  type DatabaseHistory,
  statementStepsMs,
} from '../../packages/autopilot/src/storage/database-history.ts';
import { MemoryDatabaseHistory } from '../../packages/autopilot/src/storage/memory/memory-database-history.ts';
import { PostgresDatabaseHistory } from '../../packages/autopilot/src/storage/postgres/postgres-database-history.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { type TestScope, throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

const implementations: Readonly<Record<string, (t: TestScope) => Promise<DatabaseHistory>>> = {
  MemoryDatabaseHistory: () => Promise.resolve(new MemoryDatabaseHistory()),
  PostgresDatabaseHistory: async (t) => {
    const { url } = await metricDatabase(t, await throwawayCluster());
    const history = new PostgresDatabaseHistory(url);
    t.after(() => history.close());
    return history;
  },
};

const HOUR = 1_700_002_800_000;
const MINUTE_MS = 60_000;

function counters(calls: number): Counters {
  // Every name is written, each with a value of its own.
  return Object.fromEntries(statementCounters.map((name, at) => [name, calls + at / 4])) as Counters;
}

function batch(at: number, more: Partial<DatabaseBatch> = {}): DatabaseBatch {
  return { at, standings: [], increases: [], sample: {}, tables: [], ...more };
}

const one = (queryId: string, calls: number) => ({ queryId, role: 'app', counters: counters(calls) });

for (const [name, open] of Object.entries(implementations)) {
  describe(name, () => {
    it('adds up what statements did by the minute and by the hour, once for each batch', async (t) => {
      const history = await open(t);
      const first = batch(HOUR + 5, { increases: [one('1', 2), one('2', 5)] });
      await history.append('main', first);
      await history.append('main', first);
      await history.append('main', batch(HOUR + 30_000, { increases: [one('1', 3)] }));
      await history.append('main', batch(HOUR + MINUTE_MS, { increases: [one('1', 1)] }));
      await history.append('other', batch(HOUR, { increases: [one('1', 100)] }));
      const { minute, hour } = statementStepsMs;
      const steps = await history.steps('main', minute, HOUR, HOUR + hour, '1');
      assert.deepEqual(
        steps.map(({ at, counters: { calls, totalMs } }) => [at, calls, totalMs]),
        [
          [HOUR, 5, 5.5],
          [HOUR + MINUTE_MS, 1, 1.25],
        ],
      );
      const whole = await history.increases('main', hour, HOUR, HOUR + hour);
      assert.deepEqual(
        new Map(whole.map(({ queryId, counters: { calls } }) => [queryId, calls])),
        new Map([
          ['1', 6],
          ['2', 5],
        ]),
      );
      assert.deepEqual(await history.increases('main', minute, HOUR + 2 * MINUTE_MS, HOUR + hour), []);
    });

    it('keeps the latest index advice of each database', async (t) => {
      const history = await open(t);
      assert.equal(await history.indexAdvice('main'), null);
      const run = (id: string, endedAt: string) => ({
        id,
        database: 'main',
        state: 'done' as const,
        progress: 1,
        message: 'x \u0000 y',
        startedBy: 'somebody',
        startedAt: '2026-01-01T00:00:00.000Z',
        endedAt,
        catalog: null,
        advice: null,
      });
      await history.keepIndexAdvice(run('a', '2026-01-01T00:01:00.000Z'));
      await history.keepIndexAdvice(run('b', '2026-01-01T00:03:00.000Z'));
      await history.keepIndexAdvice(run('c', '2026-01-01T00:02:00.000Z'));
      assert.equal((await history.indexAdvice('main'))?.id, 'b');
      assert.equal(await history.indexAdvice('other'), null);
    });

    it('keeps statements as they were counted last, and their texts', async (t) => {
      const history = await open(t);
      const standing = { ...one('1', 2), text: 'SELECT 1', isOwn: false, since: 'monday' };
      await history.append('main', batch(1, { standings: [standing] }));
      await history.append('main', batch(2, { standings: [{ ...standing, text: null, counters: counters(7) }] }));
      assert.deepEqual(await history.standings('main'), [{ ...standing, counters: counters(7) }]);
      assert.deepEqual(await history.standings('other'), []);
    });

    it('keeps the plans of statements, and since when each is the one', async (t) => {
      const history = await open(t);
      const steps = [{ depth: 0, label: 'Seq Scan on task', rows: 1, cost: 2, condition: null }];
      const keep = (at: number, fingerprint: string, queryId = '1'): Promise<void> =>
        history.keepPlan('main', HOUR + at, { queryId, fingerprint, cost: at, steps });
      await keep(1, 'a');
      await keep(2, 'a');
      await keep(3, 'b');
      await keep(4, 'a');
      await keep(5, 'a');
      await keep(1, 'c', '2');
      assert.deepEqual(await history.plans('main', '1'), [
        { queryId: '1', fingerprint: 'a', cost: 5, steps, firstAt: HOUR + 1, sinceAt: HOUR + 4, lastAt: HOUR + 5 },
        { queryId: '1', fingerprint: 'b', cost: 3, steps, firstAt: HOUR + 3, sinceAt: HOUR + 3, lastAt: HOUR + 3 },
      ]);
      assert.deepEqual(
        (await history.plans('main', null)).map(({ fingerprint, steps: none }) => [fingerprint, none]),
        [
          ['a', []],
          ['b', []],
          ['c', []],
        ],
      );
      assert.deepEqual(await history.plans('other', null), []);
      await history.prune(HOUR + 200 * 86_400_000);
      assert.deepEqual(await history.plans('main', null), []);
    });

    it('keeps samples and tables, and drops what is old', async (t) => {
      const history = await open(t);
      const table = (relation: string, deadRows: number, totalBytes: number | null) => {
        const zero = { inserted: 1, updated: 2, deleted: 3, hotUpdated: 4, vacuums: 5 };
        return { relation, totalBytes, liveRows: 10, deadRows, ...zero };
      };
      await history.append('main', batch(HOUR + 1, { sample: { calls: 3 }, tables: [table('public.a', 1, 800)] }));
      await history.append('main', batch(HOUR + 2, { sample: { calls: null }, tables: [table('public.a', 9, null)] }));
      assert.deepEqual(await history.tableHours('main', HOUR, HOUR + 1, 'public.a'), [
        { ...table('public.a', 9, 800), at: HOUR },
      ]);
      assert.deepEqual(await history.tableHours('main', HOUR, HOUR + 1, 'public.b'), []);
      const samples = await history.samples('main', HOUR, HOUR + 10);
      assert.deepEqual(
        samples.map(({ values }) => values),
        [{ calls: 3 }, { calls: null }],
      );
      await history.append('main', batch(HOUR + 3, { increases: [one('1', 1)] }));
      await history.prune(HOUR + 2 * 86_400_000);
      assert.deepEqual(await history.steps('main', statementStepsMs.minute, HOUR, HOUR + 10, null), []);
      assert.equal((await history.steps('main', statementStepsMs.hour, HOUR, HOUR + 10, null)).length, 1);
      await history.prune(HOUR + 200 * 86_400_000);
      assert.deepEqual(await history.samples('main', 0, HOUR + 10), []);
      assert.deepEqual(await history.tableHours('main', 0, HOUR + 10, null), []);
    });
  });
}
