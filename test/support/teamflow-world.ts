import { after, afterEach } from 'node:test';
import type { EmbeddedPostgres } from '@teamflow/autopilot/embedded';
import type { FastifyInstance, InjectOptions, RouteOptions } from 'fastify';
import type pg from 'pg';
import { Accounts } from '../../apps/teamflow/server/accounts/accounts.ts';
import { type AppOptions, buildApp } from '../../apps/teamflow/server/app.ts';
import { createDatabase, createPool, type MemberRole } from '../../apps/teamflow/server/database/database.ts';
import { migrate } from '../../apps/teamflow/server/database/migrate.ts';
import { migrateJobs } from '../../apps/teamflow/server/jobs/background-jobs.ts';
import { type DatabaseTemplate, databaseFor, type TestScope } from './postgres.ts';

/** TeamFlow's schema with all indexes, and no rows. */
export const teamflowTemplate: DatabaseTemplate = {
  name: 'teamflow',
  async migrate(url) {
    const pool = createPool({ connectionString: url });
    await migrate(pool, 'full');
    await migrateJobs(pool);
    await pool.end();
  },
};

/** For a world that the tests of a suite share. (A suite that still runs counts as not passed, so its own context is kept out.) */
export const suiteScope: TestScope = {
  after: (fn) => after(() => fn()),
  afterEach: (fn) => afterEach(fn),
};

export const testSecret = 'a secret of the tests, as long as it has to be';

/** A user with an API key. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly key: string;
}

/** An organization with one of everything. */
export interface Tenant {
  readonly organizationId: string;
  readonly owner: Person;
  readonly admin: Person;
  readonly member: Person;
  readonly teamId: number;
  readonly projectId: number;
  readonly taskId: number;
  readonly commentId: number;
  /** Done, with a file; the owner's. */
  readonly exportId: string;
}

export interface World {
  readonly app: FastifyInstance;
  readonly pool: pg.Pool;
  /** Of its database. */
  readonly url: string;
  readonly accounts: Accounts;
  /** Every route that was registered. */
  readonly routes: readonly RouteOptions[];
  /** Calls the API as somebody; the body is JSON. */
  call(
    person: Person | null,
    method: NonNullable<InjectOptions['method']>,
    url: string,
    body?: unknown,
  ): Promise<Answer>;
  makePerson(name: string): Promise<Person>;
  /** `mark` is in every text of the tenant's, so that a leak shows. */
  makeTenant(mark: string): Promise<Tenant>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The parsed body; whatever the route answers. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export const organizations = '/api/v1/organizations';

/** TeamFlow's application on a database of the scope's own. */
export async function openWorld(
  scope: TestScope,
  options: {
    readonly server?: EmbeddedPostgres;
    readonly app?: Partial<AppOptions>;
    readonly throttled?: boolean;
    /** Whether people may make accounts for themselves; default: closed. */
    readonly signUp?: 'open' | 'closed';
  } = {},
): Promise<World> {
  // Registered before the database's own clean-up, which wants everybody gone.
  const ending = new AsyncDisposableStack();
  scope.after(() => ending.disposeAsync());
  const { url } = await databaseFor(scope, {
    template: teamflowTemplate,
    ...(options.server === undefined ? {} : { server: options.server }),
  });
  const pool = createPool({ connectionString: url, max: 5 });
  ending.defer(() => pool.end());
  const accounts = new Accounts({
    pool,
    secret: testSecret,
    publicUrl: 'http://127.0.0.1:3000',
    throttled: options.throttled ?? false,
    signUp: options.signUp ?? 'closed',
    log: () => {},
  });
  const routes: RouteOptions[] = [];
  const app = await buildApp({
    pool,
    accounts,
    secret: testSecret,
    version: '0.0.0',
    prepare: (instance) => {
      instance.addHook('onRoute', (route) => {
        routes.push(route);
      });
    },
    ...options.app,
  });
  ending.defer(() => app.close());
  await app.ready();
  const database = createDatabase(pool);
  let people = 0;

  const call: World['call'] = async (person, method, target, body) => {
    const response = await app.inject({
      method,
      url: target,
      headers: person === null ? {} : { 'x-api-key': person.key },
      ...(body === undefined ? {} : { payload: body as Record<string, unknown> }),
    });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: isJson && response.body !== '' ? response.json() : undefined,
    };
  };

  const makePerson: World['makePerson'] = async (name) => {
    people += 1;
    const email = `person-${people}@teamflow.example`;
    const password = `password of ${people}`;
    const { id } = await accounts.createUser({ email, name, password, role: 'user' });
    return { id, email, password, key: await accounts.createApiKey(id, 'test') };
  };

  const join = async (organizationId: string, person: Person, role: MemberRole): Promise<void> => {
    await database
      .insertInto('members')
      .values({ organizationId, userId: person.id, role, createdAt: new Date() })
      .execute();
  };

  return {
    app,
    pool,
    url,
    accounts,
    routes,
    call,
    makePerson,
    async makeTenant(mark) {
      const [owner, admin, member] = [
        await makePerson(`${mark} owner`),
        await makePerson(`${mark} admin`),
        await makePerson(`${mark} member`),
      ];
      const { id: organizationId } = await database
        .insertInto('organizations')
        .values({ name: `${mark} organization`, slug: mark, createdAt: new Date() })
        .returning('id')
        .executeTakeFirstOrThrow();
      await join(organizationId, owner, 'owner');
      await join(organizationId, admin, 'admin');
      await join(organizationId, member, 'member');
      const base = `${organizations}/${organizationId}`;
      const make = async (path: string, body: unknown): Promise<number> => {
        const { status, json, text } = await call(owner, 'POST', `${base}${path}`, body);
        if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${text}`);
        return json.id;
      };
      const teamId = await make('/teams', { name: `${mark} team` });
      await call(owner, 'PUT', `${base}/teams/${teamId}/members/${member.id}`);
      const projectId = await make('/projects', { name: `${mark} project`, teamId });
      const taskId = await make('/tasks', {
        projectId,
        title: `${mark} task`,
        description: `${mark} description`,
        assigneeId: member.id,
        labels: [`${mark}-label`],
        dueOn: '2026-03-01',
      });
      const commentId = await make(`/tasks/${taskId}/comments`, { body: `${mark} comment` });
      const asked = await call(owner, 'POST', `${base}/projects/${projectId}/exports`);
      const exportId: string = asked.json.id;
      await pool.query(`update teamflow.exports set status = 'done', file = $2 where id = $1`, [
        exportId,
        `${mark} file`,
      ]);
      return { organizationId, owner, admin, member, teamId, projectId, taskId, commentId, exportId };
    },
  };
}
