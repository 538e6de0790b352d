/** What GET /performance/tenants and GET /performance/resources promise. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { validatorOf } from '../../packages/autopilot/src/api/shape-validator.ts';
import { createClient } from '../../packages/autopilot/src/client.ts';
import { operations } from '../../packages/autopilot/src/contract/operations.ts';
import { resourceSorts, tenantSorts } from '../../packages/autopilot/src/contract/resource-queries.ts';
import type { Resources, TenantList } from '../../packages/autopilot/src/contract/resources.ts';
import type { SeriesWindow } from '../../packages/autopilot/src/contract/series.ts';
import type { Shape } from '../../packages/autopilot/src/contract/shape.ts';
import { type ControlWorld, controlWorld, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { gaugeOf, histogramOf, seriesOf, windowOf } from '../support/windows.ts';

const api = '/api/v1/performance';
const SECONDS = 20;

interface Took {
  readonly requests: number;
  readonly errors: number;
  readonly ms: number;
  readonly databaseMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly loopMs: number;
}

function took(family: 'route' | 'tenant', key: string, one: Took): SeriesWindow {
  const { ms, ...cells } = one;
  const durationMs = histogramOf(Array.from({ length: one.requests }, () => ms));
  return seriesOf(family, key, { ...cells, durationMs, databaseCalls: one.requests * 3 });
}

const acme = { requests: 6, errors: 1, ms: 10, databaseMs: 30, bytesReceived: 600, bytesSent: 6000, loopMs: 40 };
const globex = { requests: 2, errors: 0, ms: 40, databaseMs: 60, bytesReceived: 200, bytesSent: 12_000, loopMs: 50 };
const nobody = { requests: 2, errors: 0, ms: 5, databaseMs: 10, bytesReceived: 200, bytesSent: 2000, loopMs: 10 };

/** A second in which two tenants used one route each, and somebody signed in. */
function second(start: number, { estimated }: { readonly estimated: boolean }): ReturnType<typeof windowOf> {
  const known = ({ loopMs, ...rest }: Took): Took => ({ ...rest, loopMs: estimated ? loopMs : 0 });
  return windowOf(
    start,
    [
      took('route', 'GET /tasks', known(acme)),
      took('route', 'GET /reports', known(globex)),
      took('route', 'POST /sign-in', known(nobody)),
      took('tenant', 'acme', known(acme)),
      took('tenant', 'globex', known(globex)),
      seriesOf('runtime', 'process', {
        eventLoopDelayMs: histogramOf([1, 2, 30]),
        eventLoopUtilization: gaugeOf(0.25),
        cpuUserMs: 200,
        cpuSystemMs: 50,
        rssBytes: gaugeOf(100e6, 140e6),
        heapUsedBytes: gaugeOf(50e6),
        heapLimitBytes: gaugeOf(2e9),
        externalBytes: gaugeOf(5e6),
        diskReadBytes: 4096,
        diskWriteBytes: 8192,
      }),
      seriesOf('job', 'digest', {
        runs: 4,
        failures: 1,
        retries: 1,
        durationMs: histogramOf([20, 20, 20, 20]),
        waitMs: histogramOf([5, 5, 5, 5]),
        databaseMs: 12,
      }),
      seriesOf('job', 'idle', { runs: 0 }),
      seriesOf('pool', 'main', { size: gaugeOf(4), max: gaugeOf(10), acquired: 9 }, { database: 'main' }),
    ],
    { overflow: { tenant: 1 } },
  );
}

async function worldWith(estimated: boolean): Promise<ControlWorld> {
  const world = await controlWorld();
  const now = world.clock.now();
  const windows = Array.from({ length: SECONDS }, (_, index) => second(now - (SECONDS - index) * 1000, { estimated }));
  await world.link('one').windows(windows, [], [{ kind: 'tenant', id: 'acme', name: 'Acme Inc.' }]);
  return world;
}

