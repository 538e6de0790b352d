/**
 * History through the agent and its control plane, held against the driver's own count: what a kill costs, what an outage of the
 * store costs, and what a control plane that was started anew still knows.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@teamflow/autopilot/client';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { agentState, requestsKept, requestsTold, storedWindows, withClient } from '../support/history-world.ts';
import { startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { RequestDriver } from '../support/request-driver.ts';
import { storeDoor } from '../support/store-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

function minuteOf(at: number): number {
  return Math.floor(at / 60_000) * 60_000;
}

/** AUTOPILOT_OUTAGE_SECONDS=600 makes it the ten minutes that are promised; it lasts until the agent has noticed, at the least. */
const OUTAGE_MS = Number(process.env['AUTOPILOT_OUTAGE_SECONDS'] ?? 10) * 1_000;

// Each has a world of its own and mostly waits for agents, which write every ten seconds.
describe('history through the agent', { concurrency: true }, () => {
  it('kill -9 of the application loses at most the last 15 s; the texts of its statements outlive it', async (t) => {
    const { url } = await databaseFor(t, { server: await throwawayCluster() });
    const host = await startHostApplication({ HOST_DATABASE_URL: url });
    const from = minuteOf(Date.now());
    await using driver = new RequestDriver(`${host.url}/query`, 2);
    // Some, and then fifteen seconds.
    await until(
      60_000,
      () => Promise.resolve(driver.answeredAt.length),
      (answered) => answered > 150,
    );
    await sleep(15_500);
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
      () => requestsKept(client, from),
      (count) => count > 0,
    );
    const due = driver.answeredAt.filter((at) => at < killedAt - 15_000).length;
    t.diagnostic(
      `${driver.answeredAt.length} answered, ${due} of them over 15 s before the kill; ${stored} in history`,
    );
    assert.ok(due > 100);
    assert.ok(stored >= due, `${stored} of ${due}`);
    assert.ok(stored <= driver.answeredAt.length);
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

  it('a store that is away under load loses nothing, and the live view never stops', async (t) => {
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
    await using driver = new RequestDriver(`${host.url}/query`, 2);
    await until(
      15_000,
      () => agentState(host),
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
    let slowestMs = 0;
    let away = await agentState(host);
    while (performance.now() - awaySince < OUTAGE_MS || away.history.state !== 'away') {
      assert.ok(performance.now() - awaySince < OUTAGE_MS + 30_000, 'an agent writes every 10 s');
      const before = performance.now();
      const dashboard = await client.getDashboard({ minutes: 1 });
      slowestMs = Math.max(slowestMs, performance.now() - before);
      assert.ok(slowestMs < 5_000, 'the live view waits for nobody');
      assert.ok(Date.now() - Date.parse(dashboard.to) < 4_000);
      assert.ok(dashboard.traffic.requests > 0);
      asked++;
      await sleep(500);
      away = await agentState(host);
    }
    assert.match(away.history.reason ?? '', /The store can not be reached/);
    // The agent says so with its next windows.
    await until(
      15_000,
      () => client.getDashboard(),
      ({ notes }) => notes.some((note) => /waits to be written.*can not be reached/.test(note)),
    );
    await door.open();
    await until(
      20_000,
      () => agentState(host),
      ({ history }) => history.state === 'well' && history.waitingWindows === 0,
    );
    await driver.stop();
    assert.equal(driver.failed, 0);
    const lost = (await agentState(host)).history.lostWindows;
    assert.equal(lost, 0);
    const counted = driver.answeredAt.length;
    t.diagnostic(
      `${counted} answered, ${away.history.waitingWindows} windows waited; the live view was asked ${asked} times, ${slowestMs.toFixed(0)} ms at most`,
    );
    // Closed in order: the last window is written too.
    await host[Symbol.asyncDispose]();
    const plane = await createControlPlane({ port: 0, databaseUrl: store, service: 'host' });
    t.after(() => plane.close());
    const later = createClient({ baseUrl: plane.address, token: () => plane.madeToken ?? '' });
    assert.equal(
      await until(
        10_000,
        () => requestsKept(later, from),
        (count) => count > 0,
      ),
      counted,
    );
  });

  it('kill -9 of the control plane: what it had in memory is in history, and nothing of it counts twice', async (t) => {
    const { url } = await databaseFor(t, { server: await throwawayCluster() });
    await using host = await startHostApplication({ HOST_DATABASE_URL: url });
    const from = minuteOf(Date.now());
    const client = createClient({ baseUrl: host.url, token: () => host.token });
    await using driver = new RequestDriver(`${host.url}/query`, 2);
    // Something is in history, and something on its way there.
    await until(
      30_000,
      () => storedWindows(url),
      (count) => count > 0,
    );
    await sleep(3_000);
    process.kill(await host.controlPlanePid(), 'SIGKILL');
    await until(
      10_000,
      () => client.listInstances(),
      ({ instances }) => instances[0]?.state === 'live',
    );
    await sleep(3_000);
    await driver.stop();
    const stoppedAt = Date.now();
    const counted = driver.answeredAt.length;
    // While the last window is on its way to the store the live view has it.
    await until(
      30_000,
      () => requestsTold(client, from),
      ({ requests }) => requests === counted,
    );
    // And so it stays: what is not in history yet, and not in the new memory, is said to be missing.
    const writtenUntil = async (): Promise<number> => {
      const told = await requestsTold(client, from);
      if (told.complete) assert.equal(told.requests, counted);
      assert.ok(told.requests <= counted);
      const sql = 'SELECT max(start_ms + duration_ms) AS "end" FROM autopilot.windows';
      const { rows } = await withClient(url, (db) => db.query<{ end: string }>(sql));
      return Number(rows[0]?.end);
    };
    await until(30_000, writtenUntil, (end) => end > stoppedAt);
    assert.deepEqual(
      await until(
        30_000,
        () => requestsTold(client, from),
        ({ complete }) => complete,
      ),
      { requests: counted, complete: true },
    );
  });
});
