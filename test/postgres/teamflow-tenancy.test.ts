import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { accountsEndpoints } from '../support/accounts-endpoints.ts';
import { leakCheck } from '../support/leak-check.ts';
import { olderServer, olderServerSkip } from '../support/postgres.ts';
import {
  type Answer,
  openWorld,
  organizations,
  suiteScope,
  type Tenant,
  type World,
} from '../support/teamflow-world.ts';

leakCheck(after);

type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

interface Walked {
  readonly method: Method;
  readonly url: string;
  readonly key: string;
  readonly query: readonly string[];
  /** Fields of its body. */
  readonly body: readonly string[];
}

const prefix = `${organizations}/:organizationId`;

/** A body that each route takes, from the tenant whose identifiers it names. A new route with a body must be added. */
const bodies: Readonly<Record<string, (tenant: Tenant) => Readonly<Record<string, unknown>>>> = {
  'PATCH /members/:userId': () => ({ role: 'member' }),
  'POST /teams': () => ({ name: 'walked team' }),
  'PATCH /teams/:teamId': () => ({ name: 'walked name' }),
  'POST /projects': ({ teamId }) => ({ name: 'walked project', teamId }),
  'PATCH /projects/:projectId': ({ teamId }) => ({ description: 'walked', teamId }),
  'POST /projects/:projectId/exports': () => ({}),
  // Beyond every notification of anybody.
  'POST /notifications/read': () => ({ upTo: 2_000_000_000 }),
  'POST /tasks': ({ projectId, member }) => ({ projectId, title: 'walked', assigneeId: member.id }),
  'PATCH /tasks/:taskId': ({ member }) => ({ title: 'walked', assigneeId: member.id }),
  'POST /tasks/:taskId/move': () => ({ status: 'done' }),
  'POST /tasks/:taskId/comments': () => ({ body: 'walked' }),
  'PATCH /tasks/:taskId/comments/:commentId': () => ({ body: 'walked' }),
};

/** What a query needs to be taken at all. */
const requiredQueries: Readonly<Record<string, string>> = {
  'GET /search': 'q=task',
  'HEAD /search': 'q=task',
  'GET /activity/days': 'from=2026-01-01&to=2026-01-31',
  'HEAD /activity/days': 'from=2026-01-01&to=2026-01-31',
};

/** As much of an OpenAPI document as the walk reads. */
interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
}

interface ApiOperation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>;
  };
}

async function documentOf(world: World): Promise<ApiDocument> {
  const { json } = await world.call(null, 'GET', '/api/v1/openapi.json');
  return json;
}

/** Every call that the document has below `prefix`, HEAD with each GET. */
function routesIn({ paths }: ApiDocument, below: string): readonly Walked[] {
  return Object.entries(paths)
    .map(([path, calls]) => ({ url: path.replaceAll(/\{(\w+)\}/g, ':$1'), calls }))
    .filter(({ url }) => url.startsWith(below))
    .flatMap(({ url, calls }) =>
      Object.entries(calls).flatMap(([verb, { parameters = [], requestBody }]) =>
        (verb === 'get' ? ['GET', 'HEAD'] : [verb.toUpperCase()]).map((method) => ({
          method: method as Method, // of the document, which Fastify's routes made
          url,
          key: `${method} ${url.slice(below.length)}`,
          query: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
          body: Object.keys(requestBody?.content['application/json']?.schema.properties ?? {}),
        })),
      ),
    );
}

function identifiers(tenant: Tenant): Readonly<Record<string, string | number>> {
  const { organizationId, teamId, projectId, taskId, commentId, exportId, member } = tenant;
  return { organizationId, teamId, projectId, taskId, commentId, exportId, userId: member.id };
}

/** What a field of a body or query that ends in Id takes. */
function identifierFor(field: string, tenant: Tenant): string | number {
  const id = { ...identifiers(tenant), assigneeId: tenant.member.id, afterId: tenant.taskId }[field];
  if (id === undefined) throw new Error(`The walk knows no identifier for "${field}": add it to identifierFor().`);
  return id;
}

function fill(url: string, ids: Readonly<Record<string, string | number>>): string {
  return url.replace(/:(\w+)/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`The walk knows no identifier for ":${name}": add it to identifiers().`);
    return String(id);
  });
}

