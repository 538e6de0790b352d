import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { ApplySession, nameFor } from '../postgres/apply-session.ts';
import { OWN_MARK } from '../postgres/observed-database.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import type { Actuator, Change } from './orders.ts';

/** What is done to a table. */
export interface MaintenanceWork {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly operation: 'vacuum' | 'analyze';
  /** A vacuum analyzes too. */
  readonly analyze: boolean;
  /** Rewrites the table under a lock that keeps everybody out. */
  readonly full: boolean;
  /** The job that it belongs to. */
  readonly job: string;
}

/** A VACUUM or ANALYZE of one table. */
export interface MaintenanceChange extends Change, MaintenanceWork {
  readonly kind: 'maintenance';
  readonly limits: {
    readonly costDelayMs: number;
    readonly lockTimeoutMs: number;
    readonly statementTimeoutMs: number;
  };
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told the name of the connection that is at it, for its progress. */
  readonly onBegun: (connection: string) => void;
}

/** What came of it. */
export interface MaintenanceOutcome {
  readonly durationMs: number;
  readonly deadRowsBefore: number;
  readonly deadRowsAfter: number;
}

/** Held by who vacuums, on the server itself: one at a time whoever it is, and free at once when its connection is gone. */
const TURN = 4_711_000_732;

/**
 * Vacuums and analyzes. Neither changes what a query answers, so there is nothing to take back; an interrupted run has done a part, and the
 * next one goes on from there.
 */
export class MaintenanceActuator implements Actuator<MaintenanceChange, MaintenanceOutcome> {
  readonly kind = 'maintenance';
  readonly isFinal = true;
  readonly #urlOf: (database: string) => string;

  /** @param urlOf the address of a watched database. @throws AutopilotError when it is not known */
  constructor(urlOf: (database: string) => string) {
    this.#urlOf = urlOf;
  }

  describe({ database, schema, table, operation, analyze, full, job }: MaintenanceChange): JsonValue {
    return { database, schema, table, operation, analyze, full, job };
  }

