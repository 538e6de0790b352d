import type { ActiveBackend, ConnectionGroup, ConnectionsView } from '../contract/database.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { type ObservedDatabase, OWN_APPLICATION } from './observed-database.ts';

const MOST_BACKENDS = 100;

interface GroupRow {
  readonly [column: string]: unknown;
  readonly application: string;
  readonly role: string;
  readonly database: string;
  readonly state: string;
  readonly connections: number;
  readonly waiting: number;
  readonly oldest_ms: number;
  readonly in_state_ms: number | null;
}

interface BackendRow {
  readonly [column: string]: unknown;
  readonly pid: number;
  readonly application: string;
  readonly role: string;
  readonly state: string;
  readonly waits_for: string | null;
  readonly transaction_ms: number | null;
  readonly statement_ms: number | null;
  readonly in_state_ms: number | null;
  readonly blocked_by: number[];
  readonly query: string | null;
}

/**
 * Who is connected, by application and state, and the backends worth naming. The autopilot's own connections are counted,
 * not named. Of other roles' backends a role without pg_read_all_stats sees no more than that they are there.
 */
export async function readConnections(database: ObservedDatabase): Promise<ConnectionsView> {
  return await database.within(async (client) => {
    const limits = await client.query<{ max: number; reserved: number }>(
      `SELECT /* autopilot */ sum(setting::int) FILTER (WHERE name = 'max_connections')::int AS max,
         coalesce(sum(setting::int) FILTER (WHERE name IN ('superuser_reserved_connections', 'reserved_connections')), 0)::int AS reserved
       FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`,
    );
    const groups = await client.query<GroupRow>(
      `SELECT /* autopilot */ coalesce(nullif(application_name, ''), '(none)') AS application, coalesce(usename, '')::text AS role,
         coalesce(datname, '')::text AS database, coalesce(state, '(hidden)') AS state, count(*)::int AS connections,
         count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting,
         max(extract(epoch FROM clock_timestamp() - backend_start) * 1000)::float8 AS oldest_ms,
         max(extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8 AS in_state_ms
       FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT 500`,
    );
    const backends = await client.query<BackendRow>(
      `SELECT /* autopilot */ pid, coalesce(nullif(application_name, ''), '(none)') AS application, coalesce(usename, '')::text AS role,
         coalesce(state, '(hidden)') AS state, wait_event_type || ': ' || wait_event AS waits_for,
         extract(epoch FROM clock_timestamp() - xact_start)::float8 * 1000 AS transaction_ms,
         CASE WHEN state = 'active' THEN extract(epoch FROM clock_timestamp() - query_start)::float8 * 1000 END AS statement_ms,
         extract(epoch FROM clock_timestamp() - state_change)::float8 * 1000 AS in_state_ms,
         CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END AS blocked_by, left(query, 10000) AS query
       FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND application_name <> $1 AND state IS DISTINCT FROM 'idle' AND state IS NOT NULL
         AND pid <> pg_backend_pid()
       ORDER BY wait_event_type = 'Lock' DESC NULLS LAST, xact_start NULLS LAST LIMIT ${MOST_BACKENDS}`,
      [OWN_APPLICATION],
    );
    const [limit] = limits.rows;
    const sum = (of: (group: GroupRow) => number): number => groups.rows.reduce((total, row) => total + of(row), 0);
    const inState = (...states: readonly string[]): number =>
      sum(({ state, connections }) => (states.includes(state) ? connections : 0));
    return {
      maxConnections: limit?.max ?? 0,
      reservedConnections: limit?.reserved ?? 0,
      connections: sum(({ connections }) => connections),
      active: inState('active', 'fastpath function call'),
      idle: inState('idle'),
      idleInTransaction: inState('idle in transaction', 'idle in transaction (aborted)'),
      waitingForLocks: sum(({ waiting }) => waiting),
      groups: groups.rows.map(groupOf),
      backends: backends.rows.map(backendOf),
    };
  });
}

function groupOf({
  application,
  role,
  database,
  state,
  connections,
  oldest_ms,
  in_state_ms,
}: GroupRow): ConnectionGroup {
  return { application, role, database, state, connections, oldestMs: oldest_ms, longestInStateMs: in_state_ms ?? 0 };
}

function backendOf(row: BackendRow): ActiveBackend {
  return {
    pid: row.pid,
    application: row.application,
    role: row.role,
    state: row.state,
    waitsFor: row.waits_for,
    transactionMs: row.transaction_ms,
    statementMs: row.statement_ms,
    inStateMs: row.in_state_ms,
    blockedBy: row.blocked_by,
    // Parameters are personal data: never told.
    text: row.query === null || row.query === '<insufficient privilege>' ? null : normalizeStatement(row.query),
  };
}
