import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { IndexChoice } from '../environment.ts';
import { schemaName } from './database.ts';

const directory = new URL('../sql/', import.meta.url);
/** Any number that nothing else on the server uses: "teamflow" on a telephone's keys. */
const migrationLock = 83_263_569;

interface MigrationFile {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
  /** Files that begin with `-- indexes: full` are for installations with all indexes only. */
  readonly indexesOnly: boolean;
}

/** What a start found or did. */
export interface MigrationResult {
  /** Names of the files that were applied now. */
  readonly applied: readonly string[];
  /** Which indexes the installation has. */
  readonly indexes: IndexChoice;
}

async function readMigrations(): Promise<readonly MigrationFile[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{3}_[a-z_]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, directory), 'utf8');
      return {
        number: Number(name.slice(0, 3)),
        name,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
        indexesOnly: sql.startsWith('-- indexes: full\n'),
      };
    }),
  );
}

async function decideIndexes(client: pg.PoolClient, wanted: IndexChoice | undefined): Promise<IndexChoice> {
  await client.query('insert into installation (secret, indexes) values ($1, $2) on conflict (only_row) do nothing', [
    randomBytes(48).toString('base64url'),
    wanted ?? 'full',
  ]);
  const { rows } = await client.query<{ indexes: IndexChoice }>('select indexes from installation');
  const found = rows[0]?.indexes ?? 'full';
  if (wanted === undefined || wanted === found) return found;
  if (wanted === 'neglected') {
    throw new Error(
      'TEAMFLOW_INDEXES is "neglected", but this database was made with all indexes and TeamFlow drops none. ' +
        'Start with an empty database to get a neglected one, or leave the variable out.',
    );
  }
  await client.query('update installation set indexes = $1', [wanted]);
  return wanted;
}

/**
 * Brings the schema to this release: applies each numbered file that was not applied yet, all in one transaction and
 * under a lock, so that of two processes that start at once one does it and the other finds it done.
 *
 * @throws Error when the database is newer than this release, a file was changed after it was applied, or
 * `neglected` is asked of a database that has all indexes.
 */
export async function migrate(pool: pg.Pool, wanted: IndexChoice | undefined): Promise<MigrationResult> {
  const files = await readMigrations();
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    // Not "create ... if not exists" alone: that needs the right to create schemas even when there is nothing to do.
    const { rows: schemas } = await client.query('select from pg_namespace where nspname = $1', [schemaName]);
    if (schemas.length === 0) await client.query(`create schema ${schemaName}`);
    await client.query(`set local search_path = ${schemaName}`);
    await client.query(
      `create table if not exists migrations (
        number integer primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default now()
      )`,
    );
    const { rows } = await client.query<{ number: number; name: string; checksum: string }>(
      'select number, name, checksum from migrations order by number',
    );
    const done = new Map(rows.map((row) => [row.number, row]));
    for (const row of rows) {
      const file = files.find((one) => one.number === row.number);
      if (file === undefined) {
        throw new Error(
          `The database has migration ${row.name}, which this release of TeamFlow does not know: it was used by a ` +
            'newer release. Start that release, or use another database.',
        );
      }
      if (file.checksum !== row.checksum) {
        throw new Error(
          `Migration ${file.name} was changed after it was applied to this database. Applied migrations stay as ` +
            'they are: put the change into a new file.',
        );
      }
    }
    const applied: string[] = [];
    let indexes: IndexChoice = 'full';
    for (const file of files) {
      if (file.indexesOnly && indexes !== 'full') continue;
      if (!done.has(file.number)) {
        await client.query(file.sql);
        await client.query('insert into migrations (number, name, checksum) values ($1, $2, $3)', [
          file.number,
          file.name,
          file.checksum,
        ]);
        applied.push(file.name);
      }
      if (file.number === 1) indexes = await decideIndexes(client, wanted);
    }
    await client.query('commit');
    return { applied, indexes };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
