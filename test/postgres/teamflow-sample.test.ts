import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import type pg from 'pg';
import { createPool } from '../../apps/teamflow/server/database/database.ts';
import { migrate } from '../../apps/teamflow/server/database/migrate.ts';
import type { DataSize } from '../../apps/teamflow/server/environment.ts';
import {
  ensureSampleData,
  type SampleData,
  sampleOrganizationId,
  sampleUserId,
} from '../../apps/teamflow/server/sample/sample-data.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, olderServer, olderServerSkip, type TestScope } from '../support/postgres.ts';
import { suiteScope, teamflowTemplate } from '../support/teamflow-world.ts';

leakCheck(after);

/** A pool on a database of the scope's own, with the schema or with nothing. */
async function openPool(
  scope: TestScope,
  options: { server?: Awaited<ReturnType<typeof olderServer>>; empty?: true } = {},
): Promise<pg.Pool> {
  const ending = new AsyncDisposableStack();
  scope.after(() => ending.disposeAsync());
  const { url } = await databaseFor(scope, {
    ...(options.empty === true ? {} : { template: teamflowTemplate }),
    ...(options.server === undefined ? {} : { server: options.server }),
  });
  const pool = createPool({ connectionString: url, max: 4 });
  ending.defer(() => pool.end());
  return pool;
}

function load(
  pool: pg.Pool,
  data?: DataSize,
  seed?: number,
  onProgress: (message: string) => void = () => {},
): Promise<SampleData> {
  return ensureSampleData(pool, { data, seed, hashPassword: async () => 'no password has this hash', onProgress });
}

async function one<T extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[] = [],
): Promise<T> {
  const { rows } = await pool.query<T>(text, [...values]);
  assert.ok(rows[0], `no row: ${text}`);
  return rows[0];
}

/** Every key, constraint and index of the schema, as PostgreSQL spells it. */
async function definitions(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ definition: string }>(
    `select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as definition from pg_constraint
     where connamespace = 'teamflow'::regnamespace
     union all select indexdef from pg_indexes where schemaname = 'teamflow' order by 1`,
  );
  return rows.map((row) => row.definition);
}

/** A hash over all rows of all tables, without what is made anew at each load. */
async function contents(pool: pg.Pool): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const table of [
    'organizations',
    'users',
    'teams',
    'team_members',
    'projects',
    'tasks',
    'comments',
    'activity',
  ]) {
    const { hash } = await one<{ hash: string }>(
      pool,
      `select md5(string_agg(md5(t::text), '' order by t::text)) as hash from teamflow.${table} t`,
    );
    found[table] = hash;
  }
  return found;
}

