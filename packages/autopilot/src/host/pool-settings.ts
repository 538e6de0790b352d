import type { Pool, PoolClient } from 'pg';
import type { LiveSettings } from '../config/live-settings.ts';

/**
 * Lets the settings of the group `database` rule a pool: pg-pool looks at its options each time, and connections are told their
 * timeout when they are taken. Where a setting is null, and when disposed, the pool has what the application gave it.
 */
export function poolSettings(pool: Pool, poolName: string, settings: LiveSettings): Disposable {
  const { options } = pool;
  const { max, idleTimeoutMillis, connectionTimeoutMillis } = options;
  const timeouts = new StatementTimeouts(pool);
  const set = (poolMax: number | null, poolIdleMs: number | null, poolWaitMs: number | null): void => {
    options.max = poolMax ?? max;
    options.idleTimeoutMillis = poolIdleMs ?? idleTimeoutMillis;
    options.connectionTimeoutMillis = poolWaitMs ?? connectionTimeoutMillis;
  };
  const following = settings.use({
    name: `the pool ${JSON.stringify(poolName)}`,
    apply: ({ database: { poolMax, poolIdleMs, poolWaitMs, statementTimeoutMs } }) => {
      set(poolMax, poolIdleMs, poolWaitMs);
      timeouts.timeoutMs = statementTimeoutMs;
    },
  });
  return {
    [Symbol.dispose]: () => {
      following[Symbol.dispose]();
      set(null, null, null);
      timeouts.timeoutMs = null;
    },
  };
}

/**
 * Tells each connection of a pool its statement_timeout when it is taken, once for each change: pg sends a connection's statements in
 * order, so that it holds from the taker's first one on. What the application has set by itself is the session's default.
 */
class StatementTimeouts {
  /** null: the session's default. */
  timeoutMs: number | null = null;
  /** Of those that were told one, the one told last. */
  readonly #told = new WeakMap<PoolClient, number | null>();

  constructor(pool: Pool) {
    pool.on('acquire', (client) => this.#tell(client));
  }

  #tell(client: PoolClient): void {
    const { timeoutMs } = this;
    if ((this.#told.get(client) ?? null) === timeoutMs) return;
    this.#told.set(client, timeoutMs);
    // The driver's own, so that it is no call of the application. As pg declares it: `query` of a client is that of its class.
    const { query } = Object.getPrototypeOf(client) as { readonly query: (this: PoolClient, sql: string) => unknown };
    const sql = `SET statement_timeout TO ${timeoutMs === null ? 'DEFAULT' : timeoutMs}`;
    // It is sent before this returns; a connection that breaks tells its taker, too.
    const sent = async (): Promise<void> => void (await Reflect.apply(query, client, [sql]));
    void sent().catch(() => this.#told.delete(client));
  }
}
