/** The whole way of a change: through the application's port, the control plane and PostgreSQL, into the application's process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from '@teamflow/autopilot/client';
import { startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { until } from '../support/until.ts';

leakCheck(after);

test('a change under load fails no request, survives kill -9 of the control plane, and a new process starts with it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'config-live-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { url } = await metricDatabase(t, await throwawayCluster());
  const variables = {
    AUTOPILOT_DATABASE_URL: url,
    AUTOPILOT_STATE_DIR: folder,
    AUTOPILOT_INSTANCE: 'one',
    AUTOPILOT__MONITORING__MAX_TENANTS: '77',
  };
  {
    await using host = await startHostApplication(variables);
    const client = createClient({ baseUrl: host.url, token: () => host.token });
    await until(
      20_000,
      () => client.listConfigInstances(),
      ({ instances }) => instances.some(({ instance, current }) => instance === 'one' && current),
    );
    const { values, settings } = await client.getConfig({ instance: 'one' });
    assert.equal(values['monitoring']?.['maxTenants'], 77);
    assert.equal(settings['monitoring']?.['maxTenants']?.layer, 'environment');

    let sent = 0;
    let failed = 0;
    const stop = new AbortController();
    const load = Array.from({ length: 4 }, async () => {
      while (!stop.signal.aborted) {
        const response = await fetch(host.url).catch(() => null);
        await response?.text();
        sent++;
        if (response?.status !== 200) failed++;
      }
    });
    for (let version = 0; version < 20; version++) {
      const change = await client.patchConfig(
        { monitoring: { maxRoutes: 100 + version, requests: version % 2 === 1 } },
        { ifVersion: version },
      );
      assert.deepEqual(
        change.instances.map(({ instance, state }) => [instance, state]),
        [
          ['one', 'applied'],
          ['control-plane', 'applied'],
        ],
      );
    }
    process.kill(await host.controlPlanePid(), 'SIGKILL');
    const back = await until(
      20_000,
      () => client.listConfigInstances(),
      ({ version, instances }) =>
        version === 20 && instances.some(({ instance, current }) => instance === 'one' && current),
    );
    assert.equal(back.instances.find(({ instance }) => instance === 'one')?.error, null);
    stop.abort();
    await Promise.all(load);
    assert.equal(failed, 0);
    assert.ok(sent > 100, `${sent} requests`);
  }
  // A new process, whose database can't be reached: its own disk tells it what to run.
  await using again = await startHostApplication({
    ...variables,
    AUTOPILOT_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
  });
  const client = createClient({ baseUrl: again.controlPlaneUrl, token: () => again.token });
  const { instances } = await until(
    20_000,
    () => client.listConfigInstances(),
    (list) => list.instances.some(({ instance, version }) => instance === 'one' && version !== null),
  );
  assert.equal(instances.find(({ instance }) => instance === 'one')?.version, 20);
  const { values, notes } = await client.getConfig({ instance: 'one' });
  assert.equal(values['monitoring']?.['maxRoutes'], 119);
  assert.ok(
    notes.some((note) => note.includes("can't be asked")),
    notes.join(' '),
  );
  await assert.rejects(client.patchConfig({ monitoring: { maxRoutes: 50 } }, { ifVersion: 20 }), {
    status: 503,
  });
});
