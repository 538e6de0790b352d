import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { AutopilotError } from '../kernel/errors.ts';

/**
 * Numbered, forward-only migrations of the schema `autopilot`.
 *
 * Each file is one transaction under an advisory lock: two processes that start together apply each once, and one that
 * is killed leaves nothing half. What was applied is recorded with its checksum.
 */

/** What {@link migrate} found and did. */
export interface Migrated {
  /** The schema's version afterwards. */
  readonly version: number;
  /** Versions applied by this call, in order; empty when there was nothing to do. */
  readonly applied: readonly number[];
}

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Any two distinct numbers would do; these spell "AUTO" and stand for the schema. Locks are per database. */
const LOCK = [0x4155544f, 1] as const;

const MOST_ATTEMPTS = 5;

/** Where the migrations are: packages/autopilot/sql. */
export const migrationDirectory: string = fileURLToPath(new URL('../../sql/', import.meta.url));

/**
 * Brings the schema to the version this code knows. Waits for another process that is doing it.
 * The client's role must own the schema, or be allowed to create one in the database.
 *
 * @throws AutopilotError AP_STORE_SCHEMA_NEWER when the schema is of a later release, AP_STORE_MIGRATION_CHANGED when an
 * applied file is not what it was, AP_STORE_ENCODING when the database is not in UTF-8. Errors of PostgreSQL as they are.
 */
export async function migrate(client: pg.ClientBase, directory: string = migrationDirectory): Promise<Migrated> {
  const migrations = await readMigrations(directory);
  await ensureBookkeeping(client);
  const applied: number[] = [];
  for (const migration of migrations) {
    if (await retried(() => apply(client, migration, migrations))) applied.push(migration.version);
  }
  return { version: migrations.at(-1)?.version ?? 0, applied };
}

/** The version of the schema in a database; 0 when there is none. */
export async function schemaVersion(client: Pick<pg.ClientBase, 'query'>): Promise<number> {
  const found = await client.query<{ table: string | null }>(
    `SELECT to_regclass('autopilot.migrations')::text AS table`,
  );
  if (found.rows[0]?.table == null) return 0;
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0)::integer AS version FROM autopilot.migrations',
  );
  return rows[0]?.version ?? 0;
}

/** The version that this code brings a schema to. */
export async function knownVersion(directory: string = migrationDirectory): Promise<number> {
  return (await readMigrations(directory)).at(-1)?.version ?? 0;
}

/** What to say about a schema of a later release. */
export function newerSchema(found: number, known: number): AutopilotError {
  return new AutopilotError(
    'AP_STORE_SCHEMA_NEWER',
    `The schema autopilot in the database is of version ${found}; this release knows versions up to ${known}.`,
    {
      remedy:
        'Run the release that made it, or a later one. Agents of this release go on writing: the schema only grows.',
    },
  );
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1];
    if (number === undefined) continue;
    // A checkout on another system may have other line ends; they change nothing.
    const sql = (await readFile(`${directory}/${name}`, 'utf8')).replaceAll('\r\n', '\n');
    const version = Number(number);
    if (version !== migrations.length + 1) {
      throw new AutopilotError(
        'AP_STORE_MIGRATION_CHANGED',
        `Migration ${name} does not follow number ${migrations.length}.`,
        {
          remedy: 'Number migrations without gaps, one file each; reinstall the package if you did not change it.',
        },
      );
    }
    migrations.push({ version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') });
  }
  return migrations;
}

async function ensureBookkeeping(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ encoding: string; table: string | null }>(
    `SELECT current_setting('server_encoding') AS encoding, to_regclass('autopilot.migrations')::text AS table`,
  );
  const { encoding, table } = rows[0] ?? { encoding: '', table: null };
  if (encoding !== 'UTF8') {
    throw new AutopilotError('AP_STORE_ENCODING', `The database is in the encoding ${encoding}; names need UTF-8.`, {
      remedy: 'Create a database with ENCODING UTF8 and name it in AUTOPILOT_DATABASE_URL.',
    });
  }
  if (table !== null) return;
  await inTransaction(client, async () => {
    // Looked up first: CREATE SCHEMA asks for the right to create even where it has nothing to do.
    const schema = await client.query(`SELECT FROM pg_namespace WHERE nspname = 'autopilot'`);
    if (schema.rowCount === 0) await client.query('CREATE SCHEMA autopilot');
    await client.query(`
      CREATE TABLE IF NOT EXISTS autopilot.migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`);
  });
}

/** A migration that met agents at work waits for its turn again: a deadlock (40P01), or a lock it did not get in time (55P03). */
async function retried<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const passing = error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '55P03');
      if (!passing || attempt === MOST_ATTEMPTS) throw error;
      await delay(200 * attempt);
    }
  }
}

/** False when it had been applied. */
async function apply(client: pg.ClientBase, migration: Migration, known: readonly Migration[]): Promise<boolean> {
  return await inTransaction(client, async () => {
    const { rows } = await client.query<{ version: number; name: string; checksum: string }>(
      'SELECT version, name, checksum FROM autopilot.migrations ORDER BY version',
    );
    const newest = rows.at(-1)?.version ?? 0;
    if (newest > known.length) throw newerSchema(newest, known.length);
    const before = rows.find(({ version }) => version === migration.version);
    if (before === undefined) {
      await client.query(migration.sql);
      await client.query('INSERT INTO autopilot.migrations (version, name, checksum) VALUES ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.checksum,
      ]);
      return true;
    }
    if (before.checksum === migration.checksum) return false;
    throw new AutopilotError(
      'AP_STORE_MIGRATION_CHANGED',
      `Migration ${migration.name} was applied to this database with other contents (checksum ${before.checksum.slice(0, 12)}, now ${migration.checksum.slice(0, 12)}).`,
      { remedy: 'A published migration is never edited: restore the file, and make the change in a new one.' },
    );
  });
}

async function inTransaction<T>(client: pg.ClientBase, act: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    // Waiting for the other process that migrates is meant, however long it takes; waiting for a table is not.
    await client.query(`SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0`);
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...LOCK]);
    await client.query(`SET LOCAL lock_timeout = '5s'`);
    const result = await act();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // The connection is gone: the server has rolled back.
    throw error;
  }
}
