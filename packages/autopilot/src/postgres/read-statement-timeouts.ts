import type { ObservedDatabase } from './observed-database.ts';

/** The statement_timeout that connections of a role to this database begin with. */
export interface RoleTimeout {
  readonly role: string;
  /** 0: none. */
  readonly timeoutMs: number;
  /** "the role orders", "the database shop", "the server". */
  readonly setBy: string;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Of those roles; what is set for the role in this database stands over what is set for it, over the database's, over the server's.
 * The server's own is known to roles that may read its files; what clients ask for themselves is not.
 */
export async function readStatementTimeouts(
  database: ObservedDatabase,
  roles: readonly string[],
): Promise<readonly RoleTimeout[]> {
  const rows = await database.read<{ role: string; place: string; name: string; value: string }>(
    `SELECT role, place, name, value FROM (
       SELECT r.rolname::text AS role, CASE WHEN s.setrole <> 0 THEN 'role' WHEN s.setdatabase <> 0 THEN 'database' ELSE 'server' END AS place,
         CASE WHEN s.setrole <> 0 THEN r.rolname ELSE current_database() END::text AS name,
         split_part(setting, '=', 2) AS value,
         row_number() OVER (PARTITION BY r.oid ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC) AS rank
       FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole IN (0, r.oid), unnest(s.setconfig) AS setting
       WHERE r.rolname = ANY ($1) AND setting LIKE 'statement_timeout=%'
         AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) found WHERE rank = 1`,
    [[...roles]],
  );
  const [file] = await database
    .read<{ value: string }>(
      `SELECT setting AS value FROM pg_file_settings WHERE name = 'statement_timeout' AND applied ORDER BY seqno DESC LIMIT 1`,
    )
    // Most roles may not; the server's own default is none.
    .catch(() => []);
  return roles.map((role) => {
    const own = rows.find((one) => one.role === role);
    if (own === undefined) return { role, timeoutMs: msOf(file?.value ?? '0'), setBy: 'the server' };
    const setBy = own.place === 'server' ? 'the server' : `the ${own.place} ${own.name}`;
    return { role, timeoutMs: msOf(own.value), setBy };
  });
}

/** As PostgreSQL takes a time: "30s", "5 min", "30000". What it can't be is none. */
function msOf(value: string): number {
  const [, digits = '0', unit = ''] = /^(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?$/.exec(value.trim()) ?? [];
  return Number(digits) * (UNITS[unit] ?? 1);
}
