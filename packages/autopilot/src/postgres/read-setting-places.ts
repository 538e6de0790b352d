import { type ObservedDatabase, OWN_APPLICATION } from './observed-database.ts';

interface RightRow {
  readonly [column: string]: unknown;
  readonly name: string;
  readonly system: boolean;
  readonly database: boolean;
  readonly by_session: boolean;
  /** Somebody else has its account, so that what is set for it reaches an application. */
  readonly shared: boolean;
}

/** Where the role of this connection may keep settings, by name, the widest place; null: nowhere. */
export async function readSettingPlaces(
  database: ObservedDatabase,
  names: readonly string[],
): Promise<ReadonlyMap<string, 'system' | 'database' | 'role' | null>> {
  const [server] = await database.read<{ number: number }>(
    `SELECT current_setting('server_version_num')::int AS number`,
  );
  // From 15 on a role may be given single settings.
  const granted = (server?.number ?? 0) >= 150_000 ? ` OR has_parameter_privilege(s.name, 'ALTER SYSTEM')` : '';
  const rows = await database.read<RightRow>(
    `SELECT s.name,
       (r.rolsuper${granted}) AND has_function_privilege('pg_reload_conf()', 'EXECUTE')
         AND (r.rolsuper OR pg_has_role('pg_read_all_settings', 'USAGE')) AS system,
       pg_has_role(d.datdba, 'USAGE') AS database, s.context = 'user' OR (r.rolsuper AND s.context = 'superuser') AS by_session,
       EXISTS (SELECT FROM pg_stat_activity a WHERE a.usename = current_user AND a.datname = current_database()
         AND a.pid <> pg_backend_pid() AND NOT starts_with(a.application_name, $2)) AS shared
     FROM pg_settings s, pg_roles r, pg_database d
     WHERE s.name = ANY ($1) AND r.rolname = current_user AND d.datname = current_database()`,
    [[...names], OWN_APPLICATION],
  );
  return new Map(
    rows.map(({ name, system, database: owns, by_session: bySession, shared }) => [
      name,
      system ? 'system' : !bySession ? null : owns ? 'database' : shared ? 'role' : null,
    ]),
  );
}
