/** The process that runs a background job is killed with -9: the job runs again in the next one, and what it makes is there once. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BackgroundJobs } from '../../apps/teamflow/server/jobs/background-jobs.ts';
import { leakCheck } from '../support/leak-check.ts';
import { FakeJobAgent } from '../support/teamflow-jobs.ts';
import { openWorld, organizations } from '../support/teamflow-world.ts';
import { until } from '../support/until.ts';

leakCheck(after);

test('kill -9 within a job: another process takes it up and ends it', async (t) => {
  const world = await openWorld(t);
  const { connectionString = '' } = world.pool.options;
  const tenant = await world.makeTenant('killed');
  const base = `${organizations}/${tenant.organizationId}`;
  const asked = await world.call(tenant.member, 'POST', `${base}/projects/${tenant.projectId}/exports`);
  const location = String(asked.headers['location']);

  // The job of the child waits for this row until it is killed.
  const blocker = await world.pool.connect();
  await blocker.query('begin');
  await blocker.query('select from teamflow.exports where id = $1 for update', [asked.json.id]);
  const child = spawn(
    process.execPath,
    ['-C', 'source', fileURLToPath(new URL('../support/teamflow-jobs-process.ts', import.meta.url)), connectionString],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
  const closed = once(child, 'close');
  const waiting = `select from pg_stat_activity where application_name = 'teamflow jobs' and wait_event_type = 'Lock'`;
  try {
    await until(
      30_000,
      () => world.pool.query(waiting),
      ({ rows }) => rows.length === 1,
    );
  } finally {
    child.kill('SIGKILL');
    await closed;
    await blocker.query('rollback');
    blocker.release();
  }
  assert.equal((await world.pool.query('select from teamflow_jobs.jobs where locked_at is not null')).rows.length, 1);

  const agent = new FakeJobAgent();
  const jobs = new BackgroundJobs({ connection: { connectionString }, agent, log: () => {} });
  await jobs.start();
  try {
    await until(
      30_000,
      () => world.call(tenant.member, 'GET', location),
      ({ json }) => json.status === 'done',
    );
    assert.deepEqual(agent.ran.filter(({ kind, attempt }) => kind === 'export' && attempt === 2).length, 1);
    const told = await world.call(tenant.member, 'GET', `${base}/notifications`);
    assert.equal(told.json.items.length, 1);
  } finally {
    await jobs.stop();
  }
});