async function rowsOf(world: World, tenant: Tenant): Promise<unknown> {
  const tables = [
    'members',
    'teams',
    'team_members',
    'projects',
    'tasks',
    'comments',
    'activity',
    'notifications',
    'exports',
  ];
  const found: Record<string, unknown> = {};
  for (const table of tables) {
    const { rows } = await world.pool.query(
      `select to_jsonb(t) as row from teamflow.${table} t where organization_id = $1 order by to_jsonb(t)::text`,
      [tenant.organizationId],
    );
    found[table] = rows;
  }
  return found;
}

const accountTables = ['sessions', 'api_keys', 'accounts', 'users', 'invitations', 'members', 'organizations'];

/** Every call of /api/auth, by somebody's session, with identifiers of another organization and its people. */
async function walkAccounts({ app, pool }: World, mine: Tenant, theirs: Tenant): Promise<void> {
  const headers = { host: 'team.example', origin: 'http://team.example' };
  const { email, password } = mine.owner;
  const signedIn = await app.inject({
    method: 'POST',
    url: '/api/auth/sign-in/email',
    headers,
    payload: { email, password },
  });
  const cookie = signedIn.cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ');
  const { rows } = await pool.query<Record<'memberId' | 'invitationId' | 'keyId', string>>(
    `with invitation as (
       insert into teamflow.invitations (organization_id, email, role, status, expires_at, inviter_id)
       values ($1, 'somebody@theirs.example', 'member', 'pending', now() + '1 day', $2) returning id
     )
     select m.id as "memberId", invitation.id as "invitationId", k.id as "keyId"
     from invitation, teamflow.members m join teamflow.api_keys k on k.reference_id = m.user_id::text
     where m.organization_id = $1 and m.user_id = $2`,
    [theirs.organizationId, theirs.owner.id],
  );
  const { memberId = '', invitationId = '', keyId = '' } = rows[0] ?? {};
  const userId = theirs.owner.id;
  const given: Readonly<Record<string, readonly unknown[]>> = {
    organizationId: [theirs.organizationId],
    organizationSlug: ['theirs-too'],
    id: [invitationId, keyId, userId],
    userId: [userId],
    memberId: [memberId],
    memberIdOrEmail: [memberId, theirs.owner.email],
    invitationId: [invitationId],
    keyId: [keyId],
    sessionToken: ['of theirs'],
    email: [email],
    role: ['owner', 'admin'],
    name: ['walked'],
    slug: ['walked'],
    data: [{ name: 'walked' }],
    newPassword: ['a walked password'],
  };
  const before = await accountRows(pool, mine);
  const endpoints = await accountsEndpoints();
  assert.ok(endpoints.length > 30, `only ${endpoints.length} calls were found`);
  const problems: string[] = [];
  for (const { method, path, fields } of endpoints) {
    for (let turn = 0; turn < 3; turn++) {
      const values = fields.flatMap((field) => {
        const some = given[field];
        return some === undefined ? [] : [[field, some[Math.min(turn, some.length - 1)]] as const];
      });
      // Where the name of an organization would do, its identifier is left out once.
      const asked = Object.fromEntries(values.filter(([field]) => turn !== 1 || field !== 'organizationId'));
      const query = method === 'GET' ? `?${String(new URLSearchParams(asked as Record<string, string>))}` : ''; // all texts but `data`, of POST only
      const { statusCode, body } = await app.inject({
        method,
        url: `/api/auth${path}${query}`,
        headers: { ...headers, cookie },
        ...(method === 'GET' ? {} : { payload: asked }),
      });
      const isTold = [...Object.values(theirs), 'theirs'].some((one) => typeof one === 'string' && body.includes(one));
      if (isTold || statusCode >= 500)
        problems.push(`${method} ${path} ${Object.keys(asked).join(' ')}: ${statusCode} ${body}`);
    }
  }
  assert.deepEqual(problems, []);
  assert.deepEqual(await accountRows(pool, mine), before);
}

/** What accounts hold that is not of this tenant's people. */
async function accountRows(pool: World['pool'], { owner, organizationId }: Tenant): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const table of accountTables) {
    const { rows } = await pool.query(
      `select to_jsonb(t) as row from teamflow.${table} t
       where not to_jsonb(t)::text like any ($1) order by to_jsonb(t)::text`,
      [[`%${owner.id}%`, `%${organizationId}%`, '%"slug": "walked"%']],
    );
    found[table] = rows;
  }
  return found;
}

