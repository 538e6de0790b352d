import type { IoUse, ReplicationState } from '../contract/database-activity.ts';
import type { ObservedDatabase } from './observed-database.ts';
import type { ServerShape } from './server-shape.ts';

/** Standbys and slots, and how far a standby is behind itself. Of standbys a role without pg_monitor sees that they are there. */
export async function readReplication(database: ObservedDatabase): Promise<ReplicationState> {
  const here = `CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END`;
  const standbys = await database.read<{
    name: string | null;
    state: string | null;
    sync: string | null;
    behind_bytes: number | null;
    behind_ms: number | null;
  }>(
    `SELECT application_name AS name, state, sync_state AS sync, pg_wal_lsn_diff(${here}, replay_lsn)::float8 AS behind_bytes,
       extract(epoch FROM replay_lag)::float8 * 1000 AS behind_ms
     FROM pg_stat_replication ORDER BY 4 DESC NULLS LAST LIMIT 100`,
  );
  const slots = await database.read<{ name: string; kind: string; active: boolean; retained: number | null }>(
    `SELECT slot_name::text AS name, slot_type AS kind, active, pg_wal_lsn_diff(${here}, restart_lsn)::float8 AS retained
     FROM pg_replication_slots ORDER BY 4 DESC NULLS LAST LIMIT 100`,
  );
  const [own] = await database.read<{ behind_ms: number | null }>(
    `SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
       ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 * 1000 END AS behind_ms`,
  );
  return {
    standbys: standbys.map(({ name, state, sync, behind_bytes, behind_ms }) => ({
      name: name ?? 'a standby',
      state,
      sync,
      behindBytes: behind_bytes,
      behindMs: behind_ms,
    })),
    slots: slots.map(({ name, kind, active, retained }) => ({ name, kind, active, retainedBytes: retained })),
    replayBehindMs: own?.behind_ms ?? null,
  };
}

/** What each kind of process reads and writes, the most first; null before 16, which does not count it. */
export async function readIo(database: ObservedDatabase, shape: ServerShape): Promise<readonly IoUse[] | null> {
  if (!shape.has('pg_stat_io')) return null;
  // 18 counts bytes, as it reads several pages at once; before, all were of one size.
  const bytesOf = (calls: string, bytes: string): string =>
    `coalesce(sum(${shape.has('pg_stat_io', bytes) ? bytes : `${calls} * op_bytes`}), 0)::float8`;
  return await database.read<IoUse & { readonly [column: string]: unknown }>(
    `SELECT backend_type AS process, context, ${bytesOf('reads', 'read_bytes')} AS "readBytes",
       ${bytesOf('writes', 'write_bytes')} AS "writtenBytes", ${bytesOf('extends', 'extend_bytes')} AS "extendedBytes",
       coalesce(sum(hits), 0)::float8 AS hits, coalesce(sum(evictions), 0)::float8 AS evictions,
       coalesce(sum(fsyncs), 0)::float8 AS fsyncs, coalesce(sum(read_time), 0)::float8 AS "readMs",
       coalesce(sum(write_time), 0)::float8 AS "writeMs"
     FROM pg_stat_io GROUP BY 1, 2 HAVING sum(coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0)) > 0
     ORDER BY 3 + 4 + 5 DESC`,
  );
}
