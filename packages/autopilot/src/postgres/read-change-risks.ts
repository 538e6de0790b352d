import { statfs } from 'node:fs/promises';
import { type ObservedDatabase, OWN_APPLICATION } from './observed-database.ts';

/** What speaks against changing a database now; null: not known to this role. */
export interface ChangeRisks {
  readonly isStandby: boolean;
  /** Of the tables asked about: those that the role does not own. */
  readonly notOwned: readonly string[];
  readonly isSuperuser: boolean;
  readonly lagSeconds: number | null;
  readonly oldestTransactionSeconds: number | null;
  /** Of the disk with the data, where the server is on this machine. */
  readonly freeBytes: number | null;
  readonly diskBytes: number | null;
}

interface RiskRow {
  readonly [column: string]: unknown;
  readonly standby: boolean;
  readonly not_owned: string[] | null;
  readonly superuser: boolean;
  readonly lag: number | null;
  readonly oldest: number | null;
  readonly directory: string | null;
  readonly local: boolean;
}

/** Reads what speaks against a change of `tables` (as SQL has their names) by the role of this connection. */
export async function readChangeRisks(database: ObservedDatabase, tables: readonly string[]): Promise<ChangeRisks> {
  const [row] = await database.read<RiskRow>(
    `SELECT pg_is_in_recovery() AS standby,
       (SELECT array_agg(t.name) FROM unnest($1::text[]) AS t(name) LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)
        WHERE c.oid IS NULL OR NOT pg_has_role(c.relowner, 'USAGE')
          OR NOT has_schema_privilege(c.relnamespace, 'CREATE')) AS not_owned,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       (SELECT max(extract(epoch FROM replay_lag))::float8 FROM pg_stat_replication) AS lag,
       (SELECT max(extract(epoch FROM now() - xact_start))::float8 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT starts_with(application_name, $2)) AS oldest,
       current_setting('data_directory', true) AS directory, inet_server_addr() IS NULL OR host(inet_server_addr()) IN ('127.0.0.1', '::1') AS local`,
    [[...tables], OWN_APPLICATION],
  );
  const disk = row?.local === true && row.directory !== null ? await statfs(row.directory).catch(() => null) : null;
  return {
    isStandby: row?.standby ?? false,
    notOwned: row?.not_owned ?? [],
    isSuperuser: row?.superuser ?? false,
    lagSeconds: row?.lag ?? null,
    oldestTransactionSeconds: row?.oldest ?? null,
    freeBytes: disk === null ? null : disk.bavail * disk.bsize,
    diskBytes: disk === null ? null : disk.blocks * disk.bsize,
  };
}
