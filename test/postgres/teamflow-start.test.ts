import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { checkDatabase } from '../../apps/teamflow/server/start/database-server.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, type TestScope } from '../support/postgres.ts';

leakCheck(after);

const server = fileURLToPath(new URL('../../apps/teamflow/server/server.ts', import.meta.url));
/** How soon it is ready is measured by bench/startup; here other tests run beside it. */
const readyWithinMs = 200_000;

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  output(): string;
}

type Variables = Readonly<Record<string, string>>;

function launch(scope: TestScope, variables: Variables): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['-C', 'source', server], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    child.emit('said');
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  scope.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
  return { child, output: () => text };
}

/** Resolves when the process has printed this; rejects when it ends before. */
async function said(launched: { child: ChildProcess; output: () => string }, what: RegExp): Promise<void> {
  const { child, output } = launched;
  const ended = once(child, 'close').then(() => {
    if (!what.test(output())) throw new Error(`It ended without saying ${what}:\n${output()}`);
  });
  ended.catch(() => {});
  const limit = Date.now() + readyWithinMs;
  while (!what.test(output())) {
    assert.ok(Date.now() < limit, `It has not said ${what}:\n${output()}`);
    await Promise.race([once(child, 'said'), ended]);
  }
}

async function start(scope: TestScope, variables: Variables): Promise<Started> {
  const launched = launch(scope, variables);
  await said(launched, /Sample member|Administrator {2}.*\n\n/);
  const url = /TeamFlow +(http:\/\/127\.0\.0\.1:\d+)/.exec(launched.output())?.[1] ?? '';
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { status: 'ready', reasons: [] });
  return { child: launched.child, url, output: launched.output };
}

async function stop({ child }: Started, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const began = performance.now();
  child.kill(signal);
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.ok(performance.now() - began < 5_000);
}

async function state(scope: TestScope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'teamflow-test-'));
  scope.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function signIn(url: string, email: string, password: string): Promise<string> {
  const response = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(response.status, 200, await response.text());
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}

test('the first start makes everything and says how to sign in; the second finds it', async (t) => {
  const [directory, { url: database }] = [await state(t), await databaseFor(t)];
  const variables = { DATABASE_URL: database, TEAMFLOW_STATE: directory };
  const first = await start(t, variables);
  const [, email = '', password = ''] = /Administrator {2}(\S+), password (\S+) \(kept in/.exec(first.output()) ?? [];
  const cookie = await signIn(first.url, email, password);
  // Answers of several shapes.
  const get = async (path: string): Promise<any> =>
    (await fetch(`${first.url}${path}`, { headers: { cookie } })).json();
  assert.equal((await get('/api/v1/me')).role, 'admin');
  const [organization] = (await get('/api/v1/organizations')).items;
  assert.equal(organization.role, 'owner');
  const tasks = await get(`/api/v1/organizations/${organization.id}/tasks?limit=5`);
  assert.equal(tasks.items.length, 5);
  const [, member = '', memberPassword = ''] =
    /Sample member {2}(\S+), password (\S+) \(kept in/.exec(first.output()) ?? [];
  await signIn(first.url, member, memberPassword);

  const page = await fetch(`${first.url}/`);
  const policy = page.headers.get('content-security-policy') ?? '';
  const html = await page.text();
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|nonce/);
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=/);
  assert.match(html, /<meta name="sign-up" content="open"/);
  for (const path of ['/favicon.svg', '/color-scheme.js', '/o/any/tasks', '/admin/users']) {
    assert.equal((await fetch(`${first.url}${path}`)).status, 200, path);
  }
  for (const [, path = ''] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
    const asset = await fetch(`${first.url}${path}`);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get('cache-control') ?? '', /immutable/);
  }
  await stop(first);
  assert.deepEqual((await readdir(directory)).toSorted(), ['initial-administrator', 'sample-member']);

  const second = await start(t, variables);
  assert.doesNotMatch(second.output(), /Making sample data|Built the pages/);
  assert.ok(!second.output().includes(password));
  assert.match(second.output(), /Administrator {2}admin@teamflow\.local, password in \S+initial-administrator\n/);
  assert.equal((await fetch(`${second.url}/api/v1/me`, { headers: { cookie } })).status, 200);
  await stop(second, 'SIGINT');
  assert.match(await readFile(join(directory, 'initial-administrator'), 'utf8'), new RegExp(`password: ${password}\n`));
});

