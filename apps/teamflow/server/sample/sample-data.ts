import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { schemaName } from '../database/database.ts';
import type { DataSize } from '../environment.ts';

/** The default of TEAMFLOW_SEED. */
const defaultSeed = 1;
const sampleLock = 83_263_570;

interface Volume {
  readonly organizations: number;
  readonly tasks: number;
  readonly comments: number;
}

const volumes: Readonly<Record<Exclude<DataSize, 'none'>, Volume>> = {
  small: { organizations: 10, tasks: 20_000, comments: 40_000 },
  medium: { organizations: 100, tasks: 500_000, comments: 1_000_000 },
  large: { organizations: 500, tasks: 2_000_000, comments: 5_000_000 },
};
const steps = ['words.sql', 'organizations.sql', 'tasks.sql', 'comments.sql', 'activity.sql'] as const;
/** Loaded without keys and indexes, which are made afterwards: sorting once is cheaper than a million insertions. */
const bulkTables = ['tasks', 'comments', 'activity'];

export interface SampleDataRequest {
  /** Absent: what the database was made with, or `small` for a new one. */
  readonly data: DataSize | undefined;
  readonly seed: number | undefined;
  /** A password hash for the sample members; called only when data is loaded. */
  readonly hashPassword: () => Promise<string>;
  readonly onProgress?: (message: string) => void;
}

/** What the database holds of sample data after a start. */
export interface SampleData {
  readonly data: DataSize;
  readonly seed: number;
  /** Whether it was loaded now. */
  readonly loaded: boolean;
}

/** The identifier of a sample organization; rank 1 is the largest. */
export function sampleOrganizationId(seed: number, rank: number): string {
  return sampleId(`${seed}:organization:${rank}`);
}

/** The identifier of a member of a sample organization; the first owns it. */
export function sampleUserId(seed: number, rank: number, i: number): string {
  return sampleId(`${seed}:user:${rank}:${i}`);
}

function sampleId(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

interface Installation {
  readonly data: DataSize | null;
  readonly seed: number | null;
  readonly analyzedAt: Date | null;
}

/**
 * Gives a new database its sample data: all of it in one transaction, so that a crash leaves none, and once, whoever
 * starts at the same time. Deterministic by seed, but for times, which are relative to the day of loading.
 *
 * @throws Error when other data is asked for than the database was made with: TeamFlow never deletes or doubles data.
 */
export async function ensureSampleData(pool: pg.Pool, request: SampleDataRequest): Promise<SampleData> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [sampleLock]);
    await client.query(`set local search_path = ${schemaName}`);
    const { rows } = await client.query<Installation>(
      'select data, seed, analyzed_at as "analyzedAt" from installation',
    );
    const found = rows[0] ?? { data: null, seed: null, analyzedAt: null };
    let result: SampleData;
    if (found.data !== null) {
      result = { data: found.data, seed: found.seed ?? defaultSeed, loaded: false };
      refuseOther(request, result);
    } else {
      result = await load(client, request);
    }
    await client.query('commit');
    // A crash before this line is made up for at the next start.
    if (result.data !== 'none' && found.analyzedAt === null) await analyze(client, request);
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    // What was set for the load alone goes with the connection.
    client.release(true);
  }
}

function refuseOther(request: SampleDataRequest, found: SampleData): void {
  const other = request.data !== undefined && request.data !== found.data;
  const reseeded = request.seed !== undefined && request.seed !== found.seed && found.data !== 'none';
  if (!other && !reseeded) return;
  const made = found.data === 'none' ? 'without sample data' : `with "${found.data}" sample data of seed ${found.seed}`;
  throw new Error(
    `${other ? `TEAMFLOW_DATA is "${request.data}"` : `TEAMFLOW_SEED is ${request.seed}`}, but this database was made ` +
      `${made}, and TeamFlow does not replace what is in a database. Leave the variable out to go on with it, ` +
      'or start with an empty database.',
  );
}

