/** What the HTTP API promises: every answer has the shape that its operation declares, and every refusal says why. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signPrincipal } from '../../packages/autopilot/src/access/signed-principal.ts';
import { validatorOf } from '../../packages/autopilot/src/api/shape-validator.ts';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { openApiDocument } from '../../packages/autopilot/src/contract/openapi.ts';
import { type OperationId, operations, routeSorts } from '../../packages/autopilot/src/contract/operations.ts';
import { problem as problemShape } from '../../packages/autopilot/src/contract/operations-shapes.ts';
import type {
  Dashboard,
  InstanceList,
  MetricsAnswer,
  RouteList,
} from '../../packages/autopilot/src/contract/performance.ts';
import type { Shape } from '../../packages/autopilot/src/contract/shape.ts';
import { busySecond, type ControlWorld, controlWorld, LINK_KEY, report, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { routeOf, windowOf } from '../support/windows.ts';

let world: ControlWorld;

before(async () => {
  world = await controlWorld();
  await report(world, world.link('one'), 90);
  await report(world, world.link('two'), 30);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

/** Parses an answer and holds it to the shape that its operation declares. */
async function answerOf<Answer>(id: OperationId, response: Response): Promise<Answer> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.match(response.headers.get('x-request-id') ?? '', /^[\w-]{36}$/);
  assert.equal(response.headers.get('content-length'), String(Buffer.byteLength(text)));
  assert.doesNotMatch(text, /NaN|Infinity/);
  const value: unknown = JSON.parse(text);
  const result = validatorOf(operations[id].answer as Shape).safeParse(value);
  assert.ok(result.success, `${id}: ${result.error?.message}`);
  return value as Answer;
}

async function refusalOf(response: Response, status: number, code: string): Promise<Problem> {
  assert.equal(response.status, status, await response.clone().text());
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const value: unknown = await response.json();
  const result = validatorOf(problemShape).safeParse(value);
  assert.ok(result.success, result.error?.message);
  const problem = value as Problem;
  assert.equal(problem.code, code);
  assert.equal(problem.instance, response.headers.get('x-request-id'));
  return problem;
}

const api = '/api/v1/performance';
const READY = { status: 'ready', reasons: [], limits: [] };

