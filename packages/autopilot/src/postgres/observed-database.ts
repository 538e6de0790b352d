import pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** How much the autopilot may take of a database that it watches. */
export interface ObservedDatabaseOptions {
  /** Default 5,000. */
  readonly statementTimeoutMs?: number;
  /** A reading that would wait longer for a lock is given up; default 500. */
  readonly lockTimeoutMs?: number;
  /** Default 2. */
  readonly maxConnections?: number;
}

/** Stands in every statement of ours, so that it can be told from the application's in pg_stat_statements. */
export const OWN_MARK = '/* autopilot */';
/** As pg_stat_activity names our connections. */
export const OWN_APPLICATION = 'autopilot';

/** What readings have cost so far. */
export interface ReadingCost {
  readonly statements: number;
  /** Time until the answers were there. */
  readonly durationMs: number;
}

/**
 * A database that is watched. Every reading is a read-only transaction with limits of its own on statements and locks, so
 * that it changes nothing and keeps nobody waiting; made for poolers in transaction mode, which keep no session.
 */
export class ObservedDatabase {
  readonly #pool: pg.Pool;
  readonly #begin: string;
  #statements = 0;
  #durationMs = 0;
  #closed: Promise<void> | null = null;

  /** @param url `postgres://...` */
  constructor(url: string, options: ObservedDatabaseOptions = {}) {
    const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
    this.#begin = [
      `BEGIN READ ONLY ${OWN_MARK}`,
      `SELECT ${OWN_MARK} ${Object.entries({
        statement_timeout: statementTimeoutMs,
        lock_timeout: options.lockTimeoutMs ?? 500,
        // Plans of catalog queries are dear in the planner's eyes, and compiling them is dearer.
        jit: 'off',
        // Names come as they are written, whatever the role's search_path says.
        search_path: 'pg_catalog',
      })
        .map(([name, value]) => `set_config('${name}', '${value}', true)`)
        .join(', ')}`,
    ].join('; ');
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: OWN_APPLICATION,
      max: options.maxConnections ?? 2,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      // Where the server is cut off without a word, its own limit never arrives.
      query_timeout: statementTimeoutMs + 2_000,
      keepAlive: true,
      allowExitOnIdle: true,
    });
    // Unheard, a connection that breaks while idle would end the process.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => {
      client.on('error', () => {});
    });
  }

  get cost(): ReadingCost {
    return { statements: this.#statements, durationMs: this.#durationMs };
  }

  /**
   * One statement. It begins with SELECT, WITH or EXPLAIN.
   * @throws AutopilotError AP_DATABASE_UNREACHABLE, AP_DATABASE_REFUSED; the server's own errors as they are
   */
  async read<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.within(async (client) => (await client.query<Row>(marked(text), [...values])).rows);
  }

  /** Several statements in one read-only transaction. Fails as {@link read}. */
  async within<T>(act: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw connectionError(error);
    }
    let broken = false;
    try {
      await client.query(this.#begin);
      return await act(client);
    } catch (error) {
      throw isConnectionLoss(error) ? connectionError(error) : error;
    } finally {
      // There is nothing to take back, and what is rolled back would be counted among the application's failures.
      await client.query(`COMMIT ${OWN_MARK}`).catch(() => {
        broken = true;
      });
      client.release(broken);
      this.#statements++;
      this.#durationMs += performance.now() - startedAtMs;
    }
  }

  /** Waits for what is running, then closes. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** After the first word: pg_stat_statements leaves out what stands before it. */
export function marked(text: string): string {
  return text.trimStart().replace(/^\w+/, (word) => `${word} ${OWN_MARK}`);
}

/** Whether a statement in pg_stat_statements is the autopilot's own: a reading, or of its history. */
export function isOwnStatement(text: string): boolean {
  return text.includes(OWN_MARK) || /\bautopilot\.[a-z_]+/.test(text) || /\bschema autopilot\b/i.test(text);
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  return (
    /^(?:08|57P0|53300|E[A-Z]+$)/.test(code) ||
    (code === '' &&
      /[Cc]onnection terminated|Query read timeout|[Cc]lient (?:was closed|has encountered)/.test(messageOf(error)))
  );
}

function connectionError(error: unknown): AutopilotError {
  const code = codeOf(error);
  const message = messageOf(error) || code;
  if (/^(?:28|3D|42501)/.test(code)) {
    return new AutopilotError('AP_DATABASE_REFUSED', `The database does not let this role in: ${message}.`, {
      remedy: 'Check role, password and database of the URL; the role needs CONNECT, see docs/guides/database.md.',
      cause: error,
    });
  }
  return new AutopilotError('AP_DATABASE_UNREACHABLE', `The database can not be reached: ${message}.`, {
    remedy: 'Check that the server runs, that its address is right, and that it has connections left.',
    cause: error,
  });
}
