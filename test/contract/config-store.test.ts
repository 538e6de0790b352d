/** What every ConfigStore and Journal does. Each implementation passes all of it. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import pg from 'pg';
import { emptyContent } from '../../packages/autopilot/src/config/layers.ts';
import type { ConfigContent } from '../../packages/autopilot/src/contract/configuration.ts';
import { MemoryConfigStore } from '../../packages/autopilot/src/storage/memory/memory-config-store.ts';
import { MemoryJournal } from '../../packages/autopilot/src/storage/memory/memory-journal.ts';
import {
  CONFIG_VERSIONS_KEPT,
  type ConfigDraft,
  type ConfigStore,
  type Journal,
  type Trial,
} from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresConfigStore } from '../../packages/autopilot/src/storage/postgres/postgres-config-store.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { olderServer, olderServerSkip, type TestScope, throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

interface Opened {
  readonly store: ConfigStore;
  /** The same kept things, seen by another process. */
  readonly other: ConfigStore;
  readonly journal: Journal;
  /** Makes so many versions of orders in little time; version 3 by a trial, version 7 what another would go back to. */
  readonly seed: (count: number) => Promise<void>;
}

async function postgres(t: TestScope, server: () => ReturnType<typeof throwawayCluster>): Promise<Opened> {
  const { url } = await metricDatabase(t, await server());
  const [store, other, journal] = [
    new PostgresConfigStore(url),
    new PostgresConfigStore(url),
    new PostgresJournal(url),
  ];
  t.after(async () => {
    await Promise.all([store.close(), other.close(), journal.close()]);
  });
  const seed = async (count: number): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `INSERT INTO autopilot.config_versions (service, version, author, note, cause, trial, hash, content)
       SELECT 'orders', n, 'ann', '', CASE n WHEN 3 THEN 'trial' ELSE 'person' END, 'trial ' || n, 'hash',
              jsonb_build_object('preset', NULL, 'instances', '{}'::jsonb, 'fleet',
                                 jsonb_build_object('monitoring.maxRoutes', 10 + n))
       FROM generate_series(1, $1::integer) AS n`,
      [count],
    );
    await client.end();
    const at = new Date().toISOString();
    await journal.write({
      id: 'a trial',
      service: 'orders',
      kind: 'configuration',
      subject: 'monitoring.maxRoutes',
      author: 'autopilot',
      origin: 'autopilot',
      state: 'watching',
      reason: '',
      change: {},
      undo: { version: 7 },
      scope: null,
      about: null,
      at,
      updatedAt: at,
    });
  };
  return { store, other, journal, seed };
}

const implementations: Readonly<
  Record<string, { readonly open: (t: TestScope) => Promise<Opened>; readonly skip?: string | false }>
> = {
  MemoryConfigStore: {
    open: async () => {
      const store = new MemoryConfigStore();
      const seed = async (count: number): Promise<void> => {
        for (let version = 0; version < count; version++) await store.append('orders', version, draftOf(11 + version));
      };
      return { store, other: store, journal: new MemoryJournal(), seed };
    },
  },
  PostgresConfigStore: { open: (t) => postgres(t, throwawayCluster) },
  'PostgresConfigStore on PostgreSQL 15': { open: (t) => postgres(t, olderServer), skip: olderServerSkip() },
};

let trials = 0;

function draftOf(maxRoutes: number, more: Partial<ConfigDraft> = {}): ConfigDraft {
  return {
    author: 'ann',
    note: 'why',
    cause: 'person',
    restored: null,
    trial: `trial ${++trials}`,
    hash: `hash ${maxRoutes}`,
    content: { ...emptyContent, fleet: { 'monitoring.maxRoutes': maxRoutes } },
    ...more,
  };
}