describe('answers', () => {
  it('gives the dashboard of a busy service', async () => {
    const dashboard = await answerOf<Dashboard>('getDashboard', await world.get(`${api}/dashboard?minutes=1`));
    assert.equal(dashboard.service, 'orders');
    assert.equal(Date.parse(dashboard.to) - Date.parse(dashboard.from), 60_000);
    const seconds = 60 + 30;
    assert.equal(dashboard.traffic.requests, seconds * 10);
    assert.equal(dashboard.traffic.requestRate, 15);
    assert.equal(dashboard.traffic.errorRatio, 0.1);
    assert.deepEqual(
      dashboard.slowestRoutes.map(({ route }) => route),
      ['GET /tasks', 'GET /boards/:id', 'POST /tasks'],
    );
    assert.ok(Math.abs(dashboard.slowestRoutes.reduce((sum, { timeShare }) => sum + timeShare, 0) - 1) < 0.001);
    assert.deepEqual(
      dashboard.slowestQueries.map(({ statement, database, routes, text }) => [
        statement,
        database,
        routes,
        text.length,
      ]),
      [
        ['c3d4', 'archive', [], 2000],
        ['a1b2', 'main', ['GET /tasks'], 32],
      ],
    );
    assert.deepEqual(
      dashboard.database.pools.map(({ pool, size, max, acquired }) => [pool, size, max, acquired]),
      [['main', 6, 15, seconds * 9]],
    );
    assert.equal(dashboard.overflow['tenant'], seconds * 2);
    assert.deepEqual(Object.keys(dashboard.trends), ['traffic', 'latency', 'database', 'runtime']);
    for (const frame of Object.values(dashboard.trends)) {
      assert.deepEqual([frame.at.length, frame.stepMs, frame.complete], [60, 1000, true]);
      for (const column of Object.values(frame.columns)) assert.equal(column.length, 60);
    }
    assert.equal(dashboard.health.components.length, 3);
    assert.equal(dashboard.health.trend.at.length, 360);
    assert.deepEqual(
      dashboard.instances.map(({ instance, state }) => [instance, state]),
      [
        ['one', 'live'],
        ['two', 'live'],
      ],
    );
  });

  it('gives one instance or database of it', async () => {
    const one = await answerOf<Dashboard>('getDashboard', await world.get(`${api}/dashboard?minutes=1&instance=two`));
    assert.equal(one.traffic.requests, 300);
    assert.deepEqual(
      one.instances.map(({ instance }) => instance),
      ['two'],
    );
    const archive = await answerOf<Dashboard>('getDashboard', await world.get(`${api}/dashboard?database=archive`));
    assert.deepEqual(
      archive.slowestQueries.map(({ statement }) => statement),
      ['c3d4'],
    );
    assert.deepEqual(archive.database.pools, []);
    assert.equal(archive.database.callErrorRatio, 0.5);
  });

  it('gives every measure of every family, as a whole and by key', async () => {
    const keys = { route: 'GET /tasks', tenant: 'acme', statement: 'a1b2', pool: 'main', runtime: null };
    for (const [kind, key] of Object.entries(keys)) {
      const whole = await answerOf<MetricsAnswer>('getMetrics', await world.get(`${api}/metrics?kind=${kind}`));
      assert.deepEqual(Object.keys(whole.frame.columns), Object.keys(whole.units));
      assert.ok(Object.values(whole.frame.columns).every((column) => column.at(-1) !== null));
      assert.equal(whole.key, undefined);
      if (key === null) continue;
      const path = `${api}/metrics?kind=${kind}&${kind}=${encodeURIComponent(key)}`;
      const one = await answerOf<MetricsAnswer>('getMetrics', await world.get(path));
      assert.equal(one.key, key);
      assert.deepEqual(one.frame.at, whole.frame.at);
    }
  });

  it('answers ranges, steps and lists of measures, and says where it rounds', async () => {
    const now = world.clock.now();
    const from = new Date(now - 30 * 60_000).toISOString();
    const to = new Date(now).toISOString();
    const path = `${api}/metrics?kind=route&measure=p95Ms,requests&from=${from}&to=${to}&step=4000`;
    const { frame, notes, units } = await answerOf<MetricsAnswer>('getMetrics', await world.get(path));
    assert.deepEqual([frame.stepMs, frame.at.length, frame.complete], [10_000, 180, true]);
    assert.match(notes[0] ?? '', /rounded up from 4000 to 10000 ms/);
    assert.deepEqual(units, { p95Ms: 'ms', requests: 'requests' });
    const total = frame.columns['requests']?.reduce<number>((sum, value) => sum + (value ?? 0), 0);
    assert.equal(total, 1200);
    const beyond = `${api}/metrics?kind=route&from=${new Date(now - 3 * 3_600_000).toISOString()}`;
    const old = await answerOf<MetricsAnswer>('getMetrics', await world.get(beyond));
    assert.equal(old.frame.complete, false);
    assert.match(old.notes.join(), /last hour/);
  });

  it('lists routes by any column, in pages that show one range', async () => {
    const whole = await answerOf<RouteList>('listRoutes', await world.get(`${api}/routes`));
    assert.deepEqual(whole.page, { limit: 50, next: null, previous: null, count: { value: 3, exact: true } });
    assert.equal(whole.routes.length, 3);
    for (const sort of routeSorts) {
      const sorted = await answerOf<RouteList>('listRoutes', await world.get(`${api}/routes?sort=${sort}`));
      const values = sorted.routes.map((row) => row[sort] ?? 0);
      const worstFirst = values.toSorted((a, b) => (sort === 'apdex' ? a - b : b - a));
      assert.deepEqual(values, worstFirst, sort);
      const seen: string[] = [];
      let path: string | null = `${api}/routes?sort=${sort}&limit=1`;
      let back = '';
      while (path !== null) {
        const response = await world.get(path);
        const link = response.headers.get('link') ?? '';
        const list: RouteList = await answerOf<RouteList>('listRoutes', response);
        seen.push(...list.routes.map(({ route }) => route));
        assert.deepEqual([list.from, list.to], [sorted.from, sorted.to]);
        const next: string | undefined = /<([^>]+)>; rel="next"/.exec(link)?.[1];
        assert.equal(list.page.next === null, next === undefined);
        back = /<([^>]+)>; rel="prev"/.exec(link)?.[1] ?? back;
        // Time goes on and facts come in while somebody turns pages.
        world.clock.advance(10);
        path = next ?? null;
      }
      assert.deepEqual(
        seen,
        sorted.routes.map(({ route }) => route),
        sort,
      );
      const before = await answerOf<RouteList>('listRoutes', await world.get(back));
      assert.deepEqual(
        before.routes.map(({ route }) => route),
        seen.slice(1, 2),
      );
    }
    const one = await answerOf<RouteList>('listRoutes', await world.get(`${api}/routes?route=POST%20/tasks`));
    assert.deepEqual(
      one.routes.map(({ route }) => route),
      ['POST /tasks'],
    );
  });

  it('lists instances in pages, and judges health', async () => {
    const first = await answerOf<InstanceList>('listInstances', await world.get(`${api}/instances?limit=1`));
    assert.deepEqual(
      first.instances.map(({ instance }) => instance),
      ['one'],
    );
    const path = `${api}/instances?limit=1&cursor=${first.page.next}`;
    const second = await answerOf<InstanceList>('listInstances', await world.get(path));
    assert.deepEqual(
      second.instances.map(({ instance }) => instance),
      ['two'],
    );
    const previous = `${api}/instances?limit=1&cursor=${second.page.previous}`;
    const back = await answerOf<InstanceList>('listInstances', await world.get(previous));
    assert.deepEqual(back.instances, first.instances);
    await answerOf('getHealth', await world.get(`${api}/health`));
    await answerOf('getHealth', await world.get(`${api}/health?instance=one&database=main`));
  });

  it('says that it lives and is ready, to everyone', async () => {
    assert.deepEqual(await answerOf('getLiveness', await world.get('/livez', {})), { status: 'alive' });
    assert.deepEqual(await answerOf('getReadiness', await world.get('/readyz', {})), READY);
  });

  it('describes itself by the table that routes it', async () => {
    const response = await world.get('/api/v1/openapi.json', {});
    const document = (await response.json()) as ReturnType<typeof openApiDocument>;
    assert.equal(document.openapi, '3.1.1');
    assert.deepEqual(Object.keys(document.paths), [...new Set(Object.values(operations).map(({ path }) => path))]);
    const { version } = document.info;
    assert.deepEqual(document, JSON.parse(JSON.stringify(openApiDocument({ version }))));
    const page = await world.get('/api/v1/docs', {});
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    const html = await page.text();
    for (const { path } of Object.values(operations)) assert.ok(html.includes(`<code>${path}</code>`), path);
    assert.doesNotMatch(html, /<script|src=|https?:\/\//i);
  });

  it('answers HEAD as GET without the body, and hands a request id back', async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'x-request-id': 'mine-1' };
    const head = await world.plane.handler(new Request(`http://x${api}/health`, { method: 'HEAD', headers }));
    assert.deepEqual([head.status, head.headers.get('x-request-id')], [200, 'mine-1']);
    assert.ok(Number(head.headers.get('content-length')) > 100);
    assert.equal(await head.text(), '');
    const odd = await world.get(`${api}/health`, { ...headers, 'x-request-id': 'a b"<script>' });
    assert.match(odd.headers.get('x-request-id') ?? '', /^[\w-]{36}$/);
  });
});

