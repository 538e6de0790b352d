/** What goes wrong around the store, through the agent and its control plane: no crash, nothing counted twice, and the reason shown. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@teamflow/autopilot/client';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { agentState, requestsKept, withClient } from '../support/history-world.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { RequestDriver } from '../support/request-driver.ts';
import { storeDoor } from '../support/store-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const isWritten = ({ history }: { history: { state: string; waitingWindows: number } }): boolean =>
  history.state === 'well' && history.waitingWindows === 0;

async function notesOf(host: HostApplication): Promise<string> {
  const client = createClient({ baseUrl: host.controlPlaneUrl, token: () => host.token });
  return (await client.getDashboard()).notes.join('\n');
}

async function numberOf(url: string, sql: string): Promise<number> {
  const { rows } = await withClient(url, (client) => client.query<{ n: number }>(sql));
  return rows[0]?.n ?? 0;
}

test('lost answers, a full disk, a clock that jumps, a process of another name: each request counts once', async (t) => {
  const cluster = await throwawayCluster();
  const application = await databaseFor(t, { server: cluster });
  const store = await databaseFor(t, { server: cluster });
  const door = await storeDoor(t, store);
  const variables = { HOST_DATABASE_URL: application.url, AUTOPILOT_DATABASE_URL: door.url };
  const host = await startHostApplication({ ...variables, AUTOPILOT_INSTANCE: 'first' });
  await using driver = new RequestDriver(`${host.url}/query`, 2);
  const from = Math.floor(Date.now() / 60_000) * 60_000;
  await until(20_000, () => agentState(host), isWritten);
  const written = 'SELECT count(*)::integer AS n FROM autopilot.windows';
  await until(
    30_000,
    () => numberOf(store.url, `SELECT count(*)::integer AS n FROM pg_tables WHERE schemaname = 'autopilot'`),
    (n) => n > 0,
  );
  await until(
    20_000,
    () => numberOf(store.url, written),
    (n) => n > 0,
  );

  // The store has taken a window, and its answer is lost: the same window is offered again.
  const before = await numberOf(store.url, written);
  door.loseAnswers();
  await until(
    20_000,
    () => numberOf(store.url, written),
    (n) => n > before,
  );
  await door.shut();
  await door.open();
  await until(20_000, () => agentState(host), isWritten);

  // No room left, as the server says it.
  await withClient(store.url, (client) =>
    client.query(`
      CREATE FUNCTION autopilot.no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER no_room BEFORE INSERT ON autopilot.unfolded_windows FOR EACH ROW EXECUTE FUNCTION autopilot.no_room()`),
  );
  const full = await until(
    25_000,
    () => agentState(host),
    ({ history }) => history.state === 'away',
  );
  assert.match(full.history.reason ?? '', /The disk of the store is full.*Free space/);
  assert.match(
    await until(
      5_000,
      () => notesOf(host),
      (notes) => notes.includes('disk'),
    ),
    /What first measured waits to be written: .*disk of the store is full/,
  );
  await withClient(store.url, (client) => client.query('DROP FUNCTION autopilot.no_room() CASCADE'));
  await until(25_000, () => agentState(host), isWritten);

  // Half a minute ahead for some seconds, and back: seconds that come twice.
  await fetch(`${host.url}/clock?aheadMs=30000`);
  await sleep(4_000);
  await fetch(`${host.url}/clock?aheadMs=-7000`);
  await sleep(4_000);
  await fetch(`${host.url}/clock?aheadMs=0`);
  await sleep(2_000);
  await driver.stop();
  assert.equal((await agentState(host)).history.lostWindows, 0);
  await host[Symbol.asyncDispose]();

  const renamed = await startHostApplication({ ...variables, AUTOPILOT_INSTANCE: 'second' });
  await using more = new RequestDriver(`${renamed.url}/query`, 2);
  await sleep(3_000);
  await more.stop();
  await renamed[Symbol.asyncDispose]();
  assert.equal(driver.failed + more.failed, 0);

  const plane = await createControlPlane({ port: 0, databaseUrl: store.url });
  t.after(() => plane.close());
  const client = createClient({ baseUrl: plane.address, token: () => plane.madeToken ?? '' });
  // Nobody has linked: the service is known from history.
  const { services } = await until(
    10_000,
    () => client.getDashboard(),
    (dashboard) => dashboard.services.includes('host'),
  );
  assert.deepEqual(services, ['host']);
  const counted = driver.answeredAt.length + more.answeredAt.length;
  const kept = await until(
    10_000,
    () => requestsKept(client, from),
    (count) => count > 0,
  );
  t.diagnostic(`${counted} answered, ${kept} in history`);
  assert.equal(kept, counted);
});

test('an application whose clock is two hours ahead goes on, and is told', async (t) => {
  const cluster = await throwawayCluster();
  const { url } = await databaseFor(t, { server: cluster });
  await using host = await startHostApplication({ HOST_DATABASE_URL: url, HOST_CLOCK_AHEAD_MS: '7200000' });
  const told = await until(
    30_000,
    () => agentState(host),
    ({ history }) => /clock is ahead/.test(history.reason ?? ''),
  );
  assert.ok(told.history.lostWindows > 0);
  assert.match(
    await until(
      5_000,
      () => notesOf(host),
      (notes) => notes.includes('clock'),
    ),
    /over a minute after the store's time/,
  );
  assert.equal(await numberOf(url, 'SELECT count(*)::integer AS n FROM autopilot.windows'), 0);
  assert.equal((await fetch(`${host.url}/query`)).status, 200);
});
