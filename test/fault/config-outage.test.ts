/** The database goes away under a fleet: everything runs on, changes are refused, and on return all converge. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PostgresConfigStore } from '../../packages/autopilot/src/storage/postgres/postgres-config-store.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { ConfiguredFleet } from '../support/configured-fleet.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { type TestScope, throwawayCluster } from '../support/postgres.ts';
import { storeDoor } from '../support/store-door.ts';

leakCheck(after);

interface Opened {
  readonly fleet: ConfiguredFleet;
  readonly close: () => Promise<void>;
}

async function fleetAt(
  t: Pick<TestScope, 'after'>,
  url: string,
  instances: number,
  folder: string | null,
): Promise<Opened> {
  const [store, journal] = [new PostgresConfigStore(url), new PostgresJournal(url)];
  const fleet = new ConfiguredFleet('orders', instances, folder, store, journal);
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      await fleet.office.stop();
      for (const { disk } of fleet.instances) await disk?.settled();
      await Promise.all([store.close(), journal.close()]);
    })());
  t.after(close);
  await fleet.start();
  return { fleet, close };
}

function routesIn({ fleet }: Opened): readonly number[] {
  return fleet.instances.map(({ config }) => config.settings.current.monitoring.maxRoutes);
}

async function until(reached: () => boolean): Promise<number> {
  const startedAtMs = performance.now();
  while (!reached()) {
    assert.ok(performance.now() - startedAtMs < 20_000, 'it never came');
    await delay(10);
  }
  return performance.now() - startedAtMs;
}

test('the database is away: reading goes on, changing is refused clearly, and on return the fleet converges by itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'config-outage-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const database = await metricDatabase(t, await throwawayCluster());
  const door = await storeDoor(t, database);
  const here = await fleetAt(t, door.url, 3, folder);
  await until(() => here.fleet.office.exchange.instances('orders').length === 3);
  await here.fleet.change('ann', { 'monitoring.maxRoutes': 50 });
  await here.fleet.change('ann', { 'monitoring.maxTenants': 33 }, null, 'instance 1');
  assert.deepEqual(routesIn(here), [50, 50, 50]);

  await door.shut();
  await assert.rejects(here.fleet.change('ann', { 'monitoring.maxRoutes': 60 }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'AP_CONFIG_STORE_UNAVAILABLE');
    assert.match(error.message, /every instance goes on with the configuration it has/);
    return true;
  });
  assert.deepEqual(routesIn(here), [50, 50, 50]);
  assert.equal(here.fleet.office.settingsFor('orders').monitoring.maxRoutes, 50);

  // Another control plane that still reaches it makes a change meanwhile.
  const elsewhere = await fleetAt(t, database.url, 1, null);
  await elsewhere.fleet.change('ben', { 'monitoring.maxRoutes': 70 });
  await elsewhere.close();

  // What starts now has nobody to ask but its own disk.
  await here.close();
  const again = await fleetAt(t, door.url, 3, folder);
  assert.deepEqual(routesIn(again), [50, 50, 50]);
  assert.equal(again.fleet.office.settingsFor('orders').monitoring.maxRoutes, 50);
  // The control plane's disk knows what a single instance has of its own, and leaves it that.
  await again.fleet.office.exchange.settled('orders');
  const tenants = again.fleet.instances.map(({ config }) => config.settings.current.monitoring.maxTenants);
  assert.deepEqual(tenants, [1_000, 33, 1_000]);

  await door.open();
  await until(() => routesIn(again).every((routes) => routes === 70));
  await again.fleet.change('ann', { 'monitoring.maxRoutes': 80 });
  assert.deepEqual(routesIn(again), [80, 80, 80]);
  // Before its folder goes.
  await again.close();
});

test('an answer that is lost on its way leaves no doubt: the version is there or it is not, and the journal says so', async (t) => {
  const database = await metricDatabase(t, await throwawayCluster());
  const door = await storeDoor(t, database);
  const here = await fleetAt(t, door.url, 1, null);
  await here.fleet.change('ann', { 'monitoring.maxRoutes': 50 });
  door.loseAnswers();
  await assert.rejects(here.fleet.change('ann', { 'monitoring.maxRoutes': 60 }));
  await here.close();
  await door.shut();
  await door.open();
  const again = await fleetAt(t, door.url, 1, null);
  const journal = new PostgresJournal(database.url);
  t.after(() => journal.close());
  const startedAtMs = performance.now();
  while ((await journal.open()).length > 0) {
    assert.ok(performance.now() - startedAtMs < 10_000, 'the order stays open');
    await delay(20);
  }
  const history = await journal.history('orders', 10);
  const kept = history.filter(({ state }) => state === 'kept').length;
  await until(() => routesIn(again)[0] === (kept === 2 ? 60 : 50));
});
