/** What the HTTP API says of background jobs. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { MetricsAnswer } from '../../packages/autopilot/src/contract/performance.ts';
import { type ControlWorld, controlWorld, report } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

const path = '/api/v1/performance/metrics?kind=job';
let world: ControlWorld;

before(async () => {
  world = await controlWorld();
  await report(world, world.link('one'), 30);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

it('gives all kinds together, and one kind by its name', async () => {
  const all = (await (await world.get(path)).json()) as MetricsAnswer; // our own answer
  assert.ok(Object.hasOwn(all.frame.columns, 'databaseMsPerJob'));
  const measures = 'jobRuns,jobFailureRatio,p95Ms,jobWaitP95Ms';
  const one = await world.get(`${path}&job=digest&measure=${measures}`);
  const { key, frame } = (await one.json()) as MetricsAnswer; // our own answer
  assert.equal(key, 'digest');
  assert.deepEqual(Object.keys(frame.columns).toSorted(), measures.split(',').toSorted());
  assert.ok(frame.columns['jobRuns']?.some((runs) => runs !== null && runs > 0));
  assert.ok(frame.columns['jobFailureRatio']?.includes(0.5));
});

it('knows no kind that never ran, and no job of another family', async () => {
  assert.equal((await world.get(`${path}&job=nothing`)).status, 404);
  assert.equal((await world.get('/api/v1/performance/metrics?kind=route&job=digest')).status, 400);
});

it('takes no body for one in which nothing must be said', async () => {
  const answer = await world.send('POST', '/api/v1/optimization/auto-tune', undefined, { 'content-type': '' });
  assert.equal(answer.status, 200);
  assert.equal(((await answer.json()) as { mode: string }).mode, 'plan'); // our own answer
  assert.equal((await world.send('POST', '/api/v1/optimization/auto-tune', { mode: 'x' })).status, 400);
  assert.equal((await world.send('POST', '/api/v1/optimization/auto-tune', '{}', { 'content-type': '' })).status, 400);
  assert.equal((await world.send('POST', '/api/v1/access/tokens')).status, 400);
  const dismissal = '/api/v1/optimization/recommendations/any/dismiss';
  assert.equal((await world.send('POST', dismissal, { reason: ' ' })).status, 400);
});
