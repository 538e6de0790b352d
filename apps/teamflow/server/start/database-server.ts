import { join } from 'node:path';
import { chooseDataDirectory, type EmbeddedPostgres, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import { parseAddress } from '../environment.ts';

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
