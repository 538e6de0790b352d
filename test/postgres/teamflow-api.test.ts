import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { leakCheck } from '../support/leak-check.ts';
import { olderServer, olderServerSkip } from '../support/postgres.ts';
import {
  type Answer,
  openWorld,
  organizations,
  type Person,
  suiteScope,
  type Tenant,
  type World,
} from '../support/teamflow-world.ts';

leakCheck(after);

const sorts = ['-createdAt', 'createdAt', '-updatedAt', 'updatedAt', 'dueOn', '-dueOn', '-priority'] as const;

/** Follows the links of a list to its end. */
async function allPages(
  world: World,
  person: Person,
  url: string,
): Promise<{ items: { id: number }[]; pages: number }> {
  const items: { id: number }[] = [];
  let next: string | undefined = url;
  let pages = 0;
  while (next !== undefined) {
    const answer: Answer = await world.call(person, 'GET', next);
    assert.equal(answer.status, 200, answer.text);
    items.push(...answer.json.items);
    pages += 1;
    next = /<([^>]+)>; rel="next"/.exec(String(answer.headers['link']))?.[1];
    assert.equal(next !== undefined, answer.json.page.next !== null);
  }
  return { items, pages };
}

for (const [name, skip, server] of [
  ['embedded', false, undefined],
  ['15', olderServerSkip(), olderServer],
] as const) {
  describe(`TeamFlow's API (PostgreSQL ${name})`, { skip }, async () => {
    if (skip) return;
    const world = await openWorld(suiteScope, server === undefined ? {} : { server: await server() });
    const call: World['call'] = (...call) => world.call(...call);
    let tenants = 0;

    async function tenant(): Promise<Tenant & { readonly base: string }> {
      tenants += 1;
      const made = await world.makeTenant(`tenant-${tenants}`);
      return { ...made, base: `${organizations}/${made.organizationId}` };
    }

    async function makeTasks(
      of: Tenant & { readonly base: string },
      count: number,
      body: object = {},
    ): Promise<number[]> {
      const ids: number[] = [];
      for (let i = 0; i < count; i++) {
        const made = await call(of.member, 'POST', `${of.base}/tasks`, {
          projectId: of.projectId,
          title: `task ${i}`,
          ...body,
        });
        assert.equal(made.status, 201, made.text);
        ids.push(made.json.id);
      }
      return ids;
    }

    function column(board: Answer, status: string): { count: number; ids: number[] } {
      const found = board.json.columns.find((one: { status: string }) => one.status === status);
      return { count: found.count, ids: found.tasks.map((task: { id: number }) => task.id) };
    }

    test('lists: every sort gives every task once, by links, also where many are equal', async () => {
      const of = await tenant();
      await makeTasks(of, 12);
      await makeTasks(of, 5, { dueOn: '2026-05-01' });
      // Many at the same microsecond, and some a microsecond apart, which a Date could not tell.
      await world.pool.query(
        `update teamflow.tasks set created_at = '2026-01-01T00:00:00.000001Z'::timestamptz + (id % 3) * interval '1 microsecond',
           updated_at = '2026-01-01T00:00:00Z' where organization_id = $1`,
        [of.organizationId],
      );
      for (const sort of sorts) {
        const { items, pages } = await allPages(world, of.member, `${of.base}/tasks?limit=4&sort=${sort}`);
        assert.equal(new Set(items.map((task) => task.id)).size, 18, sort);
        assert.equal(items.length, 18, sort);
        assert.equal(pages, 5, sort);
      }
      const first = await call(of.member, 'GET', `${of.base}/tasks?limit=4`);
      const second = await call(of.member, 'GET', `${of.base}/tasks?limit=4&cursor=${first.json.page.next}`);
      const back = await call(of.member, 'GET', `${of.base}/tasks?limit=4&cursor=${second.json.page.previous}`);
      assert.deepEqual(back.json.items, first.json.items);
      assert.equal(back.json.page.previous, null);
      assert.match(String(second.headers['link']), /rel="prev"/);
    });

    test('lists: filters, alone and together', async () => {
      const of = await tenant();
      const [one = 0] = await makeTasks(of, 1, {
        status: 'done',
        priority: 'high',
        labels: ['a', 'b'],
        dueOn: '2026-04-10',
      });
      const [two = 0] = await makeTasks(of, 1, { priority: 'low', assigneeId: of.admin.id, labels: ['b'] });
      const ids = async (query: string): Promise<number[]> => {
        const answer = await call(of.member, 'GET', `${of.base}/tasks?sort=createdAt&${query}`);
        assert.equal(answer.status, 200, answer.text);
        return answer.json.items.map((task: { id: number }) => task.id);
      };
      assert.deepEqual(await ids('status=done'), [one]);
      assert.deepEqual(await ids('status=done&status=todo'), [of.taskId, one, two]);
      assert.deepEqual(await ids('priority=low&priority=high'), [one, two]);
      assert.deepEqual(await ids(`assigneeId=${of.admin.id}`), [two]);
      assert.deepEqual(await ids('assigneeId=none'), [one]);
      assert.deepEqual(await ids('label=b'), [one, two]);
      assert.deepEqual(await ids('label=b&status=todo'), [two]);
      assert.deepEqual(await ids('dueFrom=2026-03-01'), [of.taskId, one]);
      assert.deepEqual(await ids('dueFrom=2026-03-02&dueTo=2026-04-10'), [one]);
      assert.deepEqual(await ids('dueTo=2026-03-31'), [of.taskId]);
      assert.deepEqual(await ids(`projectId=${of.projectId}&label=a`), [one]);
      const other = await call(of.member, 'GET', `${of.base}/tasks?limit=1&label=b`);
      const foreign = await call(of.member, 'GET', `${of.base}/tasks?limit=1&label=a&cursor=${other.json.page.next}`);
      assert.equal(foreign.json.code, 'AP_PAGE_CURSOR_INVALID');
    });

    test('what is not known or not allowed is refused by name, and nothing is bent into shape', async () => {
      const of = await tenant();
      const refused: readonly [string, unknown, RegExp][] = [
        ['/tasks?colour=red', undefined, /"colour" is not known here/],
        ['/tasks?limit=201', undefined, /"limit" must be <= 200/],
        ['/tasks?limit=0', undefined, /"limit" must be >= 1/],
        ['/tasks?status=finished', undefined, /must be one of backlog, todo/],
        ['/tasks?sort=title', undefined, /"sort" must be one of -createdAt/],
        ['/tasks?dueFrom=yesterday', undefined, /"dueFrom" must match format "date"/],
        ['/tasks?limit=1&limit=2', undefined, /"limit" must be integer/],
        ['/search', undefined, /"q" must have required property/],
        ['/tasks', { projectId: of.projectId, title: 'x', color: 1 }, /"color" is not known here/],
        ['/tasks', { projectId: of.projectId }, /"title" must have required property/],
        ['/tasks', { projectId: String(of.projectId), title: 'x' }, /"projectId" must be integer/],
        ['/tasks', { projectId: of.projectId, title: '' }, /"title" must NOT have fewer than 1 characters/],
        ['/tasks', { projectId: of.projectId, title: 'x\u0000y' }, /U\+0000/],
        ['/tasks', { projectId: of.projectId, title: 'x', labels: ['a', 'a'] }, /"labels" must NOT have duplicate/],
      ];
      for (const [path, body, said] of refused) {
        const answer = await call(of.member, body === undefined ? 'GET' : 'POST', of.base + path, body);
        assert.equal(answer.status, 400, `${path}: ${answer.text}`);
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
        assert.match(answer.json.detail, said, path);
        assert.equal(answer.json.code, body === undefined ? 'TF_PARAMETER_INVALID' : 'TF_BODY_INVALID');
      }
      assert.equal((await call(of.member, 'PATCH', `${of.base}/tasks/${of.taskId}`, {})).status, 400);
      assert.equal((await call(of.member, 'GET', `${of.base}/tasks/99999999999999999999`)).status, 404);
      const large = await call(of.member, 'POST', `${of.base}/tasks`, { title: 'x'.repeat(600_000) });
      assert.equal(large.status, 413);
      assert.equal(large.json.code, 'TF_BODY_TOO_LARGE');
      const xml = await world.app.inject({
        method: 'POST',
        url: `${of.base}/tasks`,
        headers: { 'x-api-key': of.member.key, 'content-type': 'text/xml' },
        payload: '<task/>',
      });
      assert.equal(xml.statusCode, 415);
      const broken = await world.app.inject({
        method: 'POST',
        url: `${of.base}/tasks`,
        headers: { 'x-api-key': of.member.key, 'content-type': 'application/json' },
        payload: '{"title":',
      });
      assert.equal(broken.statusCode, 400);
      assert.equal(broken.json().code, 'TF_BODY_INVALID');
    });

    test('the board: columns with their counts, and cards that go where they are put', async () => {
      const of = await tenant();
      await call(of.owner, 'DELETE', `${of.base}/tasks/${of.taskId}`);
      const [a = 0, b = 0, c = 0] = await makeTasks(of, 3);
      const board = async (query = ''): Promise<Answer> =>
        call(of.member, 'GET', `${of.base}/projects/${of.projectId}/board${query}`);
      const move = async (id: number, body: object): Promise<void> => {
        const moved = await call(of.member, 'POST', `${of.base}/tasks/${id}/move`, body);
        assert.equal(moved.status, 200, moved.text);
      };
      assert.deepEqual(column(await board(), 'todo'), { count: 3, ids: [a, b, c] });
      await move(c, { afterId: null });
      assert.deepEqual(column(await board(), 'todo').ids, [c, a, b]);
      await move(c, { afterId: a });
      assert.deepEqual(column(await board(), 'todo').ids, [a, c, b]);
      await move(a, {});
      assert.deepEqual(column(await board(), 'todo').ids, [c, b, a]);
      await move(b, { status: 'done' });
      assert.deepEqual(column(await board(), 'todo').ids, [c, a]);
      assert.deepEqual(column(await board(), 'done').ids, [b]);
      assert.ok((await call(of.member, 'GET', `${of.base}/tasks/${b}`)).json.completedAt);
      assert.deepEqual(column(await board('?perColumn=1'), 'todo'), { count: 2, ids: [c] });
      const misplaced = await call(of.member, 'POST', `${of.base}/tasks/${c}/move`, { afterId: b });
      assert.equal(misplaced.status, 409);

      // Between the same two again and again: doubles run out after some fifty halvings, the order must not.
      await makeTasks(of, 1);
      const [first = 0, ...others] = column(await board(), 'todo').ids;
      let [second = 0, third = 0] = others;
      for (let i = 1; i <= 70; i++) {
        await move(third, { afterId: first });
        [second, third] = [third, second];
        if (i % 10 === 0)
          assert.deepEqual(column(await board(), 'todo').ids, [first, second, third], `after ${i} moves`);
      }
      const { rows } = await world.pool.query<{ distinct: boolean }>(
        `select count(distinct position) = count(*) as distinct from teamflow.tasks
         where organization_id = $1 and status = 'todo'`,
        [of.organizationId],
      );
      assert.equal(rows[0]?.distinct, true);
    });

    test('moves at once leave every card in one place, with an order', async () => {
      const of = await tenant();
      const ids = await makeTasks(of, 6);
      const answers = await Promise.all(
        ids.flatMap((id, i) => [
          call(of.member, 'POST', `${of.base}/tasks/${id}/move`, { afterId: null }),
          call(of.admin, 'POST', `${of.base}/tasks/${ids[(i + 1) % 6]}/move`, {
            status: i % 2 === 0 ? 'done' : 'todo',
          }),
        ]),
      );
      assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
      const board = await call(of.member, 'GET', `${of.base}/projects/${of.projectId}/board`);
      const placed = [...column(board, 'todo').ids, ...column(board, 'done').ids];
      assert.deepEqual(new Set(placed), new Set([of.taskId, ...ids]));
      assert.equal(placed.length, 7);
    });

    test('search finds words and phrases, best first, and pages', async () => {
      const of = await tenant();
      await makeTasks(of, 3, { title: 'Something else', description: 'The invoices are late.' });
      const [best = 0] = await makeTasks(of, 1, { title: 'Invoice export', description: 'An invoice is missing.' });
      const search = async (q: string): Promise<Answer> =>
        call(of.member, 'GET', `${of.base}/search?q=${encodeURIComponent(q)}`);
      const found = await search('invoice');
      assert.equal(found.json.items.length, 4);
      assert.equal(found.json.items[0].id, best);
      assert.match(found.json.items[0].excerpt, /Invoice export/);
      assert.equal((await search('invoice -export')).json.items.length, 3);
      assert.equal((await search('"invoice is missing"')).json.items.length, 1);
      assert.equal((await search(`'); drop table tasks; --`)).status, 200);
      const { items } = await allPages(world, of.member, `${of.base}/search?q=invoice&limit=1`);
      assert.equal(new Set(items.map((task) => task.id)).size, 4);
    });

    test('a task’s life: made, changed, commented, deleted; the feed tells it and outlives it', async () => {
      const of = await tenant();
      const [id = 0] = await makeTasks(of, 1, { assigneeId: of.member.id });
      const changed = await call(of.member, 'PATCH', `${of.base}/tasks/${id}`, {
        status: 'in_progress',
        assigneeId: null,
      });
      assert.equal(changed.json.status, 'in_progress');
      assert.equal(changed.json.assigneeId, null);
      const comments = `${of.base}/tasks/${id}/comments`;
      const mine = await call(of.member, 'POST', comments, { body: 'first' });
      const theirs = await call(of.owner, 'POST', comments, { body: 'second' });
      assert.equal((await call(of.member, 'PATCH', `${comments}/${theirs.json.id}`, { body: 'x' })).status, 403);
      assert.equal((await call(of.member, 'DELETE', `${comments}/${theirs.json.id}`)).status, 403);
      assert.equal((await call(of.owner, 'PATCH', `${comments}/${mine.json.id}`, { body: 'x' })).status, 403);
      assert.equal(
        (await call(of.member, 'PATCH', `${comments}/${mine.json.id}`, { body: 'edited' })).json.body,
        'edited',
      );
      assert.equal((await call(of.admin, 'DELETE', `${comments}/${mine.json.id}`)).status, 204);
      assert.equal((await call(of.member, 'GET', `${of.base}/tasks/${id}`)).json.commentCount, 1);
      const [last] = (await call(of.member, 'GET', `${of.base}/activity?limit=1`)).json.items;
      assert.deepEqual([last.kind, last.taskTitle, typeof last.projectName], ['comment.created', 'task 0', 'string']);
      assert.equal((await call(of.member, 'DELETE', `${of.base}/tasks/${id}`)).status, 204);
      assert.equal((await call(of.member, 'GET', comments)).status, 404);
      const feed = await call(of.member, 'GET', `${of.base}/tasks/${id}/activity`);
      assert.deepEqual(
        feed.json.items.map((item: { kind: string }) => item.kind),
        ['task.deleted', 'comment.created', 'comment.created', 'task.updated', 'task.created'],
      );
      assert.equal(feed.json.items[4].taskTitle, null);
      assert.deepEqual(feed.json.items[3].detail.status, { from: 'todo', to: 'in_progress' });
      assert.equal((await call(of.member, 'GET', `${of.base}/activity?limit=1`)).json.items[0].kind, 'task.deleted');
    });

    test('the summary counts what is there', async () => {
      const of = await tenant();
      await makeTasks(of, 2, { status: 'done' });
      await makeTasks(of, 1, { priority: 'urgent', dueOn: '2020-01-01' });
      const { json } = await call(of.member, 'GET', `${of.base}/summary`);
      // The tenant's own task is due in the past as well, seen from today.
      assert.equal(json.total, 4);
      assert.equal(json.open, 2);
      assert.equal(json.completedLast7Days, 2);
      assert.equal(json.createdLast7Days, 4);
      assert.ok(json.overdue >= 1);
      assert.deepEqual(json.busiestProjects, [
        { projectId: of.projectId, name: json.busiestProjects[0].name, open: 2 },
      ]);
      assert.equal(json.busiestMembers[0].userId, of.member.id);
    });

    test('roles: members do not manage; only owners make owners; the last owner stays', async () => {
      const of = await tenant();
      const set = (by: Person, whom: Person, role: string): Promise<Answer> =>
        call(by, 'PATCH', `${of.base}/members/${whom.id}`, { role });
      assert.equal((await call(of.member, 'POST', `${of.base}/teams`, { name: 'x' })).status, 403);
      assert.equal((await call(of.member, 'DELETE', `${of.base}/projects/${of.projectId}`)).status, 403);
      assert.equal((await set(of.member, of.member, 'owner')).status, 403);
      assert.equal((await set(of.admin, of.member, 'owner')).status, 403);
      assert.equal((await set(of.admin, of.owner, 'member')).status, 403);
      assert.equal((await set(of.owner, of.owner, 'member')).status, 409);
      assert.equal((await set(of.admin, of.member, 'admin')).json.role, 'admin');
      assert.equal((await set(of.owner, of.admin, 'owner')).json.role, 'owner');
      // Two owners step down at once: one of them must not.
      const both = await Promise.all([set(of.owner, of.owner, 'member'), set(of.admin, of.admin, 'member')]);
      const refused = both.map((answer) => answer.status).filter((status) => status !== 200);
      assert.equal(refused.length, 1);
      assert.ok(refused[0] === 403 || refused[0] === 409, String(refused));
      const { rows } = await world.pool.query(
        `select from teamflow.members where organization_id = $1 and role = 'owner'`,
        [of.organizationId],
      );
      assert.equal(rows.length, 1);
    });

    test('several roles of better-auth: the strongest counts, an unknown one gives least', async () => {
      const of = await tenant();
      const give = (role: string): Promise<unknown> =>
        world.pool.query('update teamflow.members set role = $1 where organization_id = $2 and user_id = $3', [
          role,
          of.organizationId,
          of.member.id,
        ]);
      await give('superuser');
      assert.equal((await call(of.member, 'POST', `${of.base}/teams`, { name: 'x' })).status, 403);
      await give('member,admin');
      assert.equal((await call(of.member, 'POST', `${of.base}/teams`, { name: 'x' })).status, 201);
      assert.equal((await call(of.member, 'POST', `${of.base}/teams`, { name: 'x' })).status, 409);
    });

    test('who leaves the organization leaves its tasks and teams, not the comments', async () => {
      const of = await tenant();
      await world.pool.query('delete from teamflow.members where organization_id = $1 and user_id = $2', [
        of.organizationId,
        of.member.id,
      ]);
      assert.equal((await call(of.member, 'GET', of.base)).status, 404);
      const task = await call(of.owner, 'GET', `${of.base}/tasks/${of.taskId}`);
      assert.equal(task.json.assigneeId, null);
      assert.equal((await call(of.owner, 'GET', `${of.base}/teams/${of.teamId}/members`)).json.items.length, 0);
      assert.equal((await call(of.owner, 'GET', `${of.base}/tasks/${of.taskId}/comments`)).json.items.length, 1);
    });

    test('an organization that is deleted takes everything along, and nothing of others', async () => {
      const [of, other] = [await tenant(), await tenant()];
      await world.pool.query('delete from teamflow.organizations where id = $1', [of.organizationId]);
      assert.equal((await call(of.owner, 'GET', of.base)).status, 404);
      assert.equal((await call(other.owner, 'GET', `${other.base}/tasks/${other.taskId}`)).status, 200);
    });
  });
}
