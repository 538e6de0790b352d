import pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { marked } from '../postgres/observed-database.ts';

/** How a target database is looked at. */
export interface TargetSessionOptions {
  /** No single statement of ours takes longer there; default 5,000. */
  readonly statementTimeoutMs?: number;
  /** What another session holds locked is passed over after this; default 200. */
  readonly lockTimeoutMs?: number;
}

/** A look at a target database that can't change it: everything happens in one READ ONLY transaction, rolled back at the end. */
export class TargetSession implements AsyncDisposable {
  readonly #client: pg.Client;
  #databaseMs = 0;
  #isSaved = false;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Connects. @throws AutopilotError AP_PLANNER_TARGET_UNREACHABLE */
  static async open(url: string, options: TargetSessionOptions = {}): Promise<TargetSession> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'autopilot-planner',
      connectionTimeoutMillis: 10_000,
    });
    // A connection that breaks is told by the query that waits for it.
    client.on('error', () => {});
    try {
      await client.connect();
      // One transaction, and settings local to it: a pooler in between (PgBouncer) takes nothing of them over.
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await client.query(
        `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
                set_config('jit', 'off', true), set_config('search_path', current_setting('search_path'), true)`,
        [String(options.statementTimeoutMs ?? 5_000), String(options.lockTimeoutMs ?? 200)],
      );
    } catch (error) {
      await client.end().catch(() => {});
      throw new AutopilotError('AP_PLANNER_TARGET_UNREACHABLE', `The database can't be read: ${messageOf(error)}`, {
        remedy: 'Check the address, the account and that the server takes connections from here.',
        cause: error,
      });
    }
    return new TargetSession(client);
  }

  /** The time spent waiting for the target so far, in ms: an upper limit of the load on it. */
  get databaseMs(): number {
    return this.#databaseMs;
  }

  /** Rows of a statement of ours, which is marked so that nobody takes it for the application's. */
  async rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const startedMs = performance.now();
    try {
      const { rows } = await this.#client.query<Row>(marked(sql), [...values]);
      return rows;
    } finally {
      this.#databaseMs += performance.now() - startedMs;
    }
  }

  /** Like {@link rows}; a refusal is answered as its reason and leaves the transaction usable. */
  async attempt<Row extends object>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<{ readonly rows: readonly Row[] } | { readonly refused: string }> {
    // One for all: nothing is written that it could hold, and each statement of ours is one more for the target.
    if (!this.#isSaved) await this.rows('SAVEPOINT attempt');
    this.#isSaved = true;
    try {
      return { rows: await this.rows<Row>(sql, values) };
    } catch (error) {
      await this.rows('ROLLBACK TO SAVEPOINT attempt');
      return { refused: messageOf(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.query('ROLLBACK').catch(() => {});
    await this.#client.end().catch(() => {});
  }
}
