import { join } from 'node:path';
import { chooseDataDirectory, type EmbeddedPostgres, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import type pg from 'pg';
import { parseAddress } from '../environment.ts';
import { StartError } from './start-error.ts';

/** The server that TeamFlow uses. */
export interface DatabaseServer {
  readonly connectionString: string;
  /** For the person who started it. */
  readonly description: string;
  /** Ours to stop; null: somebody else's. */
  readonly embedded: EmbeddedPostgres | null;
}

/** The team's own server where `databaseUrl` names one, otherwise an embedded one with its data below `stateDirectory`. */
export async function openDatabaseServer(
  databaseUrl: string | undefined,
  stateDirectory: string,
): Promise<DatabaseServer> {
  if (databaseUrl !== undefined) {
    const address = parseAddress(databaseUrl);
    const where = address === null ? '' : ` at ${address.searchParams.get('host') ?? address.host}${address.pathname}`;
    return { connectionString: databaseUrl, description: `that of DATABASE_URL${where}`, embedded: null };
  }
  const { directory, reason } = await chooseDataDirectory(join(stateDirectory, 'postgres'));
  const embedded = await startEmbeddedPostgres({ dataDirectory: directory, databases: ['teamflow'] });
  return {
    connectionString: embedded.url('teamflow'),
    description: `PostgreSQL ${embedded.majorVersion}, embedded; ${reason ?? `data in ${directory}`}`,
    embedded,
  };
}

/** PostgreSQL's oldest version that is supported, as `server_version_num` counts. */
const oldestVersion = 130_000;

const unreachable: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'EACCES',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
]);

/** What stands in the way of a first query, and what to do about it. The texts of pg and PostgreSQL hold no password. */
function explain(error: unknown): string {
  const said = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in said ? String(said.code) : '';
  // A name with several addresses: each has a failure of its own.
  const each = said instanceof AggregateError ? said.errors.map((one: Error) => one.message).join(', ') : said.message;
  if (unreachable.has(code) || /timeout|timed out/i.test(each)) {
    return `nothing answers there (${each}). Start that server, or correct the address`;
  }
  if (code.startsWith('28') || each.startsWith('SASL')) {
    return `it does not let this user in (${each}). Correct the user and the password`;
  }
  if (code === '3D000') return `it has no such database (${each}). Make it with "createdb", or name another`;
  if (code === '42501')
    return `the user lacks a right (${each}). Grant it CONNECT and CREATE on the database, or name another`;
  if (code === '57P03') return `it is starting or stopping (${each}). Try again in a moment, or name another`;
  if (code === '53300')
    return `it takes no more connections (${each}). Raise its max_connections, end some, or name another`;
  return `it can not be used (${each}). Correct the address`;
}

/**
 * Asks the server for its version, and has the embedded one count its statements: before anything is made in it, whoever starts TeamFlow learns what is wrong with it.
 *
 * @throws StartError that names DATABASE_URL, where it was given, and never its password.
 */
export async function checkDatabase(pool: pg.Pool, { embedded, description }: DatabaseServer): Promise<void> {
  const database = `The database is ${description}`;
  let version: number;
  try {
    const { rows } = await pool.query<{ version: string }>(`select current_setting('server_version_num') as version`);
    version = Number(rows[0]?.version);
  } catch (error) {
    const otherwise = embedded === null ? ' in DATABASE_URL, or leave it out for a PostgreSQL of TeamFlow’s own' : '';
    throw new StartError(`${database}, but ${explain(error)}${otherwise}.`, { cause: error });
  }
  if (version >= oldestVersion) {
    // Ours alone to change: on a team's server that is for its administrator, whom the autopilot tells the statement.
    if (embedded !== null) await pool.query('create extension if not exists pg_stat_statements');
    return;
  }
  throw new StartError(
    `${database}, which is PostgreSQL ${Math.floor(version / 10_000)}; TeamFlow needs ${oldestVersion / 10_000} or newer. ` +
      'Upgrade that server, or name another in DATABASE_URL.',
  );
}
