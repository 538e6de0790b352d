import type { Clock, EpochMs } from '../../kernel/clock.ts';
import type { Extent, SeriesQuery, Slice } from '../ports.ts';
import { listPartitions } from './partitions.ts';
import { DAY_MS, floorTo, HOUR_MS, MINUTE_MS, partitionedTables } from './retention.ts';
import { keptLevels, planScopes, readScopes, type StoredScope, stretchesOf } from './scope-plan.ts';
import { SeriesNames, type StoredSeries } from './series-names.ts';
import { SliceBuilder } from './slice-builder.ts';
import type { StoreClient, StoreConnection } from './store-connection.ts';
import { readLevel, type Selection } from './stored-levels.ts';
import { familiesWithTotal } from './stored-names.ts';
import { findUnfolded, readUnfolded, readWindows } from './stored-windows.ts';

/**
 * Reads: a plan per scope (read-plan.ts), then one question per table and stretch of time, in one snapshot. Compaction can't move
 * facts from one level to the next in the middle of a read, so nothing is seen twice or missed.
 */

const tables = Object.values(partitionedTables);
/** The locks keep partitions from being dropped, which no snapshot would show; they hinder nobody who reads or writes rows. */
const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  LOCK TABLE ${tables.map(({ name }) => `ONLY autopilot.${name}`).join(', ')} IN ACCESS SHARE MODE`;

const WINDOWS_PER_QUESTION = 500;

export class SliceReader {
  readonly #connection: StoreConnection;
  readonly #clock: Clock | null;
  readonly #names = new SeriesNames();
  #damagedRows = 0;

  constructor(connection: StoreConnection, clock: Clock | null) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Rows that could not be read and were left out of answers, since the start. */
  get damagedRows(): number {
    return this.#damagedRows;
  }

  read(query: SeriesQuery): AsyncIterable<Slice> {
    return this.#connection.reading('Reading metrics', BEGIN, (client) => this.#slices(client, query));
  }

  async extent(service: string, now: EpochMs): Promise<Extent> {
    return await this.#connection.transaction('Reading what is kept', BEGIN, async (client) => {
      const at = this.#clock?.now() ?? now;
      const kept = keptLevels(await listPartitions(client, tables), at);
      const { rows } = await client.query<{ newest: number | null; lost: number | null }>(
        `SELECT greatest(max(s.last_end_ms), (
             SELECT max(u.start_ms + u.duration_ms) FROM autopilot.unfolded_windows u
             WHERE u.scope_id IN (SELECT scope_id FROM autopilot.scopes WHERE service = $1))) AS newest,
           sum(s.lost_windows) FILTER (WHERE s.instance IS NOT NULL)::bigint AS lost
         FROM autopilot.scopes s WHERE s.service = $1`,
        [service],
      );
      const level = (resolutionMs: number, from: EpochMs, keptMs: number): Extent['levels'][number] => ({
        resolutionMs,
        // A store that is younger than what it would keep has nothing cut off.
        from: Math.min(from, floorTo(at - keptMs, resolutionMs)),
      });
      return {
        levels: [
          level(10_000, kept.windowsFrom, partitionedTables.windows.keptMs),
          level(MINUTE_MS, kept.minutesFrom, partitionedTables.minuteChunks.keptMs),
          level(HOUR_MS, kept.hoursFrom, partitionedTables.hourChunks.keptMs),
          level(DAY_MS, Number.POSITIVE_INFINITY, partitionedTables.dayBlocks.keptMs),
        ],
        newestEnd: rows[0]?.newest ?? null,
        droppedWindows: rows[0]?.lost ?? 0,
      };
    });
  }

  async *#slices(client: StoreClient, query: SeriesQuery): AsyncIterable<Slice> {
    const scopes = await readScopes(client, query, await listPartitions(client, tables));
    const instances = scopes.filter(
      ({ isService, origin }) =>
        !isService &&
        (query.instance === undefined || origin.instance === query.instance) &&
        (query.release === undefined || origin.release === query.release),
    );
    if (instances.length === 0) return;
    const selection: Selection = {
      query,
      // None is an answer too: the instances reported, and nothing of these series happened.
      ids: await this.#idsOf(client, query),
      onDamaged: () => {
        this.#damagedRows++;
      },
    };
    const parts = await planScopes(client, query, scopes, instances);
    const unfolded = await findUnfolded(client, query, instances, parts);
    for (let at = 0; at < unfolded.length; at += WINDOWS_PER_QUESTION) {
      const builder = new SliceBuilder(query);
      await readUnfolded(client, selection, unfolded.slice(at, at + WINDOWS_PER_QUESTION), builder);
      yield* this.#build(client, builder, scopes);
    }
    for (const level of ['window', 'minute', 'hour', 'day'] as const) {
      for (const stretch of stretchesOf(parts, level, selection.ids)) {
        const builder = new SliceBuilder(query);
        if (level === 'window') await readWindows(client, selection, stretch, builder);
        else await readLevel(client, selection, stretch, level, builder);
        yield* this.#build(client, builder, scopes);
      }
    }
  }

  async *#build(client: StoreClient, builder: SliceBuilder, scopes: readonly StoredScope[]): AsyncIterable<Slice> {
    const names = await this.#names.withIds(client, builder.seriesIds);
    yield* builder.build(new Map(scopes.map(({ id, origin }) => [id, origin])), names);
  }

  /** The series that the query names; null: all of its family. */
  async #idsOf(client: StoreClient, query: SeriesQuery): Promise<readonly number[] | null> {
    const { service, family, select, database } = query;
    let series: readonly StoredSeries[];
    if (select.kind === 'keys') series = await this.#names.withKeys(client, service, family, select.keys);
    else if (select.kind === 'total' && familiesWithTotal.has(family))
      series = await this.#names.withKeys(client, service, family, null);
    else return null;
    return series
      .filter((one) => database === undefined || one.database === null || one.database === database)
      .map(({ id }) => id);
  }
}
