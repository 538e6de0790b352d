import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase } from '../../apps/teamflow/server/database/database.ts';
import { BackgroundJobs } from '../../apps/teamflow/server/jobs/background-jobs.ts';
import { exportProject } from '../../apps/teamflow/server/jobs/export-project.ts';
import { cleanUp, digest, dueReminders, rollUp } from '../../apps/teamflow/server/jobs/scheduled-jobs.ts';
import { leakCheck } from '../support/leak-check.ts';
import { FakeJobAgent } from '../support/teamflow-jobs.ts';
import { type Answer, openWorld, organizations, suiteScope, type Tenant } from '../support/teamflow-world.ts';
import { until } from '../support/until.ts';

leakCheck(after);
// graphile-worker 0.18 keeps the timer of a forced stop, which is not ours to clear.
after(() => sleep(5_100));

const world = await openWorld(suiteScope);
const database = createDatabase(world.pool);
const { signal } = new AbortController();
const tools = { database, signal, isLastAttempt: false };
const baseOf = (tenant: Tenant): string => `${organizations}/${tenant.organizationId}`;

function jobsOf(agent: FakeJobAgent = new FakeJobAgent()): BackgroundJobs {
  const { connectionString = '' } = world.pool.options;
  return new BackgroundJobs({ connection: { connectionString }, agent, log: () => {} });
}

const isDone = ({ json }: Answer): boolean => json.status === 'done';

test('a project is exported: asked for, made in the background, told, and for who asked only', async () => {
  const tenant = await world.makeTenant('export');
  const base = baseOf(tenant);
  await world.call(tenant.member, 'POST', `${base}/tasks`, { projectId: tenant.projectId, title: '=cmd, "x"' });
  const asked = await world.call(tenant.member, 'POST', `${base}/projects/${tenant.projectId}/exports`);
  assert.equal(asked.status, 202, asked.text);
  const location = String(asked.headers['location']);
  assert.equal((await world.call(tenant.member, 'GET', location)).json.status, 'queued');
  assert.equal((await world.call(tenant.member, 'GET', `${location}/file`)).status, 409);
  const again = await world.call(tenant.member, 'POST', `${base}/projects/${tenant.projectId}/exports`);
  assert.equal(again.json.id, asked.json.id, 'one at a time');

  const agent = new FakeJobAgent();
  const jobs = jobsOf(agent);
  await jobs.start();
  try {
    const done = await until(20_000, () => world.call(tenant.member, 'GET', location), isDone);
    assert.equal(done.json.rowCount, 2);
    assert.equal(done.json.isCut, false);
    assert.ok(agent.ran.some(({ kind, attempt }) => kind === 'export' && attempt === 1));
    const file = await world.call(tenant.member, 'GET', `${location}/file`);
    assert.match(String(file.headers['content-type']), /^text\/csv/);
    assert.match(String(file.headers['content-disposition']), /attachment; filename="project-\d+-tasks\.csv"/);
    const [head, first, second] = file.text.split('\r\n');
    assert.match(head ?? '', /^\ufeffid,title,status,/);
    assert.match(first ?? '', /,export task,/);
    assert.match(second ?? '', /,"'=cmd, ""x""",/);
    for (const path of [location, `${location}/file`]) {
      assert.equal((await world.call(tenant.owner, 'GET', path)).status, 404, 'another member');
    }
    const told = await world.call(tenant.member, 'GET', `${base}/notifications`);
    assert.deepEqual(
      told.json.items.map((one: { kind: string; detail: unknown }) => [one.kind, one.detail]),
      [['export', { exportId: asked.json.id, rowCount: 2, isCut: false }]],
    );
    assert.deepEqual((await world.call(tenant.member, 'GET', `${base}/notifications/unread`)).json, { count: 1 });
    const read = await world.call(tenant.member, 'POST', `${base}/notifications/read`, { upTo: told.json.items[0].id });
    assert.equal(read.status, 204);
    assert.deepEqual((await world.call(tenant.member, 'GET', `${base}/notifications?unread=true`)).json.items, []);

    // Another number of workers takes over while the service runs.
    agent.setConcurrency(4);
    const next = await world.call(tenant.admin, 'POST', `${base}/projects/${tenant.projectId}/exports`);
    await until(20_000, () => world.call(tenant.admin, 'GET', String(next.headers['location'])), isDone);
  } finally {
    await jobs.stop();
  }
});

