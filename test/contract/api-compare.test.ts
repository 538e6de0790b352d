/** What the HTTP API promises about earlier ranges: comparison lies over the present, and what is not kept is said. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { validatorOf } from '../../packages/autopilot/src/api/shape-validator.ts';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { type OperationId, operations } from '../../packages/autopilot/src/contract/operations.ts';
import type {
  Dashboard,
  InstanceList,
  MetricsAnswer,
  RouteList,
} from '../../packages/autopilot/src/contract/performance.ts';
import type { Shape } from '../../packages/autopilot/src/contract/shape.ts';
import { type ControlWorld, controlWorld, report, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

let world: ControlWorld;
const api = '/api/v1/performance';

before(async () => {
  world = await controlWorld();
  await report(world, world.link('one'), 90);
  await report(world, world.link('two'), 30);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

/** Asks, and holds the answer to the shape that its operation declares. */
async function ask<Answer>(id: OperationId, path: string): Promise<Answer> {
  const response = await world.get(`${api}/${path}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const value: unknown = JSON.parse(text);
  const result = validatorOf(operations[id].answer as Shape).safeParse(value);
  assert.ok(result.success, `${id}: ${result.error?.message}`);
  return value as Answer;
}

describe('earlier ranges', () => {
  it('compares with an earlier range, whose frames lie over the present ones', async () => {
    const shift = 30_000;
    const now = world.clock.now();
    const range = `from=${new Date(now - 10_000).toISOString()}&to=${new Date(now).toISOString()}`;
    const path = `dashboard?${range}&compare=${shift}`;
    const { baseline, ...dashboard } = await ask<Dashboard>('getDashboard', path);
    assert.ok(baseline !== undefined);
    // Both instances report now, one did then.
    assert.deepEqual([dashboard.traffic.requests, baseline.traffic.requests], [200, 100]);
    assert.deepEqual([baseline.shiftMs, baseline.complete, baseline.notes], [shift, true, []]);
    assert.equal(Date.parse(dashboard.from) - Date.parse(baseline.from), shift);
    assert.deepEqual(baseline.trends['traffic']?.at, dashboard.trends['traffic']?.at);
    assert.deepEqual(
      baseline.slowestRoutes.map(({ route, requests }) => [route, requests]),
      dashboard.slowestRoutes.map(({ route, requests }) => [route, requests / 2]),
    );

    const metrics = await ask<MetricsAnswer>(
      'getMetrics',
      `metrics?kind=route&measure=requests&${range}&step=2000&compare=60001`,
    );
    assert.equal(metrics.baseline?.shiftMs, 62_000, 'steps lie on steps');
    assert.deepEqual(metrics.baseline.frame.at, metrics.frame.at);
    assert.deepEqual(metrics.baseline.frame.columns['requests'], [20, 20, 20, 20, 20]);

    const before = await ask<MetricsAnswer>(
      'getMetrics',
      `metrics?kind=route&measure=requests&${range}&compare=86400000`,
    );
    assert.equal(before.frame.complete, true);
    assert.equal(before.baseline?.complete, false);
    assert.match(before.baseline.notes[0] ?? '', /^Nothing from before /);
    assert.ok(before.baseline.frame.columns['requests']?.every((value) => value === null));

    const list = await ask<RouteList>('listRoutes', `routes?${range}&compare=${shift}&limit=1`);
    assert.equal(list.baseline?.routes[0]?.route, list.routes[0]?.route);
    assert.equal(list.baseline?.routes[0]?.requests, (list.routes[0]?.requests ?? 0) / 2);
    const next = `routes?${range}&compare=${shift}&limit=1&cursor=${list.page.next}`;
    const second = await ask<RouteList>('listRoutes', next);
    assert.equal(second.baseline?.from, list.baseline?.from);
  });

  it('answers by release', async () => {
    const one = await ask<Dashboard>('getDashboard', `dashboard?minutes=1&release=1.0.0`);
    assert.equal(one.instances.length, 2);
    const none = await ask<Dashboard>('getDashboard', `dashboard?minutes=1&release=0.9.0`);
    assert.deepEqual([none.instances, none.traffic.requests], [[], 0]);
  });

  it('says when nobody reported', async () => {
    const now = world.clock.now();
    const from = now - 100_000;
    const path = `metrics?kind=route&measure=requests&from=${new Date(from).toISOString()}&step=1000`;
    const { frame } = await ask<MetricsAnswer>('getMetrics', path);
    assert.deepEqual(frame.missing, [{ from, to: now - 90_000 }]);
  });

  it('shows each instance with its numbers and when it reported', async () => {
    const now = world.clock.now();
    const { instances } = await ask<InstanceList>('listInstances', 'instances');
    assert.deepEqual(
      instances.map(({ instance, state, requestRate, reported }) => [instance, state, requestRate, reported]),
      [
        ['one', 'live', 10, [{ from: now - 90_000, to: now }]],
        ['two', 'live', 10, [{ from: now - 30_000, to: now }]],
      ],
    );
    assert.ok(
      instances.every(({ rssBytes, p95Ms, trend }) => rssBytes === 120e6 && p95Ms !== null && trend.at.length > 50),
    );
    const range = `from=${new Date(now - 80_000).toISOString()}&to=${new Date(now - 60_000).toISOString()}`;
    const before = await ask<InstanceList>('listInstances', `instances?${range}`);
    assert.deepEqual(
      before.instances.map(({ instance }) => instance),
      ['one'],
    );
    const gone = await ask<InstanceList>('listInstances', `instances?${range}&instance=gone`);
    assert.deepEqual(gone.instances, []);
  });

  it('refuses a range that begins twice, and a stream of the past', async () => {
    const from = new Date(world.clock.now() - 10_000).toISOString();
    const live = { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' };
    const asked: readonly (readonly [string, Readonly<Record<string, string>>?])[] = [
      [`dashboard?minutes=5&from=${from}`],
      [`dashboard?from=${from}`, live],
      ['dashboard?compare=60000', live],
      ['metrics?kind=route&compare=60000', live],
    ];
    for (const [path, headers] of asked) {
      const response = await world.get(`${api}/${path}`, headers);
      assert.equal(response.status, 400, path);
      const { code, remedy } = (await response.json()) as Problem; // its shape is held in api.test.ts
      assert.deepEqual([code, typeof remedy], ['AP_PARAMETER_INVALID', 'string']);
    }
  });
});
