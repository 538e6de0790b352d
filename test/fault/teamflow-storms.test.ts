/** A whole TeamFlow, through a door to its database: hostile input, the database away, and no secret anywhere afterwards. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createClient } from '@teamflow/autopilot/client';
import type pg from 'pg';
import type { TeamFlowProcess } from '../../tools/teamflow-process.ts';
import { outage, residentBytes } from '../support/database-outage.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, type TestScope, throwawayCluster } from '../support/postgres.ts';
import { type RawAnswer, rawRequest } from '../support/raw-http.ts';
import type { StoreDoor } from '../support/store-door.ts';
import { DATABASE_PASSWORD, teamflowBehindDoor, trySignIn } from '../support/teamflow-behind-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const ending = new AsyncDisposableStack();
const cleanUps: (() => unknown)[] = [];
const scope: TestScope = {
  after: (fn) => void cleanUps.push(fn),
  afterEach: () => {},
};
const WRONG_PASSWORD = 'a-wrong-guess-of-a-password-0815';
const WRONG_TOKEN = 'a-wrong-guess-of-a-token-0123456789abcdef';
const SECRET = 'what-teamflow-signs-with-0123456789abcdef';
const MiB = 1024 * 1024;

let teamflow: TeamFlowProcess;
let door: StoreDoor;
let pool: pg.Pool;
let cookie = '';

after(async () => {
  await ending.disposeAsync();
  // The database's own clean-up wants everybody gone; what it registers while it runs comes last.
  for (let next = 0; next < cleanUps.length; next++) await cleanUps[next]?.();
});

before(async () => {
  const database = await databaseFor(scope, { server: await throwawayCluster() });
  const world = ending.use(await teamflowBehindDoor(database, { TEAMFLOW_SECRET: SECRET }));
  ({ teamflow, door, pool, cookie } = world);
});

function request(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: ${new URL(teamflow.url).host}`,
    `cookie: ${cookie}`,
    `origin: ${teamflow.url}`,
  ];
  return `${[...head, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

function json(path: string, body: string | Uint8Array, more: readonly string[] = []): Uint8Array {
  const length = Buffer.byteLength(body);
  const head = request('POST', path, ['content-type: application/json', `content-length: ${length}`, ...more]);
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** So many bytes in chunks, after a head that promises them. */
async function* endless(head: string, bytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  const piece = Buffer.alloc(MiB, 'x');
  for (let sent = 0; sent < bytes; sent += MiB) {
    if (!/content-length/i.test(head)) yield Buffer.from(`${MiB.toString(16)}\r\n`);
    yield piece;
    if (!/content-length/i.test(head)) yield Buffer.from('\r\n');
  }
}