for (const [name, skip, server] of [
  ['embedded', false, undefined],
  ['15', olderServerSkip(), olderServer],
] as const) {
  describe(`sample data (PostgreSQL ${name})`, { skip }, async () => {
    if (skip) return;
    const options = server === undefined ? {} : { server: await server() };
    const pool = await openPool(suiteScope, options);
    const before = await definitions(pool);

    test('small: 10 organizations, 20,000 tasks, and all keys and indexes as they were', async () => {
      assert.deepEqual(await load(pool, 'small'), { data: 'small', seed: 1, loaded: true });
      assert.deepEqual(await definitions(pool), before);
      const counts = await one(
        pool,
        `select (select count(*) from teamflow.organizations) as organizations, (select count(*) from teamflow.tasks) as tasks,
           (select count(*) from teamflow.comments) as comments`,
      );
      assert.deepEqual(counts, { organizations: 10, tasks: 20_000, comments: 40_000 });
      const { id } = await one<{ id: number }>(
        pool,
        `insert into teamflow.tasks (organization_id, project_id, title, status, priority, position)
         select organization_id, id, 'new', 'todo', 'none', 1 from teamflow.projects limit 1 returning id`,
      );
      assert.equal(id, 20_001);
      await pool.query('delete from teamflow.tasks where id = $1', [id]);
    });

    test('it is skewed as such data is', async () => {
      const { rows: sizes } = await pool.query<{ id: string; tasks: number }>(
        'select organization_id as id, count(*) as tasks from teamflow.tasks group by 1 order by 2 desc',
      );
      assert.equal(sizes[0]?.id, sampleOrganizationId(1, 1));
      const [largest = 0, second = 0] = sizes.map((row) => row.tasks);
      // Zipf: the second has half of the first.
      assert.ok(Math.abs(largest / second - 2) < 0.02, `${largest} to ${second}`);
      assert.ok(largest / 20_000 > 0.3);

      const shares = await one<Record<string, number>>(
        pool,
        `select avg((created_at > now() - interval '60 days')::int)::float8 as recent,
           avg((status = 'done')::int)::float8 as done, avg((assignee_id is null)::int)::float8 as unassigned,
           avg((extract(isodow from created_at at time zone 'UTC') > 5)::int)::float8 as weekend,
           (count(distinct title) / count(*)::float8) as titles, max(created_at) < now() as past,
           bool_and(updated_at >= created_at and updated_at <= now()) as in_order
         from teamflow.tasks`,
      );
      const { recent = 0, done = 0, unassigned = 0, weekend = 1, titles = 0, past, in_order } = shares;
      assert.ok(recent > 0.15, `${recent} in 60 of up to 730 days`);
      assert.ok(done > 0.6 && done < 0.9, `${done} done`);
      assert.ok(unassigned > 0.1 && unassigned < 0.25, `${unassigned} unassigned`);
      assert.ok(weekend < 0.1, `${weekend} on weekends`);
      assert.ok(titles > 0.9, `${titles} different titles`);
      assert.deepEqual([past, in_order], [true, true]);

      const { top } = await one<{ top: number }>(
        pool,
        `with counts as (select count(*) as n from teamflow.comments group by task_id),
           ranked as (select n, percent_rank() over (order by n desc) as rank from counts)
         select (sum(n) filter (where rank < 0.05) / sum(n))::float8 as top from ranked`,
      );
      assert.ok(top > 0.2, `the most discussed 5 % of tasks have ${top} of the comments`);
      const { hits } = await one<{ hits: number }>(
        pool,
        `select count(*) as hits from teamflow.tasks where search @@ websearch_to_tsquery('english', 'invoice')`,
      );
      assert.ok(hits > 50 && hits < 5_000, `${hits} hits`);
    });

    test('rows lie in the order they were made, those of all organizations mixed', async () => {
      const { rows } = await pool.query<{ name: string; correlation: number }>(
        `select tablename || '.' || attname as name, correlation from pg_stats
         where schemaname = 'teamflow' and tablename in ('tasks', 'comments') and attname in ('created_at', 'organization_id')`,
      );
      assert.equal(rows.length, 4);
      for (const row of rows) {
        if (row.name.endsWith('created_at')) assert.ok(row.correlation > 0.99, `${row.name} ${row.correlation}`);
        else assert.ok(row.correlation < 0.6, `${row.name} ${row.correlation}`);
      }
    });

    test('a second start loads nothing; other data is refused; leaving it out goes on', async () => {
      const found = { data: 'small', seed: 1, loaded: false };
      assert.deepEqual(await load(pool), found);
      assert.deepEqual(await load(pool, 'small', 1), found);
      await assert.rejects(load(pool, 'medium'), /TEAMFLOW_DATA is "medium", but this database was made with "small"/);
      await assert.rejects(load(pool, 'none'), /TEAMFLOW_DATA is "none"/);
      await assert.rejects(load(pool, 'small', 2), /TEAMFLOW_SEED is 2/);
    });

    // What rows are made of, and how a load ends, is of the loader's own making: another server gives nothing new.
    if (name === 'embedded') {
      test('the same seed gives the same rows, another gives others; two loads at once make one', async (t) => {
        const again = await openPool(t, options);
        const answers = await Promise.all([load(again, 'small'), load(again, 'small')]);
        assert.deepEqual(answers.filter((answer) => answer.loaded).length, 1);
        const first = await contents(pool);
        assert.deepEqual(await contents(again), first);
        const other = await openPool(t, options);
        await load(other, 'small', Number.MAX_SAFE_INTEGER);
        const different = await contents(other);
        for (const [table, hash] of Object.entries(first)) assert.notEqual(different[table], hash, table);
        const { role } = await one<{ role: string }>(pool, 'select role from teamflow.members where user_id = $1', [
          sampleUserId(1, 1, 1),
        ]);
        assert.equal(role, 'owner');
      });

      test('a load that is cut off leaves nothing half, and the next one does it all', async (t) => {
        const cut = await openPool(t, options);
        const failed = load(cut, 'small', 1, (message) => {
          if (!message.includes('tasks after')) return;
          // The loader may be between two statements: within its transaction it counts all the same.
          void cut.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`,
          );
        });
        await assert.rejects(failed);
        const left = await one(
          cut,
          `select (select count(*) from teamflow.organizations) + (select count(*) from teamflow.users)
             + (select count(*) from teamflow.tasks) as rows, data from teamflow.installation`,
        );
        assert.deepEqual(left, { rows: 0, data: null });
        assert.deepEqual(await definitions(cut), before);
        assert.equal((await load(cut, 'small')).loaded, true);
      });
    }

    test('a database in use is given none, whatever the default is', async (t) => {
      const used = await openPool(t, options);
      await used.query(`insert into teamflow.organizations (name, slug, created_at) values ('ours', 'ours', now())`);
      await assert.rejects(load(used, 'small'), /holds organizations already/);
      assert.deepEqual(await load(used), { data: 'none', seed: 1, loaded: false });
      assert.deepEqual(await load(used), { data: 'none', seed: 1, loaded: false });
    });

    test('neglected: primary and unique keys only; full makes up for it; the way back is refused', async (t) => {
      const neglected = await openPool(t, { ...options, empty: true });
      assert.equal((await migrate(neglected, 'neglected')).indexes, 'neglected');
      const extra = `select count(*) as indexes from pg_index join pg_class on pg_class.oid = indexrelid
        where relnamespace = 'teamflow'::regnamespace and not indisunique`;
      assert.deepEqual(await one(neglected, extra), { indexes: 0 });
      await load(neglected, 'small');
      assert.deepEqual(await one(neglected, extra), { indexes: 0 });
      assert.equal((await migrate(neglected, undefined)).indexes, 'neglected');
      assert.deepEqual(await migrate(neglected, 'full'), {
        applied: ['004_indexes.sql', '005_list_indexes.sql', '007_background_indexes.sql', '008_priority_order.sql'],
        indexes: 'full',
      });
      assert.deepEqual(await definitions(neglected), before);
      await assert.rejects(migrate(neglected, 'neglected'), /TeamFlow drops none/);
    });

    test('migrations: two at once, a changed file, a newer database', async (t) => {
      const fresh = await openPool(t, { ...options, empty: true });
      const results = await Promise.all([1, 2, 3].map(() => migrate(fresh, undefined)));
      const files = readdirSync(new URL('../../apps/teamflow/server/sql/', import.meta.url));
      // Each of them once, by whichever came first.
      assert.deepEqual(results.flatMap((result) => result.applied).toSorted(), files.toSorted());
      await fresh.query(`insert into teamflow.migrations values (999, '999_future.sql', 'x')`);
      await assert.rejects(migrate(fresh, undefined), /999_future\.sql.*newer release/);
      await fresh.query('delete from teamflow.migrations where number = 999');
      await fresh.query(`update teamflow.migrations set checksum = 'other' where number = 3`);
      await assert.rejects(migrate(fresh, undefined), /003_work\.sql was changed after it was applied/);
    });
  });
}
