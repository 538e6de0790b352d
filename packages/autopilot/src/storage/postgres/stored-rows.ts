import { PackWriter } from './pack.ts';
import { blocksOfSeries } from './series-id.ts';
import type { StoreClient } from './store-connection.ts';

/** A row of a table of blocks: several series at one time. */
export interface BlockRow {
  readonly scopeId: number;
  readonly start: number;
  readonly family: number;
  readonly firstSeries: number;
  readonly lastSeries: number;
  readonly cells: Uint8Array;
}

/** A row of a table of chunks: one series over an hour or a day. */
export interface ChunkRow {
  readonly scopeId: number;
  readonly start: number;
  readonly family: number;
  readonly seriesId: number;
  readonly cells: Uint8Array;
}

const MOST_PENDING_BYTES = 4 * 1024 * 1024;
const MOST_PENDING_ROWS = 2000;

/** Tables of blocks. */
export type BlockTable = 'minute_blocks' | 'hour_blocks' | 'day_blocks';
/** Tables of chunks. */
export type ChunkTable = 'minute_chunks' | 'hour_chunks';

/**
 * Gathers rows and inserts them in batches of at most 4 MB. The cells of all rows travel as one binary value that the server
 * cuts up: as an array they would be written out in hexadecimal, twice as long.
 */
export class RowInserter {
  readonly #client: StoreClient;
  readonly #pending: Map<BlockTable | ChunkTable, (BlockRow | ChunkRow)[]> = new Map();
  #bytes = 0;
  #rows = 0;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  async addBlock(table: BlockTable, row: BlockRow): Promise<void> {
    await this.#add(table, row);
  }

  async addChunk(table: ChunkTable, row: ChunkRow): Promise<void> {
    await this.#add(table, row);
  }

  async flush(): Promise<void> {
    for (const [table, rows] of this.#pending) await this.#insert(table, rows);
    this.#pending.clear();
    this.#bytes = 0;
    this.#rows = 0;
  }

  async #add(table: BlockTable | ChunkTable, row: BlockRow | ChunkRow): Promise<void> {
    const rows = this.#pending.get(table);
    if (rows === undefined) this.#pending.set(table, [row]);
    else rows.push(row);
    this.#bytes += row.cells.length;
    this.#rows++;
    if (this.#bytes >= MOST_PENDING_BYTES || this.#rows >= MOST_PENDING_ROWS) await this.flush();
  }

  async #insert(table: BlockTable | ChunkTable, rows: readonly (BlockRow | ChunkRow)[]): Promise<void> {
    const isBlock = table.endsWith('_blocks');
    const series = isBlock ? 'first_series, last_series' : 'series_id';
    let before = 0;
    const offsets = rows.map(({ cells }) => {
      const offset = before;
      before += cells.length;
      return offset;
    });
    await this.#client.query(
      `INSERT INTO autopilot.${table} (scope_id, start_ms, family, ${series}, cells)
       SELECT r.scope_id, r.start_ms, r.family, r.first_series, ${isBlock ? 'r.last_series,' : ''}
         substring($8::bytea FROM r.before + 1 FOR r.length)
       FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::integer[], $7::integer[])
         AS r(scope_id, start_ms, family, first_series, last_series, before, length)`,
      [
        rows.map(({ scopeId }) => scopeId),
        rows.map(({ start }) => start),
        rows.map(({ family }) => family),
        rows.map((row) => ('seriesId' in row ? row.seriesId : row.firstSeries)),
        rows.map((row) => ('seriesId' in row ? row.seriesId : row.lastSeries)),
        offsets,
        rows.map(({ cells }) => cells.length),
        Buffer.concat(rows.map(({ cells }) => cells)),
      ],
    );
  }
}

/** Cuts sorted entries of one family into blocks. */
export function* blocksOf(
  scopeId: number,
  start: number,
  family: number,
  entries: readonly (readonly [series: number, bytes: Uint8Array])[],
  seriesPerBlock: number,
): IterableIterator<BlockRow> {
  const pack = new PackWriter();
  for (const block of blocksOfSeries(entries, ([series]) => series, seriesPerBlock)) {
    for (const [series, bytes] of block) pack.add(series, bytes);
    const firstSeries = block[0]?.[0] ?? 0;
    yield { scopeId, start, family, firstSeries, lastSeries: block.at(-1)?.[0] ?? firstSeries, cells: pack.take() };
  }
}
