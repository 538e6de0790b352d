import pg from 'pg';
import type { Journal, JsonValue, Trial } from '../ports.ts';
import { StoreConnection } from './store-connection.ts';

interface TrialRow extends Omit<Trial, 'id' | 'at' | 'updatedAt'> {
  readonly trial: string;
  readonly at: Date;
  readonly updated_at: Date;
}

const COLUMNS = 'trial, service, kind, subject, author, origin, state, reason, change, undo, at, updated_at';

/** Finished orders older than this are dropped, a year at the least after nobody could undo them any more. */
const KEPT = '2 years';

/** The journal of orders in PostgreSQL, schema `autopilot`. Methods throw as storeError says. */
export class PostgresJournal implements Journal {
  readonly #connection: StoreConnection;

  /** @param connectionString `postgres://...` */
  constructor(connectionString: string) {
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 1,
      statementTimeoutMs: 5_000,
    });
  }

  async write({ id, service, kind, subject, author, origin, state, reason, change, undo }: Trial): Promise<void> {
    const values: readonly (string | JsonValue)[] = [
      id,
      service,
      kind,
      subject,
      author,
      origin,
      state,
      reason,
      JSON.stringify(change),
      JSON.stringify(undo),
    ];
    await this.#connection.query(
      'Writing the journal',
      `INSERT INTO autopilot.trials (trial, service, kind, subject, author, origin, state, reason, change, undo)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (trial) DO UPDATE SET state = excluded.state, reason = excluded.reason, updated_at = now()`,
      values,
    );
  }

  async open(service?: string): Promise<readonly Trial[]> {
    const rows = await this.#connection.query<TrialRow>(
      'Reading the open orders',
      `SELECT ${COLUMNS} FROM autopilot.trials
       WHERE state IN ('applying', 'watching') AND ($1::text IS NULL OR service = $1) ORDER BY at, trial`,
      [service ?? null],
    );
    return rows.map(trialOf);
  }

  async history(service: string, limit: number): Promise<readonly Trial[]> {
    await this.#connection.query(
      'Dropping old orders',
      `DELETE FROM autopilot.trials WHERE service = $1 AND at < now() - $2::interval
       AND state NOT IN ('applying', 'watching')`,
      [service, KEPT],
    );
    const rows = await this.#connection.query<TrialRow>(
      'Reading the journal',
      `SELECT ${COLUMNS} FROM autopilot.trials WHERE service = $1 ORDER BY at DESC, trial DESC LIMIT $2`,
      [service, limit],
    );
    return rows.map(trialOf);
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}

function trialOf({ trial, at, updated_at: updatedAt, ...rest }: TrialRow): Trial {
  return { ...rest, id: trial, at: at.toISOString(), updatedAt: updatedAt.toISOString() };
}
