import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type IndexedOrder, listOrders, taskOrders, taskSorts } from '../../apps/teamflow/server/routes/list-orders.ts';
import { leakCheck } from '../support/leak-check.ts';
import { type Answer, openWorld, type Person, suiteScope, type Tenant } from '../support/teamflow-world.ts';

leakCheck(after);

const tenantPrefix = '/api/v1/organizations/:organizationId';

/** The order of every list there is, by the route's address, and what its query needs. A new list must be added. */
const lists: Readonly<Record<string, readonly [order: IndexedOrder, query?: string]>> = {
  '/api/v1/organizations': [listOrders.myOrganizations],
  '/api/v1/administration/users': [listOrders.users],
  '/api/v1/administration/calls': [listOrders.administrativeCalls],
  '/api/v1/administration/users/:userId/sessions': [listOrders.sessions],
  '/api/v1/administration/organizations': [listOrders.organizations],
  '/api/v1/administration/organizations/:organizationId/members': [listOrders.organizationMembers],
  [`${tenantPrefix}/members`]: [listOrders.members],
  [`${tenantPrefix}/teams`]: [listOrders.teams],
  [`${tenantPrefix}/teams/:teamId/members`]: [listOrders.teamMembers],
  [`${tenantPrefix}/projects`]: [listOrders.projects],
  [`${tenantPrefix}/notifications`]: [listOrders.notifications],
  [`${tenantPrefix}/tasks`]: [taskOrders['-createdAt']],
  [`${tenantPrefix}/tasks/:taskId/comments`]: [listOrders.comments],
  [`${tenantPrefix}/tasks/:taskId/activity`]: [listOrders.taskActivity],
  [`${tenantPrefix}/activity`]: [listOrders.activity],
  [`${tenantPrefix}/search`]: [listOrders.search, 'q=task'],
};

interface Recorded {
  readonly text: string;
  readonly values: readonly unknown[];
}