describe('a service that does nothing', () => {
  it('is answered sensibly before its first agent, after it, and after its end', async () => {
    await using idle = await controlWorld();
    const paths: readonly [OperationId, string][] = [
      ['getDashboard', '/dashboard'],
      ['getMetrics', '/metrics?kind=route'],
      ['getMetrics', '/metrics?kind=runtime'],
      ['getHealth', '/health'],
      ['listRoutes', '/routes'],
      ['listInstances', '/instances'],
    ];
    const all = async (): Promise<void> => {
      for (const [id, path] of paths) await answerOf(id, await idle.get(api + path));
    };
    await all();
    const agent = idle.link('one');
    await all();
    await agent.windows([windowOf(idle.clock.now() - 1000, [])]);
    idle.clock.advance(1000);
    await all();
    const quiet = await answerOf<Dashboard>('getDashboard', await idle.get(`${api}/dashboard`));
    assert.deepEqual([quiet.traffic.requests, quiet.traffic.requestRate, quiet.traffic.p95Ms], [0, 0, null]);
    assert.equal(quiet.trends['traffic']?.columns['requestRate']?.at(-1), 0);
    assert.equal(quiet.trends['traffic']?.columns['requestRate']?.at(-3), null);
    agent.say({ kind: 'bye' });
    agent.close();
    idle.clock.advance(120_000);
    await all();
    idle.clock.advance(2 * 3_600_000);
    await all();
    assert.deepEqual(idle.trouble, []);
  });

  it('shows a stalled and a lost instance', async () => {
    await using ill = await controlWorld();
    const agent = ill.link('one');
    await agent.windows([busySecond(ill.clock.now() - 1000)]);
    ill.clock.advance(6000);
    const stalled = await answerOf<Dashboard>('getDashboard', await ill.get(`${api}/dashboard`));
    assert.deepEqual(
      stalled.instances.map(({ state, silentMs }) => [state, silentMs]),
      [['stalled', 6000]],
    );
    const runtime = stalled.health.components.find(({ name }) => name === 'runtime');
    assert.match(runtime?.deductions[0]?.reason ?? '', /one has been silent for 6000 ms/);
    agent.close();
    ill.clock.advance(1000);
    const lost = await answerOf<Dashboard>('getDashboard', await ill.get(`${api}/dashboard`));
    assert.equal(lost.health.components.find(({ name }) => name === 'runtime')?.score, 0);
    assert.equal(lost.health.status, 'unhealthy');
  });
});

