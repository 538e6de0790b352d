/** Several administrators at once, whichever of their calls comes first. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc, { type Scheduler } from 'fast-check';
import { emptyContent } from '../../packages/autopilot/src/config/layers.ts';
import { MemoryConfigStore } from '../../packages/autopilot/src/storage/memory/memory-config-store.ts';
import { MemoryJournal } from '../../packages/autopilot/src/storage/memory/memory-journal.ts';
import type { ConfigStore, Journal } from '../../packages/autopilot/src/storage/ports.ts';
import { ConfiguredFleet } from '../support/configured-fleet.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

/** The same thing, each call of which waits until the schedule lets it through. */
function slowed<Port extends object>(port: Port, schedule: Scheduler): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || name === 'watch' || name === 'close') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        await schedule.schedule(Promise.resolve(), String(name));
        return await Reflect.apply(member, target, args);
      };
    },
  });
}

const keys = ['monitoring.maxRoutes', 'monitoring.maxTenants', 'api.maxStreams'] as const;

test('whatever they do in whatever order: no change is lost, none is made on what its author has not seen', async () => {
  const step = fc.record({
    key: fc.constantFrom(...keys),
    value: fc.integer({ min: 11, max: 99 }),
    /** Looks at the newest version first, or goes on from what it saw last. */
    looks: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 3 }),
      async (schedule, administrators) => {
        const store = new MemoryConfigStore();
        const slowStore: ConfigStore = slowed(store, schedule);
        const slowJournal: Journal = slowed(new MemoryJournal(), schedule);
        // Each through a control plane of their own, over the same database.
        const planes = administrators.map(() => new ConfiguredFleet('orders', 0, null, slowStore, slowJournal));
        const made: { author: string; key: string; value: number; based: number; version: number }[] = [];
        const work = administrators.map(async (steps, index) => {
          const author = `administrator ${index}`;
          let seen = 0;
          for (const { key, value, looks } of steps) {
            if (looks) seen = (await slowStore.latest('orders'))?.version ?? 0;
            const before = store.list('orders', null, 1);
            try {
              const change = await planes[index]?.change(author, { [key]: value }, seen);
              if (change?.version == null) continue;
              assert.equal(change.version.version, seen + 1);
              made.push({ author, key, value, based: seen, version: change.version.version });
              seen = change.version.version;
            } catch (error) {
              assert.equal((error as { code?: string }).code, 'AP_CONFIG_STALE_VERSION'); // nothing else refuses here
              const newest = Number(/version (\d+) is the newest/.exec(String(error))?.[1]);
              assert.ok(newest > seen && newest >= ((await before)[0]?.version ?? 0), String(error));
            }
          }
        });
        await schedule.waitFor(Promise.all(work));
        const versions = await store.list('orders', null, 100);
        assert.equal(versions.length, made.length, 'a version for each change that was answered');
        let content = emptyContent;
        for (const { author, key, value, version } of made.toSorted((a, b) => a.version - b.version)) {
          const found = await store.read('orders', version);
          assert.equal(found?.author, author);
          content = { ...content, fleet: { ...content.fleet, [key]: value } };
          assert.deepEqual(found.content, content, 'what was there before, and this change');
        }
        for (const { office } of planes) await office.stop();
      },
    ),
    { numRuns: 60 },
  );
});
