/** One specification for every protocol that load tests speak, over real connections. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { mergeLoadResults } from '../../packages/autopilot/src/load/merge-results.ts';
import type { LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import type { LoadResult } from '../../packages/autopilot/src/load/result.ts';
import { type LoadProgress, runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import { leakCheck } from '../support/leak-check.ts';
import { type LoadTarget, loadTarget, type TargetKind, type TargetRequest } from '../support/load-target.ts';

leakCheck(after);

type Flows = LoadPlan['flows'];

function planFor(kind: TargetKind, target: LoadTarget, flows: Flows, rest: Partial<LoadPlan> = {}): LoadPlan {
  return {
    name: 'contract',
    target: target.origin,
    load: { kind: 'arrivals', users: 5, stages: [{ durationMs: 1000, ratePerSecond: 40 }] },
    http: {
      version: kind === 'h2' || kind === 'h2c' ? 2 : 1,
      ...(target.certificate === '' ? {} : { certificateAuthority: target.certificate }),
    },
    flows,
    ...rest,
  };
}

const get = (path: string): Flows => [{ name: 'get', steps: [{ name: 'get', path }] }];

/** Nothing is lost: every arrival was begun or dropped, every request has ended in one way. */
function assertAccounted(result: LoadResult): void {
  for (const part of [result.prepare, result.warmup, result.measured, result.after]) {
    assert.equal(part.requests, part.done + part.failed + part.timedOut + part.unfinished);
    const waited = part.response.count - (part.done + part.timedOut + part.unfinished);
    assert.equal(waited, part.dropped);
  }
  const sum = (of: (step: LoadResult['steps'][number]) => number): number =>
    result.steps.reduce((total, step) => total + of(step), 0);
  assert.equal(
    sum((step) => step.requests),
    result.measured.requests,
  );
  assert.equal(
    sum((step) => step.errors.reduce((all, { count }) => all + count, 0)),
    result.measured.failed,
  );
  const inWindows = result.windows.reduce((total, window) => total + window.requests, 0);
  assert.equal(inWindows, result.warmup.requests + result.measured.requests);
}