for (const [name, { open, skip }] of Object.entries(implementations)) {
  describe(name, { skip: skip ?? false }, () => {
    it('numbers versions from 1 in each service and gives them back as they were', async (t) => {
      const { store, other } = await open(t);
      assert.equal(await store.latest('orders'), null);
      const first = await store.append('orders', 0, draftOf(11));
      const second = await store.append('orders', 1, draftOf(12, { cause: 'restore', restored: 1 }));
      await store.append('billing', 0, draftOf(13));
      assert.deepEqual([first.version, second.version], [1, 2]);
      assert.deepEqual(await other.latest('orders'), second);
      assert.deepEqual(await other.read('orders', 1), first);
      assert.equal(await other.read('orders', 3), null);
      assert.deepEqual(
        [...(await other.latestVersions())].sort(([a], [b]) => (a < b ? -1 : 1)),
        [
          ['billing', 1],
          ['orders', 2],
        ],
      );
      const { content: _content, ...head } = second;
      assert.deepEqual(await other.madeBy('orders', second.trial), head);
      assert.equal(await other.madeBy('orders', 'none'), null);
    });

    it('lists newest first, from where one wants', async (t) => {
      const { store } = await open(t);
      for (let version = 0; version < 5; version++) await store.append('orders', version, draftOf(10 + version));
      const numbers = async (before: number | null, limit: number): Promise<readonly number[]> =>
        (await store.list('orders', before, limit)).map(({ version }) => version);
      assert.deepEqual(await numbers(null, 3), [5, 4, 3]);
      assert.deepEqual(await numbers(3, 10), [2, 1]);
    });

    it('tells what became of one setting, and of no other', async (t) => {
      const { store, other } = await open(t);
      const key = 'monitoring.maxRoutes';
      const contents: ConfigContent[] = [
        { ...emptyContent, fleet: { 'api.maxStreams': 5 } },
        { ...emptyContent, fleet: { [key]: 10 } },
        { ...emptyContent, fleet: { [key]: 10, 'api.maxStreams': 6 } },
        { preset: { name: 'staging', values: { [key]: 7 } }, fleet: { [key]: 10 }, instances: { one: { [key]: 3 } } },
        emptyContent,
      ];
      for (const [version, content] of contents.entries())
        await store.append('orders', version, draftOf(0, { content }));
      const steps = await other.history('orders', key, 10);
      assert.deepEqual(
        steps.map(({ head, before, after }) => [head.version, before.fleet, after.instances, after.preset?.values]),
        [
          [5, { [key]: 10 }, {}, undefined],
          [4, { [key]: 10 }, { one: { [key]: 3 } }, { [key]: 7 }],
          [2, {}, {}, undefined],
        ],
      );
      assert.deepEqual(
        (await other.history('orders', 'api.maxStreams', 2)).map(({ head }) => head.version),
        [4, 3],
      );
      assert.deepEqual(await other.history('orders', 'api.longestStreamMs', 2), []);
    });

    it('takes a version only on top of the newest, and names that one otherwise', async (t) => {
      const { store, other } = await open(t);
      await store.append('orders', 0, draftOf(11));
      for (const based of [0, 2]) {
        await assert.rejects(other.append('orders', based, draftOf(12)), {
          code: 'AP_CONFIG_STALE_VERSION',
          message: `The change is based on version ${based} of the configuration of orders, but version 1 is the newest.`,
        });
      }
      assert.equal((await store.latest('orders'))?.content.fleet['monitoring.maxRoutes'], 11);
    });

    it('of any number of administrators at once one wins each version, and the others are told', async (t) => {
      const { store, other } = await open(t);
      let newest = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }), async (through) => {
          const asked = through.map((first, index) =>
            (first ? store : other).append('orders', newest, draftOf(20 + index)),
          );
          const settled = await Promise.allSettled(asked);
          const won = settled.filter((one) => one.status === 'fulfilled');
          assert.equal(won.length, 1);
          for (const one of settled) {
            if (one.status === 'rejected')
              assert.equal((one.reason as { code?: string }).code, 'AP_CONFIG_STALE_VERSION');
          }
          newest++;
          assert.deepEqual((await other.latest('orders'))?.version, newest);
          assert.deepEqual(won[0]?.value, await store.latest('orders'));
        }),
        { numRuns: 10 },
      );
    });

    it('keeps the newest two thousand versions, and those that a trial of the autopilot refers to', async (t) => {
      const { store, other, seed } = await open(t);
      await seed(CONFIG_VERSIONS_KEPT + 9);
      await store.append('orders', CONFIG_VERSIONS_KEPT + 9, draftOf(12));
      const newest = CONFIG_VERSIONS_KEPT + 10;
      assert.equal((await other.latest('orders'))?.version, newest);
      const kept = await other.list('orders', 12, 20);
      assert.deepEqual(
        kept.map(({ version }) => version),
        store.durable ? [11, 7, 3] : [11],
      );
      assert.equal(await other.read('orders', 10), null);
      assert.equal((await other.list('orders', null, 5_000)).length, CONFIG_VERSIONS_KEPT + (store.durable ? 2 : 0));
      // What the oldest of them changed is not known any more, and not made up.
      const steps = await other.history('orders', 'monitoring.maxRoutes', 5_000);
      assert.equal(steps.at(-1)?.head.version, 12);
    });

    it('tells another process of a new version', async (t) => {
      const { store, other } = await open(t);
      let told = 0;
      using _watching = other.watch(() => told++);
      for (let round = 0; round < 100 && told === 0; round++) await delay(20);
      const before = told;
      await store.append('orders', 0, draftOf(11));
      for (let round = 0; round < 100 && told === before; round++) await delay(20);
      assert.ok(told > before);
    });

    it("keeps a team's presets, and replaces and removes them by name", async (t) => {
      const { store, other } = await open(t);
      const preset = { name: 'night', description: 'At night.', builtIn: false, settings: [] };
      await store.putPreset('orders', preset);
      await store.putPreset('orders', { ...preset, description: 'Later at night.' });
      assert.deepEqual(await other.presets('orders'), [{ ...preset, description: 'Later at night.' }]);
      assert.deepEqual(await other.presets('billing'), []);
      assert.deepEqual(
        [await other.removePreset('orders', 'night'), await other.removePreset('orders', 'night')],
        [true, false],
      );
    });

    it('journals orders: open ones oldest first, history newest first', async (t) => {
      const { journal } = await open(t);
      const trial = (id: string, state: Trial['state'], service = 'orders'): Trial => ({
        id,
        service,
        kind: 'configuration',
        subject: 'monitoring.maxRoutes',
        author: 'ann',
        origin: 'person',
        state,
        reason: 'Asked for.',
        change: { version: 1 },
        undo: [1, 'two', null],
        scope: null,
        about: null,
        at: '',
        updatedAt: '',
      });
      await journal.write(trial('a', 'applying'));
      await journal.write(trial('b', 'watching'));
      await journal.write(trial('c', 'applying', 'billing'));
      const ids = (several: readonly Trial[]): readonly string[] => several.map(({ id }) => id);
      assert.deepEqual(ids(await journal.open()), ['a', 'b', 'c']);
      assert.deepEqual(ids(await journal.open('orders')), ['a', 'b']);
      await journal.write({ ...trial('a', 'kept'), reason: 'Done.' });
      assert.deepEqual(ids(await journal.open('orders')), ['b']);
      const history = await journal.history('orders', 10);
      assert.deepEqual(ids(history), ['b', 'a']);
      assert.deepEqual([history[1]?.state, history[1]?.reason, history[1]?.undo], ['kept', 'Done.', [1, 'two', null]]);
      assert.ok(Date.parse(history[1]?.at ?? '') > 0);
      const tried = { ...trial('d', 'proposed'), scope: 'database main', about: { predicted: 0.5 } };
      await journal.write(tried);
      await assert.rejects(journal.write({ ...tried, id: 'e' }), { code: 'AP_TRIAL_SCOPE_TAKEN' });
      await journal.note('d', 'before', { at: 1 });
      await journal.note('d', 'step', 'Begun.');
      assert.deepEqual(
        (await journal.notes('d', ['step', 'before'])).map(({ kind, detail }) => [kind, detail]),
        [
          ['before', { at: 1 }],
          ['step', 'Begun.'],
        ],
      );
      assert.equal(await journal.write({ ...tried, state: 'watching' }, 'applying'), false, 'it is proposed');
      assert.deepEqual(
        [(await journal.read('d'))?.state, (await journal.notes('d', ['before'])).length],
        ['proposed', 1],
      );
      assert.equal(await journal.write({ ...tried, state: 'reverted', about: { measured: 0.6 } }, 'proposed'), true);
      assert.equal(await journal.write({ ...tried, state: 'watching' }), false);
      assert.equal((await journal.notes('d', ['step', 'before'])).length, 1, 'samples go at the end, steps stay');
      assert.deepEqual(ids(await journal.history('orders', 10, { tried: true })), ['d']);
      assert.deepEqual(ids(await journal.history('orders', 1, { kind: 'configuration' })), ['d']);
      assert.deepEqual(ids(await journal.history('orders', 9, { kind: 'maintenance' })), []);
      const read = await journal.read('d');
      assert.deepEqual([read?.state, read?.about, await journal.read('x')], ['reverted', { measured: 0.6 }, null]);
      await journal.write({ ...tried, id: 'e', state: 'kept' });
      await journal.write({ ...tried, id: 'e', state: 'reverting' });
      assert.deepEqual(ids(await journal.open('orders')), ['b', 'e'], 'what was kept can be taken back');
      const declined = { recommendation: 'r', parts: ['i'], promised: 2, author: 'ann', reason: 'Not now.' };
      await journal.dismiss('orders', declined);
      await journal.dismiss('orders', { ...declined, promised: 3 });
      const [dismissed, ...others] = await journal.dismissals('orders');
      assert.deepEqual([dismissed?.promised, dismissed?.parts, others.length], [3, ['i'], 0]);
    });
  });
}
