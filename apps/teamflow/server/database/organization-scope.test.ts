import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  CamelCasePlugin,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { GlobalTables } from './database.ts';
import { forOrganization, type OrganizationDatabase } from './organization-scope.ts';

const organization = '00000000-0000-4000-8000-000000000001';
const database = new Kysely<GlobalTables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  plugins: [new CamelCasePlugin()],
}).withSchema('teamflow');
const scoped = forOrganization(database, organization);
// Queries that the types would not allow either.
const untyped = scoped as unknown as Kysely<Record<string, Record<string, unknown>>>;

function compiled(query: { compile(): CompiledQuery }): string {
  const { sql: text, parameters } = query.compile();
  const times = text.match(/"organization_id" = \$/g)?.length ?? 0;
  assert.equal(parameters.filter((parameter) => parameter === organization).length >= times, true);
  return text;
}

test('every table of a select, join and subquery is restricted, under the name it goes by', () => {
  const text = compiled(
    scoped
      .selectFrom('tasks as t')
      .innerJoin('projects', 'projects.id', 't.projectId')
      .leftJoin('people as assignee', 'assignee.userId', 't.assigneeId')
      .select(['t.id', 'projects.name'])
      .select((eb) => eb.selectFrom('comments').select('body').whereRef('comments.taskId', '=', 't.id').as('last'))
      .where((eb) => eb.or([eb('t.status', '=', 'todo'), eb('t.status', '=', 'done')])),
  );
  assert.match(text, /from "teamflow"\."tasks" as "t" inner join "teamflow"\."projects" on/);
  for (const name of ['t', 'projects', 'assignee', 'comments']) {
    assert.match(text, new RegExp(`"${name}"\\."organization_id" = \\$`));
  }
  assert.match(
    text,
    /left join "teamflow"\."people" as "assignee" on \([^)]*\) and "assignee"\."organization_id" = \$/,
  );
  // An OR of the query's own must not open the restriction.
  assert.match(text, /where "t"\."organization_id" = \$\d+ and \(\("t"\."status"/);
});

test('with, union, lateral, cross join and delete using as well', () => {
  const inWith = compiled(
    scoped
      .with('open', (db) => db.selectFrom('tasks').select('tasks.id').where('status', '=', 'todo'))
      .selectFrom('open')
      .innerJoin('comments', 'comments.taskId', 'open.id')
      .select('comments.body'),
  );
  assert.equal(inWith.match(/organization_id/g)?.length, 2);
  assert.doesNotMatch(inWith, /"open"\."organization_id"/);

  const union = compiled(scoped.selectFrom('teams').select('name').union(scoped.selectFrom('projects').select('name')));
  assert.match(union, /"teams"\."organization_id" = \$/);
  assert.match(union, /"projects"\."organization_id" = \$/);

  const cross = compiled(scoped.selectFrom('teams').crossJoin('projects').select('projects.name'));
  assert.match(cross, /inner join "teamflow"\."projects" on "projects"\."organization_id" = \$/);

  const several = compiled(scoped.selectFrom(['teams', 'projects']).select('projects.name'));
  assert.equal(several.match(/organization_id/g)?.length, 2);

  const using = compiled(
    scoped.deleteFrom('comments').using('tasks').whereRef('comments.taskId', '=', 'tasks.id').where('tasks.id', '=', 1),
  );
  assert.match(using, /"comments"\."organization_id" = \$/);
  assert.match(using, /"tasks"\."organization_id" = \$/);
});

test('updates are restricted, also in their FROM; deletes are, without a WHERE of their own', () => {
  const text = compiled(
    scoped.updateTable('tasks').from('projects').set({ title: 'x' }).whereRef('projects.id', '=', 'tasks.projectId'),
  );
  assert.match(text, /^update "teamflow"\."tasks" set .* where "tasks"\."organization_id" = \$\d+ and "projects"\./);
  assert.equal(
    compiled(scoped.deleteFrom('teams')),
    'delete from "teamflow"."teams" where "teams"."organization_id" = $1',
  );
});

test('new rows belong to the organization, and conflicts are sought in it', () => {
  const query = scoped
    .insertInto('teamMembers')
    .values([
      { teamId: 1, userId: 'u1' },
      { teamId: 2, userId: 'u2' },
    ])
    .onConflict((conflict) => conflict.columns(['teamId', 'userId']).doNothing())
    .compile();
  assert.equal(
    query.sql,
    'insert into "teamflow"."team_members" ("organization_id", "team_id", "user_id") values ($1, $2, $3), ($4, $5, $6) ' +
      'on conflict ("organization_id", "team_id", "user_id") do nothing',
  );
  assert.deepEqual(query.parameters, [organization, 1, 'u1', organization, 2, 'u2']);
});

test('what can not be kept inside is refused', () => {
  const attempts: readonly [string, (db: typeof untyped & OrganizationDatabase) => { compile(): CompiledQuery }][] = [
    ['a table of nobody', (db) => db.selectFrom('users' as never).selectAll()],
    ['another schema', (db) => db.selectFrom('public.tasks' as never).selectAll()],
    ['a foreign table in a join', (db) => db.selectFrom('tasks').innerJoin('sessions' as never, (j) => j.onTrue())],
    ['raw SQL', () => ({ compile: () => sql`select * from teamflow.tasks`.compile(scoped) })],
    ['raw SQL inside', (db) => db.selectFrom('tasks').select(sql`(select count(*) from tasks)`.as('n'))],
    ['a raw table', (db) => db.selectFrom(sql`teamflow.tasks`.as('x')).selectAll()],
    ['a raw table name', (db) => db.selectFrom('tasks').where(sql<boolean>`exists (${sql.table('users')})`)],
    [
      'insert from select',
      (db) => db.insertInto('teams').columns(['name']).expression(db.selectFrom('teams').select('name')),
    ],
    ['an organization given', (db) => db.insertInto('teams').values({ name: 'x', organizationId: 'other' })],
    ['an organization changed', (db) => db.updateTable('teams').set({ organizationId: 'other' } as never)],
    [
      'a conflict by name',
      (db) =>
        db
          .insertInto('teams')
          .values({ name: 'x' })
          .onConflict((c) => c.constraint('k').doNothing()),
    ],
    [
      'a with that hides a table',
      (db) =>
        db
          .with('tasks', (d) => d.selectFrom('teams').selectAll())
          .selectFrom('tasks')
          .selectAll(),
    ],
    ['merge', (db) => db.mergeInto('teams').using('projects', 'projects.id', 'teams.id').whenMatched().thenDelete()],
    ['schema changes', (db) => db.schema.dropTable('teams')],
  ];
  for (const [what, attempt] of attempts) {
    // The two types of the same object: one for what is allowed, one for what is not.
    const both = scoped as unknown as typeof untyped & OrganizationDatabase;
    assert.throws(() => attempt(both).compile(), { name: 'OrganizationScopeError' }, what);
  }
});

test('nothing in the server takes the restriction off again', async () => {
  const server = new URL('../', import.meta.url);
  const files = (await readdir(server, { recursive: true })).filter((file) => file.endsWith('.ts'));
  assert.ok(files.includes('routes/tasks.ts'), 'the sources were not found');
  const acrossOrganizations = new Set(['routes/context.ts', 'routes/me.ts', 'routes/administration.ts']);
  for (const file of files) {
    if (file === 'database/organization-scope.ts' || file.endsWith('.test.ts')) continue;
    const text = await readFile(new URL(file, server), 'utf8');
    assert.doesNotMatch(text, /withoutPlugins|getExecutor/, file);
    // Only what is about the caller, and what administrators alone may call, sees across organizations.
    if (file.startsWith('routes/') && !acrossOrganizations.has(file))
      assert.doesNotMatch(text, /\b(Account|Administration)Context\b/, file);
  }
});
