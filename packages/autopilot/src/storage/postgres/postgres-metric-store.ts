import pg from 'pg';
import type { Origin, StatementText, Window } from '../../contract/series.ts';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { type Migrated, migrate } from '../migrate.ts';
import type { Appended, Compacted, Extent, MetricStore, SeriesQuery, Slice, StatementName } from '../ports.ts';
import type { StoredRelease } from '../stored-origins.ts';
import { Compactor } from './compactor.ts';
import { SliceReader } from './slice-reader.ts';
import { StatementTextReader } from './statement-texts.ts';
import { type PoolMaker, StoreConnection, type StoreLimits } from './store-connection.ts';
import { WindowWriter } from './window-writer.ts';

/** How to open a {@link PostgresMetricStore}. */
export interface PostgresMetricStoreOptions extends StoreLimits {
  /** `postgres://...`, as AUTOPILOT_DATABASE_URL or DATABASE_URL gives it. */
  readonly connectionString: string;
  /**
   * What time it is; default: the database server's clock, the one that all instances share, so that a machine whose clock is
   * wrong can't put its windows into the future or have history dropped.
   */
  readonly clock?: Clock;
}

/** bigint and count(): every number stored is under 2^53. */
const INT8_OID = 20;

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): ReturnType<typeof pg.types.getTypeParser> {
    if (oid === INT8_OID) return Number;
    // pg declares the answer as any.
    return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
  },
};

/**
 * Metric history in PostgreSQL 13 to 18, schema `autopilot`: 10 s for 2 hours, minutes for 8 days, hours for 100 days, days for 2
 * years. Format, figures and what was tried instead: docs/decisions/metric-storage.md; rights: docs/guides/storage.md.
 *
 * Every method throws AutopilotError with a code AP_STORE_... and a remedy. Nothing connects before it is needed.
 */
export class PostgresMetricStore implements MetricStore {
  readonly #connection: StoreConnection;
  readonly #writer: WindowWriter;
  readonly #reader: SliceReader;
  readonly #compactor: Compactor;
  readonly #texts: StatementTextReader;

  constructor(options: PostgresMetricStoreOptions) {
    const clock = options.clock ?? null;
    const { connectionString } = options;
    const makePool: PoolMaker = (settings) => new pg.Pool({ ...settings, connectionString, types });
    this.#connection = new StoreConnection(makePool, options);
    this.#texts = new StatementTextReader(this.#connection);
    this.#writer = new WindowWriter(this.#connection, clock);
    this.#reader = new SliceReader(this.#connection, clock);
    this.#compactor = new Compactor(this.#connection, clock);
  }

  /** Makes the schema, or brings it up to date; needs a role that owns it or may create it. For the control plane. */
  async migrate(): Promise<Migrated> {
    return await this.#connection.withClient('Bringing the schema autopilot up to date', (client) => migrate(client));
  }

  /**
   * A flush is one call and one transaction. When it throws, hand all of its windows in again unchanged: what was stored is known,
   * but merged into longer windows it would count twice.
   */
  append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    return this.#writer.append(origin, windows);
  }

  read(query: SeriesQuery): AsyncIterable<Slice> {
    return this.#reader.read(query);
  }

  compact(now: EpochMs): Promise<Compacted> {
    return this.#compactor.compact(now);
  }

  extent(service: string, now: EpochMs): Promise<Extent> {
    return this.#reader.extent(service, now);
  }

  /** Every release of every service that something is kept of. */
  storedReleases(): Promise<readonly StoredRelease[]> {
    return this.#connection.query<{ service: string; release: string; from: number; to: number }>(
      'Reading the releases that are kept',
      `SELECT s.service, s.release, min(coalesce(s.first_start_ms, u.first)) AS "from", max(greatest(s.last_end_ms, u.last)) AS "to"
       FROM autopilot.scopes s LEFT JOIN LATERAL (
         SELECT min(w.start_ms) AS first, max(w.start_ms + w.duration_ms) AS last
         FROM autopilot.unfolded_windows w WHERE w.scope_id = s.scope_id) u ON true
       WHERE s.instance IS NOT NULL AND coalesce(s.first_start_ms, u.first) IS NOT NULL
       GROUP BY s.service, s.release`,
    );
  }

  /** The texts of these statements, as far as they are kept. */
  statementTexts(service: string, names: readonly StatementName[]): Promise<readonly StatementText[]> {
    return this.#texts.read(service, names);
  }

  /** Rows that could not be read, and were left out of answers and of what they were merged to, since the start: 0 on a sound disk. */
  get damagedRows(): number {
    return this.#compactor.damagedBlocks + this.#reader.damagedRows;
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