for (const kind of ['http', 'https', 'h2c', 'h2'] as const) {
  // They mostly wait.
  describe(`a load test by ${kind}`, { concurrency: 4 }, () => {
    it('sends what is due and counts what comes back', async () => {
      const seen: TargetRequest[] = [];
      await using target = await loadTarget(kind, (request) => {
        seen.push(request);
        return { body: 'x'.repeat(1000) };
      });
      const result = await runLoad(planFor(kind, target, get('/a?b=c')), { runId: 'run-7' });
      assert.equal(result.state, 'completed');
      assert.equal(result.measured.iterations, 40);
      assert.equal(result.measured.done, 40);
      assert.equal(result.measured.bytesReceived, 40_000);
      assert.equal(seen.length, 40);
      assert.ok(seen.every(({ url, headers }) => url === '/a?b=c' && headers['x-autopilot-load-test'] === 'run-7'));
      assert.equal(target.connections().opened, 5);
      const { response, service } = result.measured;
      assert.ok((response.p50Ms ?? 0) >= (service.p50Ms ?? 1), 'a response time holds its service time');
      assertAccounted(result);
    });

    it('keeps a session for each user, takes values and checks answers', async () => {
      const sessions = new Map<string, string>();
      const tasks: { id: number; title: string; by: string | undefined }[] = [];
      let deleted = 0;
      await using target = await loadTarget(kind, ({ method, url, headers, body }) => {
        const user = sessions.get(/sid=(\w+)/.exec(String(headers['cookie'] ?? ''))?.[1] ?? '');
        if (url === '/sign-in') {
          const { email } = JSON.parse(body) as { email: string };
          const sid = `s${sessions.size}`;
          sessions.set(sid, email);
          return { headers: { 'set-cookie': [`sid=${sid}; Path=/; HttpOnly`, 'theme=dark'] }, body: '{"ok":true}' };
        }
        if (user === undefined) return { status: 401 };
        if (method === 'POST') {
          const { title } = JSON.parse(body) as { title: string };
          tasks.push({ id: tasks.length, title, by: user });
          const created = JSON.stringify({ items: [{ id: tasks.length - 1, owner: user }] });
          return {
            status: 201,
            headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'x-token': 'abc' },
            body: gzipSync(created),
          };
        }
        if (method === 'DELETE') deleted++;
        return { body: `task ${url}` };
      });
      const result = await runLoad(
        planFor(
          kind,
          target,
          [
            {
              name: 'write',
              steps: [
                {
                  name: 'create',
                  method: 'POST',
                  path: '/tasks',
                  body: { json: { title: '${words(2)} by ${accounts.email}' } },
                  expect: {
                    status: 201,
                    json: { 'items[0].owner': '${accounts.email}' },
                    headers: { 'x-token': 'abc' },
                  },
                  take: { id: { json: 'items[*].id' }, token: { header: 'X-Token' }, theme: { cookie: 'theme' } },
                },
                {
                  name: 'open',
                  path: '/tasks/${id}?t=${token}-${theme}',
                  expect: { includes: '/tasks/${id}?t=abc-dark' },
                },
              ],
              cleanUp: [{ name: 'delete', method: 'DELETE', path: '/tasks/${id}' }],
            },
          ],
          {
            data: {
              accounts: {
                rows: ['ann', 'bob', 'cid', 'dee', 'eve'].map((name) => ({ email: `${name}@x` })),
                pick: 'user',
              },
            },
            prepare: [
              { name: 'sign in', method: 'POST', path: '/sign-in', body: { json: { email: '${accounts.email}' } } },
            ],
          },
        ),
      );
      assert.deepEqual(
        result.steps.flatMap(({ errors }) => errors),
        [],
      );
      assert.equal(result.prepare.done, 5);
      assert.equal(result.measured.done + result.after.done + result.generator.iterationsCut, 120);
      assert.equal(deleted, 40);
      assert.equal(new Set(tasks.map(({ by }) => by)).size, 5, 'all users take part');
      // What a busy machine did after the load's end is among no step's figures.
      const names = result.steps.map(({ name }) => name);
      assert.ok(names.includes('create') && names.every((name) => ['create', 'delete', 'open'].includes(name)));
      assertAccounted(result);
    });

    it('tells failures, timeouts and refused checks apart', async () => {
      let count = 0;
      await using target = await loadTarget(kind, async ({ url }) => {
        if (url === '/slow') await delay(2000, undefined, { ref: false });
        if (url === '/flaky') return { status: count++ % 2 === 0 ? 200 : 503 };
        return { body: '{"a":1}' };
      });
      const result = await runLoad(
        planFor(
          kind,
          target,
          [
            { name: 'slow', steps: [{ name: 'slow', path: '/slow' }] },
            {
              name: 'flaky',
              weight: 2,
              steps: [
                { name: 'flaky', path: '/flaky' },
                { name: 'behind', path: '/x' },
              ],
            },
            { name: 'wrong', steps: [{ name: 'wrong', path: '/x', expect: { json: { a: 2 } } }] },
            { name: 'untaken', steps: [{ name: 'untaken', path: '/x', take: { b: { json: 'b' } } }] },
            {
              name: 'optional',
              steps: [
                { name: 'optional', path: '/x', take: { b: { json: 'b', optional: true } } },
                { name: 'left out', path: '/${b}' },
              ],
            },
          ],
          {
            load: { kind: 'arrivals', users: 30, stages: [{ durationMs: 1000, ratePerSecond: 120 }] },
            http: { ...planFor(kind, target, []).http, timeoutMs: 300 },
            abort: { errorRatio: 1 },
          },
        ),
      );
      const step = (name: string): LoadResult['steps'][number] | undefined =>
        result.steps.find((one) => one.name === name);
      assert.equal(result.stop, null);
      assert.equal(step('slow')?.done, 0);
      assert.ok((step('slow')?.timedOut ?? 0) > 5);
      assert.ok((step('slow')?.response.p50Ms ?? 0) >= 300, 'a timeout counts with the time it took');
      assert.deepEqual(
        step('flaky')?.errors.map(({ kind }) => kind),
        ['status 503'],
      );
      const behind = (step('behind')?.requests ?? 0) + result.after.requests;
      const done = step('flaky')?.done ?? 0;
      // What the end of the load cut short may have been of this flow or of the one that leaves a step out.
      const { iterationsCut } = result.generator;
      assert.ok(
        behind <= done && done <= behind + iterationsCut,
        `${done} done, ${behind} behind, ${iterationsCut} cut`,
      );
      assert.deepEqual(
        step('wrong')?.errors.map(({ kind }) => kind),
        ['a is not what was expected'],
      );
      assert.deepEqual(
        step('untaken')?.errors.map(({ kind }) => kind),
        ['b was not there to take'],
      );
      assert.equal(step('optional')?.failed, 0);
      assert.equal(step('left out'), undefined);
      assertAccounted(result);
    });

    it('follows redirects within the target and no other', async () => {
      await using elsewhere = await loadTarget('http', () => ({ body: 'secret' }));
      const paths: string[] = [];
      await using target = await loadTarget(kind, ({ method, url }) => {
        paths.push(`${method} ${url}`);
        const to: Record<string, string> = {
          '/near': 'there?x=1',
          '/far': elsewhere.origin,
          '/userinfo': `//127.0.0.1:${target.port}@127.0.0.1:${elsewhere.port}/`,
          '/metadata': 'http://169.254.169.254/latest/meta-data/',
          '/loop': '/loop',
        };
        const location = to[url];
        return location === undefined ? {} : { status: 302, headers: { location } };
      });
      const steps = ['near', 'far', 'userinfo', 'metadata', 'loop'].map((name) => ({ name, path: `/${name}` }));
      const result = await runLoad(
        planFor(
          kind,
          target,
          steps.map((step) => ({ name: step.name, steps: [{ ...step, expect: { status: 200 } }] })),
          {
            http: { ...planFor(kind, target, []).http, maxRedirects: 3 },
            abort: { errorRatio: 1 },
          },
        ),
      );
      assert.ok(paths.includes('GET /there?x=1'));
      assert.equal(elsewhere.connections().opened, 0);
      for (const { name, errors, failed, done } of result.steps) {
        if (name === 'near') assert.equal(failed, 0);
        else assert.equal(done, 0, name);
        if (name === 'loop') assert.equal(errors[0]?.kind, 'status 302');
        else if (name !== 'near') assert.equal(errors[0]?.kind, 'redirect to another origin refused');
      }
      assertAccounted(result);
    });
  });
}

