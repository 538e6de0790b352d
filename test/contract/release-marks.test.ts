/** Releases that charts mark. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Dashboard, MetricsAnswer } from '../../packages/autopilot/src/contract/performance.ts';
import { controlWorld, report } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

const api = '/api/v1/performance';

test('says which releases were first seen in the range, each where its first instance started', async () => {
  await using other = await controlWorld();
  const startedAt = other.clock.now() - 30_000;
  for (const [instance, later] of [
    ['two', 5000],
    ['one', 0],
  ] as const) {
    const agent = other.link(instance);
    agent.hello(instance, { startedAt: startedAt + later });
    await report(other, agent, 60);
  }
  const releases = [{ service: 'orders', release: '1.0.0', at: new Date(startedAt).toISOString() }];
  // `as`: answers are held to their shape in api.test.ts
  const dashboard = (await (await other.get(`${api}/dashboard?minutes=1`)).json()) as Dashboard;
  assert.deepEqual(dashboard.releases, releases);
  // `as`: as above
  const metrics = (await (await other.get(`${api}/metrics?kind=route`)).json()) as MetricsAnswer;
  assert.deepEqual(metrics.releases, releases);
  const before = new Date(startedAt - 60_000).toISOString();
  const until = new Date(startedAt).toISOString();
  const earlier = await other.get(`${api}/metrics?kind=route&from=${before}&to=${until}&step=1000`);
  const answer = (await earlier.json()) as MetricsAnswer; // `as`: as above
  assert.deepEqual(answer.releases, []);
});