describe('the pages of every list', async () => {
  const world = await openWorld(suiteScope);
  let of: Tenant;
  let administrator: Person;
  let recorded: Recorded[] = [];

  before(async () => {
    of = await world.makeTenant('paged');
    const other = await world.makeTenant('another');
    const base = `/api/v1/organizations/${of.organizationId}`;
    const make = async (path: string, body: unknown): Promise<void> => {
      const answer = await world.call(of.owner, 'POST', `${base}${path}`, body);
      assert.equal(answer.status, 201, answer.text);
    };
    for (const i of [1, 2]) {
      await make('/teams', { name: `team ${i}` });
      await make('/projects', { name: `project ${i}` });
      await make(`/tasks/${of.taskId}/comments`, { body: `comment ${i}` });
      await make('/tasks', { projectId: of.projectId, title: `task ${i}`, priority: i === 1 ? 'high' : 'low' });
      await world.call(of.owner, 'PATCH', `${base}/tasks/${of.taskId}`, { title: `task renamed ${i}` });
    }
    for (const person of [of.owner, of.admin]) {
      await world.call(of.owner, 'PUT', `${base}/teams/${of.teamId}/members/${person.id}`);
    }
    await world.pool.query(
      `insert into teamflow.members (organization_id, user_id, role, created_at) values ($1, $2, 'member', now())`,
      [other.organizationId, of.owner.id],
    );
    await world.pool.query(
      `insert into teamflow.sessions (user_id, token, expires_at, created_at, updated_at)
       select $1, 'token ' || i, now() + interval '1 day', now(), now() from generate_series(1, 3) i`,
      [of.member.id],
    );
    await world.pool.query(
      `insert into teamflow.administrative_calls (user_id, user_email, call, status, address, request_id)
       select 'u', 'u@paged.example', 'POST /api/auth/admin/ban-user', 200, '127.0.0.1', i::text from generate_series(1, 3) i`,
    );
    await world.pool.query(
      `insert into teamflow.notifications (organization_id, user_id, kind, once_key, created_at)
       select $1, $2, 'digest', 'paged ' || i, now() - i * interval '1 day' from generate_series(1, 3) i`,
      [of.organizationId, of.owner.id],
    );
    const made = await world.accounts.createUser({
      email: 'root@teamflow.example',
      name: 'Root',
      password: 'password of root',
      role: 'admin',
    });
    const key = await world.accounts.createApiKey(made.id, 'test');
    administrator = { id: made.id, email: 'root@teamflow.example', password: 'password of root', key };
    const wrapped = new WeakSet<object>();
    world.pool.on('acquire', (client) => {
      if (wrapped.has(client)) return;
      wrapped.add(client);
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      Object.assign(client, {
        query: (...args: unknown[]) => {
          if (typeof args[0] === 'string' && Array.isArray(args[1])) recorded.push({ text: args[0], values: args[1] });
          return query(...args);
        },
      });
    });
  });

  function addressOf(route: string, query = ''): string {
    const ids: Readonly<Record<string, string | number>> = {
      organizationId: of.organizationId,
      teamId: of.teamId,
      taskId: of.taskId,
      userId: of.member.id,
    };
    return `${route.replace(/:(\w+)/g, (_, name: string) => String(ids[name]))}?limit=1${query === '' ? '' : `&${query}`}`;
  }

  const get = (route: string, address: string): Promise<Answer> =>
    world.call(route.includes('/administration/') ? administrator : of.owner, 'GET', address);

  const linkOf = (answer: Answer, relation: string): string | undefined =>
    new RegExp(`<([^>]+)>; rel="${relation}"`).exec(String(answer.headers['link']))?.[1];

  test('this file knows all lists', () => {
    const found = world.routes
      .filter(({ method, schema }) => {
        const { properties = {} } = (schema?.querystring ?? {}) as { properties?: Record<string, unknown> };
        return [method].flat().includes('GET') && 'cursor' in properties;
      })
      .map(({ url }) => url);
    assert.deepEqual(found.toSorted(), Object.keys(lists).toSorted());
  });

  for (const [route, [, query]] of Object.entries(lists)) {
    test(`GET ${route}: links lead forth and back, and all are counted`, async () => {
      const pages: Answer[] = [];
      for (let next: string | undefined = addressOf(route, query); next !== undefined; ) {
        const answer = await get(route, next);
        assert.equal(answer.status, 200, answer.text);
        const { page } = answer.json;
        next = linkOf(answer, 'next');
        assert.equal(next === undefined, page.next === null);
        assert.equal(linkOf(answer, 'prev') === undefined, page.previous === null);
        assert.equal(page.previous === null, pages.length === 0);
        assert.ok(linkOf(answer, 'first'));
        pages.push(answer);
      }
      assert.ok(pages.length >= 2, `${route} has ${pages.length} pages`);
      const [first, second] = pages;
      const back = await get(route, (second === undefined ? undefined : linkOf(second, 'prev')) ?? '');
      assert.deepEqual(back.json.items, first?.json.items);
      const counted = await get(route, `${addressOf(route, query)}&count=true`);
      assert.deepEqual(counted.json.page.count, { value: pages.length, exact: true });
      assert.equal(first?.json.page.count, undefined);
    });

    test(`GET ${route}: no bad, changed or foreign cursor is taken`, async () => {
      const address = addressOf(route, query);
      const first = await get(route, address);
      const own = String(first.json.page.next);
      const elsewhere = route.endsWith('/projects') ? `${tenantPrefix}/teams` : `${tenantPrefix}/projects`;
      const other = await get(elsewhere, addressOf(elsewhere));
      const changed = `${own.slice(0, 20)}${own[20] === 'A' ? 'B' : 'A'}${own.slice(21)}`;
      for (const cursor of ['nonsense', `${own}!`, changed, own.slice(0, -1), String(other.json.page.next)]) {
        const refused = await get(route, `${address}&cursor=${encodeURIComponent(cursor)}`);
        assert.equal(refused.status, 400, `${cursor}: ${refused.text}`);
        assert.match(String(refused.headers['content-type']), /^application\/problem\+json/);
        assert.equal(refused.json.code, 'AP_PAGE_CURSOR_INVALID');
        assert.match(refused.json.detail, /^The page cursor .+ Ask for the first page again/s);
      }
    });
  }

  interface PlanNode {
    readonly 'Node Type': string;
    readonly 'Index Name'?: string;
    readonly Plans?: readonly PlanNode[];
  }
  const nodesOf = (plan: PlanNode): readonly PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

  /** The plan of the page behind an address, where there is any way around sorting and reading everything. */
  async function planOf(route: string, address: string): Promise<PlanNode> {
    recorded = [];
    const answer = await get(route, address);
    assert.equal(answer.status, 200, answer.text);
    const paged = recorded.findLast(({ text }) => / order by .+ limit \$\d+$/.test(text));
    assert.ok(paged, JSON.stringify(recorded));
    const client = await world.pool.connect();
    try {
      await client.query('begin');
      await client.query('set local enable_seqscan = off; set local enable_sort = off');
      const { rows } = await client.query(`explain (format json) ${paged.text}`, [...paged.values]);
      return rows[0]['QUERY PLAN'][0].Plan;
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  const offered = [
    // A search ranks its own hits, which no index can have sorted before.
    ...Object.entries(lists)
      .filter(([, [order]]) => order !== listOrders.search)
      .map(([route, [order, query]]) => [route, order, query ?? ''] as const),
    ...taskSorts.map((sort) => [`${tenantPrefix}/tasks`, taskOrders[sort], `sort=${sort}`] as const),
  ];
  for (const [route, order, query] of offered) {
    test(`GET ${route} ${query}: the first page and a later one are read from ${order.index}`, async () => {
      const address = addressOf(route, query);
      const first = await get(route, address);
      for (const page of [address, `${address}&cursor=${first.json.page.next}`]) {
        const plan = await planOf(route, page);
        const nodes = nodesOf(plan);
        const said = JSON.stringify(plan, null, 1);
        assert.ok(
          nodes.some((node) => node['Index Name'] === order.index),
          said,
        );
        // What the limit of a branch let through may be sorted again; what it reads from may not.
        const sorts = nodes.filter(
          (node) => node['Node Type'].includes('Sort') && node.Plans?.[0]?.['Node Type'] !== 'Limit',
        );
        assert.deepEqual(sorts, [], said);
      }
    });
  }

  test('by priority: the most urgent first, of those what is due first, and what has no date last', async () => {
    await world.pool.query(
      `insert into teamflow.tasks (organization_id, project_id, title, status, priority, due_on, position)
       select $1, $2, 'sorted ' || i, 'todo', (array['none', 'low', 'medium', 'high', 'urgent'])[1 + i % 5],
         case when i % 3 > 0 then date '2026-05-01' + i % 4 end, i
       from generate_series(1, 60) i`,
      [of.organizationId, of.projectId],
    );
    const { rows } = await world.pool.query<{ id: string }>(
      `select id from teamflow.tasks where organization_id = $1
       order by array_position(array['none', 'low', 'medium', 'high', 'urgent'], priority) desc, due_on nulls last, id`,
      [of.organizationId],
    );
    const seen: number[] = [];
    const route = `${tenantPrefix}/tasks`;
    const start = addressOf(route, 'sort=-priority').replace('limit=1', 'limit=7');
    for (let next: string | undefined = start; next !== undefined; ) {
      const answer = await get(route, next);
      assert.equal(answer.status, 200, answer.text);
      seen.push(...answer.json.items.map(({ id }: { id: number }) => id));
      next = linkOf(answer, 'next');
    }
    assert.deepEqual(
      seen,
      rows.map(({ id }) => Number(id)),
    );
  });

  test('a page of long rows is cut to its bytes and goes on where it was cut', async () => {
    await world.pool.query(
      `insert into teamflow.comments (organization_id, task_id, author_id, body)
       select $1, $2, $3, repeat('x', 19000) from generate_series(1, 80)`,
      [of.organizationId, of.taskId, of.member.id],
    );
    const route = `${tenantPrefix}/tasks/:taskId/comments`;
    const first = await get(route, addressOf(route).replace('limit=1', 'limit=200'));
    assert.equal(first.json.page.cut, 'bytes');
    assert.equal(first.json.page.limit, 200);
    assert.ok(first.text.length < 1_100_000);
    const second = await get(route, linkOf(first, 'next') ?? '');
    assert.equal(second.json.page.cut, undefined);
    assert.equal(second.json.page.next, null);
    assert.equal(first.json.items.length + second.json.items.length, 83);
  });

  test('beyond 10,000 the count is the estimate of the planner, and says so', async () => {
    await world.pool.query(
      `insert into teamflow.activity (organization_id, kind) select $1, 'test' from generate_series(1, 12000)`,
      [of.organizationId],
    );
    await world.pool.query('analyze teamflow.activity');
    const route = `${tenantPrefix}/activity`;
    const { count } = (await get(route, `${addressOf(route)}&count=true`)).json.page;
    assert.equal(count.exact, false);
    assert.ok(count.value >= 10_001 && count.value < 14_000, String(count.value));
  });
});
