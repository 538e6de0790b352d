import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { FastifyRequest, LightMyRequestResponse } from 'fastify';
import { Accounts } from '../../apps/teamflow/server/accounts/accounts.ts';
import { buildApp } from '../../apps/teamflow/server/app.ts';
import { createDatabase, createPool } from '../../apps/teamflow/server/database/database.ts';
import { autopilotUser } from '../../apps/teamflow/server/http/identity.ts';
import { administratorFile, ensureAdministrator } from '../../apps/teamflow/server/start/administrator.ts';
import { SignInFiles } from '../../apps/teamflow/server/start/sign-in-file.ts';
import { leakCheck } from '../support/leak-check.ts';
import { openWorld, organizations, suiteScope, testSecret, type World } from '../support/teamflow-world.ts';

leakCheck(after);

const host = 'team.example:3000';
const sameSite = { host, origin: `http://${host}` };

async function signIn(
  world: World,
  email: string,
  password: string,
  headers: Readonly<Record<string, string>> = sameSite,
): Promise<{ status: number; cookie: string }> {
  const response = await world.app.inject({
    method: 'POST',
    url: '/api/auth/sign-in/email',
    headers,
    payload: { email, password },
  });
  const cookie = response.cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ');
  return { status: response.statusCode, cookie };
}

