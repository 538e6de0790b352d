import type { DatabaseServer } from '../contract/database.ts';
import type { ObservedDatabase } from './observed-database.ts';
import { readServer } from './read-server.ts';

/** How often each index was used on a standby, which counts for itself. */
export interface ReplicaScans {
  readonly server: DatabaseServer;
  /** By "schema.index". */
  readonly scans: ReadonlyMap<string, number>;
}

/** The same for a server and its standbys; null: the role may not know it. */
async function systemOf(database: ObservedDatabase): Promise<string | null> {
  try {
    const [row] = await database.read<{ system: string }>(
      'SELECT system_identifier::text AS system FROM pg_control_system()',
    );
    return row?.system ?? null;
  } catch {
    return null;
  }
}

/** What `other` counts of the indexes of `database`; null: it is no standby of it, or can't be asked now. */
export async function readReplicaScans(
  database: ObservedDatabase,
  server: DatabaseServer,
  other: ObservedDatabase,
): Promise<ReplicaScans | null> {
  try {
    const { value: replica } = await readServer(other);
    if (!replica.isStandby || replica.database !== server.database) return null;
    const system = await systemOf(database);
    if (system === null || system !== (await systemOf(other))) return null;
    const rows = await other.read<{ name: string; scans: number }>(
      `SELECT schemaname || '.' || indexrelname AS name, idx_scan::float8 AS scans FROM pg_stat_user_indexes WHERE idx_scan > 0`,
    );
    return { server: replica, scans: new Map(rows.map(({ name, scans }) => [name, scans])) };
  } catch {
    return null;
  }
}

/** Standbys that are connected now, and may answer reads; a logical subscriber, or who only keeps WAL, is none. */
export async function connectedStandbys(database: ObservedDatabase): Promise<number> {
  const [row] = await database.read<{ standbys: number }>(
    `SELECT count(*)::int AS standbys FROM pg_stat_replication r WHERE replay_lsn IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')`,
  );
  return row?.standbys ?? 0;
}
