import pg from 'pg';
import type { Dismissal, Journal, JsonValue, Trial, TrialNote, TrialState } from '../ports.ts';
import { scopeTaken } from '../trial-refusals.ts';
import { StoreConnection } from './store-connection.ts';

interface TrialRow extends Omit<Trial, 'id' | 'at' | 'updatedAt'> {
  readonly trial: string;
  readonly at: Date;
  readonly updated_at: Date;
}

const COLUMNS =
  'trial, service, kind, subject, author, origin, state, reason, change, undo, scope, about, at, updated_at';

/** As the indexes over open ones say it. */
const IS_OPEN = `state NOT IN ('kept', 'reverted', 'refused')`;

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

  async write(trial: Trial, from?: TrialState): Promise<boolean> {
    const { id, service, kind, subject, author, origin, state, reason, change, undo, scope, about } = trial;
    const values: readonly (string | null | JsonValue)[] = [
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
      scope,
      JSON.stringify(about),
      from ?? null,
    ];
    try {
      const written = await this.#connection.query(
        'Writing the journal',
        `WITH written AS (
           INSERT INTO autopilot.trials AS t (trial, service, kind, subject, author, origin, state, reason, change, undo, scope, about)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           ON CONFLICT (trial) DO UPDATE SET state = excluded.state, reason = excluded.reason, undo = excluded.undo,
             about = excluded.about, updated_at = now()
           WHERE t.state NOT IN ('reverted', 'refused') AND ($13::text IS NULL OR t.state = $13)
           RETURNING t.trial, t.state
         ), dropped AS (
           DELETE FROM autopilot.trial_notes n USING written w
           WHERE n.trial = w.trial AND n.kind <> 'step' AND NOT (w.${IS_OPEN})
         )
         SELECT trial FROM written`,
        values,
      );
      return written.length > 0;
    } catch (error) {
      if (scope !== null && isScopeTaken(error)) throw scopeTaken(scope);
      throw error;
    }
  }

  async open(service?: string): Promise<readonly Trial[]> {
    const rows = await this.#connection.query<TrialRow>(
      'Reading the open orders',
      `SELECT ${COLUMNS} FROM autopilot.trials
       WHERE ${IS_OPEN} AND ($1::text IS NULL OR service = $1) ORDER BY at, trial`,
      [service ?? null],
    );
    return rows.map(trialOf);
  }

  async history(service: string, limit: number, part?: Parameters<Journal['history']>[2]): Promise<readonly Trial[]> {
    await this.#connection.query(
      'Dropping old orders',
      `DELETE FROM autopilot.trials WHERE service = $1 AND at < now() - $2::interval AND NOT (${IS_OPEN})`,
      [service, KEPT],
    );
    const rows = await this.#connection.query<TrialRow>(
      'Reading the journal',
      // Each as its index says it.
      `SELECT ${COLUMNS} FROM autopilot.trials
       WHERE service = $1 ${part === undefined ? '' : 'kind' in part ? 'AND kind = $3' : 'AND scope IS NOT NULL'}
       ORDER BY at DESC, trial DESC LIMIT $2`,
      part !== undefined && 'kind' in part ? [service, limit, part.kind] : [service, limit],
    );
    return rows.map(trialOf);
  }

  async read(id: string): Promise<Trial | null> {
    const [row] = await this.#connection.query<TrialRow>(
      'Reading an order',
      `SELECT ${COLUMNS} FROM autopilot.trials WHERE trial = $1`,
      [id],
    );
    return row === undefined ? null : trialOf(row);
  }

  async note(trial: string, kind: TrialNote['kind'], detail: JsonValue): Promise<void> {
    await this.#connection.query(
      'Noting what happens in a trial',
      'INSERT INTO autopilot.trial_notes (trial, kind, detail) VALUES ($1, $2, $3)',
      [trial, kind, JSON.stringify(detail)],
    );
  }

  async notes(trial: string, kinds: readonly TrialNote['kind'][]): Promise<readonly TrialNote[]> {
    const rows = await this.#connection.query<{ kind: TrialNote['kind']; at: Date; detail: JsonValue }>(
      'Reading what happened in a trial',
      'SELECT kind, at, detail FROM autopilot.trial_notes WHERE trial = $1 AND kind = ANY ($2) ORDER BY number',
      [trial, [...kinds]],
    );
    return rows.map(({ kind, at, detail }) => ({ kind, at: at.toISOString(), detail }));
  }

  async dismissals(service: string): Promise<readonly Dismissal[]> {
    const rows = await this.#connection.query<Omit<Dismissal, 'at'> & { readonly at: Date }>(
      'Reading what was declined',
      `SELECT recommendation, parts, promised, author, reason, at FROM autopilot.dismissals WHERE service = $1
       ORDER BY at, recommendation`,
      [service],
    );
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  async dismiss(service: string, dismissal: Omit<Dismissal, 'at'>): Promise<void> {
    const { recommendation, parts, promised, author, reason } = dismissal;
    await this.#connection.query(
      'Declining a recommendation',
      `INSERT INTO autopilot.dismissals (service, recommendation, parts, promised, author, reason)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (service, recommendation) DO UPDATE SET parts = excluded.parts, promised = excluded.promised,
         author = excluded.author, reason = excluded.reason, at = now()`,
      [service, recommendation, JSON.stringify(parts), promised, author, reason],
    );
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}

function trialOf({ trial, at, updated_at: updatedAt, ...rest }: TrialRow): Trial {
  return { ...rest, id: trial, at: at.toISOString(), updatedAt: updatedAt.toISOString() };
}

/** The one unique index that a second open trial of a scope meets. */
function isScopeTaken(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'constraint' in cause && cause.constraint === 'trials_scope';
}
