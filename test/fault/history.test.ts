/**
 * History through the agent and its control plane, held against the driver's own count: what a kill costs, what an outage of the
 * store costs, and what a control plane that was started anew still knows.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import pg from 'pg';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { storeDoor } from '../support/store-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

interface AgentState {
  readonly history: {
    readonly state: string;
    readonly reason: string | null;
    readonly waitingWindows: number;
    readonly lostWindows: number;
  };
}

/** Requests at a steady rate, counted by second when they were answered. */
class Driver implements AsyncDisposable {
  readonly counted: number[] = [];
  #failed = 0;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];

  constructor(url: string) {
    this.#running = Array.from({ length: 4 }, async () => {
      while (!this.#stop.signal.aborted) {
        try {
          const response = await fetch(url, { signal: this.#stop.signal });
          await response.text();
          if (response.ok) this.counted.push(Date.now());
          else this.#failed++;
        } catch {
          this.#failed++;
        }
        await sleep(10);
      }
    });
  }

  get failed(): number {
    return this.#failed;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function stateOf(host: HostApplication): Promise<AgentState> {
  return (await (await fetch(`${host.url}/agent`)).json()) as AgentState; // our own route
}

/** Requests of the route "GET /query" since the start of the test, as the control plane answers. */
async function requestsOf(client: Client, from: number): Promise<number> {
  const { frame } = await client.getMetrics({
    kind: 'route',
    route: 'GET /query',
    measure: ['requests'],
    from: new Date(from).toISOString(),
    to: new Date(Math.ceil(Date.now() / 60_000) * 60_000).toISOString(),
    step: 60_000,
  });
  return (frame.columns['requests'] ?? []).reduce((sum: number, value) => sum + (value ?? 0), 0);
}

function minuteOf(at: number): number {
  return Math.floor(at / 60_000) * 60_000;
}

test('kill -9 of the application loses at most the last 15 s; the texts of its statements outlive it', async (t) => {
  const { url } = await databaseFor(t, { server: await throwawayCluster() });
  const host = await startHostApplication({ HOST_DATABASE_URL: url });
  const from = minuteOf(Date.now());
  await using driver = new Driver(`${host.url}/query`);
  await sleep(27_000);
  host.child.kill('SIGKILL');
  const killedAt = Date.now();
  await once(host.child, 'close');
  await driver.stop();
  // A control plane that never knew the application.
  const plane = await createControlPlane({ port: 0, databaseUrl: url, service: 'host' });
  t.after(() => plane.close());
  const client = createClient({ baseUrl: plane.address, token: () => plane.madeToken ?? '' });
  const stored = await until(
    10_000,
    () => requestsOf(client, from),
    (count) => count > 0,
  );
  const due = driver.counted.filter((at) => at < killedAt - 15_000).length;
  t.diagnostic(`${driver.counted.length} answered, ${due} of them over 15 s before the kill; ${stored} in history`);
  assert.ok(due > 100);
  assert.ok(stored >= due, `${stored} of ${due}`);
  assert.ok(stored <= driver.counted.length);
  const { rows } = await withClient(url, (db) =>
    db.query<{ text: string }>('SELECT text FROM autopilot.statement_texts'),
  );
  assert.deepEqual(
    rows.map(({ text }) => text),
    ['select ? as one, $1::text as two'],
  );
  // Nobody counts what the autopilot itself asks.
  const names = await withClient(url, (db) =>
    db.query<{ key: string }>('SELECT key FROM autopilot.series WHERE family = 3 AND NOT is_total'),
  );
  assert.equal(names.rows.length, 1);
});

test('a store that is away for 20 s under load loses nothing, and the live view never stops', async (t) => {
  const cluster = await throwawayCluster();
  const application = await databaseFor(t, { server: cluster });
  const database = await databaseFor(t, { server: cluster });
  const store = database.url;
  const door = await storeDoor(t, database);
  await using host = await startHostApplication({
    HOST_DATABASE_URL: application.url,
    AUTOPILOT_DATABASE_URL: door.url,
  });
  const from = minuteOf(Date.now());
  const client = createClient({ baseUrl: host.controlPlaneUrl, token: () => host.token });
  await using driver = new Driver(`${host.url}/query`);
  await until(
    15_000,
    () => stateOf(host),
    ({ history }) => history.state === 'well' && history.waitingWindows === 0,
  );
  await until(
    20_000,
    () => storedWindows(store),
    (count) => count > 0,
  );
  await door.shut();
  const awaySince = performance.now();
  let asked = 0;
  while (performance.now() - awaySince < 20_000) {
    const before = performance.now();
    const dashboard = await client.getDashboard({ minutes: 1 });
    assert.ok(performance.now() - before < 2_000, 'the live view waits for nobody');
    assert.ok(Date.now() - Date.parse(dashboard.to) < 4_000);
    assert.ok(dashboard.traffic.requests > 0);
    asked++;
    await sleep(500);
  }
  const away = await stateOf(host);
  assert.equal(away.history.state, 'away');
  assert.match(away.history.reason ?? '', /The store can not be reached/);
  const noted = await client.getDashboard();
  assert.ok(
    noted.notes.some((note) => /waits to be written.*can not be reached/.test(note)),
    JSON.stringify(noted.notes),
  );
  await door.open();
  await until(
    20_000,
    () => stateOf(host),
    ({ history }) => history.state === 'well' && history.waitingWindows === 0,
  );
  await driver.stop();
  assert.equal(driver.failed, 0);
  const lost = (await stateOf(host)).history.lostWindows;
  assert.equal(lost, 0);
  const counted = driver.counted.length;
  t.diagnostic(`${counted} answered, the live view asked ${asked} times`);
  // Closed in order: the last window is written too.
  await host[Symbol.asyncDispose]();
  const plane = await createControlPlane({ port: 0, databaseUrl: store, service: 'host' });
  t.after(() => plane.close());
  const later = createClient({ baseUrl: plane.address, token: () => plane.madeToken ?? '' });
  assert.equal(
    await until(
      10_000,
      () => requestsOf(later, from),
      (count) => count > 0,
    ),
    counted,
  );
});

async function storedWindows(url: string): Promise<number> {
  const { rows } = await withClient(url, (db) =>
    db.query<{ count: number }>(
      `SELECT n_tup_ins::integer AS count FROM pg_stat_user_tables WHERE schemaname = 'autopilot' AND relname = 'unfolded_windows'`,
    ),
  );
  return rows[0]?.count ?? 0;
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