let world: ControlWorld;
before(async () => {
  world = await worldWith(true);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

async function answerOf<Answer>(
  id: 'listTenants' | 'getResources',
  response: Response,
): Promise<{ readonly answer: Answer; readonly link: string }> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const value: unknown = JSON.parse(text);
  const result = validatorOf(operations[id].answer as Shape).safeParse(value);
  assert.ok(result.success, `${id}: ${result.error?.message}`);
  // Held to its shape above.
  return { answer: value as Answer, link: response.headers.get('link') ?? '' };
}

describe('GET /performance/tenants', () => {
  it('says what each took, of all requests of the service', async () => {
    const { answer } = await answerOf<TenantList>('listTenants', await world.get(`${api}/tenants`));
    assert.deepEqual(
      answer.tenants.map(({ tenant }) => tenant),
      ['globex', 'acme'],
    );
    assert.deepEqual(answer.whole, {
      requests: 10 * SECONDS,
      errors: SECONDS,
      databaseMs: 100 * SECONDS,
      databaseCalls: 30 * SECONDS,
      bytesReceived: 1000 * SECONDS,
      bytesSent: 20_000 * SECONDS,
    });
    const [second, first] = answer.tenants;
    assert.ok(first && second);
    const { trend, p50Ms, p95Ms, p99Ms, ...row } = first;
    assert.deepEqual(row, {
      tenant: 'acme',
      name: 'Acme Inc.',
      requests: 6 * SECONDS,
      errors: SECONDS,
      databaseMs: 30 * SECONDS,
      databaseCalls: 18 * SECONDS,
      bytesReceived: 600 * SECONDS,
      bytesSent: 6000 * SECONDS,
      requestShare: 0.6,
      timeShare: 0.4,
      databaseShare: 0.3,
      bytesReceivedShare: 0.6,
      bytesSentShare: 0.3,
      requestRate: 6,
      errorRatio: row.errorRatio,
      meanMs: 10,
      maxMs: 10,
      loop: { estimated: true, ms: 40 * SECONDS, share: 0.4, shareError: 0.1 },
    });
    assert.ok(Math.abs((row.errorRatio ?? 0) - 1 / 6) < 1e-5);
    for (const quantile of [p50Ms, p95Ms, p99Ms]) assert.ok(Math.abs((quantile ?? 0) - 10) < 0.3);
    assert.equal(trend.columns['requestRate']?.at(-1), 6);
    assert.equal(second.timeShare + first.timeShare < 1, true);
    assert.equal(answer.overflow, SECONDS);
    assert.deepEqual(answer.loop, { made: true, reason: null, shareError: 0.1 });
  });

  it('can be sorted by every column it offers, in pages that show one range', async () => {
    for (const sort of tenantSorts) {
      const { answer: whole } = await answerOf<TenantList>(
        'listTenants',
        await world.get(`${api}/tenants?sort=${sort}`),
      );
      const first = await answerOf<TenantList>('listTenants', await world.get(`${api}/tenants?sort=${sort}&limit=1`));
      const next = /<([^>]+)>; rel="next"/.exec(first.link)?.[1] ?? '';
      world.clock.advance(10);
      const rest = await answerOf<TenantList>('listTenants', await world.get(next));
      assert.deepEqual([...first.answer.tenants, ...rest.answer.tenants], whole.tenants, sort);
      assert.equal(rest.answer.from, whole.from);
      assert.equal(rest.answer.page.next, null);
      const previous = /<([^>]+)>; rel="prev"/.exec(rest.link)?.[1] ?? '';
      const back = await answerOf<TenantList>('listTenants', await world.get(previous));
      assert.deepEqual(back.answer.tenants, first.answer.tenants);
      const values = whole.tenants.map((row) => (sort === 'loopMs' ? row.loop?.ms : row[sort]) ?? 0);
      assert.deepEqual(
        values,
        values.toSorted((a, b) => b - a),
        sort,
      );
    }
  });

  it('takes a cursor for its own list only', async () => {
    const { answer } = await answerOf<TenantList>('listTenants', await world.get(`${api}/tenants?limit=1`));
    const cursor = answer.page.next ?? '';
    for (const path of [`tenants?limit=1&sort=requests`, 'routes?limit=1', 'resources?limit=1']) {
      const refused = await world.get(`${api}/${path}&cursor=${cursor}`);
      assert.equal(refused.status, 400);
      assert.equal(((await refused.json()) as { code: string }).code, 'AP_PAGE_CURSOR_INVALID');
    }
  });

  it('answers for some, and leaves out whom nobody knows', async () => {
    const client = createClient({
      baseUrl: 'http://x',
      token: () => TOKEN,
      fetch: (input, init) => world.plane.handler(new Request(input, init)),
    });
    const list = await client.listTenants({ tenant: ['acme', 'initech'] });
    assert.deepEqual(
      list.tenants.map(({ tenant, requestShare }) => [tenant, requestShare]),
      [['acme', 0.6]],
    );
  });
});

describe('GET /performance/resources', () => {
  it('says what the processes use and what each route takes', async () => {
    const { answer } = await answerOf<Resources>('getResources', await world.get(`${api}/resources`));
    assert.deepEqual(
      [answer.processor.busy, answer.processor.userBusy, answer.processor.systemBusy],
      [0.25, 0.2, 0.05],
    );
    assert.equal(answer.eventLoop.utilization, 0.25);
    assert.equal(answer.eventLoop.delayMaxMs, 30);
    assert.deepEqual(
      [answer.memory.rssBytes, answer.memory.rssMaxBytes, answer.memory.heapLimitBytes],
      [120e6, 140e6, 2e9],
    );
    assert.deepEqual(answer.disk, {
      bytesRead: 4096 * SECONDS,
      bytesWritten: 8192 * SECONDS,
      readRate: 4096,
      writeRate: 8192,
    });
    assert.deepEqual(answer.network, {
      bytesReceived: 1000 * SECONDS,
      bytesSent: 20_000 * SECONDS,
      receivedRate: 1000,
      sentRate: 20_000,
    });
    assert.deepEqual(
      answer.database.pools.map(({ pool, size, max }) => [pool, size, max]),
      [['main', 4, 10]],
    );
    const [digest, ...others] = answer.jobs;
    assert.deepEqual(others, [], 'a kind that did not run is not listed');
    assert.deepEqual(
      [digest?.job, digest?.runs, digest?.failures, digest?.failureRatio, digest?.retries, digest?.databaseMsPerJob],
      ['digest', 4 * SECONDS, SECONDS, 0.25, SECONDS, 3],
    );
    assert.ok(Math.abs((digest?.p95Ms ?? 0) / 20 - 1) < 0.03 && Math.abs((digest?.waitP50Ms ?? 0) / 5 - 1) < 0.03);
    const names = ['processor', 'eventLoop', 'memory', 'disk', 'network', 'database', 'pool'];
    assert.deepEqual(Object.keys(answer.trends), names);
    assert.equal(answer.trends['disk']?.columns['diskWriteRate']?.at(-1), 8192);
    assert.deepEqual(
      answer.routes.map(({ route, loop, databaseShare }) => [route, loop?.estimated, loop?.share, databaseShare]),
      [
        ['GET /reports', true, 0.5, 0.6],
        ['GET /tasks', true, 0.4, 0.3],
        ['POST /sign-in', true, 0.1, 0.1],
      ],
    );
  });

  it('pages its routes by any column it offers', async () => {
    for (const sort of resourceSorts) {
      const { answer: whole } = await answerOf<Resources>(
        'getResources',
        await world.get(`${api}/resources?sort=${sort}`),
      );
      const seen: string[] = [];
      let path: string | undefined = `${api}/resources?sort=${sort}&limit=2`;
      while (path !== undefined) {
        const { answer, link }: { answer: Resources; link: string } = await answerOf(
          'getResources',
          await world.get(path),
        );
        seen.push(...answer.routes.map(({ route }) => route));
        path = /<([^>]+)>; rel="next"/.exec(link)?.[1];
      }
      assert.deepEqual(
        seen,
        whole.routes.map(({ route }) => route),
      );
    }
  });

  it('has no time of the event loop while nobody samples it, and says why', async () => {
    await using unsampled = await worldWith(false);
    const { answer } = await answerOf<Resources>('getResources', await unsampled.get(`${api}/resources`));
    assert.equal(answer.routes.length, 3);
    for (const row of answer.routes) assert.equal('loop' in row, false);
    assert.equal(answer.loop.made, false);
    assert.match(answer.loop.reason ?? '', /resources\.enabled/);
    const { answer: list } = await answerOf<TenantList>(
      'listTenants',
      await unsampled.get(`${api}/tenants?sort=loopMs`),
    );
    assert.equal(list.tenants.length, 2);
    assert.equal('loop' in (list.tenants[0] ?? {}), false);
  });
});

it('answers sensibly before there is anything to tell', async () => {
  await using idle = await controlWorld();
  const all = async (): Promise<void> => {
    const { answer: list } = await answerOf<TenantList>('listTenants', await idle.get(`${api}/tenants`));
    assert.deepEqual([list.tenants, list.whole.requests, list.loop.made], [[], 0, false]);
    const { answer } = await answerOf<Resources>('getResources', await idle.get(`${api}/resources`));
    assert.deepEqual([answer.routes, answer.processor.busy, answer.network.sentRate], [[], null, 0]);
  };
  await all();
  const agent = idle.link('one');
  await all();
  await agent.windows([windowOf(idle.clock.now() - 1000, [])]);
  idle.clock.advance(1000);
  const { answer } = await answerOf<TenantList>('listTenants', await idle.get(`${api}/tenants`));
  assert.deepEqual([answer.tenants, answer.page.next], [[], null]);
});

it('refuses what these calls do not take', async () => {
  for (const [path, code] of [
    ['tenants?sort=route', 'AP_PARAMETER_INVALID'],
    ['tenants?cursor=AAAA', 'AP_PAGE_CURSOR_INVALID'],
    ['tenants?database=main', 'AP_PARAMETER_UNKNOWN'],
    ['resources?tenant=acme', 'AP_PARAMETER_UNKNOWN'],
    ['resources?sort=p95Ms', 'AP_PARAMETER_INVALID'],
  ] as const) {
    const refused = await world.get(`${api}/${path}`);
    assert.equal(refused.status, 400);
    assert.equal(((await refused.json()) as { code: string }).code, code, path);
  }
});
