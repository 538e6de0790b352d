import type { DatabaseGap, DatabaseServer, VacuumBlocker, WraparoundState } from '../contract/database.ts';
import type { ObservedDatabase } from './observed-database.ts';
import { type Reading, readOr } from './reading.ts';

/** GRANTs by what they open; docs/guides/database.md has them together. */
export const grants = {
  statistics: (role: string): string =>
    `GRANT pg_monitor TO ${role}; (pg_read_all_stats and pg_read_all_settings, which are part of it, are enough.)`,
  data: (role: string): string => `GRANT pg_read_all_data TO ${role}; (from 14 on), or GRANT SELECT on the tables.`,
} as const;

interface ServerRow {
  readonly [column: string]: unknown;
  readonly database: string;
  readonly version: string;
  readonly version_number: number;
  readonly role: string;
  readonly is_superuser: boolean;
  readonly reads_all_statistics: boolean;
  readonly reads_all_settings: boolean;
  readonly is_standby: boolean;
  readonly started_at: Date;
  readonly counted_since: Date | null;
  readonly size_bytes: number | null;
  readonly hits: number;
  readonly reads: number;
  readonly commits: number;
  readonly rollbacks: number;
  readonly deadlocks: number;
  readonly temp_files: number;
  readonly temp_bytes: number;
  readonly extensions: Readonly<Record<string, string>>;
}

/** The server and the rights that it is read with; what is missing for want of rights. */
export async function readServer(database: ObservedDatabase): Promise<Reading<DatabaseServer>> {
  const [row] = await database.read<ServerRow>(
    `SELECT current_database() AS database, split_part(current_setting('server_version'), ' ', 1) AS version,
       current_setting('server_version_num')::int AS version_number, current_user AS role,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS reads_all_statistics,
       pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads_all_settings,
       pg_is_in_recovery() AS is_standby, pg_postmaster_start_time() AS started_at, s.stats_reset AS counted_since,
       CASE WHEN has_database_privilege(current_database(), 'CONNECT') OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
         THEN pg_database_size(current_database())::float8 END AS size_bytes,
       s.blks_hit::float8 AS hits, s.blks_read::float8 AS reads, s.xact_commit::float8 AS commits,
       s.xact_rollback::float8 AS rollbacks, s.deadlocks::float8 AS deadlocks, s.temp_files::float8 AS temp_files,
       s.temp_bytes::float8 AS temp_bytes,
       (SELECT coalesce(jsonb_object_agg(extname, extversion), '{}') FROM pg_extension) AS extensions
     FROM pg_stat_database s WHERE s.datname = current_database()`,
  );
  if (row === undefined) throw new Error('pg_stat_database has no row of this database');
  const gaps: DatabaseGap[] = [];
  if (!row.reads_all_statistics) {
    gaps.push({
      reading: 'activity of other roles',
      cause: 'right',
      reason: `The role ${row.role} sees what it does itself; of other roles it sees neither statements nor states.`,
      remedy: grants.statistics(row.role),
    });
  }
  if (!row.reads_all_settings) {
    gaps.push({
      reading: 'settings for superusers',
      cause: 'right',
      reason: `The role ${row.role} can not see settings that only superusers and pg_read_all_settings see (shared_preload_libraries).`,
      remedy: grants.statistics(row.role),
    });
  }
  const pages = row.hits + row.reads;
  return {
    value: {
      database: row.database,
      version: row.version,
      versionNumber: row.version_number,
      role: row.role,
      isSuperuser: row.is_superuser,
      readsAllStatistics: row.reads_all_statistics,
      readsAllSettings: row.reads_all_settings,
      isStandby: row.is_standby,
      startedAt: row.started_at.toISOString(),
      countedSince: row.counted_since?.toISOString() ?? null,
      sizeBytes: row.size_bytes,
      cacheHitRatio: pages === 0 ? null : row.hits / pages,
      commits: row.commits,
      rollbacks: row.rollbacks,
      deadlocks: row.deadlocks,
      tempFiles: row.temp_files,
      tempBytes: row.temp_bytes,
      extensions: row.extensions,
    },
    gaps,
  };
}

/** How far identifiers are used up, of the database that is nearest to its end first. */
export async function readWraparound(database: ObservedDatabase): Promise<readonly WraparoundState[]> {
  const rows = await database.read<{ name: string; age: number; multixact_age: number; freeze_max_age: number }>(
    `SELECT datname AS name, age(datfrozenxid)::float8 AS age, mxid_age(datminmxid)::float8 AS multixact_age,
       current_setting('autovacuum_freeze_max_age')::float8 AS freeze_max_age
     FROM pg_database ORDER BY 2 DESC LIMIT 50`,
  );
  return rows.map(({ name, age, multixact_age, freeze_max_age }) => ({
    database: name,
    transactionAge: age,
    multixactAge: multixact_age,
    freezeMaxAge: freeze_max_age,
    // The server stops 3 million before the end ("Preventing Transaction ID Wraparound Failures" in its manual).
    usedRatio: Math.min(1, Math.max(age, multixact_age) / (2 ** 31 - 3_000_000)),
  }));
}

interface BlockerRow {
  readonly kind: VacuumBlocker['kind'];
  readonly name: string;
  readonly age: number;
  readonly since: Date | null;
}

/** Who holds back the rows that vacuum may take, oldest first; nothing younger than `minAge` transactions. */
export async function readVacuumBlockers(
  database: ObservedDatabase,
  minAge: number,
): Promise<Reading<readonly VacuumBlocker[]>> {
  return await readOr(
    { reading: 'what holds back vacuum', rightRemedy: 'GRANT pg_monitor to the role.' },
    [],
    async () => {
      const rows = await database.read<BlockerRow & { [column: string]: unknown }>(
        `SELECT * FROM (
         SELECT 'transaction' AS kind, pid::text AS name, age(backend_xmin)::float8 AS age, xact_start AS since
         FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
           AND backend_type <> 'walsender'
         UNION ALL SELECT 'prepared transaction', gid, age(transaction)::float8, prepared FROM pg_prepared_xacts
         UNION ALL SELECT 'replication slot', slot_name::text, greatest(age(xmin), age(catalog_xmin))::float8, NULL
           FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
         UNION ALL SELECT 'standby', application_name, age(backend_xmin)::float8, NULL
           FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
       ) b WHERE age >= $1 ORDER BY age DESC LIMIT 20`,
        [minAge],
      );
      return rows.map(({ kind, name, age, since }) => ({ kind, name, age, sinceAt: since?.toISOString() ?? null }));
    },
  );
}
