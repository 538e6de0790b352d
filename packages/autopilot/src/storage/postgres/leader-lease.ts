import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Candidate, LeaderLease, LeaseAnswer } from '../ports.ts';
import { StoreConnection } from './store-connection.ts';

/** bigint comes as a text. One row, taken by whoever finds it expired. Both the expiry and the comparison are by the server's clock. */
const TAKE = `
  INSERT INTO autopilot.leader AS l (epoch, holder, host, address, expires_at)
  VALUES (1, $1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
  ON CONFLICT (only_row) DO UPDATE SET
    epoch = CASE WHEN l.holder = excluded.holder THEN l.epoch ELSE l.epoch + 1 END,
    holder = excluded.holder, host = excluded.host, address = excluded.address, expires_at = excluded.expires_at
  WHERE l.holder = excluded.holder OR l.holder IS NULL OR l.expires_at <= clock_timestamp()
  RETURNING l.epoch`;
const FIND = 'SELECT epoch, holder, host, address FROM autopilot.leader';
const RESIGN = 'UPDATE autopilot.leader SET holder = NULL WHERE holder = $1';
const KEYS = 'SELECT secret FROM autopilot.link_keys ORDER BY key_id DESC LIMIT 2';
/** Two that start together make one: each statement waits for the other's lock, and then sees its key. */
const LOCK_KEYS = 'LOCK TABLE autopilot.link_keys IN SHARE ROW EXCLUSIVE MODE';
const MAKE_KEY = `
  INSERT INTO autopilot.link_keys (secret)
  SELECT $1 WHERE NOT EXISTS (
    SELECT FROM autopilot.link_keys WHERE $2::float8 IS NULL OR made_at > now() - $2::float8 * interval '1 millisecond')`;
const FORGET_KEYS = `
  DELETE FROM autopilot.link_keys
  WHERE key_id NOT IN (SELECT key_id FROM autopilot.link_keys ORDER BY key_id DESC LIMIT 2)`;

/** The lease as a row of the store. Needs the role that owns the schema. */
export class PostgresLeaderLease implements LeaderLease {
  readonly #connection: StoreConnection;

  /** Opens one connection of its own when it is needed, so that no long read stands in the way of keeping the lead. */
  constructor(connectionString: string) {
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 1,
      statementTimeoutMs: 2_000,
      connectTimeoutMs: 2_000,
    });
  }

  async take({ holder, host, address }: Candidate, ttlMs: number): Promise<LeaseAnswer> {
    const doing = 'Taking the lead of the control planes';
    for (;;) {
      const [taken] = await this.#connection.query<{ epoch: string }>(doing, TAKE, [holder, host, address, ttlMs]);
      if (taken !== undefined) return { held: true, epoch: Number(taken.epoch) };
      const [found] = await this.#connection.query<Candidate & { epoch: string }>(doing, FIND);
      // Between the two statements the leader may have resigned: then the lead is there to be taken.
      if (found?.holder == null) continue;
      const { epoch, ...leader } = found;
      return { held: false, epoch: Number(epoch), leader };
    }
  }

  async resign(holder: string): Promise<void> {
    await this.#connection.query('Giving up the lead', RESIGN, [holder]);
  }

  async keys(): Promise<readonly string[]> {
    const known = await this.#connection.query<{ secret: string }>('Reading the keys of the fleet', KEYS);
    if (known.length > 0) return known.map(({ secret }) => secret);
    await this.#makeKey(null);
    const made = await this.#connection.query<{ secret: string }>('Reading the keys of the fleet', KEYS);
    return made.map(({ secret }) => secret);
  }

  async rotateKeys(olderThanMs: number): Promise<void> {
    await this.#makeKey(olderThanMs);
  }

  /** null: only when there is none at all. */
  async #makeKey(olderThanMs: number | null): Promise<void> {
    await this.#connection.transaction('Making a key of the fleet', 'BEGIN', async (client) => {
      await client.query(LOCK_KEYS);
      await client.query(MAKE_KEY, [randomBytes(32).toString('hex'), olderThanMs]);
      await client.query(FORGET_KEYS);
    });
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