test('two processes that start at once on an empty database share it', async (t) => {
  const [directory, { url: database }] = [await state(t), await databaseFor(t)];
  const variables = { DATABASE_URL: database, TEAMFLOW_STATE: directory };
  const both = await Promise.all([start(t, variables), start(t, variables)]);
  assert.equal(both.filter((one) => one.output().includes('Making sample data')).length, 1);
  const made = both.map((one) => /Administrator {2}(\S+), password (\S+) \(kept in/.exec(one.output())).filter(Boolean);
  assert.equal(made.length, 1);
  const [one, other] = both;
  assert.ok(one && other);
  // One secret: a session of one is a session of the other.
  const cookie = await signIn(one.url, made[0]?.[1] ?? '', made[0]?.[2] ?? '');
  assert.equal((await fetch(`${other.url}/api/v1/me`, { headers: { cookie } })).status, 200);
  await Promise.all(both.map((each) => stop(each)));
});

test('kill -9 while sample data is made: the next start makes it whole', async (t) => {
  const [directory, { url: database }] = [await state(t), await databaseFor(t)];
  const variables = { DATABASE_URL: database, TEAMFLOW_STATE: directory };
  const killed = launch(t, variables);
  await said(killed, /tasks after/);
  killed.child.kill('SIGKILL');
  await once(killed.child, 'close');
  const next = await start(t, variables);
  assert.match(next.output(), /Making sample data/);
  await stop(next);
});

test('what is wrong with the environment is said, and nothing is started', async (t) => {
  const { child, output } = launch(t, { TEAMFLOW_DATA: 'huge', PORT: 'x', TEAMFLOW_STATE: await state(t) });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(output(), /PORT is "x"/);
  assert.match(output(), /TEAMFLOW_DATA is "huge"; it must be one of none, small, medium, large/);
});

test('a database that does not answer is named, without its password', async (t) => {
  const { child, output } = launch(t, {
    DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/teamflow',
    TEAMFLOW_STATE: await state(t),
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(
    output(),
    /DATABASE_URL at 127\.0\.0\.1:1\/teamflow, but nothing answers there.*ECONNREFUSED 127\.0\.0\.1:1/,
  );
  assert.match(output(), /Start that server, or correct the address in DATABASE_URL, or leave it out/);
  assert.doesNotMatch(output(), /hunter2|\n {2,}at /);
});

test('a database that is not there, or a user who may not, is said with the variable to change', async (t) => {
  const [directory, { url }] = [await state(t), await databaseFor(t)];
  const nowhere = new URL(url);
  nowhere.pathname = '/not_there';
  const nobody = new URL(url);
  nobody.username = 'not_a_user';
  nobody.password = 'hunter2';
  for (const [address, expected] of [
    [nowhere, /DATABASE_URL at .*, but it has no such database \(database "not_there" does not exist\)\. Make it/],
    [
      nobody,
      /DATABASE_URL at .*, but it does not let this user in .* Correct the user and the password in DATABASE_URL/,
    ],
  ] as const) {
    const { child, output } = launch(t, { DATABASE_URL: String(address), TEAMFLOW_STATE: directory });
    assert.equal((await once(child, 'close'))[0], 1);
    assert.match(output(), expected);
    assert.doesNotMatch(output(), /hunter2|\n {2,}at /);
  }
});

test('a server that is too old is named with its version', async () => {
  // As much of a pool as is asked; such servers are not to be had here.
  const pool = { query: () => Promise.resolve({ rows: [{ version: '120017' }] }) } as unknown as Pool;
  const server = { connectionString: '', description: 'that of DATABASE_URL at old:5432/x', embedded: null };
  await assert.rejects(
    checkDatabase(pool, server),
    /The database is that of DATABASE_URL at old:5432\/x, which is PostgreSQL 12; TeamFlow needs 13 or newer/,
  );
});

test('a port that is taken and a host that is not ours are said at once, with their variable', async (t) => {
  const directory = await state(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo; // listening on TCP
  for (const [variables, expected] of [
    [{ PORT: String(port) }, new RegExp(`PORT is ${port}, which another program uses on 127\\.0\\.0\\.1\\. Set PORT`)],
    [{ HOST: '192.0.2.1' }, /HOST is "192\.0\.2\.1", which is no address of this machine/],
    [{ HOST: 'name.invalid' }, /HOST is "name\.invalid", a name that can not be resolved/],
    [{ HOST: '999.1.1.1' }, /HOST is "999\.1\.1\.1"; it must be an IP address/],
  ] as const) {
    const { child, output } = launch(t, { TEAMFLOW_STATE: directory, ...variables });
    assert.equal((await once(child, 'close'))[0], 1);
    assert.match(output(), expected);
    assert.doesNotMatch(output(), /\n {2,}at /);
  }
});