async function load(client: pg.PoolClient, request: SampleDataRequest): Promise<SampleData> {
  const { rows } = await client.query<{ used: boolean }>('select exists (select from organizations) as used');
  const used = rows[0]?.used === true;
  if (used && request.data !== undefined && request.data !== 'none') {
    throw new Error(
      `TEAMFLOW_DATA is "${request.data}", but this database holds organizations already: sample data goes into an ` +
        'empty database only. Leave the variable out, or start with another database.',
    );
  }
  const data = used ? 'none' : (request.data ?? 'small');
  const seed = request.seed ?? defaultSeed;
  if (data !== 'none') await fill(client, volumes[data], seed, request);
  await client.query('update installation set data = $1, seed = $2, loaded_at = now()', [data, seed]);
  return { data, seed, loaded: data !== 'none' };
}

async function fill(client: pg.PoolClient, volume: Volume, seed: number, request: SampleDataRequest): Promise<void> {
  const started = performance.now();
  const say = request.onProgress ?? (() => {});
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  say(`Making sample data: ${volume.organizations} organizations, ${volume.tasks} tasks, ${volume.comments} comments`);
  await client.query(`
    set local timezone = 'UTC';
    set local synchronous_commit = off;
    set local work_mem = '128MB';
    set local maintenance_work_mem = '256MB';
    set local jit = off;
    -- Rows are stored in the order they are made, which hash joins against small tables keep and merge joins do not.
    set local enable_mergejoin = off;
  `);
  const password = await request.hashPassword();
  await client.query(
    `create temporary table parameters on commit drop as
     select $1::bigint as seed, $2::integer as organization_count, $3::integer as task_count,
       $4::integer as comment_count, $5::text as password_hash, date_trunc('day', now()) as anchor`,
    [seed, volume.organizations, volume.tasks, volume.comments, password],
  );
  // From 0 to below 1, evenly, from a key and the number of the question; the same on every server since PostgreSQL 11.
  await client.query(
    `create function pg_temp.roll(key bigint, question bigint) returns float8 language sql immutable parallel safe as
     $$ select (hashint8extended(key, hashint8extended(${seed}, 0) # question) & 9007199254740991) / 9007199254740992.0::float8 $$`,
  );
  const restore = await dropKeysAndIndexes(client);
  for (const step of steps) {
    await client.query(await readFile(new URL(step, import.meta.url), 'utf8'));
    say(`  ${step.replace('.sql', '')} after ${seconds()}`);
  }
  // The planner of the checks of foreign keys needs to know how much there is.
  await client.query(`set local enable_mergejoin = on; analyze ${bulkTables.join(', ')}`);
  for (const statement of restore) await client.query(statement);
  await client.query(`
    select setval(pg_get_serial_sequence(name, 'id'), greatest(1, top)) from (
      select 'teams' as name, max(id) as top from teams union all
      select 'projects', max(id) from projects union all
      select 'tasks', max(id) from tasks union all
      select 'comments', max(id) from comments
    ) as tops
  `);
  say(`  keys and indexes after ${seconds()}`);
}

/** Drops what slows the load of the large tables, and answers the statements that bring it all back as it was. */
async function dropKeysAndIndexes(client: pg.PoolClient): Promise<readonly string[]> {
  const { rows: constraints } = await client.query<{ drop: string; create: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
       format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as create
     from pg_constraint
     where conrelid = any ($1::text[]::regclass[]) and contype in ('f', 'p', 'u')
     -- Foreign keys rest on the others: first to go, last to come.
     order by contype <> 'f', conrelid::regclass::text, conname`,
    [bulkTables],
  );
  const { rows: indexes } = await client.query<{ drop: string; create: string }>(
    `select format('drop index %s', indexrelid::regclass) as drop, pg_get_indexdef(indexrelid) as create
     from pg_index
     where indrelid = any ($1::text[]::regclass[])
       and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))`,
    [bulkTables],
  );
  for (const { drop } of [...constraints, ...indexes]) await client.query(drop);
  return [...indexes, ...constraints.toReversed()].map(({ create }) => create);
}

/** Statistics and the visibility map, which index-only scans need; autovacuum would take its time. */
async function analyze(client: pg.PoolClient, request: SampleDataRequest): Promise<void> {
  const started = performance.now();
  await client.query(
    `vacuum (analyze) ${[...bulkTables, 'users', 'members', 'projects', 'teams', 'team_members', 'organizations', 'accounts'].map((table) => `${schemaName}.${table}`).join(', ')}`,
  );
  await client.query(`update ${schemaName}.installation set analyzed_at = now()`);
  request.onProgress?.(`  statistics after another ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
