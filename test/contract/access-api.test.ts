/** Tokens and the audit log through the API and the command line. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { signPrincipal } from '../../packages/autopilot/src/access/signed-principal.ts';
import { readArguments } from '../../packages/autopilot/src/cli/command.ts';
import { token as command } from '../../packages/autopilot/src/cli/commands/token.ts';
import type { AccessTokenList, AuditList, CreatedAccessToken } from '../../packages/autopilot/src/contract/access.ts';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { operations } from '../../packages/autopilot/src/contract/operations.ts';
import { type ControlWorld, controlWorld, json, LINK_KEY, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

const TOKENS = '/api/v1/access/tokens';
const AUDIT = '/api/v1/access/audit';

const as = (secret: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${secret}` });

async function make(world: ControlWorld, more: object = {}): Promise<CreatedAccessToken> {
  return await json(await world.send('POST', TOKENS, { name: 'ci deploys', scope: 'operate', ...more }));
}

test('a token is made, shown once, used within its scope, and revoked', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const { token, secret } = await make(world);
  assert.equal(token.state, 'active');
  assert.equal(token.createdBy, 'administrator');
  assert.equal(Date.parse(token.expiresAt ?? ''), world.clock.now() + 90 * 86_400_000);
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 200);
  const forbidden = await json<Problem>(await world.get(TOKENS, as(secret)), 403);
  assert.equal(forbidden.code, 'AP_FORBIDDEN');
  const list = await world.get(TOKENS);
  const text = await list.text();
  assert.ok(!text.includes(secret) && !text.includes('sha256'), 'shown once');
  const listed = JSON.parse(text) as AccessTokenList;
  assert.equal(listed.tokens[0]?.lastUsedAt, new Date(world.clock.now()).toISOString());
  assert.match(listed.notes.join(' '), /no database/);
  assert.match(list.headers.get('link') ?? '', /rel="first"/);
  await json(await world.send('POST', `${TOKENS}/${token.id}/revoke`));
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 401);
  await json<Problem>(await world.send('POST', `${TOKENS}/none/revoke`), 404);
});

test('a token opens nothing from the moment it expires', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const { secret } = await make(world, { expiresAt: new Date(world.clock.now() + 60_000).toISOString() });
  world.clock.advance(59_999);
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 200);
  world.clock.advance(1);
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 401);
  const { tokens } = await json<AccessTokenList>(await world.get(TOKENS));
  assert.equal(tokens[0]?.state, 'expired');
});

test('what is no token to make is refused: a time past, no name, another scope, unknown fields', async () => {
  await using world = await controlWorld({ service: 'orders' });
  for (const body of [
    { name: 'x', scope: 'read', expiresAt: '2001-01-01T00:00:00Z' },
    { name: ' ', scope: 'read' },
    { name: 'a\u0000b', scope: 'read' },
    { name: 'x', scope: 'root' },
    { name: 'x'.repeat(101), scope: 'read' },
    { name: 'x', scope: 'read', secret: 'mine' },
    '{',
  ]) {
    assert.equal((await json<Problem>(await world.send('POST', TOKENS, body), 400)).code, 'AP_BODY_INVALID');
  }
});

test('lists are paged by cursor, there and back', async () => {
  await using world = await controlWorld({ service: 'orders' });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await make(world, { name });
  const read = async (search: string): Promise<AccessTokenList> => json(await world.get(`${TOKENS}?limit=2${search}`));
  const names = ({ tokens }: AccessTokenList): string => tokens.map(({ name }) => name).join('');
  const first = await read('');
  const second = await read(`&cursor=${first.page.next}`);
  const third = await read(`&cursor=${second.page.next}`);
  assert.deepEqual([first, second, third].map(names), ['ed', 'cb', 'a']);
  assert.equal(third.page.next, null);
  assert.equal(names(await read(`&cursor=${third.page.previous}`)), 'cb');
  assert.equal(
    (await json<Problem>(await world.get(`${AUDIT}?cursor=${first.page.next}`), 400)).code,
    'AP_PAGE_CURSOR_INVALID',
  );
});

test('every call that is no GET is in the audit log with who, what and how it ended, and without its body', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const changing = Object.values(operations).filter(({ method }) => method !== 'GET');
  assert.ok(changing.length > 8);
  for (const { method, path } of changing) {
    const at = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'n' ? '3' : 'some'));
    await world.send(method, at, { password: 'hunter2-in-a-body' }, { 'x-request-id': 'walk', 'if-match': '"0"' });
  }
  const { entries } = await json<AuditList>(await world.get(`${AUDIT}?limit=200`));
  assert.deepEqual(
    entries.map(({ operation }) => operation).sort(),
    Object.entries(operations)
      .filter(([, { method }]) => method !== 'GET')
      .map(([id]) => id)
      .sort(),
  );
  for (const entry of entries) {
    assert.equal(entry.actor, 'administrator');
    assert.equal(entry.by, 'token');
    assert.equal(entry.requestId, 'walk');
    assert.equal(entry.outcome === 'done', entry.code === null, JSON.stringify(entry));
  }
  assert.ok(!JSON.stringify(entries).includes('hunter2'));
  // A session is named as the application names it, and what it is refused is there too.
  const principal = { id: 'user ann', scopes: ['admin'] as const };
  const signed = { 'x-autopilot-principal': signPrincipal(principal, LINK_KEY, world.clock.now()) };
  const crossSite = { ...signed, 'sec-fetch-site': 'cross-site', authorization: '' };
  await json<Problem>(await world.send('POST', `${TOKENS}/some/revoke?note=x`, undefined, crossSite), 403);
  const { entries: hers } = await json<AuditList>(await world.get(`${AUDIT}?actor=user%20ann`));
  assert.deepEqual(
    hers.map(({ by, operation, target, code, status }) => ({ by, operation, target, code, status })),
    [
      {
        by: 'session',
        operation: 'revokeAccessToken',
        target: `${TOKENS}/some/revoke`,
        code: 'AP_CROSS_SITE',
        status: 403,
      },
    ],
  );
});

test('strangers can not fill the audit log: their calls beyond 30 a minute are counted', async () => {
  await using world = await controlWorld({ service: 'orders' });
  for (let call = 0; call < 50; call++) {
    await world.send('POST', TOKENS, { name: 'x', scope: 'admin' }, { authorization: `Bearer guess-${call}` });
  }
  await make(world);
  const { entries } = await json<AuditList>(await world.get(`${AUDIT}?limit=200`));
  assert.equal(entries.length, 31);
  assert.deepEqual([entries[0]?.outcome, entries[0]?.skipped], ['done', 20]);
  assert.deepEqual([entries[1]?.actor, entries[1]?.code], [null, 'AP_UNAUTHENTICATED']);
  assert.ok(!JSON.stringify(entries).includes('guess-'));
});

test('tokens are made, listed and revoked from the command line', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const run = async (...args: readonly string[]): Promise<{ code: number; out: string[]; error: string }> => {
    const out: string[] = [];
    const error: string[] = [];
    const environment = { AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_URL: world.plane.address };
    const { values, operands } = readArguments(command, args, environment);
    const terminal = { environment, out: (line: string) => out.push(line), error: (line: string) => error.push(line) };
    return { code: await command.run(values, terminal, operands), out, error: error.join('\n') };
  };
  assert.match((await run('list')).out[0] ?? '', /no token/);
  const { code, out, error } = await run('create', 'nightly report', '--never-expires');
  const [secret = '', ...rest] = out;
  assert.equal(code, 0);
  assert.deepEqual(rest, []);
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 200);
  const id = /^([\w-]+): read, does not expire/.exec(error)?.[1] ?? '';
  assert.match(
    (await run('list')).out.join('\n'),
    /read {2}active, does not expire, used 20.* by administrator: nightly report/,
  );
  assert.match((await run('revoke', id)).out[0] ?? '', /is revoked since/);
  assert.equal((await world.get('/api/v1/config', as(secret))).status, 401);
  assert.deepEqual(
    (({ code: failed, error: said }) => [failed, /AP_ACCESS_TOKEN_UNKNOWN/.test(said)])(await run('revoke', 'none')),
    [1, true],
  );
  await assert.rejects(run('create', 'x', '--days', '0'), { code: 'AP_USAGE' });
  await assert.rejects(run('create', 'x', '--scope', 'root'), { code: 'AP_USAGE' });
  await assert.rejects(run('make', 'x'), { code: 'AP_USAGE' });
});