describe('a load test', { concurrency: 3 }, () => {
  it('of users thinks, ramps and rests', async () => {
    let most = 0;
    let now = 0;
    await using target = await loadTarget('http', async () => {
      most = Math.max(most, ++now);
      await delay(20);
      now--;
      return {};
    });
    const result = await runLoad({
      ...planFor('http', target, get('/')),
      load: {
        kind: 'users',
        stages: [
          { durationMs: 500, users: 0, toUsers: 8 },
          { durationMs: 500, users: 8 },
          { durationMs: 500, users: 2 },
        ],
        thinkMs: { minMs: 10, maxMs: 30 },
      },
    });
    assert.ok(most >= 4 && most <= 8, `${most} at once`);
    // A user needs about 41 ms for an iteration: 2 + 4 + 1 seconds of users' time.
    assert.ok(result.measured.done > 10 && result.measured.done < 190, String(result.measured.done));
    assertAccounted(result);
  });

  it('keeps the warm-up apart and tells how it gets on', async () => {
    await using target = await loadTarget('http', () => ({}));
    const progress: LoadProgress[] = [];
    const result = await runLoad(
      {
        ...planFor('http', target, get('/')),
        load: { kind: 'arrivals', users: 5, spacing: 'poisson', stages: [{ durationMs: 2500, ratePerSecond: 100 }] },
        warmupMs: 750,
      },
      { onProgress: (one) => progress.push(one), workers: 2 },
    );
    assert.ok(result.warmup.iterations > 40 && result.warmup.iterations < 120, String(result.warmup.iterations));
    assert.ok(result.measured.iterations > 120 && result.measured.iterations < 240, String(result.measured.iterations));
    assert.equal(result.measured.durationMs, 1750);
    assert.equal(result.windows[0]?.fromMs, -750);
    assert.deepEqual(
      result.windows.map(({ durationMs }) => durationMs),
      [750, 1000, 750],
    );
    assert.ok(progress.length >= 2);
    assert.ok(progress.some(({ ratePerSecond }) => ratePerSecond > 30));
    assertAccounted(result);
  });

  it('opens a connection for each request where it is told to', async () => {
    await using target = await loadTarget('http', () => ({}));
    const plan = planFor('http', target, get('/'));
    const result = await runLoad({ ...plan, http: { keepAlive: false } });
    assert.equal(result.measured.done, 40);
    assert.equal(target.connections().opened, 40);
  });

  it('sends the same with one worker, with several and on several machines', async () => {
    const runs: string[][] = [];
    const urls: string[] = [];
    await using target = await loadTarget('http', ({ url }) => {
      urls.push(url);
      return {};
    });
    const plan = planFor(
      'http',
      target,
      [
        { name: 'a', steps: [{ name: 'a', path: '/a/${iteration}/${int(1, 1000000)}/${rows}' }] },
        { name: 'b', weight: 3, steps: [{ name: 'b', path: '/b/${iteration}/${uuid()}', chance: 0.5 }] },
      ],
      { seed: 42, data: { rows: { rows: ['x', 'y', 'z'], pick: 'random' } } },
    );
    for (const options of [{ workers: 1 }, { workers: 3 }]) {
      urls.length = 0;
      await runLoad(plan, options);
      runs.push(urls.toSorted());
    }
    urls.length = 0;
    const startAt = Date.now() + 1500;
    const runId = 'together';
    const parts = await Promise.all(
      [0, 1].map((index) => runLoad(plan, { workers: 1, machine: { index, count: 2 }, startAt, runId })),
    );
    // As files that were brought together.
    const whole = mergeLoadResults(parts.map((part) => JSON.parse(JSON.stringify(part)) as LoadResult));
    assert.equal(whole.measured.iterations, 40);
    assert.equal(
      whole.measured.requests,
      parts.reduce((sum, part) => sum + part.measured.requests, 0),
    );
    assert.equal(whole.measured.response.maxMs, Math.max(...parts.map((part) => part.measured.response.maxMs ?? 0)));
    assert.equal(whole.generator.machines, 2);
    assertAccounted(whole);
    assert.throws(() => mergeLoadResults([...parts, { ...parts[0]!, seed: 7 }]), { code: 'AP_LOAD_RESULTS_DIFFER' });
    runs.push(urls.toSorted());
    assert.deepEqual(runs[1], runs[0]);
    assert.deepEqual(runs[2], runs[0]);
  });

  it('does not begin where the target is not there, or does not let its users in', async () => {
    const gone = await loadTarget('http', () => ({}));
    await gone[Symbol.asyncDispose]();
    const refused = await runLoad(planFor('http', gone, get('/')));
    assert.equal(refused.state, 'aborted');
    assert.match(refused.stop?.message ?? '', /no connection to http:.*ECONNREFUSED/);
    assert.equal(refused.measured.requests, 0);
    assert.equal(refused.valid, false);

    const seen: string[] = [];
    await using closed = await loadTarget('http', ({ url }) => {
      seen.push(url);
      return { status: 429 };
    });
    const unwelcome = await runLoad({
      ...planFor('http', closed, get('/load')),
      prepare: [{ name: 'sign in', path: '/sign-in' }],
    });
    assert.equal(unwelcome.stop?.reason, 'preparation');
    assert.match(unwelcome.stop?.message ?? '', /status 429/);
    assert.ok(!seen.includes('/load'));
  });

  it('survives a target that closes idle connections', async () => {
    await using target = await loadTarget('http', () => ({ headers: { 'keep-alive': 'timeout=1' } }));
    const result = await runLoad({
      ...planFor('http', target, get('/')),
      load: { kind: 'users', stages: [{ durationMs: 3000, users: 4 }], thinkMs: 1300 },
    });
    assert.equal(result.measured.failed, 0);
    assert.ok(result.measured.done >= 8);
    assert.ok(target.connections().opened > 4);
  });
});

// By itself: it judges times.
describe('a load test against a stall', () => {
  it('shows a stall as every user would feel it, however few connections there are', async () => {
    // 400 ms of every 2 s nothing is answered: a fifth of the arrivals wait, evenly up to 400 ms.
    const began = performance.now();
    await using target = await loadTarget('http', async () => {
      const phase = (performance.now() - began) % 2000;
      if (phase > 1000 && phase < 1400) await delay(1400 - phase);
      return {};
    });
    const result = await runLoad({
      ...planFor('http', target, get('/')),
      load: { kind: 'arrivals', users: 3, stages: [{ durationMs: 4000, ratePerSecond: 250 }] },
    });
    const { response, service } = result.measured;
    assert.equal(response.count, 1000);
    assert.ok((response.p95Ms ?? 0) > 250 && (response.p95Ms ?? 0) < 800, `p95 ${response.p95Ms}`);
    assert.ok((service.p95Ms ?? 0) < 100, `three connections see the stall three times: p95 ${service.p95Ms}`);
  });
});