test('hostile input is answered or cut with the right status, in bounded memory, and is told apart by route', async () => {
  const client = createClient({ baseUrl: teamflow.controlPlaneUrl, token: () => teamflow.token });
  const { rows } = await pool.query<{ id: string }>(
    `WITH made AS (
       INSERT INTO teamflow.organizations (name, slug, created_at)
       SELECT 'tenant ' || n, 'tenant-' || n, now() FROM generate_series(1, 1000) n RETURNING id
     ), joined AS (
       INSERT INTO teamflow.members (organization_id, user_id, role, created_at)
       SELECT made.id, u.id, 'owner', now() FROM made, (SELECT id FROM teamflow.users LIMIT 1) u
     )
     SELECT id FROM made`,
  );
  const before_ = residentBytes(teamflow.child.pid ?? 0);
  // Slow senders, all the while: a head that never ends.
  const slow = Array.from({ length: 20 }, () =>
    rawRequest(teamflow.url, 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ', { limitMs: 60_000 }),
  );
  const pipelined = async (paths: readonly string[]): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (let at = 0; at < paths.length; at += 200) {
      const some = paths.slice(at, at + 200);
      const bytes = some.map((path) => request('GET', path)).join('');
      const answer = await rawRequest(teamflow.url, bytes, { enough: some.length, limitMs: 60_000 });
      statuses.push(...answer.statuses);
    }
    return statuses;
  };
  const unknown = await pipelined(Array.from({ length: 10_000 }, (_, n) => `/unknown-${n}/${n * 7919}?q=${n}`));
  assert.equal(unknown.length, 10_000);
  assert.deepEqual(new Set(unknown), new Set([404]));
  const tenants = await pipelined(rows.map(({ id }) => `/api/v1/organizations/${id}`));
  assert.deepEqual([tenants.length, new Set(tenants)], [1000, new Set([200])]);

  const one = async (bytes: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<RawAnswer> =>
    await rawRequest(teamflow.url, bytes);
  const here = `/api/v1/organizations/${rows[0]?.id}`;
  const large = 100 * MiB;
  const cases: Readonly<
    Record<string, readonly [statuses: readonly number[], bytes: string | Uint8Array | AsyncIterable<Uint8Array>]>
  > = {
    'no HTTP': [[400], 'this is no HTTP\r\n\r\n'],
    'TLS to a plain port': [[400], Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 255, 0, 13, 10, 13, 10])],
    'a head of 64 KiB': [[431], request('GET', '/', [`x-large: ${'x'.repeat(65_536)}`])],
    '5,000 headers': [
      [431],
      request(
        'GET',
        '/',
        Array.from({ length: 5000 }, (_, n) => `x-${n}: ${n}`),
      ),
    ],
    'an address of 64 KiB': [[431], request('GET', `/${'a'.repeat(65_536)}`)],
    'a NUL in a header': [[400], request('GET', '/', ['x-nul: a\u0000b'])],
    'a header without a name': [[400], request('GET', '/', [': value'])],
    'two lengths': [[400], request('POST', here, ['content-length: 1', 'content-length: 2'])],
    'a length and chunks (smuggling)': [
      [400],
      request('POST', here, ['content-length: 4', 'transfer-encoding: chunked']),
    ],
    'no host': [[400], 'GET / HTTP/1.1\r\n\r\n'],
    'an address that is no UTF-8': [[400, 404], request('GET', '/%ff%fe%c0%80')],
    'a NUL in an address': [[400, 404], request('GET', '/api/v1/organizations/%00')],
    'a way out of the root': [[400, 404], request('GET', '/../../../../etc/passwd')],
    'a method that is none': [[400], request('FROB', '/')],
    'malformed JSON': [[400], json(`${here}/teams`, '{"name": ')],
    'JSON that is no UTF-8': [[400], json(`${here}/teams`, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
    'JSON nested 100,000 deep': [[400], json(`${here}/teams`, '['.repeat(100_000))],
    'a prototype in JSON': [[400], json(`${here}/teams`, '{"name":"x","__proto__":{"isAdmin":true}}')],
    'a NUL in a text': [[400], json(`${here}/teams`, '{"name":"a\\u0000b"}')],
    'a body of 100 MB': [
      [413],
      endless(request('POST', `${here}/teams`, ['content-type: application/json', `content-length: ${large}`]), large),
    ],
    'chunks of 100 MB': [
      [413],
      endless(
        request('POST', `${here}/teams`, ['content-type: application/json', 'transfer-encoding: chunked']),
        large,
      ),
    ],
    'a body of 100 MB to sign in': [
      [413],
      endless(
        request('POST', '/api/auth/sign-in/email', ['content-type: application/json', 'transfer-encoding: chunked']),
        large,
      ),
    ],
    'a body of 100 MB to the autopilot': [
      [413, 400],
      endless(
        request('POST', '/api/v1/config/validate', [
          'content-type: application/json',
          'x-autopilot-request: 1',
          `content-length: ${large}`,
        ]),
        large,
      ),
    ],
  };
  const wrong: string[] = [];
  for (const [name, [expected, bytes]] of Object.entries(cases)) {
    const { statuses, closed, text } = await one(bytes);
    const [status] = statuses;
    // A connection that is cut without an answer is one way of refusing what does not end.
    const isCut = status === undefined && closed && expected.includes(413);
    if (!isCut && !expected.includes(status ?? 0)) wrong.push(`${name}: ${statuses.join(' ')} ${text.slice(-300)}`);
  }
  assert.deepEqual(wrong, []);
  const garbage = await rawRequest(
    teamflow.url,
    `${request('GET', '/livez')}${request('GET', '/livez')}\u0001\u0002\r\nGARBAGE`,
    { enough: 3 },
  );
  // What was asked before the garbage may be cut off with it.
  assert.match(garbage.statuses.join(' '), /^(200 )*400$/);
  assert.ok(garbage.closed);
  for (const answer of await Promise.all(slow)) assert.deepEqual([answer.statuses, answer.closed], [[408], true]);

  assert.equal((await fetch(`${teamflow.url}/livez`)).status, 200);
  assert.equal(teamflow.child.exitCode, null);
  const grownBytes = residentBytes(teamflow.child.pid ?? 0) - before_;
  assert.ok(grownBytes < 300 * MiB, `${(grownBytes / MiB).toFixed(0)} MiB more`);
  const range = { from: new Date(Date.now() - 300_000).toISOString() };
  const list = await until(
    20_000,
    () => client.listRoutes({ ...range, sort: 'requests', limit: 200 }),
    ({ routes }) =>
      routes.some(({ route, requests }) => route.endsWith('organizations/:organizationId') && requests >= 1000),
  );
  assert.ok(list.routes.length < 100, `${list.routes.length} routes`);
  assert.ok(!list.routes.some(({ route }) => route.includes('unknown-')), 'addresses without a route are one');
  const seen = await client.listTenants({ ...range, limit: 200 });
  assert.ok(seen.tenants.length === 200 && seen.page.next !== null);
  assert.doesNotMatch(teamflow.output(), /stops after an error|UnhandledPromise|at .*\.ts:\d+/);
});

test('without its database it says so, lives, shows it, and heals; history has no gap', async (t) => {
  const report = await outage({ teamflow, door, pool, cookie }, 4);
  t.diagnostic(JSON.stringify(report));
});

test('no secret is printed or told, whatever went wrong', async () => {
  const client = createClient({ baseUrl: teamflow.controlPlaneUrl, token: () => teamflow.token });
  const { token: made, secret } = await client.createAccessToken({ name: 'of the test', scope: 'read' });
  assert.equal((await trySignIn(teamflow, WRONG_PASSWORD)).status, 401);
  for (const base of [teamflow.url, teamflow.controlPlaneUrl]) {
    for (const headers of [
      { authorization: `Bearer ${WRONG_TOKEN}` },
      { 'x-api-key': WRONG_TOKEN, cookie: `teamflow.session_token=${WRONG_TOKEN}` },
    ]) {
      for (const path of ['/metrics', '/api/v1/config', '/api/v1/me', '/api/v1/access/tokens'])
        await fetch(base + path, { headers });
    }
    await fetch(`${base}/metrics`, { headers: { authorization: `Bearer ${secret}` } });
  }
  await client.revokeAccessToken(made.id);
  const secrets: Readonly<Record<string, string>> = {
    'database password': DATABASE_PASSWORD,
    'administrator token': teamflow.token,
    'administrator password': teamflow.administrator.password,
    'secret of TeamFlow': SECRET,
    'session cookie': decodeURIComponent(/session_token=([^;]+)/.exec(cookie)?.[1] ?? 'no session').split('.')[0] ?? '',
    'wrong password': WRONG_PASSWORD,
    'wrong token': WRONG_TOKEN,
    'made token': secret,
    'link key': linkKey(),
  };
  const texts: Record<string, string> = { 'what was printed': teamflow.output() };
  const headers = { authorization: `Bearer ${teamflow.token}` };
  for (const path of [
    ...['dashboard', 'metrics?kind=statement', 'health', 'routes', 'instances', 'tenants', 'resources'].map(
      (name) => `/api/v1/performance/${name}`,
    ),
    '/api/v1/config',
    '/api/v1/config/export',
    '/api/v1/config/instances',
    '/api/v1/config/versions',
    '/api/v1/access/tokens',
    '/api/v1/access/audit',
    '/api/v1/openapi.json',
    '/metrics',
    '/livez',
    '/readyz',
  ]) {
    const answer = await fetch(teamflow.controlPlaneUrl + path, { headers });
    texts[path] = await answer.text();
    assert.ok(answer.ok, `${path} ${answer.status}`);
  }
  texts['/metrics of TeamFlow'] = await (await fetch(`${teamflow.url}/metrics`, { headers })).text();
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relnamespace = 'autopilot'::regnamespace AND relkind = 'r'`,
  );
  for (const { name } of tables) {
    // The control planes' own keys are kept there, for them alone.
    if (name === 'autopilot.link_keys') continue;
    const { rows } = await pool.query<{ text: string | null }>(
      `SELECT string_agg(to_jsonb(t)::text, ' ') AS text FROM ${name} t`,
    );
    texts[`table ${name}`] = rows[0]?.text ?? '';
  }
  assert.ok(tables.length > 10 && (texts['table autopilot.audit_log'] ?? '').includes('createAccessToken'));
  const told = Object.entries(secrets).flatMap(([what, one]) => {
    assert.ok(one.length > 15, `${what} is known`);
    return Object.entries(texts)
      .filter(([, text]) => text.includes(one))
      .map(([where]) => `the ${what} in ${where}`);
  });
  assert.deepEqual(told, []);
});

/** What TeamFlow made for its control plane: only a process of the same account can see it. */
function linkKey(): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      if (Number(parent) !== teamflow.child.pid) continue;
      const found = /AUTOPILOT_LINK_KEY=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];
      if (found !== undefined) return found;
    } catch {
      // It has ended meanwhile.
    }
  }
  return '';
}
