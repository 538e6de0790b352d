import { knownVersion, newerSchema } from '../migrate.ts';
import type { StoreClient } from './store-connection.ts';

/**
 * Whether this code may change what is stored: not when a later release has migrated the schema, because what that one
 * writes may mean something this one would merge wrongly. Appending goes on, through a function that stays as it is.
 */
export async function refuseNewerSchema(client: StoreClient): Promise<void> {
  const known = await knownVersion();
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0)::integer AS version FROM autopilot.migrations',
  );
  const found = rows[0]?.version ?? 0;
  if (found > known) throw newerSchema(found, known);
}
