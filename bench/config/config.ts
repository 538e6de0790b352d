import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { PostgresConfigStore } from '../../packages/autopilot/src/storage/postgres/postgres-config-store.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { ConfiguredFleet } from '../../test/support/configured-fleet.ts';
import { withProgramDatabase } from '../../test/support/program-database.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';

const INSTANCES = 50;

/** What a live change costs: requests while it happens, how long a fleet takes to run it, and how long the way back. */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  return await withProgramDatabase(async ({ url }) => {
    const changes = quick ? 100 : 1_000;
    log(`${changes} changes on one instance under load`);
    const load = await underLoad(url, changes);
    log(`${INSTANCES} instances follow`);
    const spread = await convergence(url, quick ? 20 : 200);
    const rows: BenchRow[] = [
      { what: 'changes on one instance under load', count: changes, p50Ms: load.p50Ms, p99Ms: load.p99Ms },
      { what: `${INSTANCES} instances run a change`, count: spread.ms.length, ...quantiles(spread.ms) },
      {
        what: `${INSTANCES} instances run a restored version`,
        count: spread.restoreMs.length,
        ...quantiles(spread.restoreMs),
      },
    ];
    const p99Ms = quantiles(spread.ms).p99Ms;
    const restoreMs = Math.max(...spread.restoreMs);
    return {
      rows,
      goals: [
        {
          goal: `${changes} live changes under load: 0 requests failed`,
          measured: `${load.failed} of ${load.requests} failed, ${load.wrong} saw half a change`,
          met: load.failed === 0 && load.wrong === 0 && load.requests > changes,
        },
        {
          goal: `${INSTANCES} instances run a change within 2 s, p99`,
          measured: `${p99Ms.toFixed(1)} ms`,
          met: p99Ms <= 2_000,
        },
        {
          goal: 'a restored version runs everywhere within 1 s',
          measured: `${restoreMs.toFixed(1)} ms at most`,
          met: restoreMs <= 1_000,
        },
      ],
      notes: [
        'Instances are in this process, each with settings of its own, linked without a network; each makes its change through a database of its own control plane, and hears of those of the other by LISTEN.',
        'Under load: 8 connections ask an HTTP server whose handler reads two settings that always change together; times are of a change as the administrator sees it, from asking to the answer of every instance.',
        'Of two control planes one makes the change; the instances belong to the other, so that the database and its notification are on the way.',
      ],
    };
  });
}

async function underLoad(
  url: string,
  changes: number,
): Promise<{
  readonly requests: number;
  readonly failed: number;
  readonly wrong: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}> {
  const { fleet, close } = await fleetOf(url, 'load', 1);
  const [instance] = fleet.instances;
  const server = createServer((_request, response) => {
    const { maxRoutes, maxTenants } = instance?.config.settings.current.monitoring ?? { maxRoutes: 0, maxTenants: 1 };
    response.statusCode = maxRoutes === maxTenants ? 200 : 500;
    response.end(String(maxRoutes));
  });
  const port = await listening(server);
  let requests = 0;
  let failed = 0;
  let wrong = 0;
  let ended = false;
  const clients = Array.from({ length: 8 }, async () => {
    while (!ended) {
      const status = await statusOf(port);
      requests++;
      if (status === null) failed++;
      else if (status !== 200) wrong++;
    }
  });
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    const value = 11 + (change % 9_000);
    const startedAtMs = performance.now();
    const { instances } = await fleet.change('bench', {
      'monitoring.maxRoutes': value,
      'monitoring.maxTenants': value,
    });
    times.push(performance.now() - startedAtMs);
    if (instances.some(({ state }) => state !== 'applied')) failed++;
  }
  ended = true;
  await Promise.all(clients);
  server.close();
  await close();
  return { requests, failed, wrong, ...quantiles(times) };
}

async function convergence(
  url: string,
  changes: number,
): Promise<{ readonly ms: readonly number[]; readonly restoreMs: readonly number[] }> {
  const here = await fleetOf(url, 'spread', 0);
  const there = await fleetOf(url, 'spread', INSTANCES);
  const ms: number[] = [];
  const restoreMs: number[] = [];
  for (let change = 0; change < changes; change++) {
    const value = 11 + change;
    const both = { 'monitoring.maxRoutes': value, 'monitoring.maxTenants': value };
    ms.push(...(await spreadOf(there.fleet, value, () => here.fleet.change('bench', both))));
    if (change % 10 === 9) {
      const newest = await here.store.latest('spread');
      const before = newest === null ? null : await here.store.read('spread', newest.version - 1);
      if (before === null) throw new Error('there is no version to restore');
      const restored = await spreadOf(there.fleet, value - 1, () => here.fleet.restore('bench', before));
      restoreMs.push(Math.max(...restored));
    }
    await delay(5);
  }
  await here.close();
  await there.close();
  return { ms, restoreMs };
}

/** From asking until each instance runs it. */
async function spreadOf(
  fleet: ConfiguredFleet,
  value: number,
  act: () => Promise<unknown>,
): Promise<readonly number[]> {
  const startedAtMs = performance.now();
  await act();
  while (fleet.instances.some(({ config }) => config.settings.current.monitoring.maxRoutes !== value)) {
    if (performance.now() - startedAtMs > 10_000) throw new Error(`the change to ${value} did not come everywhere`);
    await delay(1);
  }
  return fleet.instances.map(({ appliedAtMs }) => appliedAtMs - startedAtMs);
}

async function fleetOf(
  url: string,
  service: string,
  instances: number,
): Promise<{
  readonly fleet: ConfiguredFleet;
  readonly store: PostgresConfigStore;
  readonly close: () => Promise<void>;
}> {
  const store = new PostgresConfigStore(url);
  const journal = new PostgresJournal(url);
  const fleet = new ConfiguredFleet(service, instances, null, store, journal);
  await fleet.start();
  return {
    fleet,
    store,
    close: async () => {
      await fleet.office.stop();
      await store.close();
      await journal.close();
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port; // it listens on a port
}

/** null: no answer. */
function statusOf(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? null));
    }).on('error', () => resolve(null));
  });
}

function quantiles(values: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50Ms: median(values), p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN };
}