for (const [name, skip, server] of [
  ['embedded', false, undefined],
  ['15', olderServerSkip(), olderServer],
] as const) {
  describe(`nobody reaches another organization (PostgreSQL ${name})`, { skip }, async () => {
    const world = skip ? null : await openWorld(suiteScope, server === undefined ? {} : { server: await server() });

    test('every route, every identifier', async () => {
      assert.ok(world);
      const mine = await world.makeTenant('mine');
      const theirs = await world.makeTenant('theirs');
      await world.pool.query(
        `insert into teamflow.notifications (organization_id, user_id, kind, once_key)
         select organization_id, user_id, 'digest', 'walked' from teamflow.members`,
      );
      const before = await rowsOf(world, theirs);
      const walked = routesIn(await documentOf(world), prefix);
      assert.ok(walked.length > 40, `only ${walked.length} routes were found`);
      const problems: string[] = [];
      const expect = (walk: Walked, how: string, ok: boolean, status: number, text: string): void => {
        if (!ok || text.includes('theirs')) problems.push(`${walk.key}, ${how}: ${status} ${text.slice(0, 200)}`);
      };

      for (const walk of walked) {
        const query = requiredQueries[walk.key] === undefined ? '' : `?${requiredQueries[walk.key]}`;
        const makeBody = bodies[walk.key];
        if (walk.method === 'POST' || walk.method === 'PATCH') {
          assert.ok(makeBody, `${walk.key} has a body: add one to this test`);
        }

        // Somebody who may do anything in his own organization, at another's address.
        const there = await world.call(
          mine.owner,
          walk.method,
          fill(walk.url, identifiers(theirs)) + query,
          makeBody?.(theirs),
        );
        expect(walk, 'their organization', there.status === 404, there.status, there.text);

        // Nobody at all.
        const stranger = await world.call(
          null,
          walk.method,
          fill(walk.url, identifiers(theirs)) + query,
          makeBody?.(theirs),
        );
        expect(walk, 'no sign-in', stranger.status === 401, stranger.status, stranger.text);

        // At home, with each identifier of the path taken from the other organization.
        for (const [, parameter = ''] of walk.url.slice(prefix.length).matchAll(/:(\w+)/g)) {
          const mixed = { ...identifiers(mine), [parameter]: identifiers(theirs)[parameter] ?? '' };
          const answer = await world.call(mine.owner, walk.method, fill(walk.url, mixed) + query, makeBody?.(mine));
          // What happened to a task stays readable when the task is gone, so an unknown task has an empty feed.
          const emptyFeed =
            walk.key.endsWith('/activity') && (walk.method === 'HEAD' || answer.json?.items?.length === 0);
          expect(walk, `their ${parameter}`, answer.status === 404 || emptyFeed, answer.status, answer.text);
        }

        // At home, with identifiers of theirs of every other kind. (Numbers of one kind may be those of mine of another.)
        for (const [, parameter = ''] of walk.url.slice(prefix.length).matchAll(/:(\w+)/g)) {
          // What the server's version has no part in is walked on one.
          if (walk.method !== 'GET' || server !== undefined) continue;
          for (const [kind, id] of Object.entries(identifiers(theirs))) {
            const mixed = { ...identifiers(mine), [parameter]: id };
            const { status, text } = await world.call(mine.owner, 'GET', fill(walk.url, mixed) + query);
            expect(walk, `their ${kind} as ${parameter}`, status === 404 || status === 200, status, text);
          }
        }

        // At home, with each identifier that a body may hold.
        for (const field of walk.body.filter((one) => one.endsWith('Id'))) {
          const body = { ...makeBody?.(mine), [field]: identifierFor(field, theirs) };
          const answer = await world.call(mine.owner, walk.method, fill(walk.url, identifiers(mine)) + query, body);
          expect(walk, `their ${field} in the body`, answer.status === 409, answer.status, answer.text);
        }

        // At home, with each identifier that a query may hold.
        for (const field of walk.query.filter((one) => one.endsWith('Id'))) {
          const id = identifierFor(field, theirs);
          const url = `${fill(walk.url, identifiers(mine))}${query === '' ? '?' : `${query}&`}${field}=${id}`;
          const answer = await world.call(mine.owner, walk.method, url);
          const none = walk.method === 'HEAD' || answer.json?.items?.length === 0;
          expect(walk, `their ${field} in the query`, answer.status === 200 && none, answer.status, answer.text);
        }
      }
      assert.deepEqual(problems, []);
      assert.deepEqual(await rowsOf(world, theirs), before);
    });

    test('every route is in the document that the walk follows', async () => {
      assert.ok(world);
      const document = await documentOf(world);
      const known = new Set(routesIn(document, '/api/v1/').map(({ method, url }) => `${method} ${url}`));
      const missing = world.routes
        // About no tenant's data, or, under /api/auth, told in prose; tested by themselves.
        .filter(({ url }) => !/^\/(livez|readyz|api\/auth\/\*|api\/v1\/(docs(\/.*)?|openapi\.json))$/.test(url))
        .flatMap(({ method, url }) => [method].flat().map((one) => `${one} ${url.replace(/\/$/, '')}`))
        .filter((key) => !known.has(key));
      assert.deepEqual(missing, []);
    });

    test('to somebody who is no administrator, administration is the same whatever is there', async () => {
      assert.ok(world);
      const [mine, theirs] = [await world.makeTenant('nosy'), await world.makeTenant('theirs-too')];
      const nowhere = { organizationId: '00000000-0000-7000-8000-000000000000', userId: 'nobody', sessionId: 'none' };
      const { rows } = await world.pool.query<{ id: string }>(
        `insert into teamflow.sessions (user_id, token, expires_at, updated_at)
         values ($1, 'of theirs', now() + '1 day', now()) returning id`,
        [theirs.owner.id],
      );
      const sessionId = rows[0]?.id ?? '';
      const there = { organizationId: theirs.organizationId, userId: theirs.owner.id, sessionId };
      const walked = routesIn(await documentOf(world), '/api/v1/administration');
      assert.ok(walked.length > 8);
      for (const { method, url, key } of walked) {
        const real: Answer = await world.call(mine.owner, method, fill(url, there));
        const made: Answer = await world.call(mine.owner, method, fill(url, nowhere));
        assert.equal(real.status, 403, key);
        assert.deepEqual([real.status, real.json?.detail], [made.status, made.json?.detail], key);
        assert.ok(!real.text.includes('theirs'), key);
      }
      // What the server's version has no part in is walked on one.
      if (server === undefined) await walkAccounts(world, mine, theirs);
    });

    test('the same requests work for those who belong there', async () => {
      assert.ok(world);
      const tenant = await world.makeTenant('control');
      // Deleting comes last, and what others hang on comes after them.
      const deleted = ['commentId', 'taskId', 'projectId', 'userId', 'teamId'];
      const order = (walk: Walked): number =>
        walk.method === 'DELETE' ? 1 + deleted.findIndex((id) => walk.url.endsWith(`:${id}`)) : 0;
      const routes = routesIn(await documentOf(world), prefix).toSorted((a, b) => order(a) - order(b));
      const problems: string[] = [];
      for (const walk of routes) {
        const query = requiredQueries[walk.key] === undefined ? '' : `?${requiredQueries[walk.key]}`;
        const url = fill(walk.url, identifiers(tenant)) + query;
        const { status, text } = await world.call(tenant.owner, walk.method, url, bodies[walk.key]?.(tenant));
        if (status >= 300) problems.push(`${walk.key}: ${status} ${text.slice(0, 200)}`);
      }
      assert.deepEqual(problems, []);
    });

    test('a cursor opens no other list', async () => {
      assert.ok(world);
      const [one, other] = [await world.makeTenant('one'), await world.makeTenant('other')];
      const url = (tenant: Tenant): string => `${organizations}/${tenant.organizationId}/members?limit=1`;
      const { json } = await world.call(one.owner, 'GET', url(one));
      const cursor: string = json.page.next;
      assert.equal((await world.call(one.owner, 'GET', `${url(one)}&cursor=${cursor}`)).status, 200);
      const refused = await world.call(other.owner, 'GET', `${url(other)}&cursor=${cursor}`);
      assert.equal(refused.status, 400);
      assert.equal(refused.json.code, 'AP_PAGE_CURSOR_INVALID');
    });

    test('the database itself refuses references across organizations', async () => {
      assert.ok(world);
      const [one, other] = [await world.makeTenant('left'), await world.makeTenant('right')];
      const attempts: readonly [string, readonly unknown[]][] = [
        ['update teamflow.tasks set project_id = $1 where id = $2', [other.projectId, one.taskId]],
        ['update teamflow.tasks set assignee_id = $1 where id = $2', [other.member.id, one.taskId]],
        ['update teamflow.projects set team_id = $1 where id = $2', [other.teamId, one.projectId]],
        ['update teamflow.comments set task_id = $1 where id = $2', [other.taskId, one.commentId]],
        ['update teamflow.comments set organization_id = $1 where id = $2', [other.organizationId, one.commentId]],
        ['insert into teamflow.team_members values ($1, $2, $3)', [one.organizationId, one.teamId, other.member.id]],
      ];
      for (const [text, values] of attempts) {
        await assert.rejects(world.pool.query(text, [...values]), { code: '23503' }, text);
      }
    });
  });
}