describe('refusals', () => {
  const badQueries: readonly (readonly [path: string, status: number, code: string, says: RegExp])[] = [
    ['/dashboard?minuts=5', 400, 'AP_PARAMETER_UNKNOWN', /"minuts" \("minutes" was probably meant\)/],
    ['/dashboard?minutes=0', 400, 'AP_PARAMETER_INVALID', /minutes is "0"; at least 1/],
    ['/dashboard?minutes=61', 400, 'AP_PARAMETER_INVALID', /at most 60/],
    ['/dashboard?minutes=1.5', 400, 'AP_PARAMETER_INVALID', /no whole number/],
    ['/dashboard?minutes=five', 400, 'AP_PARAMETER_INVALID', /minutes is "five", which is no number/],
    ['/dashboard?minutes=1e1', 400, 'AP_PARAMETER_INVALID', /minutes/],
    ['/dashboard?minutes=', 400, 'AP_PARAMETER_INVALID', /minutes is empty/],
    ['/dashboard?minutes=1&minutes=2', 400, 'AP_PARAMETER_INVALID', /minutes is given twice/],
    ['/dashboard?service=orderz', 404, 'AP_SERVICE_UNKNOWN', /"orderz"/],
    ['/dashboard?instance=three', 404, 'AP_SERIES_UNKNOWN', /"three"/],
    [`/dashboard?service=${'x'.repeat(600)}`, 400, 'AP_PARAMETER_INVALID', /at most 512 characters/],
    ['/dashboard?__proto__=1&constructor=2', 400, 'AP_PARAMETER_UNKNOWN', /__proto__/],
    ['/metrics', 400, 'AP_PARAMETER_INVALID', /kind is missing/],
    ['/metrics?kind=routes', 400, 'AP_PARAMETER_INVALID', /"route" was probably meant/],
    ['/metrics?kind=route-statement', 400, 'AP_PARAMETER_INVALID', /kind/],
    ['/metrics?kind=route&measure=p95ms', 400, 'AP_PARAMETER_INVALID', /"p95Ms" was probably meant/],
    ['/metrics?kind=route&measure=p95Ms,,', 400, 'AP_PARAMETER_INVALID', /measure/],
    ['/metrics?kind=route&measure=rssBytes', 400, 'AP_PARAMETER_INVALID', /Not measured of kind route: rssBytes/],
    ['/metrics?kind=route&tenant=acme', 400, 'AP_PARAMETER_INVALID', /tenant names one series of kind tenant/],
    ['/metrics?kind=route&route=GET%20/task', 404, 'AP_SERIES_UNKNOWN', /"GET \/task"/],
    ['/metrics?kind=route&from=yesterday', 400, 'AP_PARAMETER_INVALID', /no time as in RFC 3339/],
    ['/metrics?kind=route&from=2023-02-30T00:00:00Z', 400, 'AP_PARAMETER_INVALID', /from/],
    ['/metrics?kind=route&from=-15m', 400, 'AP_PARAMETER_INVALID', /from/],
    ['/metrics?kind=route&from=2033-01-01T00:00:00Z', 400, 'AP_RANGE_INVALID', /in the future/],
    [
      '/metrics?kind=route&from=2023-11-14T22:13:00Z&to=2023-11-14T22:12:00Z',
      400,
      'AP_RANGE_INVALID',
      /nothing lies between/,
    ],
    ['/metrics?kind=route&step=1500', 400, 'AP_RANGE_INVALID', /not a multiple of 1,000/],
    ['/metrics?kind=route&step=10', 400, 'AP_PARAMETER_INVALID', /at least 1000/],
    ['/metrics?kind=route&from=2023-11-13T22:00:00Z&step=10000', 400, 'AP_RANGE_INVALID', /at most 5000/],
    ['/metrics?kind=route&from=0001-01-01T00:00:00Z&step=3600000', 400, 'AP_RANGE_INVALID', /at most 5000/],
    ['/health?minutes=5', 400, 'AP_PARAMETER_UNKNOWN', /"minutes"/],
    ['/routes?sort=speed', 400, 'AP_PARAMETER_INVALID', /sort is "speed"/],
    ['/routes?limit=201', 400, 'AP_PARAMETER_INVALID', /at most 200/],
    ['/routes?limit=0', 400, 'AP_PARAMETER_INVALID', /at least 1/],
    ['/routes?cursor=AAAA', 400, 'AP_PAGE_CURSOR_INVALID', /cursor/],
    ['/routes?from=2023-11-14T22:13:00Z&to=2023-11-14T22:13:00Z', 400, 'AP_RANGE_INVALID', /nothing lies between/],
    ['/instances?cursor=AAAA', 400, 'AP_PAGE_CURSOR_INVALID', /cursor/],
    ['/instances?pool=main', 400, 'AP_PARAMETER_UNKNOWN', /"pool"/],
  ];
  for (const [path, status, code, says] of badQueries) {
    it(`${path.slice(0, 80)}: ${code}`, async () => {
      const problem = await refusalOf(await world.get(api + path), status, code);
      assert.match(problem.detail + (problem.remedy ?? ''), says);
    });
  }

  it('says what was measured instead', async () => {
    const route = await refusalOf(
      await world.get(`${api}/metrics?kind=route&route=GET%20/taks`),
      404,
      'AP_SERIES_UNKNOWN',
    );
    assert.equal(route.remedy, '"GET /tasks" was probably meant.');
    const service = await refusalOf(await world.get(`${api}/routes?service=xyz`), 404, 'AP_SERVICE_UNKNOWN');
    assert.equal(service.remedy, 'Known services: orders.');
  });

  it('takes a cursor for its own list only, unchanged', async () => {
    const first = (await (await world.get(`${api}/routes?limit=1`)).json()) as RouteList;
    const cursor = first.page.next ?? '';
    for (const path of [`/routes?limit=1&sort=requests&cursor=${cursor}`, `/instances?cursor=${cursor}`]) {
      await refusalOf(await world.get(api + path), 400, 'AP_PAGE_CURSOR_INVALID');
    }
    const forged = `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`;
    await refusalOf(await world.get(`${api}/routes?limit=1&cursor=${forged}`), 400, 'AP_PAGE_CURSOR_INVALID');
  });

  it('opens to tokens and signed principals only', async () => {
    const path = `${api}/health`;
    const none = await world.get(path, {});
    assert.equal(none.headers.get('www-authenticate'), 'Bearer realm="autopilot"');
    await refusalOf(none, 401, 'AP_UNAUTHENTICATED');
    for (const authorization of [
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      'Bearer ',
      'Bearer',
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      const response = await world.get(path, { authorization });
      assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
      await refusalOf(response, 401, 'AP_UNAUTHENTICATED');
    }
    await answerOf('getHealth', await world.get(path, { authorization: `bearer  ${TOKEN} ` }));
    await answerOf('getHealth', await world.getAs({ id: 'ann', scopes: ['read'] }, path));
    const nobody = await refusalOf(await world.getAs({ id: 'ann', scopes: [] }, path), 403, 'AP_FORBIDDEN');
    assert.match(nobody.detail, /ann has no scope/);
  });

  it('takes a principal once, in time, and signed with its key', async () => {
    const path = `${api}/health`;
    const principal = { id: 'ann', scopes: ['read'] } as const;
    const sent = { 'x-autopilot-principal': signPrincipal(principal, LINK_KEY, world.clock.now()) };
    await answerOf('getHealth', await world.get(path, sent));
    const replayed = await refusalOf(await world.get(path, sent), 401, 'AP_UNAUTHENTICATED');
    assert.match(replayed.detail, /used before/);
    for (const [header, why] of [
      [signPrincipal(principal, LINK_KEY, world.clock.now() - 60_000), /expired/],
      [signPrincipal(principal, LINK_KEY, world.clock.now() + 60_000), /future/],
      [signPrincipal(principal, `${LINK_KEY}x`, world.clock.now()), /signature/],
      [signPrincipal(principal, LINK_KEY, world.clock.now()).replace(/^./, 'x'), /signature/],
      ['nonsense', /signature/],
    ] as const) {
      const problem = await refusalOf(
        await world.get(path, { 'x-autopilot-principal': header }),
        401,
        'AP_UNAUTHENTICATED',
      );
      assert.match(problem.detail, why);
    }
    // An application may use Authorization for itself and forward both.
    const both = {
      authorization: 'Bearer the-application-s-own-token-0123456789',
      'x-autopilot-principal': signPrincipal(principal, LINK_KEY, world.clock.now()),
    };
    await answerOf('getHealth', await world.get(path, both));
  });

  it('takes no other method, no body, no other media type, no endless address', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const send = (path: string, init: RequestInit): Promise<Response> =>
      world.plane.handler(new Request(`http://x${path}`, { headers, ...init }));
    for (const path of [`${api}/health`, '/livez', '/autopilot/', '/autopilot', '/']) {
      const asked = await send(path, { method: 'OPTIONS' });
      assert.deepEqual([asked.status, asked.headers.get('allow')], [204, 'GET, HEAD, OPTIONS'], path);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const response = await send(path, { method });
        assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS');
        await refusalOf(response, 405, 'AP_METHOD_NOT_ALLOWED');
      }
    }
    const withLength = (length: string): Promise<Response> =>
      send(`${api}/health`, { headers: { ...headers, 'content-length': length } });
    await refusalOf(await withLength('12'), 400, 'AP_BODY_INVALID');
    await refusalOf(await withLength('99999999'), 413, 'AP_BODY_TOO_LARGE');
    for (const accept of ['text/html', 'application/json;q=0', 'image/*']) {
      const response = await send(`${api}/health`, { headers: { ...headers, accept } });
      const problem = await refusalOf(response, 406, 'AP_NOT_ACCEPTABLE');
      assert.match(problem.remedy ?? '', /application\/json/);
    }
    for (const accept of ['*/*', 'application/*;q=0.1', 'text/html, application/json;q=0.5', 'nonsense']) {
      await answerOf('getHealth', await send(`${api}/health`, { headers: { ...headers, accept } }));
    }
    await refusalOf(await world.get(`${api}/routes?route=${'x'.repeat(9000)}`), 414, 'AP_ADDRESS_TOO_LONG');
  });

  it('says which address was probably meant', async () => {
    const { remedy } = await refusalOf(await world.get(`${api}/route`, {}), 404, 'AP_NOT_FOUND');
    assert.equal(remedy, '/api/v1/performance/routes was probably meant.');
    for (const path of ['/nothing', '/api', `${api}/`, `${api}/dashboard/x`, '//livez/', '/api/v1/%2e%2e/%2e%2e/etc']) {
      await refusalOf(await world.get(path, {}), 404, 'AP_NOT_FOUND');
    }
  });

  it('keeps what went wrong inside to itself', async () => {
    await using broken = await controlWorld({
      clock: {
        monotonicMs: () => 0,
        now: () => {
          throw new TypeError('secret detail');
        },
      },
    });
    const problem = await refusalOf(await broken.get(`${api}/dashboard`), 500, 'AP_INTERNAL');
    assert.doesNotMatch(JSON.stringify(problem), /secret/);
    assert.match(broken.trouble.join(), /secret detail/);
  });
});

describe('facts', () => {
  it('a route that was never called is told from one that is quiet now', async () => {
    await using quiet = await controlWorld();
    const agent = quiet.link('one');
    await agent.windows([windowOf(quiet.clock.now() - 1000, [routeOf('GET /once', [5])])]);
    quiet.clock.advance(20 * 60_000);
    await agent.windows([windowOf(quiet.clock.now() - 1000, [])]);
    const path = `${api}/metrics?kind=route&route=GET%20/once&measure=requests,p95Ms`;
    const { frame } = await answerOf<MetricsAnswer>('getMetrics', await quiet.get(path));
    assert.deepEqual([frame.columns['requests']?.at(-1), frame.columns['p95Ms']?.at(-1)], [0, null]);
  });
});
