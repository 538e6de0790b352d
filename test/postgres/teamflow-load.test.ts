/** The load plans that ship with TeamFlow, run against it: no request fails, and nothing is left behind. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { readPlan, runLoad } from '@teamflow/autopilot/load';
import { withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { leakCheck } from '../support/leak-check.ts';
import { openWorld, suiteScope, type World } from '../support/teamflow-world.ts';

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
          load: { kind: 'users', stages: [{ durationMs: 2000, users: 3 }], thinkMs: 20 },
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
});

/** What journeys write, but for the feed of what happened, which keeps everything. */
async function rowsOf({ pool }: World): Promise<unknown> {
  const { rows } = await pool.query(
    `select (select count(*) from teamflow.tasks) as tasks, (select count(*) from teamflow.comments) as comments,
            (select count(*) from teamflow.sessions) as sessions`,
  );
  return rows;
}
