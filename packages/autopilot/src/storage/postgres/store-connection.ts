import type pg from 'pg';
import { storeError } from './store-errors.ts';

/** How much the store may take of a server's time and connections. */
export interface StoreLimits {
  /** Most connections at a time. Default 4: a compaction and three reads. An agent, which only writes, needs 1. */
  readonly maxConnections?: number;
  /** A statement may take this long; default 15,000. */
  readonly statementTimeoutMs?: number;
  /** For a connection to be made, or to become free; default 5,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection in use. */
export type StoreClient = Pick<pg.ClientBase, 'query'>;

/** Makes a pool with these settings; who is asked adds where the server is. */
export type PoolMaker = (settings: pg.PoolConfig) => pg.Pool;

/**
 * The store's own small pool: named `autopilot` in pg_stat_activity, with limits on every statement, lock and idle
 * transaction, and made when it is first needed. Nothing on the path of a request waits for it. This module does not load `pg`: an
 * agent's pool is of the class that its application has loaded.
 */
export class StoreConnection {
  readonly #pool: pg.Pool;
  #closed: Promise<void> | null = null;

  constructor(makePool: PoolMaker, options: StoreLimits) {
    const statementTimeoutMs = options.statementTimeoutMs ?? 15_000;
    this.#pool = makePool({
      application_name: 'autopilot',
      max: options.maxConnections ?? 4,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      idleTimeoutMillis: 60_000,
      // Where the server is cut off without a word, its own limit never arrives.
      query_timeout: statementTimeoutMs + 2_000,
      statement_timeout: statementTimeoutMs,
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
      // An application that is done does not wait for us.
      allowExitOnIdle: true,
    });
    // A connection that breaks while idle: the next one that is needed is made anew, and says what is wrong.
    this.#pool.on('error', () => {});
    // One that breaks while a transaction has it: its query fails, and that is how we hear of it. Unheard, it would end the process.
    this.#pool.on('connect', (client) => {
      client.on('error', () => {});
    });
  }

  /** One statement of its own. `doing` opens the message of an error: "Reading minutes". Throws as storeError says. */
  async query<Row extends pg.QueryResultRow>(
    doing: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    try {
      const { rows } = await this.#pool.query<Row>(text, [...values]);
      return rows;
    } catch (error) {
      throw storeError(error, doing);
    }
  }

  /** Several statements in one transaction, begun with `begin`, rolled back when `act` throws. */
  async transaction<T>(doing: string, begin: string, act: (client: StoreClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeError(error, doing);
    }
    let broken = false;
    try {
      await client.query(begin);
      const result = await act(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // A connection that can't even roll back is not given to anybody else; the server rolls back when it is gone.
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      throw storeError(error, doing);
    } finally {
      client.release(broken);
    }
  }

  /**
   * A transaction that is read from while its rows are used: each `yield` may be the last. It is ended in every case.
   */
  async *reading<T>(doing: string, begin: string, act: (client: StoreClient) => AsyncIterable<T>): AsyncIterable<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeError(error, doing);
    }
    let broken = false;
    try {
      await client.query(begin);
      yield* act(client);
    } catch (error) {
      throw storeError(error, doing);
    } finally {
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      client.release(broken);
    }
  }

  /** For migrations, which bring transactions of their own. */
  async withClient<T>(doing: string, act: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | null = null;
    let failed = true;
    try {
      client = await this.#pool.connect();
      const result = await act(client);
      failed = false;
      return result;
    } catch (error) {
      throw storeError(error, doing);
    } finally {
      client?.release(failed);
    }
  }

  /** Waits for what is running, then closes. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }
}