test('an export that fails for the last time says so', async () => {
  const tenant = await world.makeTenant('failing');
  const path = `${baseOf(tenant)}/projects/${tenant.projectId}/exports`;
  const { json, headers } = await world.call(tenant.member, 'POST', path);
  const aborted = { database, signal: AbortSignal.abort(), isLastAttempt: true };
  const payload = { organizationId: tenant.organizationId, exportId: json.id };
  await assert.rejects(exportProject(payload, aborted), { name: 'AbortError' });
  assert.equal((await world.call(tenant.member, 'GET', String(headers['location']))).json.status, 'failed');
  // Whoever asks again gets another one.
  assert.notEqual((await world.call(tenant.member, 'POST', path)).json.id, json.id);
});

test('exports are bounded, and deleted when they have expired', async () => {
  const tenant = await world.makeTenant('bounds');
  await world.pool.query(
    `insert into teamflow.exports (organization_id, project_id, requested_by, status)
     select $1, $2, $3, 'done' from generate_series(1, 10)`,
    [tenant.organizationId, tenant.projectId, tenant.member.id],
  );
  const path = `${baseOf(tenant)}/projects/${tenant.projectId}/exports`;
  const refused = await world.call(tenant.member, 'POST', path);
  assert.deepEqual([refused.status, refused.json.code], [429, 'TF_TOO_MANY']);
  await world.pool.query(`update teamflow.exports set expires_at = now() where requested_by = $1`, [tenant.member.id]);
  await cleanUp(null, tools);
  const { rows } = await world.pool.query('select from teamflow.exports where requested_by = $1', [tenant.member.id]);
  assert.equal(rows.length, 0);
  assert.equal((await world.call(tenant.member, 'POST', path)).status, 202);
});

test('reminders and digests are told once, however often their jobs run', async () => {
  const tenant = await world.makeTenant('told');
  const base = baseOf(tenant);
  const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const make = async (title: string, dueOn: string, status = 'todo'): Promise<void> => {
    const body = { projectId: tenant.projectId, title, dueOn, status, assigneeId: tenant.member.id };
    const made = await world.call(tenant.owner, 'POST', `${base}/tasks`, body);
    assert.equal(made.status, 201, made.text);
  };
  await make('today', day(0));
  await make('next week', day(6));
  await make('done', day(0), 'done');
  await world.pool.query(
    `update teamflow.activity set created_at = created_at - interval '1 day' where organization_id = $1`,
    [tenant.organizationId],
  );
  for (let run = 0; run < 2; run++) {
    await dueReminders(null, tools);
    await digest(null, tools);
  }
  const { json } = await world.call(tenant.member, 'GET', `${base}/notifications`);
  const byKind = Object.groupBy(json.items as { kind: string; detail: Record<string, unknown> }[], ({ kind }) => kind);
  assert.deepEqual(
    byKind['due']?.map(({ detail }) => detail),
    [{ title: 'today', dueOn: day(0) }],
  );
  const [told, ...more] = byKind['digest'] ?? [];
  assert.deepEqual(more, []);
  // The tenant's own task is long overdue.
  assert.deepEqual([told?.detail['due'], told?.detail['overdue']], [2, 1]);
  assert.ok(Number(told?.detail['activity']) > 0);
});

test('activity is counted by day, and counting again changes nothing', async () => {
  const tenant = await world.makeTenant('counted');
  const today = new Date().toISOString().slice(0, 10);
  const ask = `${baseOf(tenant)}/activity/days?from=${today}&to=${today}`;
  await rollUp(null, tools);
  const { json } = await world.call(tenant.member, 'GET', ask);
  assert.ok(json.items.some((one: { kind: string; count: number }) => one.kind === 'task.created' && one.count === 1));
  await rollUp(null, tools);
  assert.deepEqual((await world.call(tenant.member, 'GET', ask)).json, json);
  const long = `${baseOf(tenant)}/activity/days?from=2020-01-01&to=2026-01-01`;
  assert.equal((await world.call(tenant.member, 'GET', long)).status, 400);
});

test('a job that does not end in time is given back when the process stops', async () => {
  const tenant = await world.makeTenant('stopped');
  const asked = await world.call(tenant.member, 'POST', `${baseOf(tenant)}/projects/${tenant.projectId}/exports`);
  const blocker = await world.pool.connect();
  const lockedJobs = async (): Promise<number> =>
    (await world.pool.query('select from teamflow_jobs.jobs where locked_at is not null')).rows.length;
  try {
    await blocker.query('begin');
    await blocker.query('select from teamflow.exports where id = $1 for update', [asked.json.id]);
    const jobs = jobsOf();
    await jobs.start();
    await until(20_000, lockedJobs, (count) => count > 0);
    await jobs.stop();
    assert.equal(await lockedJobs(), 0);
    const { rows } = await world.pool.query("select from teamflow_jobs.jobs where task_identifier = 'export'");
    assert.ok(rows.length > 0, 'it is still there to be run');
  } finally {
    await blocker.query('rollback');
    blocker.release();
  }
});