describe('signing in to TeamFlow', async () => {
  const world = await openWorld(suiteScope);
  const tenant = await world.makeTenant('accounts');
  const url = `${organizations}/${tenant.organizationId}/tasks/${tenant.taskId}`;

  test('a session opens the API, until it is signed out', async () => {
    const { status, cookie } = await signIn(world, tenant.member.email, tenant.member.password);
    assert.equal(status, 200);
    const me = await world.app.inject({ url: '/api/v1/me', headers: { cookie } });
    assert.deepEqual(me.json(), {
      id: tenant.member.id,
      name: 'accounts member',
      email: tenant.member.email,
      role: 'user',
      by: 'session',
    });
    assert.equal((await world.app.inject({ url, headers: { cookie } })).statusCode, 200);
    const out = await world.app.inject({
      method: 'POST',
      url: '/api/auth/sign-out',
      headers: { ...sameSite, cookie },
      payload: {},
    });
    assert.equal(out.statusCode, 200);
    const token = cookie.split('; ').find((part) => part.startsWith('teamflow.session_token='));
    assert.equal((await world.app.inject({ url, headers: { cookie: token ?? '' } })).statusCode, 401);
  });

  test('cookies are closed to scripts and other sites; a forged one opens nothing', async () => {
    const response = await world.app.inject({
      method: 'POST',
      url: '/api/auth/sign-in/email',
      headers: sameSite,
      payload: { email: tenant.member.email, password: tenant.member.password },
    });
    for (const cookie of response.cookies) {
      assert.equal(cookie.httpOnly, true);
      assert.equal(cookie.sameSite, 'Lax');
    }
    const { cookie } = await signIn(world, tenant.member.email, tenant.member.password);
    const forged = cookie
      .replace(/session_token=[^.]+/, 'session_token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
      .replace(/; teamflow.session_data.*/, '');
    assert.equal((await world.app.inject({ url, headers: { cookie: forged } })).statusCode, 401);
  });

  test('a wrong password, an unknown address and a closed sign-up', async () => {
    assert.equal((await signIn(world, tenant.member.email, 'not the password')).status, 401);
    assert.equal((await signIn(world, 'nobody@teamflow.example', 'not the password')).status, 401);
    const signUp = await world.app.inject({
      method: 'POST',
      url: '/api/auth/sign-up/email',
      headers: sameSite,
      payload: { email: 'new@teamflow.example', password: 'password of mine', name: 'New' },
    });
    assert.equal(signUp.statusCode, 400);
  });

  test('refusals of /api/auth are problem documents that its own client reads, and fill no log', async (t) => {
    const printed = t.mock.method(console, 'error', () => {});
    const logged: string[] = [];
    const accounts = new Accounts({
      pool: world.pool,
      secret: testSecret,
      publicUrl: 'http://127.0.0.1:3000',
      throttled: false,
      log: (level, message) => logged.push(`${level} ${message}`),
    });
    const app = await buildApp({ pool: world.pool, accounts, secret: testSecret, version: '0.0.0' });
    t.after(() => app.close());
    const post = (url: string, payload: string, type = 'application/json'): Promise<LightMyRequestResponse> =>
      app.inject({ method: 'POST', url, headers: { ...sameSite, 'content-type': type }, payload });
    const path = '/api/auth/sign-in/email';
    const cases: readonly [number, LightMyRequestResponse][] = [
      [400, await post(path, '{')],
      [400, await post(path, '[]')],
      [400, await post(path, '{"email":5}')],
      [400, await post(path, 'null')],
      [415, await post(path, 'a=b', 'text/plain')],
      [401, await post(path, JSON.stringify({ email: 'nobody@teamflow.example', password: 'not the password' }))],
      [404, await post('/api/auth/nothing', '{}')],
    ];
    for (const [status, response] of cases) {
      assert.equal(response.statusCode, status, response.body);
      assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
      const problem = response.json();
      assert.equal(problem.type, `urn:teamflow:problem:${problem.code.toLowerCase()}`);
      assert.equal(problem.status, status);
      assert.ok(problem.message !== '' && problem.message === problem.detail);
    }
    assert.equal(cases[5]?.[1].json().code, 'INVALID_EMAIL_OR_PASSWORD');
    assert.deepEqual(logged, []);
    assert.equal(printed.mock.callCount(), 0);
  });

  test('an address that can not be read is refused as a problem too', async () => {
    const response = await world.app.inject({ url: '/autopilot/%zz' });
    assert.equal(response.statusCode, 400);
    assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    assert.equal(response.json().type, 'urn:teamflow:problem:tf_address_invalid');
  });

  test('OPTIONS is told what an address takes, another method is refused with the same; where nothing is, nothing is told', async () => {
    const ask = async (method: 'OPTIONS' | 'PUT', url: string): Promise<readonly unknown[]> => {
      const { statusCode, headers, body } = await world.app.inject({ method, url });
      return [statusCode, headers['allow'], body === '' ? null : JSON.parse(body).code];
    };
    for (const [url, allow] of [
      ['/livez', 'GET, HEAD, OPTIONS'],
      ['/api/v1/organizations?limit=1', 'GET, HEAD, OPTIONS'],
      ['/api/v1/organizations/not-an-id/tasks', 'GET, HEAD, POST, OPTIONS'],
      ['/api/auth/sign-in/email', 'GET, HEAD, POST, OPTIONS'],
    ] as const) {
      assert.deepEqual(await ask('OPTIONS', url), [204, allow, null], url);
      assert.deepEqual(await ask('PUT', url), [405, allow, 'TF_METHOD'], url);
    }
    for (const url of ['/nothing', '/api/v1/organizations/a/tasks/b/c/d']) {
      for (const method of ['OPTIONS', 'PUT'] as const)
        assert.deepEqual(await ask(method, url), [404, undefined, 'TF_NOT_FOUND'], url);
    }
  });

  test('the autopilot is told who is signed in: administrators may do everything, others nothing', async () => {
    const { cookie } = await signIn(world, tenant.member.email, tenant.member.password);
    const asked = (headers: Record<string, string>): ReturnType<typeof autopilotUser> =>
      // As much of a request as is looked at.
      autopilotUser(world.accounts, { method: 'GET', headers } as unknown as FastifyRequest);
    assert.deepEqual(await asked({ cookie }), { id: tenant.member.id, name: 'accounts member', scopes: [] });
    assert.equal(await asked({}), null);
    const admin = await world.accounts.createUser({
      email: 'runs-it@teamflow.example',
      name: 'Admin',
      password: 'password of mine',
      role: 'admin',
    });
    const signedIn = await signIn(world, admin.email, 'password of mine');
    assert.deepEqual(await asked({ cookie: signedIn.cookie }), {
      id: admin.id,
      name: 'Admin',
      scopes: ['read', 'operate', 'admin'],
    });
  });

  test('state-changing calls by session must come from a page of this site; by API key they need not', async () => {
    const { cookie } = await signIn(world, tenant.member.email, tenant.member.password);
    const patch = async (headers: Readonly<Record<string, string>>): Promise<number> => {
      const response = await world.app.inject({
        method: 'PATCH',
        url,
        headers: { host, ...headers },
        payload: { title: 'x' },
      });
      if (response.statusCode === 403) assert.equal(response.json().code, 'TF_CROSS_SITE');
      return response.statusCode;
    };
    assert.equal(await patch({ cookie, 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await patch({ cookie, origin: `http://${host}` }), 200);
    assert.equal(await patch({ cookie }), 403);
    assert.equal(await patch({ cookie, origin: 'http://evil.example' }), 403);
    assert.equal(await patch({ cookie, origin: 'null' }), 403);
    assert.equal(await patch({ cookie, 'sec-fetch-site': 'same-site', origin: `http://${host}` }), 403);
    assert.equal(await patch({ cookie, 'sec-fetch-site': 'cross-site', origin: `http://${host}` }), 403);
    assert.equal(await patch({ cookie, 'sec-fetch-site': 'none' }), 403);
    assert.equal(await patch({ 'x-api-key': tenant.member.key, 'sec-fetch-site': 'cross-site' }), 200);
    assert.equal(await patch({ authorization: `Bearer ${tenant.member.key}` }), 200);
    // better-auth defends its own calls the same way.
    const create = (headers: Readonly<Record<string, string>>): Promise<number> =>
      world.app
        .inject({
          method: 'POST',
          url: '/api/auth/api-key/create',
          headers: { host, cookie, ...headers },
          payload: { name: 'k' },
        })
        .then((response) => response.statusCode);
    assert.equal(await create({ origin: 'http://evil.example' }), 403);
    assert.equal(await create({}), 403);
    assert.equal(await create({ origin: `http://${host}` }), 200);
  });

  test('API keys: unknown, disabled, expired, of a banned user; used often, written seldom', async () => {
    const status = async (key: string): Promise<number> =>
      (await world.app.inject({ url: '/api/v1/me', headers: { 'x-api-key': key } })).statusCode;
    const { key, id } = await world.makePerson('key holder');
    assert.equal(await status('tf_unknown'), 401);
    assert.equal(await status(''), 401);
    assert.equal(await status(key), 200);
    const used = async (): Promise<unknown> =>
      (await world.pool.query('select last_request, xmin from teamflow.api_keys where reference_id = $1', [id])).rows;
    const before = await used();
    for (let i = 0; i < 5; i++) assert.equal(await status(key), 200);
    assert.deepEqual(await used(), before);
    const set = (text: string): Promise<unknown> =>
      world.pool.query(`update teamflow.api_keys set ${text} where reference_id = $1`, [id]);
    await set('enabled = false');
    assert.equal(await status(key), 401);
    await set(`enabled = true, expires_at = now() - interval '1 second'`);
    assert.equal(await status(key), 401);
    await set(`expires_at = now() + interval '1 day'`);
    assert.equal(await status(key), 200);
    await world.pool.query('update teamflow.users set banned = true where id = $1', [id]);
    assert.equal(await status(key), 401);
    await world.pool.query(`update teamflow.users set ban_expires = now() - interval '1 day' where id = $1`, [id]);
    assert.equal(await status(key), 200);
  });

  test('an API key of TeamFlow is no session: it opens nothing of /api/auth', async () => {
    const response = await world.app.inject({
      url: '/api/auth/get-session',
      headers: { 'x-api-key': tenant.owner.key },
    });
    assert.equal(response.body, 'null');
  });

  test('every route of the API says what it is and answers, in /api/v1/openapi.json', async () => {
    const document = (await world.app.inject({ url: '/api/v1/openapi.json' })).json();
    assert.equal(document.openapi, '3.1.0');
    const ours = world.routes.filter(
      (route) =>
        route.url.startsWith('/api/v1/') &&
        route.method !== 'HEAD' &&
        route.schema?.hide !== true &&
        !route.url.startsWith('/api/v1/docs'),
    );
    assert.ok(ours.length > 30);
    for (const route of ours) {
      const path = route.url.replace(/:(\w+)/g, '{$1}');
      const operation = document.paths[path]?.[String(route.method).toLowerCase()];
      const name = `${String(route.method)} ${route.url}`;
      assert.ok(operation, `${name} is missing`);
      assert.ok(operation.summary, `${name} has no summary`);
      assert.ok(operation.responses['4XX']?.content, `${name} does not say how it fails`);
      assert.ok(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        `${name} has no answer`,
      );
    }
    const docs = await world.app.inject({ url: '/api/v1/docs/' });
    assert.equal(docs.statusCode, 200);
    assert.doesNotMatch(docs.body, /<script>(?!\s*<)/);
    assert.ok(docs.headers['content-security-policy']);
  });

  test('a parameter that a route does not know is refused by its name, also where it knows none', async () => {
    const organization = `/api/v1/organizations/${tenant.organizationId}`;
    for (const path of [
      '/api/v1/me',
      organization,
      `${organization}/tasks/${tenant.taskId}`,
      `${organization}/tasks`,
    ]) {
      const known = await world.call(tenant.owner, 'GET', path);
      assert.equal(known.status, 200, path);
      const { status, text } = await world.call(tenant.owner, 'GET', `${path}?nonsense=1`);
      assert.equal(status, 400, path);
      assert.match(text, /nonsense/);
    }
  });

  test('/readyz says why not; /livez answers all the same', async () => {
    const reasons = ['sample data is being loaded'];
    const waiting = await openWorld(suiteScope, { app: { unreadyReasons: () => reasons } });
    const answer = await waiting.app.inject({ url: '/readyz' });
    assert.equal(answer.statusCode, 503);
    assert.deepEqual(answer.json(), { status: 'not ready', reasons });
    reasons.pop();
    assert.equal((await waiting.app.inject({ url: '/readyz' })).statusCode, 200);

    // Port 1: nothing listens there.
    const pool = createPool({ host: '127.0.0.1', port: 1 });
    const stranded = await buildApp({ pool, accounts: world.accounts, secret: testSecret, version: '0.0.0' });
    const down = await stranded.inject({ url: '/readyz' });
    assert.equal(down.statusCode, 503);
    assert.match(down.json().reasons[0], /The database does not answer: connect ECONNREFUSED/);
    assert.equal((await stranded.inject({ url: '/livez' })).statusCode, 200);
    const away = await stranded.inject({ url, headers: { 'x-api-key': tenant.member.key } });
    assert.equal(away.statusCode, 503);
    assert.equal(away.json().code, 'TF_UNAVAILABLE');
    await stranded.close();
    await pool.end();
  });
});

test('the server ends all connections while requests run: some fail with 503, the next ones work', async (t) => {
  const world = await openWorld(t);
  const tenant = await world.makeTenant('cut');
  const base = `${organizations}/${tenant.organizationId}`;
  const statuses = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const calls = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? world.call(tenant.owner, 'POST', `${base}/tasks`, { projectId: tenant.projectId, title: `task ${i}` })
        : world.call(tenant.owner, 'GET', `${base}/summary`),
    );
    const cut = world.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    for (const answer of await Promise.all(calls)) statuses.add(answer.status);
    await cut.catch(() => {});
  }
  for (const status of statuses) assert.ok([200, 201, 503].includes(status), String([...statuses]));
  assert.equal((await world.call(tenant.owner, 'GET', `${base}/summary`)).status, 200);
});

test('sign-in is throttled by the address that is connected, whatever its headers claim', async (t) => {
  const world = await openWorld(t, { throttled: true });
  const { email, password } = await world.makePerson('guessed');
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) {
    const headers = { ...sameSite, 'x-forwarded-for': `10.0.0.${i}`, 'x-teamflow-client-address': `10.0.1.${i}` };
    statuses.push((await signIn(world, email, 'not the password', headers)).status);
  }
  assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
  assert.equal((await signIn(world, email, password)).status, 429);
});

