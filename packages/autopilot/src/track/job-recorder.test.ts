import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../kernel/clock.ts';
import { Collector } from './collector.ts';
import { JobRecorder } from './job-recorder.ts';
import type { JobObservation, Observation } from './observation.ts';
import { RequestContext } from './request-scope.ts';

function setUp(): { clock: FakeClock; context: RequestContext; recorder: JobRecorder; seen: JobObservation[] } {
  const clock = new FakeClock(1_700_000_000_000);
  const context = new RequestContext();
  const recorder = new JobRecorder(clock, context);
  const seen: JobObservation[] = [];
  recorder.attach({
    record: (observation: Observation) => {
      if (observation.kind === 'job') seen.push(observation);
    },
  });
  return { clock, context, recorder, seen };
}

test('a run is measured with its wait, its duration and its database time', async () => {
  const { clock, context, recorder, seen } = setUp();
  context.enable();
  const answer = await recorder.run('digest', { queuedAt: new Date(clock.now() - 250) }, async () => {
    const scope = context.current();
    assert.equal(scope?.route, 'job digest');
    await Promise.resolve();
    assert.equal(context.current(), scope, 'also after an await');
    scope?.enterDatabase(clock.monotonicMs());
    clock.advance(30);
    scope?.leaveDatabase(clock.monotonicMs());
    scope?.countCall();
    clock.advance(10);
    return 'done';
  });
  assert.equal(answer, 'done');
  assert.equal(context.current(), undefined);
  assert.deepEqual(seen, [
    {
      kind: 'job',
      atMs: clock.monotonicMs(),
      job: 'digest',
      durationMs: 40,
      waitMs: 250,
      failed: false,
      retried: false,
      databaseMs: 30,
      databaseCalls: 1,
    },
  ]);
});

test('what the work throws comes out as it is, and counts as a failure', async () => {
  const { clock, recorder, seen } = setUp();
  const trouble = new Error('no');
  const thrown = (): never => {
    throw trouble;
  };
  await assert.rejects(recorder.run('a', { attempt: 2 }, thrown), trouble);
  await assert.rejects(
    recorder.run('a', { queuedAt: clock.now() + 5_000 }, () => Promise.reject(trouble)),
    trouble,
  );
  await recorder.run('a', { queuedAt: new Date(Number.NaN) }, () => 1);
  assert.deepEqual(
    seen.map(({ failed, retried, waitMs }) => [failed, retried, waitMs]),
    [
      [true, true, null],
      [true, false, 0],
      [false, false, null],
    ],
  );
});

test('switched off, it only runs the work', async () => {
  const clock = new FakeClock(0);
  const context = new RequestContext();
  context.enable();
  const recorder = new JobRecorder(clock, context);
  assert.equal(await recorder.run('a', {}, () => context.current()), undefined);
});

test('kinds are bounded: those beyond count together', async () => {
  const clock = new FakeClock(1_700_000_000_000);
  const collector = new Collector(clock, { job: 2 });
  const recorder = new JobRecorder(clock, new RequestContext());
  recorder.attach(collector);
  for (const kind of ['a', 'b', 'c', 'd', 'a']) await recorder.run(kind, { attempt: kind === 'd' ? 2 : 1 }, () => null);
  const [window] = collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(
    window?.series.map(({ family, key, cells }) => [family, key, cells['runs'], cells['retries']]),
    [
      ['job', 'a', 2, undefined],
      ['job', 'b', 1, undefined],
      ['job', '(other)', 2, 1],
    ],
  );
  assert.deepEqual(window?.overflow, { job: 2 });
});
