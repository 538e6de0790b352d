/** What goes wrong around the store, through the agent and its control plane: no crash, nothing counted twice, and the reason shown. */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@teamflow/autopilot/client';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { agentState, requestsKept, storedWindows, withClient } from '../support/history-world.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, type TestDatabase, throwawayCluster } from '../support/postgres.ts';
import { RequestDriver } from '../support/request-driver.ts';
import { type StoreDoor, storeDoor } from '../support/store-door.ts';
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

/** An application whose store lies behind a door, in a database of its own. */
interface World {
  readonly store: TestDatabase;
  readonly door: StoreDoor;
  readonly host: HostApplication;
  readonly start: (instance: string) => Promise<HostApplication>;
  readonly driver: RequestDriver;
  /** The minute in which it began. */
  readonly from: number;
}

async function worldOf(t: TestContext): Promise<World> {
  const cluster = await throwawayCluster();
  const application = await databaseFor(t, { server: cluster });
  const store = await databaseFor(t, { server: cluster });
  const door = await storeDoor(t, store);
  const variables = { HOST_DATABASE_URL: application.url, AUTOPILOT_DATABASE_URL: door.url };
  const start = async (instance: string): Promise<HostApplication> => {
    const started = await startHostApplication({ ...variables, AUTOPILOT_INSTANCE: instance });
    t.after(() => started[Symbol.asyncDispose]());
    return started;
  };
  const host = await start('first');
  const from = Math.floor(Date.now() / 60_000) * 60_000;
  const driver = new RequestDriver(`${host.url}/query`, 1);
  t.after(() => driver.stop());
  return { store, door, host, start, driver, from };
}

/** Ends the application in order: history has exactly what was counted. */
async function assertKept(t: TestContext, world: World, drivers: readonly RequestDriver[]): Promise<void> {
  for (const driver of drivers) await driver.stop();
  const { history } = await agentState(world.host);
  assert.equal(history.lostWindows, 0, history.reason ?? '');
  await world.host[Symbol.asyncDispose]();
  const plane = await createControlPlane({ port: 0, databaseUrl: world.store.url });
  t.after(() => plane.close());
  const client = createClient({ baseUrl: plane.address, token: () => plane.madeToken ?? '' });
  // Nobody has linked: the service is known from history.
  const { services } = await until(
    10_000,
    () => client.getDashboard(),
    (dashboard) => dashboard.services.includes('host'),
  );
  assert.deepEqual(services, ['host']);
  const counted = drivers.reduce((sum, { answeredAt }) => sum + answeredAt.length, 0);
  const kept = await until(
    10_000,
    () => requestsKept(client, world.from),
    (count) => count > 0,
  );
  t.diagnostic(`${counted} answered, ${kept} in history`);
  assert.ok(counted > 0);
  assert.equal(
    drivers.reduce((sum, { failed }) => sum + failed, 0),
    0,
  );
  assert.equal(kept, counted);
}

// Each has a world of its own and mostly waits for agents, which write every ten seconds.
describe('history in disorder: each request counts once', { concurrency: true }, () => {
  it('though the answers of the store are lost', async (t) => {
    const world = await worldOf(t);
    const { store, door, host } = world;
    await until(
      40_000,
      () => storedWindows(store.url),
      (count) => count > 0,
    );
    // The store has taken a window, and its answer is lost: the same window is offered again.
    const before = await storedWindows(store.url);
    door.loseAnswers();
    await until(
      30_000,
      () => storedWindows(store.url),
      (count) => count > before,
    );
    await door.shut();
    await door.open();
    await until(30_000, () => agentState(host), isWritten);
    await assertKept(t, world, [world.driver]);
  });

  it('though the disk of the store was full, which is told', async (t) => {
    const world = await worldOf(t);
    const { store, host } = world;
    await until(
      40_000,
      () => numberOf(store.url, `SELECT (to_regclass('autopilot.unfolded_windows') IS NOT NULL)::integer AS n`),
      (n) => n > 0,
    );
    // As the server says it.
    await withClient(store.url, (client) =>
      client.query(`
      CREATE FUNCTION autopilot.no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER no_room BEFORE INSERT ON autopilot.unfolded_windows FOR EACH ROW EXECUTE FUNCTION autopilot.no_room()`),
    );
    const full = await until(
      40_000,
      () => agentState(host),
      ({ history }) => history.state === 'away' && /disk/.test(history.reason ?? ''),
    );
    assert.match(full.history.reason ?? '', /The disk of the store is full.*Free space/);
    assert.match(
      await until(
        10_000,
        () => notesOf(host),
        (notes) => notes.includes('disk'),
      ),
      /What first measured waits to be written: .*disk of the store is full/,
    );
    await withClient(store.url, (client) => client.query('DROP FUNCTION autopilot.no_room() CASCADE'));
    await until(40_000, () => agentState(host), isWritten);
    await assertKept(t, world, [world.driver]);
  });

  it('though its clock jumps, and the next process has another name', async (t) => {
    const world = await worldOf(t);
    const { host, start, driver } = world;
    await sleep(2_000);
    // Half a minute ahead for some seconds, and back: seconds that come twice.
    await fetch(`${host.url}/clock?aheadMs=30000`);
    await sleep(4_000);
    await fetch(`${host.url}/clock?aheadMs=-7000`);
    await sleep(4_000);
    await fetch(`${host.url}/clock?aheadMs=0`);
    await sleep(2_000);
    const renamed = await start('second');
    const more = new RequestDriver(`${renamed.url}/query`, 1);
    await sleep(2_000);
    await more.stop();
    await renamed[Symbol.asyncDispose]();
    await assertKept(t, world, [driver, more]);
  });

  it('an application whose clock is two hours ahead goes on, and is told', async (t) => {
    const cluster = await throwawayCluster();
    const { url } = await databaseFor(t, { server: cluster });
    await using host = await startHostApplication({ HOST_DATABASE_URL: url, HOST_CLOCK_AHEAD_MS: '7200000' });
    const told = await until(
      40_000,
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
});
