import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Window } from '../../packages/autopilot/src/contract/series.ts';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../packages/autopilot/src/embedded/embedded-postgres.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import type { Workload } from './workload.ts';

export const MINUTE = 60_000;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;
/** Midnight of a day long ago, so that no clock of the machine has a say. */
const EPOCH = 1_690_848_000_000;

/** A window stands for no more traffic than this: drawing it takes time. */
const MOST_TRAFFIC_MS: number = HOUR;

/** How often windows come, and how long each is. */
export interface Rhythm {
  readonly everyMs: number;
  readonly durationMs: number;
}

/** A service in the simulation. */
export interface SimulatedService {
  readonly name: string;
  readonly instances: number;
  readonly workload: Workload;
  /** How its windows come at this time; null: not at all. */
  readonly rhythm: (at: number) => Rhythm | null;
}

/** A store on a server of its own, in simulated time; everything goes with it. */
export class Simulation implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock(EPOCH);
  readonly store: PostgresMetricStore;
  readonly #server: EmbeddedPostgres;
  readonly #client: pg.Client;
  readonly #directory: string;
  /** Windows handed in so far. */
  appended = 0;
  /** How long each call of compact took, by the simulated time of the call. */
  readonly compactions: { readonly at: number; readonly ms: number }[] = [];

  static async open(options: { readonly durable: boolean }): Promise<Simulation> {
    const directory = mkdtempSync(join(tmpdir(), 'autopilot-bench-'));
    const server = await startEmbeddedPostgres({
      dataDirectory: join(directory, 'data'),
      durable: options.durable,
      settings: { shared_buffers: '256MB' },
    });
    const client = new pg.Client({ connectionString: server.url('postgres'), application_name: 'bench' });
    await client.connect();
    const simulation = new Simulation(directory, server, client);
    await simulation.store.migrate();
    await simulation.store.compact(EPOCH);
    return simulation;
  }

  private constructor(directory: string, server: EmbeddedPostgres, client: pg.Client) {
    this.#directory = directory;
    this.#server = server;
    this.#client = client;
    this.store = new PostgresMetricStore({ connectionString: server.url('postgres'), clock: this.clock });
  }

  /** Where the store is. */
  get url(): string {
    return this.#server.url('postgres');
  }

  get now(): number {
    return this.clock.now();
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  }

  async number(sql: string): Promise<number> {
    return Number(Object.values((await this.query(sql))[0] ?? {})[0]);
  }

  /**
   * Lets time pass until `until`; compaction runs every `compactEveryMs`. An instance hands in all windows of such a stretch in
   * one call.
   */
  async run(services: readonly SimulatedService[], until: number, compactEveryMs: number): Promise<void> {
    while (this.now < until) {
      const from = this.now;
      const to = Math.min(until, from + compactEveryMs);
      this.clock.jump(to);
      for (const service of services) await this.#append(service, from, to);
      const started = performance.now();
      await this.#compact();
      this.compactions.push({ at: this.now, ms: performance.now() - started });
    }
  }

  /** A call does so much and no more; all of what is due, as with a call a second. */
  async #compact(): Promise<void> {
    for (let before = -1; ; ) {
      const { merged } = await this.store.compact(this.now + 16_000);
      const closed = await this.number(
        'SELECT coalesce(sum(minutes_until_ms), 0) + coalesce(sum(hours_until_ms), 0) FROM autopilot.scopes',
      );
      if (merged === 0 && closed === before) return;
      before = closed;
    }
  }

  /** Bytes on disk by table, partitions, indexes and TOAST included. */
  async sizes(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.query(
      `SELECT regexp_replace(relname, '(_\\d{8}t\\d\\d|_default)$', '') AS name, sum(pg_total_relation_size(oid))::float8 AS bytes
       FROM pg_class WHERE relnamespace = 'autopilot'::regnamespace AND relkind = 'r' GROUP BY 1`,
    );
    return new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes)]));
  }

  async walPosition(): Promise<number> {
    return await this.number(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8`);
  }

  async #append(service: SimulatedService, from: number, to: number): Promise<void> {
    const windows: { readonly instance: number; readonly list: Window[] }[] = [];
    for (let instance = 0; instance < service.instances; instance++) {
      const list: Window[] = [];
      for (let at = from; at < to; at += 10_000) {
        const rhythm = service.rhythm(at);
        if (rhythm === null) break;
        // They take turns.
        const turn = Math.floor(((instance / service.instances) * rhythm.everyMs) / 10_000) * 10_000;
        if ((at - turn) % rhythm.everyMs !== 0) continue;
        list.push(service.workload.window(at, rhythm.durationMs, Math.min(rhythm.everyMs, MOST_TRAFFIC_MS)));
      }
      this.appended += list.length;
      if (list.length > 0) windows.push({ instance, list });
    }
    const send = async ({ instance, list }: (typeof windows)[number]): Promise<void> => {
      const origin = { service: service.name, instance: `instance-${instance}`, release: '1.0.0' };
      await this.store.append(origin, list);
    };
    for (let at = 0; at < windows.length; at += 4) await Promise.all(windows.slice(at, at + 4).map(send));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.#client.end();
    await this.#server.stop('immediate');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
