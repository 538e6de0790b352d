/** The load plans that ship with TeamFlow, run against it: no request fails, and nothing is left behind. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, describe, it, type TestContext } from 'node:test';
import { createAgent } from '@teamflow/autopilot';
import { createClient } from '@teamflow/autopilot/client';
import { readPlan, runLoad } from '@teamflow/autopilot/load';
import { withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { buildApp } from '../../apps/teamflow/server/app.ts';
import { createPool } from '../../apps/teamflow/server/database/database.ts';
import type { Plant } from '../../apps/teamflow/server/environment.ts';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { leakCheck } from '../support/leak-check.ts';
import { openWorld, suiteScope, testSecret, type World } from '../support/teamflow-world.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const folder = new URL('../../apps/teamflow/load/', import.meta.url);
const plans = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !['journeys.ts', 'sample-members.ts'].includes(name))
  .map((name) => name.replace('.ts', ''));

describe('a load test of TeamFlow', async () => {
  const world = await openWorld(suiteScope);
  await world.app.listen({ port: 0, host: '127.0.0.1' });

  for (const name of plans) {
    it(`by the plan ${name}`, async () => {
      const tenant = await world.makeTenant(name);
      // Something to find, to move and to comment on: everything that journeys look for.
      for (const title of ['audit the budget', 'migrate the printer', 'release the invoice']) {
        const task = { projectId: tenant.projectId, title, dueOn: '2020-01-01', status: 'todo' };
        const made = await world.call(
          tenant.owner,
          'POST',
          `/api/v1/organizations/${tenant.organizationId}/tasks`,
          task,
        );
        assert.equal(made.status, 201, made.text);
      }
      const before = await rowsOf(world);
      const rows = [tenant.owner, tenant.admin, tenant.member].map(({ email, password }) => ({
        email,
        password,
        address: '10.0.0.1',
      }));
      const { port } = world.app.server.address() as AddressInfo;
      const plan = readPlan(new URL(`${name}.ts`, folder).pathname, {
        replace: {
          target: `http://127.0.0.1:${port}`,
          data: { members: { rows, pick: 'user' } },
          load: { kind: 'users', stages: [{ durationMs: 1500, users: 3 }], thinkMs: 20 },
          warmupMs: 0,
        },
      });
      const result = await runLoad({ ...plan, flows: withoutPauses(plan.flows) });
      assert.equal(result.state, 'completed', result.stop?.message);
      assert.deepEqual(
        result.steps.flatMap((step) => step.errors.map(({ kind }) => `${step.name}: ${kind}`)),
        [],
      );
      assert.ok(result.measured.done > 20, `${result.measured.done} requests`);
      assert.equal(result.after.failed, 0);
      assert.deepEqual(await rowsOf(world), before, 'what a journey makes it takes away');
    });
  }

  it('is told of an N+1 that is planted, with its route, count and line, and of nothing before', async (t) => {
    const tenant = await world.makeTenant('planted');
    const path = `/api/v1/organizations/${tenant.organizationId}/tasks`;
    for (let at = 0; at < 14; at++) {
      const task = { projectId: tenant.projectId, title: `planted ${at}`, assigneeId: tenant.owner.id };
      assert.equal((await world.call(tenant.owner, 'POST', path, task)).status, 201);
    }
    const plants = new Set<Plant>();
    const { app, client } = await watched(t, world, plants);
    const listTasks = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time++) {
        const { statusCode, body } = await app.inject({ url: path, headers: { 'x-api-key': tenant.owner.key } });
        assert.equal(statusCode, 200, body);
      }
    };
    const repeated = async () =>
      (await client.getDatabaseAnalysis()).findings.filter(({ kind }) => kind === 'n-plus-one');
    await listTasks(5);
    await until(
      60_000,
      async () => (await client.listSlowQueries({ thresholdMs: 0 })).statements,
      (statements) => statements.some(({ routes }) => routes.length > 0),
    );
    assert.deepEqual(await repeated(), []);
    plants.add('n-plus-one');
    await listTasks(5);
    const [found] = await until(60_000, repeated, ([one]) => typeof one?.evidence['place'] === 'string');
    assert.equal(found?.evidence['route'], 'GET /api/v1/organizations/:organizationId/tasks');
    const calls = Number(found.evidence['calls']);
    assert.ok(calls === 14 || calls === 15, `${calls} calls: those that are assigned`);
    assert.equal(found.evidence['repeats'], 5);
    assert.match(String(found.evidence['place']), /apps.teamflow.server.routes.tasks\.ts:\d+$/);
    assert.match(found.subject, /from "?teamflow"?|people/);
  });
});

const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
const KEY = 'a-link-key-for-tests-0123456789abcdef';

/** TeamFlow on the world's database with an agent, and a control plane that watches both. */
async function watched(t: TestContext, world: World, plants: ReadonlySet<Plant>) {
  const ending = new AsyncDisposableStack();
  t.after(() => ending.disposeAsync());
  const plane = await createControlPlane({ port: 0, token: TOKEN, linkKeys: [KEY], watch: { main: world.url } });
  ending.defer(() => plane.close());
  const variables = { AUTOPILOT_URL: plane.address, AUTOPILOT_LINK_KEY: KEY };
  Object.assign(process.env, variables);
  const agent = createAgent({ service: 'teamflow', databaseUrl: null });
  for (const name of Object.keys(variables)) delete process.env[name];
  const pool = createPool({ connectionString: world.url, max: 3 });
  ending.defer(() => pool.end());
  const app = await buildApp({
    pool: agent.instrument(pool),
    accounts: world.accounts,
    secret: testSecret,
    version: '0.0.0',
    agent,
    plants,
  });
  ending.defer(() => app.close());
  await app.ready();
  return { app, client: createClient({ baseUrl: plane.address, token: () => TOKEN }) };
}

/** What journeys write, but for the feed of what happened, which keeps everything. */
async function rowsOf({ pool }: World): Promise<unknown> {
  const { rows } = await pool.query(
    `select (select count(*) from teamflow.tasks) as tasks, (select count(*) from teamflow.comments) as comments,
            (select count(*) from teamflow.sessions) as sessions`,
  );
  return rows;
}
