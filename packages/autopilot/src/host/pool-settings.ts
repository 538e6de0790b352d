import type { Pool } from 'pg';
import type { LiveSettings } from '../config/live-settings.ts';

/**
 * Lets the settings of the group `database` rule a pool: pg-pool looks at its options each time. Where a setting is
 * null, and when disposed, the pool has what the application gave it.
 */
export function poolSettings(pool: Pool, poolName: string, settings: LiveSettings): Disposable {
  const { options } = pool;
  const { max, idleTimeoutMillis, connectionTimeoutMillis } = options;
  const set = (poolMax: number | null, poolIdleMs: number | null, poolWaitMs: number | null): void => {
    options.max = poolMax ?? max;
    options.idleTimeoutMillis = poolIdleMs ?? idleTimeoutMillis;
    options.connectionTimeoutMillis = poolWaitMs ?? connectionTimeoutMillis;
  };
  const following = settings.use({
    name: `the pool ${JSON.stringify(poolName)}`,
    apply: ({ database: { poolMax, poolIdleMs, poolWaitMs } }) => set(poolMax, poolIdleMs, poolWaitMs),
  });
  return {
    [Symbol.dispose]: () => {
      following[Symbol.dispose]();
      set(null, null, null);
    },
  };
}
