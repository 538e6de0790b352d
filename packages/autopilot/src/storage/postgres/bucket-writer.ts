import type { EpochMs } from '../../kernel/clock.ts';
import { type Entry, WINDOWS_SERIES } from './bucket-sums.ts';
import { PackWriter } from './pack.ts';
import { makePartition, type Partition } from './partitions.ts';
import { DAY_MS, floorTo, HOUR_MS, MINUTE_MS, type PartitionedTable, partitionedTables } from './retention.ts';
import type { StoreClient } from './store-connection.ts';
import { WINDOWS_FAMILY } from './stored-names.ts';
import { type BlockTable, blocksOf, type ChunkTable, RowInserter } from './stored-rows.ts';

/** Minutes are read by the family, for an hour at most: few large rows. */
const MINUTE_SERIES_PER_BLOCK = 64;
/** Hours and days are read far back for one series: the rest of its row is read for nothing. */
const HOUR_SERIES_PER_BLOCK = 16;

/** An instance, or a service as a whole, and how far compaction came with it. */
export interface Scope {
  readonly id: number;
  readonly isService: boolean;
  readonly minutesUntil: EpochMs;
  readonly hoursUntil: EpochMs;
}

/**
 * Puts merged buckets where they belong: into the open level, or, when the hour or day they are of was closed before, beside what
 * it was closed to, at every level above too. So a late window ends up in all of them, once.
 */
export class BucketWriter {
  readonly #client: StoreClient;
  readonly #rows: RowInserter;
  readonly #partitions: Map<string, Set<EpochMs>>;
  readonly #serviceHours: Map<string, boolean> = new Map();
  readonly #pack = new PackWriter();

  constructor(client: StoreClient, partitions: ReadonlyMap<string, readonly Partition[]>) {
    this.#client = client;
    this.#rows = new RowInserter(client);
    this.#partitions = new Map([...partitions].map(([table, list]) => [table, new Set(list.map(({ from }) => from))]));
  }

  async putMinute(scope: Scope, minute: EpochMs, entries: ReadonlyMap<number, readonly Entry[]>): Promise<void> {
    const hour = floorTo(minute, HOUR_MS);
    if (hour >= scope.minutesUntil) {
      await this.#putBlocks(
        partitionedTables.minuteBlocks,
        'minute_blocks',
        scope,
        minute,
        entries,
        MINUTE_SERIES_PER_BLOCK,
      );
      return;
    }
    if (!scope.isService || (await this.#hasServiceMinutes(scope, hour))) {
      await this.#putLate(
        partitionedTables.minuteChunks,
        'minute_chunks',
        scope,
        hour,
        (minute - hour) / MINUTE_MS,
        entries,
      );
    }
    await this.putHour(scope, hour, entries);
  }

  async putHour(scope: Scope, hour: EpochMs, entries: ReadonlyMap<number, readonly Entry[]>): Promise<void> {
    const day = floorTo(hour, DAY_MS);
    if (day >= scope.hoursUntil) {
      await this.#putBlocks(partitionedTables.hourBlocks, 'hour_blocks', scope, hour, entries, HOUR_SERIES_PER_BLOCK);
      return;
    }
    await this.#putLate(partitionedTables.hourChunks, 'hour_chunks', scope, day, (hour - day) / HOUR_MS, entries);
    await this.putDay(scope, day, entries);
  }

  async putDay(scope: Scope, day: EpochMs, entries: ReadonlyMap<number, readonly Entry[]>): Promise<void> {
    await this.#putBlocks(partitionedTables.dayBlocks, 'day_blocks', scope, day, entries, HOUR_SERIES_PER_BLOCK);
  }

  /** One series over a closed hour (minutes) or day (hours). */
  async putChunk(
    table: ChunkTable,
    scope: Scope,
    start: EpochMs,
    family: number,
    seriesId: number,
    cells: Uint8Array,
  ): Promise<void> {
    await this.#ensure(
      table === 'minute_chunks' ? partitionedTables.minuteChunks : partitionedTables.hourChunks,
      start,
    );
    await this.#rows.addChunk(table, { scopeId: scope.id, start, family, seriesId, cells });
  }

  /** Sends what was put and not sent yet. */
  async flush(): Promise<void> {
    await this.#rows.flush();
  }

  async #putBlocks(
    partitions: PartitionedTable,
    table: BlockTable,
    scope: Scope,
    start: EpochMs,
    entries: ReadonlyMap<number, readonly Entry[]>,
    seriesPerBlock: number,
  ): Promise<void> {
    await this.#ensure(partitions, start);
    for (const [family, list] of entries) {
      for (const row of blocksOf(scope.id, start, family, list, seriesPerBlock)) await this.#rows.addBlock(table, row);
    }
  }

  async #putLate(
    partitions: PartitionedTable,
    table: ChunkTable,
    scope: Scope,
    start: EpochMs,
    slot: number,
    entries: ReadonlyMap<number, readonly Entry[]>,
  ): Promise<void> {
    await this.#ensure(partitions, start);
    for (const [family, list] of entries) {
      for (const [seriesId, bytes] of list) {
        this.#pack.add(slot, bytes);
        await this.#rows.addChunk(table, { scopeId: scope.id, start, family, seriesId, cells: this.#pack.take() });
      }
    }
  }

  /** Whether the closed hour of a service was stored by the minute: only when several instances were there. */
  async #hasServiceMinutes(scope: Scope, hour: EpochMs): Promise<boolean> {
    const name = `${scope.id} ${hour}`;
    const known = this.#serviceHours.get(name);
    if (known !== undefined) return known;
    const { rowCount } = await this.#client.query(
      `SELECT FROM autopilot.minute_chunks WHERE scope_id = $1 AND family = $2 AND series_id = $3 AND start_ms = $4 LIMIT 1`,
      [scope.id, WINDOWS_FAMILY, WINDOWS_SERIES, hour],
    );
    const has = (rowCount ?? 0) > 0;
    this.#serviceHours.set(name, has);
    return has;
  }

  async #ensure(table: PartitionedTable, at: EpochMs): Promise<void> {
    const from = floorTo(at, table.widthMs);
    const known = this.#partitions.get(table.name);
    if (known?.has(from) === true) return;
    await makePartition(this.#client, table, at);
    if (known === undefined) this.#partitions.set(table.name, new Set([from]));
    else known.add(from);
  }
}
