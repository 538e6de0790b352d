import { setImmediate as immediate } from 'node:timers/promises';
import type { Family } from '../../contract/series.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { addToService, BucketSums } from './bucket-sums.ts';
import type { BucketWriter, Scope } from './bucket-writer.ts';
import type { Partition } from './partitions.ts';
import { floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';
import { serviceScopeIdOf } from './series-id.ts';
import type { StoreClient } from './store-connection.ts';
import { WindowLedger } from './window-ledger.ts';

/**
 * Merges windows into minutes: first step of compaction. Everything happens in the caller's transaction: the windows leave the
 * queue of unfolded ones in the same moment in which their minutes appear, so each is merged exactly once.
 *
 * A window belongs to the minute it starts in, however long it is. A minute can be merged in several goes (a window that comes
 * late, more instances than fit one transaction): each makes rows of its own, which add up.
 */

/** A minute is merged from this long after its end: agents flush every 10 s, and one slow flush is waited for. */
const SETTLE_MS = 15_000;
/** Most windows in one transaction; 2,000 of 200 series are 30 MB to read. */
const MOST_WINDOWS = 2000;
/** Most windows whose blocks are in memory at once. */
const WINDOWS_PER_READ = 100;

interface QueuedWindow {
  readonly scope_id: number;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly overflow: Partial<Record<Family, number>> | null;
  readonly is_lost: boolean;
  readonly service: string;
}

interface BlockRow {
  readonly scope_id: number;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly family: number;
  readonly cells: Buffer;
}

/** What {@link foldWindows} did. */
export interface Folded {
  /** Windows merged. */
  readonly merged: number;
  /** Windows taken from the queue, also those that were merged before or are lost; the most there can be: there may be more. */
  readonly taken: number;
  readonly mayBeMore: boolean;
  /** Blocks that could not be read and were left out. */
  readonly damagedBlocks: number;
}

/**
 * Merges the oldest unfolded windows of minutes that are over: minute by minute, and a scope's whole minute in one go where it fits,
 * because each go makes rows of its own.
 */
export async function foldWindows(
  client: StoreClient,
  writer: BucketWriter,
  now: EpochMs,
  windowPartitions: readonly Partition[],
): Promise<Folded> {
  const { rows: queued } = await client.query<QueuedWindow>(
    `SELECT u.scope_id, u.start_ms, u.duration_ms, w.overflow, w.scope_id IS NULL AS is_lost, u.service
     FROM (
       SELECT q.scope_id, q.start_ms, q.duration_ms, s.service
       FROM autopilot.unfolded_windows q JOIN autopilot.scopes s USING (scope_id)
       WHERE q.start_ms < $1 AND q.start_ms / ${MINUTE_MS} <= (
         SELECT max(o.start_ms) / ${MINUTE_MS}
         FROM (SELECT start_ms FROM autopilot.unfolded_windows WHERE start_ms < $1 ORDER BY start_ms LIMIT $2) o)
       ORDER BY q.start_ms / ${MINUTE_MS}, s.service, q.scope_id, q.start_ms LIMIT $2
     ) u
     LEFT JOIN autopilot.windows w USING (scope_id, start_ms, duration_ms)`,
    [floorTo(now - SETTLE_MS, MINUTE_MS), MOST_WINDOWS],
  );
  if (queued.length === 0) return { merged: 0, taken: 0, mayBeMore: false, damagedBlocks: 0 };
  const late = queued.filter(
    ({ start_ms, is_lost }) => !is_lost && !windowPartitions.some(({ from, to }) => start_ms >= from && start_ms < to),
  );
  const present = queued.filter(({ is_lost }) => !is_lost);
  const repeated = await findRepeated(client, present, late);
  const windows = present.filter((window) => !repeated.has(window));
  const damagedBlocks = await mergeWindows(client, writer, windows);
  await writer.flush();
  await forget(client, queued, late);
  await noteScopes(client, queued);
  return { merged: windows.length, taken: queued.length, mayBeMore: queued.length === MOST_WINDOWS, damagedBlocks };
}

/**
 * Which of the windows were merged before: they are in the ledger. (Also windows whose partition is there may be: a clock that
 * leapt ahead and came back had it dropped, and made again.) Those that are late are entered.
 */
async function findRepeated(
  client: StoreClient,
  windows: readonly QueuedWindow[],
  late: readonly QueuedWindow[],
): Promise<ReadonlySet<QueuedWindow>> {
  const repeated = new Set<QueuedWindow>();
  const ledgers = await readLedgers(client, windows);
  if (ledgers.size === 0 && late.length === 0) return repeated;
  const toEnter = new Set(late);
  const changed = new Set<string>();
  for (const window of windows) {
    const name = ledgerOf(window);
    let ledger = ledgers.get(name);
    const key = { start: window.start_ms, durationMs: window.duration_ms };
    if (ledger?.has(key) === true) repeated.add(window);
    else if (toEnter.has(window)) {
      if (ledger === undefined) ledgers.set(name, (ledger = new WindowLedger()));
      ledger.add(key);
      changed.add(name);
    }
  }
  for (const name of changed) {
    const [scope, hour] = name.split(' ').map(Number);
    await client.query(
      `INSERT INTO autopilot.window_ledger (scope_id, hour_ms, keys) VALUES ($1, $2, $3)
       ON CONFLICT (scope_id, hour_ms) DO UPDATE SET keys = excluded.keys`,
      [scope, hour, ledgers.get(name)?.encode()],
    );
  }
  return repeated;
}

function ledgerOf({ scope_id, start_ms }: QueuedWindow): string {
  return `${scope_id} ${floorTo(start_ms, HOUR_MS)}`;
}

async function readLedgers(client: StoreClient, windows: readonly QueuedWindow[]): Promise<Map<string, WindowLedger>> {
  const { rows } = await client.query<{ scope_id: number; hour_ms: number; keys: Buffer }>(
    'SELECT scope_id, hour_ms, keys FROM autopilot.window_ledger WHERE hour_ms = ANY ($1) AND scope_id = ANY ($2)',
    [
      [...new Set(windows.map(({ start_ms }) => floorTo(start_ms, HOUR_MS)))],
      [...new Set(windows.map(({ scope_id }) => scope_id))],
    ],
  );
  return new Map(rows.map((row) => [`${row.scope_id} ${row.hour_ms}`, new WindowLedger(row.keys)]));
}

async function mergeWindows(
  client: StoreClient,
  writer: BucketWriter,
  windows: readonly QueuedWindow[],
): Promise<number> {
  const minuteOf = (window: QueuedWindow): EpochMs => floorTo(window.start_ms, MINUTE_MS);
  const sorted = windows.toSorted(
    (a, b) =>
      minuteOf(a) - minuteOf(b) ||
      compareNames(a.service, b.service) ||
      a.scope_id - b.scope_id ||
      a.start_ms - b.start_ms,
  );
  const scopes = await readScopes(client, sorted);
  let damagedBlocks = 0;
  let sums = new BucketSums();
  let service = new BucketSums();
  for (let from = 0; from < sorted.length; from += WINDOWS_PER_READ) {
    const batch = sorted.slice(from, from + WINDOWS_PER_READ);
    const blocks = await readBlocks(client, batch);
    for (const [at, window] of batch.entries()) {
      sums.addWindow(window.start_ms, window.duration_ms, window.overflow);
      for (const { family, cells } of blocks.get(nameOf(window)) ?? []) {
        try {
          sums.addBlock(family, cells);
        } catch {
          // One row that can't be read must not keep all others from being merged for ever.
          damagedBlocks++;
        }
      }
      // A window of 200 series is some milliseconds of work; then whatever else this process does has its turn.
      await immediate();
      const next = sorted[from + at + 1];
      const minuteEnds = next === undefined || minuteOf(next) !== minuteOf(window);
      if (!minuteEnds && next.scope_id === window.scope_id) continue;
      const entries = sums.encode();
      await writer.putMinute(scopeOf(scopes, window.scope_id), minuteOf(window), entries);
      addToService(service, entries);
      sums = new BucketSums();
      if (!minuteEnds && next.service === window.service) continue;
      const whole = scopeOf(scopes, serviceScopeIdOf(window.service));
      await writer.putMinute(whole, minuteOf(window), service.encode());
      service = new BucketSums();
    }
  }
  return damagedBlocks;
}

function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function nameOf({
  scope_id,
  start_ms,
  duration_ms,
}: Pick<QueuedWindow, 'scope_id' | 'start_ms' | 'duration_ms'>): string {
  return `${scope_id} ${start_ms} ${duration_ms}`;
}

async function readBlocks(
  client: StoreClient,
  windows: readonly QueuedWindow[],
): Promise<ReadonlyMap<string, readonly BlockRow[]>> {
  const starts = windows.map(({ start_ms }) => start_ms);
  const { rows } = await client.query<BlockRow>(
    `SELECT b.scope_id, b.start_ms, b.duration_ms, b.family, b.cells
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS k(scope_id, start_ms, duration_ms)
     JOIN autopilot.window_blocks b USING (scope_id, start_ms, duration_ms)
     WHERE b.start_ms >= $4 AND b.start_ms <= $5`,
    [
      windows.map(({ scope_id }) => scope_id),
      starts,
      windows.map(({ duration_ms }) => duration_ms),
      Math.min(...starts),
      Math.max(...starts),
    ],
  );
  const blocks = new Map<string, BlockRow[]>();
  for (const row of rows) {
    const list = blocks.get(nameOf(row));
    if (list === undefined) blocks.set(nameOf(row), [row]);
    else list.push(row);
  }
  return blocks;
}

/** The scopes of the windows and of their services, which are made where they are new. */
async function readScopes(client: StoreClient, windows: readonly QueuedWindow[]): Promise<ReadonlyMap<number, Scope>> {
  const services = [...new Set(windows.map(({ service }) => service))];
  const serviceIds = services.map(serviceScopeIdOf);
  await client.query(
    `INSERT INTO autopilot.scopes (scope_id, service)
     SELECT s.id, s.service FROM unnest($1::bigint[], $2::text[]) AS s(id, service) ORDER BY s.id
     ON CONFLICT DO NOTHING`,
    [serviceIds, services],
  );
  return await loadScopes(client, [...new Set([...windows.map(({ scope_id }) => scope_id), ...serviceIds])]);
}

/** Scopes by their numbers. */
export async function loadScopes(client: StoreClient, ids: readonly number[]): Promise<ReadonlyMap<number, Scope>> {
  const { rows } = await client.query<{
    scope_id: number;
    instance: string | null;
    minutes_until_ms: number | null;
    hours_until_ms: number | null;
  }>('SELECT scope_id, instance, minutes_until_ms, hours_until_ms FROM autopilot.scopes WHERE scope_id = ANY ($1)', [
    [...ids],
  ]);
  return new Map(
    rows.map((row) => [
      row.scope_id,
      {
        id: row.scope_id,
        isService: row.instance === null,
        minutesUntil: row.minutes_until_ms ?? Number.NEGATIVE_INFINITY,
        hoursUntil: row.hours_until_ms ?? Number.NEGATIVE_INFINITY,
      },
    ]),
  );
}

function scopeOf(scopes: ReadonlyMap<number, Scope>, id: number): Scope {
  const scope = scopes.get(id);
  if (scope === undefined) throw new RangeError(`Scope ${id} was read a moment ago and is not there now.`);
  return scope;
}

/** Takes the windows off the queue, and those in the default partition out of it: they are in the ledger now. */
async function forget(
  client: StoreClient,
  queued: readonly QueuedWindow[],
  late: readonly QueuedWindow[],
): Promise<void> {
  const remove = async (table: string, windows: readonly QueuedWindow[]): Promise<void> => {
    await client.query(
      `DELETE FROM autopilot.${table} t
       USING unnest($1::bigint[], $2::bigint[], $3::integer[]) AS k(scope_id, start_ms, duration_ms)
       WHERE t.scope_id = k.scope_id AND t.start_ms = k.start_ms AND t.duration_ms = k.duration_ms`,
      [
        windows.map(({ scope_id }) => scope_id),
        windows.map(({ start_ms }) => start_ms),
        windows.map(({ duration_ms }) => duration_ms),
      ],
    );
  };
  await remove('unfolded_windows', queued);
  if (late.length === 0) return;
  await remove('windows_default', late);
  await remove('window_blocks_default', late);
}

async function noteScopes(client: StoreClient, queued: readonly QueuedWindow[]): Promise<void> {
  const starts = new Map<number, number>();
  const ends = new Map<number, number>();
  const lost = new Map<number, number>();
  for (const { scope_id, service, start_ms, duration_ms, is_lost } of queued) {
    if (is_lost) lost.set(scope_id, (lost.get(scope_id) ?? 0) + 1);
    for (const id of [scope_id, serviceScopeIdOf(service)]) {
      starts.set(id, Math.min(starts.get(id) ?? start_ms, start_ms));
      ends.set(id, Math.max(ends.get(id) ?? 0, start_ms + duration_ms));
    }
  }
  const ids = [...ends.keys()];
  await client.query(
    `UPDATE autopilot.scopes s
     SET first_start_ms = least(s.first_start_ms, e.start_ms), last_end_ms = greatest(s.last_end_ms, e.end_ms),
       lost_windows = s.lost_windows + e.lost
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS e(scope_id, start_ms, end_ms, lost)
     WHERE s.scope_id = e.scope_id`,
    [ids, ids.map((id) => starts.get(id)), ids.map((id) => ends.get(id)), ids.map((id) => lost.get(id) ?? 0)],
  );
}
