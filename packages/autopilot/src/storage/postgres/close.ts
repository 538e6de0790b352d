import { setImmediate as immediate } from 'node:timers/promises';
import type { EpochMs } from '../../kernel/clock.ts';
import { ByteWriter } from '../bytes.ts';
import { BucketSums, WINDOWS_SERIES } from './bucket-sums.ts';
import type { BucketWriter, Scope } from './bucket-writer.ts';
import { StoredSum } from './cell-codec.ts';
import { loadScopes } from './fold.ts';
import { PackWriter, visitPack } from './pack.ts';
import { DAY_MS, floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';
import type { StoreClient } from './store-connection.ts';
import { familyOf, WINDOWS_FAMILY } from './stored-names.ts';
import { WindowCoverage } from './window-coverage.ts';

/**
 * Closes hours and days: second and third step of compaction. A closed period's rows, one for many series at one time, are turned into
 * rows of one series over the period, which are read ten times faster for a chart and compress better; and they are
 * added up to one bucket of the next level. In the caller's transaction, together with the mark that says it is done.
 */

/** An hour of so many series is closed in some milliseconds; then whatever else this process does has its turn. */
const SERIES_PER_TURN = 16;

/** Small periods share a transaction, whose own price is that of closing one of them. */
const TRANSACTION_MS = 100;

/** A level whose open periods are closed. */
interface OpenLevel {
  readonly blocks: 'minute_blocks' | 'hour_blocks';
  readonly chunks: 'minute_chunks' | 'hour_chunks';
  readonly until: 'minutes_until_ms' | 'hours_until_ms';
  readonly bucketMs: number;
  readonly periodMs: number;
  /** After the period's end; what comes later is added as a late window. */
  readonly graceMs: number;
}

export const openMinutes: OpenLevel = {
  blocks: 'minute_blocks',
  chunks: 'minute_chunks',
  until: 'minutes_until_ms',
  bucketMs: MINUTE_MS,
  periodMs: HOUR_MS,
  graceMs: 2 * MINUTE_MS,
};

export const openHours: OpenLevel = {
  blocks: 'hour_blocks',
  chunks: 'hour_chunks',
  until: 'hours_until_ms',
  bucketMs: HOUR_MS,
  periodMs: DAY_MS,
  graceMs: 10 * MINUTE_MS,
};

/** A scope's period that can be closed. */
export interface Closable {
  readonly scopeId: number;
  readonly period: EpochMs;
}

/** The oldest periods that are over and not closed, at most `limit`. */
export async function findClosable(
  client: StoreClient,
  level: OpenLevel,
  now: EpochMs,
  limit: number,
): Promise<readonly Closable[]> {
  const { rows } = await client.query<{ scope_id: number; period_ms: number }>(
    `SELECT s.scope_id, open.period_ms
     FROM autopilot.scopes s
     CROSS JOIN LATERAL (
       SELECT DISTINCT b.start_ms / $1::bigint * $1::bigint AS period_ms
       FROM autopilot.${level.blocks} b
       WHERE b.scope_id = s.scope_id AND b.family = $2
         AND b.start_ms >= coalesce(s.${level.until}, 0) AND b.start_ms < $3
     ) open
     WHERE s.last_end_ms >= coalesce(s.${level.until}, 0)
     ORDER BY open.period_ms, s.scope_id
     LIMIT $4`,
    [level.periodMs, WINDOWS_FAMILY, floorTo(now - level.graceMs, level.periodMs), limit],
  );
  return rows.map((row) => ({ scopeId: row.scope_id, period: row.period_ms }));
}

/** Closes the first of these, and more while there is time; answers how many, and how many blocks could not be read and were left out. */
export async function closeSome(
  client: StoreClient,
  writer: BucketWriter,
  level: OpenLevel,
  closables: readonly Closable[],
): Promise<{ readonly closed: number; readonly damagedBlocks: number }> {
  const since = performance.now();
  let closed = 0;
  let damagedBlocks = 0;
  for (const closable of closables) {
    damagedBlocks += await closePeriod(client, writer, level, closable);
    closed++;
    if (performance.now() - since > TRANSACTION_MS) break;
  }
  return { closed, damagedBlocks };
}

async function closePeriod(
  client: StoreClient,
  writer: BucketWriter,
  level: OpenLevel,
  { scopeId, period }: Closable,
): Promise<number> {
  const scope = (await loadScopes(client, [scopeId])).get(scopeId);
  const until = level === openMinutes ? scope?.minutesUntil : scope?.hoursUntil;
  // Another process may have done it since it was found.
  if (scope === undefined || until === undefined || period < until) return 0;
  const sums = new BucketSums();
  const keepBuckets = !scope.isService || level === openHours || (await hasSeveralInstances(client, scope, period));
  let damagedBlocks = 0;
  for (const family of await familiesIn(client, level, scope, period)) {
    const reading = await readSeries(client, level, scope, period, family);
    damagedBlocks += reading.damagedBlocks;
    let turn = 0;
    for (const [seriesId, buckets] of reading.series) {
      if (++turn % SERIES_PER_TURN === 0) await immediate();
      const chunk = new ChunkMaker(family);
      for (const [slot, parts] of [...buckets].sort(([a], [b]) => a - b)) {
        const bytes = chunk.add(slot, parts);
        sums.addCells(family, seriesId, bytes);
      }
      if (keepBuckets) await writer.putChunk(level.chunks, scope, period, family, seriesId, chunk.take());
    }
  }
  const entries = sums.encode();
  if (level === openMinutes) await writer.putHour(scope, period, entries);
  else await writer.putDay(scope, period, entries);
  await writer.flush();
  await client.query(`UPDATE autopilot.scopes SET ${level.until} = $2 WHERE scope_id = $1`, [
    scopeId,
    period + level.periodMs,
  ]);
  if (level === openHours) await noteSeries(client, entries, period);
  return damagedBlocks;
}

/** By series and slot, all that was written of it. */
type Series = ReadonlyMap<number, ReadonlyMap<number, readonly Uint8Array[]>>;

async function familiesIn(
  client: StoreClient,
  level: OpenLevel,
  scope: Scope,
  period: EpochMs,
): Promise<readonly number[]> {
  const { rows } = await client.query<{ family: number }>(
    `SELECT DISTINCT family FROM autopilot.${level.blocks}
     WHERE scope_id = $1 AND start_ms >= $2 AND start_ms < $3 ORDER BY family`,
    [scope.id, period, period + level.periodMs],
  );
  return rows
    .map(({ family }) => family)
    .filter((family) => family === WINDOWS_FAMILY || familyOf(family) !== undefined);
}

async function readSeries(
  client: StoreClient,
  level: OpenLevel,
  scope: Scope,
  period: EpochMs,
  family: number,
): Promise<{ readonly series: Series; readonly damagedBlocks: number }> {
  const { rows } = await client.query<{ start_ms: number; cells: Buffer }>(
    `SELECT start_ms, cells FROM autopilot.${level.blocks}
     WHERE scope_id = $1 AND family = $2 AND start_ms >= $3 AND start_ms < $4`,
    [scope.id, family, period, period + level.periodMs],
  );
  const series = new Map<number, Map<number, Uint8Array[]>>();
  let damagedBlocks = 0;
  for (const { start_ms, cells } of rows) {
    const slot = (start_ms - period) / level.bucketMs;
    try {
      visitPack(cells, (id, bytes) => {
        let buckets = series.get(id);
        if (buckets === undefined) series.set(id, (buckets = new Map<number, Uint8Array[]>()));
        const parts = buckets.get(slot);
        if (parts === undefined) buckets.set(slot, [bytes]);
        else parts.push(bytes);
      });
    } catch {
      damagedBlocks++;
    }
  }
  return { series, damagedBlocks };
}

/** Makes the chunk of one series. */
class ChunkMaker {
  readonly #family: number;
  readonly #pack = new PackWriter();
  readonly #bytes = new ByteWriter();

  constructor(family: number) {
    this.#family = family;
  }

  /** Adds up the parts of one bucket, which are usually one, and answers their sum. */
  add(slot: number, parts: readonly Uint8Array[]): Uint8Array {
    const bytes = parts.length === 1 ? (parts[0] ?? new Uint8Array(0)) : this.#sum(parts);
    this.#pack.add(slot, bytes);
    return bytes;
  }

  take(): Uint8Array {
    return this.#pack.take();
  }

  #sum(parts: readonly Uint8Array[]): Uint8Array {
    const family = familyOf(this.#family);
    const sum = family === undefined ? new WindowCoverage() : new StoredSum(family);
    for (const part of parts) sum.add(part);
    sum.write(this.#bytes);
    return this.#bytes.take();
  }
}

/** Whether a service's minutes say more than those of its only instance. */
async function hasSeveralInstances(client: StoreClient, service: Scope, period: EpochMs): Promise<boolean> {
  const { rows } = await client.query<{ instances: number }>(
    `SELECT count(*) AS instances
     FROM (SELECT scope_id FROM autopilot.scopes WHERE instance IS NOT NULL AND service = (
       SELECT service FROM autopilot.scopes WHERE scope_id = $1)) s
     WHERE EXISTS (
       SELECT FROM autopilot.minute_blocks b
       WHERE b.scope_id = s.scope_id AND b.family = $2 AND b.start_ms >= $3 AND b.start_ms < $4)`,
    [service.id, WINDOWS_FAMILY, period, period + HOUR_MS],
  );
  return (rows[0]?.instances ?? 0) > 1;
}

/** Names that were seen are kept. */
async function noteSeries(
  client: StoreClient,
  entries: ReadonlyMap<number, readonly (readonly [number, Uint8Array])[]>,
  day: EpochMs,
): Promise<void> {
  const ids = [...entries.values()].flatMap((list) => list.map(([id]) => id)).filter((id) => id !== WINDOWS_SERIES);
  await client.query('UPDATE autopilot.series SET seen_day = $2 WHERE series_id = ANY ($1) AND seen_day < $2', [
    ids,
    day / DAY_MS,
  ]);
}
