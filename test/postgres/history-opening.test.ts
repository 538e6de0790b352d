/** A control plane whose database is away when it starts: it answers, says what is missing and why, and has it when it can. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Dashboard, MetricsAnswer, Readiness } from '../../packages/autopilot/src/contract/performance.ts';
import { migrate } from '../../packages/autopilot/src/storage/migrate.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { type ControlWorld, controlWorld, report } from '../support/control-world.ts';
import { withClient } from '../support/history-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { storeDoor } from '../support/store-door.ts';
import { until } from '../support/until.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const api = '/api/v1/performance';

async function answer<T>(world: ControlWorld, path: string): Promise<T> {
  const response = await world.get(path);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as T; // as the operation declares it; test/contract holds it to that
}

test('away at the start: the live view works, what is missing is named; once it is there any range is answered', async (t) => {
  const database = await databaseFor(t, { server: await throwawayCluster() });
  const door = await storeDoor(t, database);
  await door.shut();
  await using world = await controlWorld({ databaseUrl: door.url });
  const agent = world.link('one');
  world.clock.advance(60_000);
  await report(world, agent, 30);
  const now = world.clock.now();
  const ready = await answer<Readiness>(world, '/readyz');
  assert.equal(ready.status, 'ready');
  assert.match(ready.limits.join(), /can not be reached|has not answered/);
  const dashboard = await answer<Dashboard>(world, `${api}/dashboard?minutes=1`);
  assert.equal(dashboard.traffic.requests, 300);
  assert.match(dashboard.notes.join('\n'), /History can't be asked/);
  const from = new Date(now - 3 * 3_600_000).toISOString();
  const longer = await answer<MetricsAnswer>(world, `${api}/metrics?kind=route&measure=requests&from=${from}`);
  assert.equal(longer.frame.complete, false);
  assert.match(longer.notes.join(), /Nothing from before .* can be had: History can't be asked/);
  assert.doesNotMatch(JSON.stringify([ready, dashboard, longer]), /postgres:\/\//);

  // What an agent wrote meanwhile, two hours ago and a week ago.
  await withClient(database.url, (client) => migrate(client));
  await using written = new PostgresMetricStore({ connectionString: database.url, clock: world.clock });
  for (const agoMs of [2 * 3_600_000, 6 * 86_400_000]) {
    const start = Math.floor((now - agoMs) / 10_000) * 10_000;
    await written.append(originOf('one'), [
      windowOf(start, [routeOf('GET /tasks', [10, 20, 30])], { durationMs: 10_000 }),
    ]);
  }
  await door.open();
  await until(
    30_000,
    async () => {
      // History is left alone for five seconds after it failed, by the test's clock: also when it fails once more before it opens.
      world.clock.advance(200);
      return world.plane.historyTrouble;
    },
    (trouble) => trouble === null,
  );
  const whole = await answer<MetricsAnswer>(
    world,
    `${api}/metrics?kind=route&measure=requests&step=3600000&from=${new Date(now - 7 * 86_400_000).toISOString()}`,
  );
  assert.equal(whole.frame.complete, true);
  const values = whole.frame.columns['requests'] ?? [];
  assert.equal(
    values.reduce((sum: number, value) => sum + (value ?? 0), 0),
    306,
  );
  assert.equal(values.filter((value) => value !== null).length, 3, 'hours in which nobody reported are null');
  assert.deepEqual((await answer<Readiness>(world, '/readyz')).limits, []);
});
