import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** How much a change may take of a database. */
export interface ApplyLimits {
  /** A change that would wait longer for a lock is given up: who comes after it would wait too. */
  readonly lockTimeoutMs: number;
  /** For one statement. */
  readonly statementTimeoutMs: number;
}

const applyLimits: ApplyLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 6 * 3_600_000 };
/** What holds a lock may be gone a little later. */
const ATTEMPTS = 3;
const ATTEMPT_PAUSE_MS = 2_000;
const END_WAIT_MS = 30_000;

/** One connection that changes a database, named after the order it carries out; whoever heals that order finds it by this name. */
export class ApplySession implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #another: () => Promise<ApplySession>;

  private constructor(client: pg.Client, another: () => Promise<ApplySession>) {
    this.#client = client;
    this.#another = another;
  }

  /** @throws AutopilotError AP_DATABASE_UNREACHABLE */
  static async open(url: string, order: string, limits: ApplyLimits = applyLimits): Promise<ApplySession> {
    const client = new pg.Client({
      connectionString: url,
      application_name: nameFor(order),
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // A build may say nothing for hours; a server that is gone without a word is noticed all the same.
      keepAliveInitialDelayMillis: 15_000,
    });
    // A connection that breaks is told by the statement that waits for it.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(`SELECT set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)`, [
        String(limits.lockTimeoutMs),
        String(limits.statementTimeoutMs),
      ]);
    } catch (error) {
      await client.end().catch(() => {});
      throw new AutopilotError('AP_DATABASE_UNREACHABLE', `The database can not be changed: ${messageOf(error)}.`, {
        remedy: 'Check that the server runs and takes connections; the order is tried again or taken back.',
        cause: error,
      });
    }
    // From 14 on: a build whose client was killed ends by itself. Older servers do not know the setting.
    await client.query(`SET client_connection_check_interval = '2s'`).catch(() => {});
    return new ApplySession(client, () => ApplySession.open(url, order, limits));
  }

  /** A new connection of the same order: it begins with what the server has by now. @throws AutopilotError as open() does */
  another(): Promise<ApplySession> {
    return this.#another();
  }

  async rows<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(sql, [...values])).rows;
  }

  /** A statement that changes something; one that finds what it needs locked is tried three times. `clean` comes before another try. */
  async change(sql: string, clean: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.query(sql);
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !isLocked(error)) throw error;
        await delay(ATTEMPT_PAUSE_MS);
        await clean();
      }
    }
  }

  /** Ends the connections that are still at an order, their process being gone, and waits until they are. */
  async endOthers(order: string): Promise<void> {
    const until = performance.now() + END_WAIT_MS;
    for (;;) {
      const left = await this.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = $1 AND pid <> pg_backend_pid() AND datname = current_database()`,
        [nameFor(order)],
      );
      if (left.length === 0) return;
      if (performance.now() > until) {
        throw new AutopilotError('AP_DATABASE_UNREACHABLE', `A connection of the order ${order} does not end.`, {
          remedy: 'It is looked at again; pg_stat_activity shows what it waits for.',
        });
      }
      await delay(100);
    }
  }

  /** Ends the statement that an order is at, and leaves its connection. */
  async cancelOthers(order: string): Promise<void> {
    await this.rows('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      nameFor(order),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

/** As pg_stat_activity names the connection of an order. */
export function nameFor(order: string): string {
  return `autopilot ${order}`.slice(0, 63);
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01');
}