  /** @throws AutopilotError AP_TABLE_UNKNOWN, AP_ORDER_REFUSED where the role may not: PostgreSQL would skip the table and say nothing */
  async plan(change: MaintenanceChange): Promise<JsonValue> {
    await using session = await ApplySession.open(this.#urlOf(change.database), 'plan');
    const [version] = await session.rows<{ number: number }>(
      `SELECT current_setting('server_version_num')::int AS number`,
    );
    const maintains = (version?.number ?? 0) >= 170_000 ? ` OR has_table_privilege(c.oid, 'MAINTAIN')` : '';
    const [row] = await session.rows<{ may: boolean; role: string; standby: boolean }>(
      `SELECT pg_has_role(c.relowner, 'USAGE') OR pg_has_role(d.datdba, 'USAGE')${maintains} AS may, current_user AS role,
         pg_is_in_recovery() AS standby
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_database d
       WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm') AND d.datname = current_database()`,
      [change.schema, change.table],
    );
    const name = `${change.schema}.${change.table}`;
    if (row === undefined) throw new AutopilotError('AP_TABLE_UNKNOWN', `There is no table ${name}.`);
    if (row.standby) {
      throw new AutopilotError('AP_ORDER_REFUSED', 'The server is a standby, which takes no changes.', {
        remedy: 'Vacuum and analyze on its primary; the standby follows.',
      });
    }
    if (!row.may) {
      throw new AutopilotError('AP_ORDER_REFUSED', `The role ${row.role} may not vacuum or analyze ${name}.`, {
        remedy: `From 17 on: GRANT MAINTAIN ON ${name} TO ${row.role}; before, the role has to own it.`,
      });
    }
    return null;
  }

  /** @throws AutopilotError AP_MAINTENANCE_RUNNING, AP_MAINTENANCE_FAILED, AP_DATABASE_UNREACHABLE */
  async apply(change: MaintenanceChange, id: string): Promise<MaintenanceOutcome> {
    const { database, schema, table, limits, signal, onBegun } = change;
    await using session = await ApplySession.open(this.#urlOf(database), id, limits);
    const [turn] = await session.rows<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [TURN]);
    if (turn?.taken !== true) {
      throw new AutopilotError('AP_MAINTENANCE_RUNNING', 'The autopilot is at another table of this database.', {
        remedy: 'Wait for it to end, or cancel its job: one at a time is vacuumed or analyzed.',
      });
    }
    // The manual's names; a setting of the session alone.
    await session.rows(`SELECT set_config('vacuum_cost_delay', $1, false)`, [String(limits.costDelayMs)]);
    const before = await deadRowsOf(session, schema, table);
    const startedAtMs = performance.now();
    const cancel = (): void => void this.#cancel(database, id);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      onBegun(nameFor(id));
      // Cancelled while it waited for the next try, there was nothing to cancel.
      await session.change(statementOf(change), async () => signal.throwIfAborted());
    } catch (error) {
      throw new AutopilotError(
        'AP_MAINTENANCE_FAILED',
        signal.aborted
          ? 'It was cancelled.'
          : `${change.operation.toUpperCase()} of ${schema}.${table}: ${messageOf(error)}.${lockedOut(error, limits.lockTimeoutMs)}`,
        { cause: error, remedy: 'What it had done stays done; the next run goes on from there.' },
      );
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    const durationMs = performance.now() - startedAtMs;
    return { durationMs, deadRowsBefore: before, deadRowsAfter: await deadRowsOf(session, schema, table) };
  }

  /** There is nothing to take back. */
  undo(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends what a process that died has left running, and asks the server whether it had got to the end. */
  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    const { database, schema, table, operation } = trial.change as unknown as MaintenanceWork; // describe() wrote it
    await using session = await ApplySession.open(this.#urlOf(database), trial.id);
    await session.endOthers(trial.id);
    const [row] = await session.rows<{ done: boolean | null }>(
      `SELECT last_${operation === 'vacuum' ? 'vacuum' : 'analyze'} >= $3 AS done
       FROM pg_stat_all_tables WHERE schemaname = $1 AND relname = $2`,
      [schema, table, trial.at],
    );
    return row?.done === true ? 'applied' : 'absent';
  }

  /** As from psql: the statement ends with an error, the connection stays. Nothing to cancel is as good. */
  async #cancel(database: string, id: string): Promise<void> {
    try {
      await using session = await ApplySession.open(this.#urlOf(database), 'cancel');
      await session.cancelOthers(id);
    } catch {
      // Out of reach, it ends by its own limit, and the server ends it when we are gone.
    }
  }
}

function statementOf({ schema, table, operation, analyze, full }: MaintenanceWork): string {
  const name = [schema, table].map((one) => `"${one.replaceAll('"', '""')}"`).join('.');
  if (operation === 'analyze') return `ANALYZE ${OWN_MARK} ${name}`;
  return `VACUUM ${OWN_MARK} (FULL ${full ? 'on' : 'off'}, ANALYZE ${analyze ? 'on' : 'off'}) ${name}`;
}

async function deadRowsOf(session: ApplySession, schema: string, table: string): Promise<number> {
  // Of the statistics the session keeps what it has seen once, within a transaction only.
  const [row] = await session.rows<{ dead: number }>(
    'SELECT n_dead_tup::float8 AS dead FROM pg_stat_all_tables WHERE schemaname = $1 AND relname = $2',
    [schema, table],
  );
  return row?.dead ?? 0;
}

/** What to look at when somebody else had the table; "" when that was not why. */
function lockedOut(error: unknown, lockTimeoutMs: number): string {
  const isLocked = error instanceof Error && 'code' in error && error.code === '55P03';
  return isLocked ? ` Somebody held it longer than maintenance.lockTimeoutMs (${lockTimeoutMs} ms) at each try.` : '';
}
