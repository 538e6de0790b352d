import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import { Pager } from '@teamflow/autopilot/page';
import type { FastifyReply } from 'fastify';
import { sql } from 'kysely';
import type pg from 'pg';
import { createDatabase, createPool } from '../../apps/teamflow/server/database/database.ts';
import { migrate } from '../../apps/teamflow/server/database/migrate.ts';
import { forOrganization, type OrganizationDatabase } from '../../apps/teamflow/server/database/organization-scope.ts';
import { type TaskSort, taskOrders, taskSorts } from '../../apps/teamflow/server/routes/list-orders.ts';
import { readPage } from '../../apps/teamflow/server/routes/listing.ts';
import { selectTasks, taskSortValues } from '../../apps/teamflow/server/routes/task-queries.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';

/** What the first and the deepest page of TeamFlow's longest list cost, for every sort it offers, beside OFFSET. */

const LIMIT = 50;
const GOAL_RATIO = 1.5;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const tasks = quick ? 100_000 : 500_000;
  const rounds = quick ? 20 : 100;
  const directory = await mkdtemp(join(tmpdir(), 'bench-paging-'));
  // As root the server runs under another account.
  await chmod(directory, 0o755);
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const server = cleanUp.use(
    await startEmbeddedPostgres({ dataDirectory: join(directory, 'data'), durable: false, settings: { jit: 'off' } }),
  );
  const pool = createPool({ connectionString: server.url('postgres'), max: 1 });
  cleanUp.defer(() => pool.end());
  await migrate(pool, 'full');
  log(`paging: making ${tasks} tasks`);
  const organizationId = await fill(pool, tasks);
  const database = forOrganization(createDatabase(pool), organizationId);
  const list = new TaskList(database, organizationId, tasks);
  const rows: BenchRow[] = [];
  const ratios: number[] = [];
  for (const sort of taskSorts) {
    log(`paging: ${sort}`);
    const deepest = await list.deepestCursor(sort);
    const costs = { first: [] as number[], deepest: [] as number[], offset: [] as number[] };
    const turn = async (of: readonly (keyof typeof costs)[]): Promise<void> => {
      for (const kind of of) {
        // Reading by OFFSET takes long enough to be seen in fewer rounds.
        if (kind === 'offset' && costs.offset.length >= rounds / 10) continue;
        const started = performance.now();
        if (kind === 'offset') await list.byOffset(sort);
        else await list.page(sort, kind === 'first' ? undefined : deepest);
        costs[kind].push(performance.now() - started);
      }
    };
    await turn(['first', 'deepest']);
    for (const kind of ['first', 'deepest'] as const) costs[kind].length = 0;
    for (let round = 0; round < rounds; round++) {
      await turn(round % 2 === 0 ? ['first', 'deepest', 'offset'] : ['offset', 'deepest', 'first']);
    }
    const [first, last, offset] = [median(costs.first), median(costs.deepest), median(costs.offset)];
    ratios.push(last / first);
    rows.push({
      sort,
      'first page ms': first,
      'deepest page ms': last,
      'deepest to first': last / first,
      'deepest by OFFSET ms': offset,
      'OFFSET to first': offset / first,
    });
  }
  const worst = Math.max(...ratios);
  return {
    rows,
    goals: [
      {
        goal: `the deepest page costs at most ${GOAL_RATIO} x the first, for every sort`,
        measured: `${worst.toFixed(2)} x at worst`,
        met: worst <= GOAL_RATIO,
      },
    ],
    notes: [
      `${tasks} tasks of one organization, a quarter without a due date; pages of ${LIMIT} rows, both with a further row beyond.`,
      `Medians of ${rounds} rounds in turning order (a tenth of them by OFFSET), from making the statement to the page with its cursors; one connection to an embedded PostgreSQL, everything in its cache or the system's.`,
      'Filled without the indexes of search and labels, which no sort reads.',
    ],
  };
}

class TaskList {
  readonly #database: OrganizationDatabase;
  readonly #filter: object;
  readonly #length: number;
  readonly #pager = new Pager({ key: randomBytes(32) });

  constructor(database: OrganizationDatabase, organizationId: string, length: number) {
    this.#database = database;
    this.#filter = { list: 'tasks', organizationId };
    this.#length = length;
  }

  /** Reads a page as the route does. */
  async page(sort: TaskSort, cursor: string | undefined): Promise<void> {
    const reply = { header: () => reply } as unknown as FastifyReply; // all that readPage asks of it
    const { items, page } = await readPage(
      { pager: this.#pager, database: this.#database },
      { cursor, limit: LIMIT, order: taskOrders[sort], filter: this.#filter, url: '/tasks' },
      reply,
      selectTasks(this.#database),
      taskSortValues(sort),
    );
    if (items.length !== LIMIT || page.cut !== undefined)
      throw new Error(`A page of ${sort} has ${items.length} rows.`);
  }

  /** The same rows as the deepest page, found by counting those before them. */
  async byOffset(sort: TaskSort): Promise<void> {
    const rows = await this.#sorted(sort)
      .offset(this.#length - LIMIT - 1)
      .limit(LIMIT + 1)
      .execute();
    if (rows.length !== LIMIT + 1) throw new Error(`By OFFSET ${sort} has ${rows.length} rows.`);
  }

  /** Leads to the last page that has a full number of rows and one more. */
  async deepestCursor(sort: TaskSort): Promise<string> {
    const before = await this.#sorted(sort)
      .offset(this.#length - LIMIT - 2)
      .limit(2)
      .execute();
    const open = this.#pager.open({ limit: 1, order: taskOrders[sort], filter: this.#filter });
    return open.close(before, taskSortValues(sort)).page.next ?? '';
  }

  #sorted(sort: TaskSort) {
    const { orderBy } = this.#pager.open({ order: taskOrders[sort], filter: this.#filter });
    return selectTasks(this.#database).orderBy(sql.raw(orderBy));
  }
}

/** One organization with so many tasks; answers its id. */
async function fill(pool: pg.Pool, tasks: number): Promise<string> {
  await pool.query('drop index teamflow.tasks_search_idx, teamflow.tasks_labels_idx');
  const { rows } = await pool.query<{ organization: string; project: string }>(
    `with organization as (
       insert into teamflow.organizations (name, slug, created_at) values ('Bench', 'bench', now()) returning id
     ), project as (
       insert into teamflow.projects (organization_id, name) select id, 'Bench' from organization
       returning organization_id, id
     )
     select organization_id as organization, id as project from project`,
  );
  const { organization, project } = rows[0] ?? { organization: '', project: '' };
  await pool.query(
    `insert into teamflow.tasks
       (organization_id, project_id, title, status, priority, due_on, position, created_at, updated_at)
     select $1, $2, 'task ' || i, 'todo', (array['none', 'low', 'medium', 'high', 'urgent'])[1 + i * 7 % 5],
       case when i % 4 > 0 then date '2026-01-01' + (i * 13 % 700)::integer end, i,
       timestamptz '2025-01-01' + (i / 3) * interval '1 second',
       timestamptz '2025-01-01' + (i * 7919 % 1000003) * interval '1 second'
     from generate_series(1, $3::bigint) i`,
    [organization, project, tasks],
  );
  await pool.query('vacuum analyze teamflow.tasks');
  return organization;
}