test('the first administrator: made once, password kept; changed when one is given', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'teamflow-test-'));
  t.after(() => rm(directory, { recursive: true }));
  const world = await openWorld(t);
  const { pool, accounts } = world;
  const database = createDatabase(pool);
  const files = new SignInFiles(directory, 'here');
  const ensure = (email: string, emailGiven: boolean, password?: string): ReturnType<typeof ensureAdministrator> =>
    ensureAdministrator({
      pool,
      database,
      accounts,
      files,
      wanted: { email, emailGiven, password },
      sampleOrganizationId: undefined,
    });
  const email = 'admin@teamflow.local';

  // Two processes start at once: one makes it, the other finds it.
  const [one, two] = await Promise.all([ensure(email, false), ensure(email, false)]);
  const made = one.password === undefined ? two : one;
  assert.ok(made.password);
  assert.equal([one, two].filter((found) => found.password !== undefined).length, 1);
  assert.equal(made.file, join(directory, administratorFile));
  assert.equal((await stat(made.file)).mode & 0o777, 0o600);
  assert.equal((await files.read(administratorFile, email))?.password, made.password);
  assert.equal(await new SignInFiles(directory, 'elsewhere').read(administratorFile, email), undefined);
  const { status, cookie } = await signIn(world, email, made.password);
  assert.equal(status, 200);
  assert.equal((await world.app.inject({ url: '/api/v1/me', headers: { cookie } })).json().role, 'admin');

  const later = await ensure(email, false);
  assert.deepEqual(later, { email, password: undefined, file: made.file, passwordChanged: false });

  // A password given at a later start becomes the account's, ends its sessions and makes the file wrong.
  const changed = await ensure(email, false, 'given from outside');
  assert.equal(changed.passwordChanged, true);
  assert.equal(changed.file, undefined);
  assert.equal((await signIn(world, email, made.password)).status, 401);
  assert.equal((await signIn(world, email, 'given from outside')).status, 200);
  const token = cookie.split('; ').find((part) => part.startsWith('teamflow.session_token=')) ?? '';
  assert.equal((await world.app.inject({ url: '/api/v1/me', headers: { cookie: token } })).statusCode, 401);
  assert.equal((await ensure(email, false, 'given from outside')).passwordChanged, false);

  // Who is named becomes one; the default address makes no second one.
  const person = await world.makePerson('promoted');
  await ensure(person.email, true);
  const { rows } = await pool.query('select role from teamflow.users where id = $1', [person.id]);
  assert.deepEqual(rows, [{ role: 'admin' }]);
  await pool.query(`update teamflow.users set email = 'renamed@teamflow.local' where email = $1`, [email]);
  assert.notEqual((await ensure(email, false)).email, email);
});
