import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createDatabase } from '../../apps/teamflow/server/database/database.ts';
import { AdministrativeLog } from '../../apps/teamflow/server/http/administrative-log.ts';
import { leakCheck } from '../support/leak-check.ts';
import { openWorld, organizations, type Person, suiteScope } from '../support/teamflow-world.ts';

leakCheck(after);

const administration = '/api/v1/administration';

describe('administration', async () => {
  const lines: string[] = [];
  const logger = { level: 'warn', stream: { write: (line: string) => lines.push(line) } };
  const world = await openWorld(suiteScope, { signUp: 'open', app: { logger } });
  const tenant = await world.makeTenant('run');
  const other = await world.makeTenant('other');
  const administrator = await world.makePerson('Ada Administrator');
  await world.accounts.setRole(administrator.id, 'admin');

  /** Signs in as a browser would; answers the cookie. */
  const signIn = async ({ email, password }: Pick<Person, 'email' | 'password'>): Promise<string> => {
    const response = await world.app.inject({
      method: 'POST',
      url: '/api/auth/sign-in/email',
      headers: { host: 'team.example', origin: 'http://team.example' },
      payload: { email, password },
    });
    assert.equal(response.statusCode, 200, response.body);
    return response.cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ');
  };

  test('every route of it is closed to everybody else', async () => {
    const routes = world.routes.filter(({ url }) => url.startsWith(administration));
    assert.ok(routes.length >= 8);
    for (const { method, url } of routes) {
      const target = url
        .replace(':userId', tenant.member.id)
        .replace(':organizationId', tenant.organizationId)
        .replace(':sessionId', tenant.member.id);
      for (const one of [method].flat()) {
        // The walk knows no method but those that routes have.
        const name = one as 'GET';
        assert.equal((await world.call(null, name, target)).status, 401, `${one} ${url}`);
        assert.equal((await world.call(tenant.owner, name, target)).status, 403, `${one} ${url}`);
      }
    }
  });

  test('what administrators do is in the log: who, about whom, how it ended, and no password', async () => {
    const cookie = await signIn(administrator);
    const from = lines.length;
    const headers = { host: 'team.example', origin: 'http://team.example', cookie };
    const userId = other.member.id;
    for (const [path, payload] of [
      ['ban-user', { userId, banReason: 'On leave' }],
      ['unban-user', { userId }],
      ['set-role', { userId, role: 'user' }],
      ['set-user-password', { userId, newPassword: 'a password nobody reads' }],
    ] as const) {
      const { statusCode } = await world.app.inject({
        method: 'POST',
        url: `/api/auth/admin/${path}`,
        headers,
        payload,
      });
      assert.equal(statusCode, 200, path);
    }
    const ended = await world.call(administrator, 'DELETE', `${administration}/users/${userId}/sessions`);
    assert.equal(ended.status, 204);
    assert.equal((await world.call(other.owner, 'DELETE', `${administration}/users/${userId}/sessions`)).status, 403);
    const said = lines.slice(from).map((line) => JSON.parse(line).audit);
    assert.deepEqual(
      said.map(({ by, about, role, call, status }) => [by, about, role, call, status]),
      [
        [administrator.id, userId, null, 'POST /api/auth/admin/ban-user', 200],
        [administrator.id, userId, null, 'POST /api/auth/admin/unban-user', 200],
        [administrator.id, userId, 'user', 'POST /api/auth/admin/set-role', 200],
        [administrator.id, userId, null, 'POST /api/auth/admin/set-user-password', 200],
        [administrator.id, userId, null, `DELETE ${administration}/users/${userId}/sessions`, 204],
        [other.owner.id, userId, null, `DELETE ${administration}/users/${userId}/sessions`, 403],
      ],
    );
    const kept = await world.call(administrator, 'GET', `${administration}/calls?count=true`);
    assert.doesNotMatch(lines.join('') + kept.text, /nobody reads/);
    assert.deepEqual(
      kept.json.items
        .slice(0, said.length)
        .toReversed()
        .map((one: Readonly<Record<string, unknown>>) =>
          ['userId', 'userEmail', 'aboutId', 'aboutEmail', 'role', 'call', 'status', 'address'].map(
            (name) => one[name],
          ),
        ),
      said.map(({ by, about, role, call, status, from: address }) => [
        by,
        by === administrator.id ? administrator.email : other.owner.email,
        about,
        other.member.email,
        role,
        call,
        status,
        address,
      ]),
    );
    assert.ok(kept.json.items[0].requestId.length > 0);
    const callsOf = async (query: string): Promise<readonly string[]> =>
      (await world.call(administrator, 'GET', `${administration}/calls?${query}`)).json.items.map(
        ({ call }: { call: string }) => call.split('/').at(-1),
      );
    assert.deepEqual(await callsOf('q=set-role'), ['set-role']);
    assert.ok((await callsOf(`q=${encodeURIComponent(other.member.email.toUpperCase())}`)).length >= said.length);
    assert.deepEqual(await callsOf(`refused=true&q=${encodeURIComponent(other.owner.email)}`), ['sessions']);
  });

  test('an account that was made and removed keeps its address in the log', async () => {
    const cookie = await signIn(administrator);
    const call = async (path: string, payload: object): Promise<{ readonly user: { readonly id: string } }> => {
      const headers = { host: 'team.example', origin: 'http://team.example', cookie };
      const answer = await world.app.inject({ method: 'POST', url: `/api/auth/admin/${path}`, headers, payload });
      assert.equal(answer.statusCode, 200, answer.body);
      return answer.json();
    };
    const email = 'shortly@teamflow.example';
    const { user } = await call('create-user', { email, name: 'Shortly', password: 'a good password', role: 'user' });
    await call('remove-user', { userId: user.id });
    const { json } = await world.call(administrator, 'GET', `${administration}/calls?q=shortly&refused=false`);
    assert.deepEqual(
      json.items.map(({ aboutId, aboutEmail, call: made }: Readonly<Record<string, string>>) => [
        aboutId,
        aboutEmail,
        made,
      ]),
      [
        [user.id, email, 'POST /api/auth/admin/remove-user'],
        [email, email, 'POST /api/auth/admin/create-user'],
      ],
    );
  });

  test('the log keeps so many calls and no more; those that were refused push out none that were done', async () => {
    const database = createDatabase(world.pool);
    await world.pool.query('truncate teamflow.administrative_calls');
    const log = new AdministrativeLog(database, { done: 3, refused: 2 }, 1);
    const quiet = { warn: () => {}, error: (said: unknown) => assert.fail(JSON.stringify(said)) };
    const keep = async (status: number, id: string): Promise<void> => {
      const request = { method: 'DELETE', url: '/x?secret=1', ip: '127.0.0.1', id, log: quiet };
      // `as`: no more of them is read
      await log.keep(request as unknown as FastifyRequest, { statusCode: status } as FastifyReply, {
        by: administrator,
        about: null,
        role: null,
      });
    };
    for (const id of ['a', 'b', 'c', 'd']) await keep(200, id);
    for (const id of ['e', 'f', 'g', 'h']) await keep(403, id);
    const { json } = await world.call(administrator, 'GET', `${administration}/calls`);
    assert.deepEqual(
      json.items.map(({ requestId, call }: Readonly<Record<string, string>>) => [requestId, call]),
      ['h', 'g', 'd', 'c', 'b'].map((id) => [id, 'DELETE /x']),
    );
  });

  test('users are found by a part of name or address, page by page', async () => {
    const first = await world.call(administrator, 'GET', `${administration}/users?limit=2`);
    assert.equal(first.json.items.length, 2);
    const second = await world.call(
      administrator,
      'GET',
      `${administration}/users?limit=2&cursor=${first.json.page.next}`,
    );
    const emails = [...first.json.items, ...second.json.items].map(({ email }) => email);
    assert.deepEqual(
      emails,
      [...new Set<string>(emails)].toSorted((one, next) => (one < next ? -1 : 1)),
    );
    const found = await world.call(administrator, 'GET', `${administration}/users?q=ADA%20ADMIN`);
    assert.deepEqual(
      found.json.items.map(({ name, isAdministrator }: { name: string; isAdministrator: boolean }) => [
        name,
        isAdministrator,
      ]),
      [['Ada Administrator', true]],
    );
    // What would be a pattern is taken as it is written.
    assert.equal((await world.call(administrator, 'GET', `${administration}/users?q=%25`)).json.items.length, 0);
  });

  test('sessions are listed without their tokens and end one by one or all', async () => {
    const cookies = [await signIn(tenant.member), await signIn(tenant.member)];
    const path = `${administration}/users/${tenant.member.id}/sessions`;
    const { json, text } = await world.call(administrator, 'GET', path);
    assert.equal(json.items.length, 2);
    for (const cookie of cookies) {
      const token = /session_token=([^.;]+)/.exec(decodeURIComponent(cookie))?.[1] ?? 'none';
      assert.ok(!text.includes(token));
    }
    assert.equal((await world.call(administrator, 'DELETE', `${path}/${json.items[0].id}`)).status, 204);
    assert.equal((await world.call(administrator, 'DELETE', `${path}/${json.items[0].id}`)).status, 404);
    // A session of one user is not found under another.
    const elsewhere = `${administration}/users/${other.member.id}/sessions/${json.items[1].id}`;
    assert.equal((await world.call(administrator, 'DELETE', elsewhere)).status, 404);
    assert.equal((await world.call(administrator, 'DELETE', path)).status, 204);
    assert.equal((await world.call(administrator, 'GET', path)).json.items.length, 0);
  });

  test('organizations and who belongs to them, but nothing of what is in them', async () => {
    const list = await world.call(administrator, 'GET', `${administration}/organizations?q=run`);
    assert.deepEqual(
      list.json.items.map(({ slug, members }: { slug: string; members: number }) => [slug, members]),
      [['run', 3]],
    );
    const byId = await world.call(
      administrator,
      'GET',
      `${administration}/organizations?id=${tenant.organizationId}&id=${other.organizationId}`,
    );
    assert.deepEqual(
      byId.json.items.map(({ slug }: { slug: string }) => slug),
      ['other', 'run'],
    );
    const path = `${administration}/organizations/${tenant.organizationId}`;
    const members = await world.call(administrator, 'GET', `${path}/members`);
    assert.deepEqual(
      members.json.items.map(({ userId }: { userId: string }) => userId),
      [tenant.owner.id, tenant.admin.id, tenant.member.id],
    );
    const inside = await world.call(administrator, 'GET', `${organizations}/${tenant.organizationId}/tasks`);
    assert.equal(inside.status, 404);
  });

  test('whoever makes an account sees no organization, nor an invitation without its link', async () => {
    const email = 'invited@teamflow.example';
    const owner = await signIn(tenant.owner);
    const headers = { host: 'team.example', origin: 'http://team.example' };
    const invited = await world.app.inject({
      method: 'POST',
      url: '/api/auth/organization/invite-member',
      headers: { ...headers, cookie: owner },
      payload: { organizationId: tenant.organizationId, email, role: 'member' },
    });
    assert.equal(invited.statusCode, 200, invited.body);
    const signedUp = await world.app.inject({
      method: 'POST',
      url: '/api/auth/sign-up/email',
      headers,
      payload: { email, password: 'a good password', name: 'Invited' },
    });
    assert.equal(signedUp.statusCode, 200, signedUp.body);
    const cookie = await signIn({ email, password: 'a good password' });
    const mine = await world.app.inject({ url: '/api/v1/organizations', headers: { cookie } });
    assert.deepEqual(mine.json().items, []);
    const listed = await world.app.inject({
      url: '/api/auth/organization/list-user-invitations',
      headers: { ...headers, cookie },
    });
    assert.equal(listed.statusCode, 403);
    const accepted = await world.app.inject({
      method: 'POST',
      url: '/api/auth/organization/accept-invitation',
      headers: { ...headers, cookie },
      payload: { invitationId: invited.json().id },
    });
    assert.equal(accepted.statusCode, 200, accepted.body);
    const after = await world.app.inject({ url: '/api/v1/organizations', headers: { cookie } });
    assert.deepEqual(
      after.json().items.map(({ slug }: { slug: string }) => slug),
      ['run'],
    );
  });

  test('a search is filtered as a list is', async () => {
    const base = `${organizations}/${tenant.organizationId}`;
    const { json: project } = await world.call(tenant.owner, 'POST', `${base}/projects`, { name: 'run second' });
    await world.call(tenant.owner, 'POST', `${base}/tasks`, {
      projectId: project.id,
      title: 'run walrus',
      priority: 'high',
    });
    await world.call(tenant.owner, 'POST', `${base}/tasks`, { projectId: tenant.projectId, title: 'run walrus too' });
    const titles = async (query: string): Promise<readonly string[]> =>
      (await world.call(tenant.owner, 'GET', `${base}/search?q=walrus${query}`)).json.items.map(
        ({ title }: { title: string }) => title,
      );
    assert.equal((await titles('')).length, 2);
    assert.deepEqual(await titles(`&projectId=${project.id}`), ['run walrus']);
    assert.deepEqual(await titles('&priority=high&status=todo'), ['run walrus']);
    assert.deepEqual(await titles('&status=done'), []);
  });
});
