import type { ObservedDatabase } from './observed-database.ts';
import type { ServerShape } from './server-shape.ts';

/** One row of pg_settings. */
export interface ServerSetting {
  readonly name: string;
  /** In the setting's own unit. */
  readonly value: string;
  /** "8kB", "ms"; null: it has none. */
  readonly unit: string | null;
  /** `postmaster`: a restart is needed; `sighup`: a reload. */
  readonly context: string;
  readonly isDefault: boolean;
}

/** What checkpoints and background writing did since their reset. */
export interface CheckpointCounts {
  readonly timed: number;
  /** Because WAL had grown to max_wal_size, or somebody asked. */
  readonly requested: number;
  readonly resetAt: string | null;
}

/** The settings that advice is given about, and a replication slot's worth of what else there is. */
export interface SettingsReading {
  readonly settings: ReadonlyMap<string, ServerSetting>;
  readonly checkpoints: CheckpointCounts;
  /** Mean time of reading a page that was not in shared_buffers; null: track_io_timing is off, or too few were read. */
  readonly readMsAPage: number | null;
  readonly inactiveSlots: readonly { readonly name: string; readonly retainedBytes: number | null }[];
}

/** Every setting that the role may see; cost 3 ms. */
export async function readSettings(database: ObservedDatabase, shape: ServerShape): Promise<SettingsReading> {
  const rows = await database.read<{
    name: string;
    setting: string;
    unit: string | null;
    context: string;
    source: string;
  }>('SELECT name, setting, unit, context, source FROM pg_settings');
  const fromCheckpointer = shape.has('pg_stat_checkpointer');
  const [counts] = await database.read<{ timed: number; requested: number; reset_at: Date | null }>(
    fromCheckpointer
      ? 'SELECT num_timed::float8 AS timed, num_requested::float8 AS requested, stats_reset AS reset_at FROM pg_stat_checkpointer'
      : 'SELECT checkpoints_timed::float8 AS timed, checkpoints_req::float8 AS requested, stats_reset AS reset_at FROM pg_stat_bgwriter',
  );
  const [io] = await database.read<{ read_ms: number | null }>(
    `SELECT CASE WHEN blks_read >= 10000 AND blk_read_time > 0 THEN (blk_read_time / blks_read)::float8 END AS read_ms
     FROM pg_stat_database WHERE datname = current_database()`,
  );
  const slots = await database.read<{ name: string; retained: number | null }>(
    `SELECT slot_name::text AS name, CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 END AS retained
     FROM pg_replication_slots WHERE NOT active`,
  );
  return {
    settings: new Map(
      rows.map(({ name, setting, unit, context, source }) => [
        name,
        { name, value: setting, unit, context, isDefault: source === 'default' },
      ]),
    ),
    checkpoints: {
      timed: counts?.timed ?? 0,
      requested: counts?.requested ?? 0,
      resetAt: counts?.reset_at?.toISOString() ?? null,
    },
    readMsAPage: io?.read_ms ?? null,
    inactiveSlots: slots.map(({ name, retained }) => ({ name, retainedBytes: retained })),
  };
}
