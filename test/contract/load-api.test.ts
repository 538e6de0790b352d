/** Load tests through the API: who may start what, how they are followed, stopped, kept and compared. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { signPrincipal } from '../../packages/autopilot/src/access/signed-principal.ts';
import { readArguments } from '../../packages/autopilot/src/cli/command.ts';
import { benchmark } from '../../packages/autopilot/src/cli/commands/benchmark.ts';
import { load } from '../../packages/autopilot/src/cli/commands/load.ts';
import { createClient } from '../../packages/autopilot/src/client.ts';
import type { Benchmark, BenchmarkHead, BenchmarkList } from '../../packages/autopilot/src/contract/benchmarks.ts';
import type { Job, LoadTest, LoadTestHead, LoadTestList } from '../../packages/autopilot/src/contract/load-tests.ts';
import type { Scope } from '../../packages/autopilot/src/contract/principal.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { parsePlan } from '../../packages/autopilot/src/load/read-plan.ts';
import {
  busySecond,
  type ControlWorld,
  controlWorld,
  type FakeAgent,
  LINK_KEY,
  report,
  TOKEN,
} from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { type LoadTarget, loadTarget } from '../support/load-target.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const PATH = '/api/v1/optimization/load-test';
let target: LoadTarget;
let other: LoadTarget;
let world: ControlWorld;
let linked: FakeAgent;
let lastAskedAt = 0;
let lastPath = '';
let lastMark: string | undefined;
let runIds = new Set<string>();
before(async () => {
  target = await loadTarget('http', ({ headers, url }) => {
    lastAskedAt = performance.now();
    lastPath = url;
    lastMark = headers['x-autopilot-load-mark']?.toString();
    runIds.add(String(headers['x-autopilot-load-test']));
    return url === '/lost' ? { status: 404 } : {};
  });
  other = await loadTarget('http', () => ({}));
  world = await controlWorld({ service: 'orders', applicationUrl: target.origin, benchmarkRoundMs: 3 });
  linked = world.link('one');
  await report(world, linked, 30);
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await Promise.all([target, other].map((one) => one[Symbol.asyncDispose]()));
});

const plan = (durationMs: number, more: object = {}): object => ({
  name: 'look',
  load: { kind: 'arrivals', users: 10, stages: [{ durationMs, ratePerSecond: 50 }] },
  flows: [{ name: 'look', steps: [{ name: 'look', path: '/' }] }],
  ...more,
});

async function start(order: object): Promise<LoadTestHead> {
  const answer = await world.send('POST', PATH, order);
  const text = await answer.text();
  assert.equal(answer.status, 202, text);
  return JSON.parse(text) as LoadTestHead; // what a 202 holds
}

async function read(id: string): Promise<LoadTest> {
  return (await (await world.get(`${PATH}/${id}`)).json()) as LoadTest; // our own answer
}

async function ended(id: string): Promise<LoadTest> {
  return await until(
    60_000,
    () => read(id),
    ({ state }) => state !== 'running',
  );
}

async function list(): Promise<LoadTestList> {
  return (await (await world.get(PATH)).json()) as LoadTestList; // our own answer
}

async function refused(answer: Promise<Response>): Promise<string> {
  const { code, detail } = (await (await answer).json()) as { code: string; detail: string }; // a problem
  return `${code} ${detail}`;
}

function as(scopes: readonly Scope[]): Record<string, string> {
  const principal = signPrincipal({ id: 'ann', scopes }, LINK_KEY, world.clock.now());
  return { 'x-autopilot-principal': principal, authorization: '', 'sec-fetch-site': 'same-origin' };
}

const set = async (patch: object): Promise<void> => {
  const { etag = '' } = Object.fromEntries((await world.get('/api/v1/config')).headers);
  const answer = await world.send('PATCH', '/api/v1/config', patch, {
    'content-type': 'application/merge-patch+json',
    'if-match': etag,
  });
  assert.equal(answer.status, 200, await answer.text());
};

describe('a load test through the API', () => {
  it('runs in a process of its own, is followed live, and is kept', async () => {
    const order = {
      // The stream tells once a second.
      plan: plan(3500, {
        thresholds: ['p99 < 10 s'],
        flows: [
          { name: 'look', weight: 3, steps: [{ name: 'look', path: '/' }] },
          { name: '<b>lost</b>', steps: [{ name: '<b>lost</b>', path: '/lost' }] },
        ],
      }),
    };
    runIds = new Set();
    const answer = await world.send('POST', PATH, order);
    assert.equal(answer.status, 202);
    const head = (await answer.json()) as LoadTestHead; // our own answer
    assert.equal(answer.headers.get('location'), `/api/v1/jobs/${head.id}`);
    assert.equal(answer.headers.get('content-location'), `${PATH}/${head.id}`);
    assert.deepEqual([head.state, head.target, head.author], ['running', target.origin, 'administrator']);
    assert.match(await refused(world.send('POST', PATH, order)), /^AP_LOAD_TEST_RUNNING/);
    assert.deepEqual(
      (await list()).running.map(({ id }) => id),
      [head.id],
    );
    const client = createClient({ baseUrl: world.plane.address, token: () => TOKEN });
    let moments = 0;
    for await (const test of client.streamLoadTest(head.id)) {
      if (test.state !== 'running') break;
      moments = Math.max(moments, test.moments.length);
      const job = await client.getJob(head.id);
      assert.ok(job.progress >= 0 && job.progress <= 1);
    }
    assert.ok(moments > 0, 'it was seen on its way');
    const test = await ended(head.id);
    assert.ok(['passed', 'invalid'].includes(test.state), `${test.state} ${test.reason}`);
    assert.equal(test.summary?.requests, 175);
    assert.ok((test.summary?.errorRatio ?? 0) > 0.1);
    assert.equal(test.report?.seconds.length, 4);
    assert.deepEqual(test.report?.steps.find(({ name }) => name !== 'look')?.errors[0]?.kind, 'status 404');
    assert.ok((test.report?.percentiles.length ?? 0) > 10);
    assert.deepEqual([...runIds], [head.id], 'its requests are marked');
    assert.equal((await client.getJob(head.id)).state, 'done');
    const page = await world.get(`${PATH}/${head.id}`, { authorization: `Bearer ${TOKEN}`, accept: 'text/html' });
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    const html = await page.text();
    assert.match(html, /&lt;b&gt;lost/);
    assert.doesNotMatch(html, /<b>lost/);
    assert.equal((await client.compareLoadTests(head.id, head.id)).verdict, 'not-enough-data');
  });

  it('is stopped within a second', async () => {
    const { id } = await start({ plan: plan(60_000) });
    await until(
      60_000,
      () => read(id),
      ({ moments }) => moments.some(({ requests }) => requests > 0),
    );
    const asked = performance.now();
    assert.equal((await world.send('POST', `${PATH}/${id}/stop`)).status, 200);
    const { state, summary } = await read(id);
    assert.equal(state, 'stopped');
    assert.ok((summary?.requests ?? 0) > 0);
    assert.ok(lastAskedAt - asked < 1000, `the last request came ${lastAskedAt - asked} ms later`);
  });

  it('starts by GET with users and durationSeconds, for tokens alone', async () => {
    const path = `${PATH}?users=2&durationSeconds=1&path=/${encodeURIComponent('?a=${b}')}`;
    assert.match(await refused(world.get(path, as(['admin']))), /^AP_FORBIDDEN/);
    assert.match(await refused(world.get(`${PATH}?users=2`)), /^AP_PARAMETER_INVALID/);
    const answer = await world.get(path);
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as LoadTestHead; // our own answer
    const { summary } = await ended(id);
    assert.ok((summary?.requests ?? 0) >= 2);
    const { tests, page } = (await (await world.get(`${PATH}?limit=2`)).json()) as LoadTestList; // our own answer
    assert.equal(tests[0]?.id, id);
    const next = (await (await world.get(`${PATH}?limit=2&cursor=${page.next ?? ''}`)).json()) as LoadTestList; // likewise
    assert.ok(next.tests.length > 0);
    const back = await world.get(`${PATH}?limit=2&cursor=${next.page.previous ?? ''}`);
    assert.deepEqual(((await back.json()) as LoadTestList).tests, tests);
  });

  it('sends nothing where the plan, the target or the caller will not do', async () => {
    const post = (order: unknown, headers = {}): Promise<string> => refused(world.send('POST', PATH, order, headers));
    assert.match(await post({ plan: plan(1000, { wrong: 1 }) }), /^AP_LOAD_PLAN_INVALID [^]*wrong/);
    const written = 'name: look\nload: { kind: users, stages: [{ durationMs: 1000, users: -1 }] }\nflows: []\n';
    assert.match(
      await post({ plan: written }),
      /^AP_LOAD_PLAN_INVALID [^]*plan:2: load.stages\[0\].users: -1 is under 0[^]*plan:3: flows/,
    );
    assert.match(await post({ plan: plan(1000, { data: { a: { file: '/etc/passwd' } } }) }), /can name none/);
    assert.match(await post({ plan: plan(1000), kind: 'lode' }), /^AP_BODY_INVALID .*kind/);
    assert.match(await post({ plan: plan(1000), objective: ['fast'] }), /^AP_BODY_INVALID .*"fast"/);
    for (const forbidden of [
      other.origin,
      'http://169.254.169.254',
      target.origin.replace('127', '0127'),
      `http://127.0.0.1:${target.port}@example.com`,
    ]) {
      assert.match(await post({ plan: plan(1000, { target: forbidden }) }), /AP_LOAD_(TARGET_REFUSED|PLAN_INVALID)/);
    }
    assert.match(await post({ plan: plan(1000) }, as(['read'])), /^AP_FORBIDDEN/);
    assert.match(
      await post({ plan: plan(1000) }, { ...as(['admin']), 'sec-fetch-site': 'cross-site' }),
      /^AP_CROSS_SITE/,
    );
    assert.match(await refused(world.get(`${PATH}/none`)), /^AP_LOAD_TEST_UNKNOWN/);
    assert.match(await refused(world.get('/api/v1/jobs/none')), /^AP_JOB_UNKNOWN/);
    assert.equal(other.connections().opened, 0);
  });
});

it('a test ends by what the agents say of their processes; one that is kept apart carries a mark that agents were told of, as long as it runs', async () => {
  const agent = world.link('marked');
  const told = (): readonly string[] =>
    agent.heard.flatMap((one) => (one.kind === 'test-marks' ? [one.marks] : [])).at(-1) ?? [];
  lastMark = undefined;
  const { id: watched } = await start({ plan: plan(30_000, { abort: { cpuCores: 0.5 } }) });
  const vitals = { elapsedMs: 200, cpuMs: 60, eventLoopDelayMs: 0, rssBytes: 1, databaseConnections: null };
  const beat = setInterval(() => {
    for (const one of [linked, agent]) one.say({ kind: 'vitals', vitals });
  }, 50);
  const { state, reason } = await ended(watched);
  clearInterval(beat);
  assert.equal(state, 'aborted');
  assert.match(reason ?? '', /the target keeps cores busy: 0.6 \(cpuCores, the limit is 0.5\)/);
  assert.deepEqual(
    agent.heard.flatMap((one) => (one.kind === 'watch-vitals' ? [one.on] : [])),
    [true, false],
  );
  assert.equal(lastMark, undefined, 'nobody asked for it');
  const marked = async (order: object): Promise<void> => {
    const { id } = await start({ plan: plan(300), ...order });
    const [digest] = told();
    await ended(id);
    assert.equal(
      digest,
      createHash('sha256')
        .update(lastMark ?? '')
        .digest('base64url'),
    );
    assert.deepEqual(told(), []);
    assert.doesNotMatch(JSON.stringify(await read(id)), new RegExp(lastMark ?? 'none'));
  };
  await marked({ apart: true });
  await set({ load: { keepApart: true } });
  await marked({});
  lastMark = undefined;
  await ended((await start({ plan: plan(300), apart: false })).id);
  assert.equal(lastMark, undefined);
  assert.match(await refused(world.send('POST', PATH, { plan: plan(300), apart: 'yes' })), /^AP_BODY_INVALID apart/);
  await set({ load: { keepApart: false } });
});

describe('a benchmark through the API', () => {
  const BENCHMARK = '/api/v1/optimization/benchmark';
  const list = async (): Promise<BenchmarkList> => (await (await world.get(BENCHMARK)).json()) as BenchmarkList; // our own answer

  it('refuses while the service or the machine has other things to do: benchmark.maxRequestsPerSecond, maxBusyRatio', async () => {
    await set({ benchmark: { maxRequestsPerSecond: 9 } });
    assert.match(
      await refused(world.send('POST', BENCHMARK)),
      /^AP_BENCHMARK_BUSY orders has 10.0 requests a second; at most 9 /,
    );
    await set({ benchmark: { maxRequestsPerSecond: 10, maxBusyRatio: 0 } });
    // Whatever else the machine does; nothing at all is rare, and then it begins.
    const answer = await world.send('POST', BENCHMARK);
    if (answer.status === 202) await stopped(((await answer.json()) as BenchmarkHead).id);
    else assert.match(await refused(Promise.resolve(answer)), /^AP_BENCHMARK_BUSY The machine is \d+ % busy/);
    await set({ benchmark: { maxBusyRatio: 1 } });
    assert.match(await refused(world.send('POST', BENCHMARK, undefined, as(['read']))), /^AP_FORBIDDEN/);
    assert.match(await refused(world.get(`${BENCHMARK}?run=true`, as(['admin']))), /^AP_FORBIDDEN/);
    assert.match(await refused(world.get(`${BENCHMARK}/none`)), /^AP_BENCHMARK_UNKNOWN/);
  });

  async function stopped(id: string): Promise<void> {
    const client = createClient({ baseUrl: world.plane.address, token: () => TOKEN });
    const { state } = await client.stopBenchmark(id);
    assert.ok(['stopped', 'done', 'invalid'].includes(state), state);
    assert.equal((await client.cancelJob(id)).kind, 'benchmark');
  }

  it('measures the suite as a job, keeps it apart from load tests, and compares', async () => {
    await set({ benchmark: { path: '/some', keepResults: 5 } });
    const answer = await world.get(`${BENCHMARK}?run=true`);
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as BenchmarkHead; // our own answer
    assert.equal(answer.headers.get('location'), `/api/v1/jobs/${id}`);
    assert.match(await refused(world.send('POST', BENCHMARK)), /^AP_LOAD_TEST_RUNNING/);
    assert.match(await refused(world.send('POST', PATH, { plan: plan(1000) })), /^AP_LOAD_TEST_RUNNING/);
    const out: string[] = [];
    const environment = { AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_URL: world.plane.address };
    const terminal = { environment, out: (line: string) => out.push(line), error: (line: string) => out.push(line) };
    const command = async (...args: readonly string[]): Promise<number> => {
      const { values, operands } = readArguments(benchmark, args, environment);
      return await benchmark.run(values, terminal, operands);
    };
    const found = await until(
      60_000,
      async () => (await (await world.get(`${BENCHMARK}/${id}`)).json()) as Benchmark, // our own answer
      ({ state }) => state !== 'running',
    );
    assert.equal(found.state, 'done', found.reason ?? '');
    assert.deepEqual(
      found.report?.parts.map((part) => [part.id, part.score !== null]),
      [
        ['runtime', true],
        ['compression', true],
        ['database', false],
        ['api', true],
        ['cache', true],
      ],
    );
    assert.ok((found.score ?? 0) > 0);
    assert.equal(lastPath, '/some');
    const { latest, benchmarks, running } = await list();
    assert.deepEqual([latest?.id, benchmarks[0]?.id, running], [id, id, null]);
    assert.ok(!((await (await world.get(PATH)).json()) as LoadTestList).tests.some((test) => test.id === id)); // our own answer
    assert.match(await refused(world.get(`${PATH}/${id}`)), /^AP_LOAD_TEST_UNKNOWN/);
    // A service that does not answer is left out, with the reason; the rest stands.
    await set({ benchmark: { path: '/lost' } });
    assert.equal(await command('run', '--at-least', '1000000'), 1, 'a score that high is rare');
    assert.match(out.join('\n'), /Geometric mean of runtime 50 %[^]*database: left out\. No database is watched/);
    assert.match(out.join('\n'), /api: left out\. GET \/lost.*(status 404|failed)/);
    const newest = (await list()).benchmarks[0]?.id ?? '';
    await command('compare', id, newest);
    assert.match(out.join('\n'), /Only one of them has measured api[^]*runtime turns .*x \d/);
    assert.equal(await command('show', id), 0);
    assert.match(out.join('\n'), /Geometric mean of runtime 29 %/);
    await set({ benchmark: { keepResults: 1 } });
    const { id: third } = (await (await world.send('POST', BENCHMARK)).json()) as BenchmarkHead; // our own answer
    await stopped(third);
    const kept = (await list()).benchmarks.map((one) => one.id);
    assert.deepEqual(kept, [third, newest], 'the one that ran is no result yet when the others go');
  });
});

it('autopilot load record makes a plan of what was observed', async () => {
  const live = await controlWorld({ service: 'orders', clock: systemClock });
  try {
    await reportUntil(live.link('one'), Date.now());
    const out: string[] = [];
    const environment = { AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_URL: live.plane.address };
    const { values, operands } = readArguments(load, ['record', '--minutes', '1', '--values', 'id=7'], environment);
    const terminal = { environment, out: (line: string) => out.push(line), error: (line: string) => out.push(line) };
    assert.equal(await load.run(values, terminal, operands), 0, out.join('\n'));
    const recorded = parsePlan(out.join('\n'));
    assert.deepEqual(recorded.flows.map(({ name }) => name).toSorted(), ['GET /boards/:id', 'GET /tasks']);
    assert.match(out.join('\n'), /Left out: POST \/tasks/);
  } finally {
    await live[Symbol.asyncDispose]();
  }
});

describe('settings of load tests take effect at once', () => {
  const post = (more: object, headers = {}): Promise<string> =>
    refused(world.send('POST', PATH, { plan: plan(2000, more) }, headers));

  it("load.maxUsers, load.maxRatePerSecond, load.maxDurationMs and load.operatorShare are the callers' ceilings", async () => {
    await set({ load: { maxUsers: 9, maxRatePerSecond: 40, maxDurationMs: 1500 } });
    const said = await post({});
    assert.match(said, /users/);
    assert.match(said, /rate/);
    assert.match(said, /duration/);
    assert.equal((await list()).limits.maxUsers, 9);
    await set({ load: { maxUsers: 20, maxRatePerSecond: 100, maxDurationMs: 60_000, operatorShare: 0.25 } });
    assert.match(await post({}, as(['operate'])), /number of users/);
    await set({ load: { operatorShare: 1 } });
    const answer = await world.send('POST', PATH, { plan: plan(30_000) }, as(['operate']));
    const { id, author } = (await answer.json()) as LoadTestHead; // our own answer
    assert.equal(author, 'ann');
    // As a job.
    const cancelled = await world.send('POST', `/api/v1/jobs/${id}/cancel`);
    assert.equal(((await cancelled.json()) as Job).state, 'cancelled');
  });

  it('load.targets opens other origins, load.maxRunning lets tests run side by side, load.keepTests drops old ones', async () => {
    assert.match(await post({ target: other.origin }), /^AP_LOAD_TARGET_REFUSED/);
    await set({ load: { targets: [other.origin], maxRunning: 2 } });
    assert.deepEqual((await list()).limits.targets, [target.origin, other.origin]);
    const both = [await start({ plan: plan(30_000) }), await start({ plan: plan(30_000, { target: other.origin }) })];
    assert.equal((await list()).running.length, 2);
    await Promise.all(both.map(({ id }) => world.send('POST', `${PATH}/${id}/stop`)));
    await set({ load: { maxRunning: 0 } });
    assert.match(await post({}), /^AP_LOAD_TEST_RUNNING/);
    await set({ load: { maxRunning: 1, keepTests: 1 } });
    const { id } = await start({ plan: plan(500) });
    await ended(id);
    assert.ok((await list()).tests.length <= 2);
  });
});

/** Lets an agent report the half minute before a time. */
async function reportUntil(agent: FakeAgent, now: number): Promise<void> {
  const end = Math.floor(now / 1000) * 1000;
  await agent.windows(Array.from({ length: 30 }, (_, index) => busySecond(end - (30 - index) * 1000)));
}
