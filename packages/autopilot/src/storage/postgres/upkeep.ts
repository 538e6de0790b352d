import type { EpochMs } from '../../kernel/clock.ts';
import { listPartitions, makePartition, type Partition } from './partitions.ts';
import { ACCEPTED_BACK_MS, DAY_MS, floorTo, HOUR_MS, type PartitionedTable, partitionedTables } from './retention.ts';
import type { StoreClient } from './store-connection.ts';
import { WINDOWS_FAMILY } from './stored-names.ts';
import { WindowLedger } from './window-ledger.ts';

/** Makes partitions ahead of time and drops those whose time is over. Each call below is for a transaction of its own. */

const tables: readonly PartitionedTable[] = Object.values(partitionedTables);
/** Names are kept a little longer than anything they are about. */
const NAMES_KEPT_MS = partitionedTables.dayBlocks.keptMs + 100 * DAY_MS;

/** A partition that is to be made, or dropped. */
export interface PartitionTask {
  readonly table: PartitionedTable;
  readonly from: EpochMs;
}

/** Partitions that are missing between what is still taken and what is soon to come. */
export async function findMissing(client: StoreClient, now: EpochMs): Promise<readonly PartitionTask[]> {
  const existing = await listPartitions(client, tables);
  const dropped = await ledgerHours(client, now - partitionedTables.windows.keptMs - HOUR_MS);
  const tasks: PartitionTask[] = [];
  for (const table of tables) {
    const known = new Set((existing.get(table.name) ?? []).map(({ from }) => from));
    // Windows come late; all other rows are made by compaction, which makes the partition too when it needs an old one.
    const first = table.hasDefault ? now - table.keptMs : now;
    for (let from = floorTo(first, table.widthMs); from <= now + table.aheadMs; from += table.widthMs) {
      if (known.has(from) || (table.hasDefault && dropped.has(from))) continue;
      tasks.push({ table, from });
    }
  }
  return tasks;
}

/**
 * Hours whose windows were dropped before, after `since`: a clock that leapt ahead has come back. Made anew, their partitions would say
 * that nothing happened in them; minutes know better, and what comes late is merged from the default partition.
 */
async function ledgerHours(client: StoreClient, since: EpochMs): Promise<ReadonlySet<EpochMs>> {
  const { rows } = await client.query<{ hour_ms: number }>(
    'SELECT DISTINCT hour_ms FROM autopilot.window_ledger WHERE hour_ms >= $1',
    [since],
  );
  return new Set(rows.map(({ hour_ms }) => hour_ms));
}

/** Makes a partition. */
export async function makeMissing(client: StoreClient, { table, from }: PartitionTask): Promise<void> {
  await makePartition(client, table, from);
}

/** Partitions that are older than their table keeps, oldest first. */
export async function findExpired(client: StoreClient, now: EpochMs): Promise<readonly PartitionTask[]> {
  const existing = await listPartitions(client, tables);
  return tables.flatMap((table) =>
    (existing.get(table.name) ?? []).filter(({ to }) => to <= now - table.keptMs).map(({ from }) => ({ table, from })),
  );
}

/**
 * Drops a partition if all that is in it has been merged into the next level.
 * @returns how many windows went; null when the partition is still needed.
 */
export async function dropExpired(client: StoreClient, { table, from }: PartitionTask): Promise<number | null> {
  const partition = (await listPartitions(client, [table])).get(table.name)?.find((one) => one.from === from);
  if (partition === undefined || (await isNeeded(client, table, partition))) return null;
  await client.query('SAVEPOINT before_drop');
  const windows = table === partitionedTables.windows ? await enterLedger(client, partition) : 0;
  // Agents write while the ledger is: what came in between is looked for when nobody can any more.
  await client.query(
    `LOCK TABLE ONLY autopilot.${table.name} IN ACCESS EXCLUSIVE MODE;
     LOCK TABLE autopilot.${partition.name} IN ACCESS EXCLUSIVE MODE`,
  );
  if ((await isNeeded(client, table, partition)) || (await hasMore(client, table, partition, windows))) {
    await client.query('ROLLBACK TO SAVEPOINT before_drop');
    return null;
  }
  await client.query(`DROP TABLE autopilot.${partition.name}`);
  return windows;
}

/** Whether windows came after the ledger of their partition was written. */
async function hasMore(
  client: StoreClient,
  table: PartitionedTable,
  { name }: Partition,
  entered: number,
): Promise<boolean> {
  if (table !== partitionedTables.windows) return false;
  const { rows } = await client.query<{ windows: number }>(`SELECT count(*) AS windows FROM autopilot.${name}`);
  return (rows[0]?.windows ?? 0) !== entered;
}

async function isNeeded(client: StoreClient, table: PartitionedTable, { from, to }: Partition): Promise<boolean> {
  const question = needed[table.name];
  if (question === undefined) return false;
  const { rows } = await client.query<{ needed: boolean }>(`SELECT EXISTS (${question}) AS needed`, [from, to]);
  return rows[0]?.needed ?? true;
}

/** Rows of [$1, $2) that the next level has not. */
const unfolded = 'SELECT FROM autopilot.unfolded_windows WHERE start_ms >= $1 AND start_ms < $2';
const unclosed = (blocks: string, until: string): string => `
  SELECT FROM autopilot.${blocks} b JOIN autopilot.scopes s USING (scope_id)
  WHERE b.start_ms >= $1 AND b.start_ms < $2 AND b.family = ${WINDOWS_FAMILY} AND b.start_ms >= coalesce(s.${until}, 0)`;
const needed: Readonly<Record<string, string>> = {
  windows: unfolded,
  window_blocks: unfolded,
  minute_blocks: unclosed('minute_blocks', 'minutes_until_ms'),
  hour_blocks: unclosed('hour_blocks', 'hours_until_ms'),
};

/** Writes down which windows a partition held, so that one of them is known when it comes once more. */
async function enterLedger(client: StoreClient, { name, from }: Partition): Promise<number> {
  const { rows } = await client.query<{ scope_id: number; starts: string[]; durations: number[] }>(
    `SELECT scope_id, array_agg(start_ms::text ORDER BY start_ms, duration_ms) AS starts,
       array_agg(duration_ms ORDER BY start_ms, duration_ms) AS durations
     FROM autopilot.${name} GROUP BY scope_id`,
  );
  let windows = 0;
  for (const { scope_id, starts, durations } of rows) {
    const known = await client.query<{ keys: Buffer }>(
      'SELECT keys FROM autopilot.window_ledger WHERE scope_id = $1 AND hour_ms = $2',
      [scope_id, floorTo(from, HOUR_MS)],
    );
    const ledger = new WindowLedger(known.rows[0]?.keys);
    for (const [at, start] of starts.entries()) ledger.add({ start: Number(start), durationMs: durations[at] ?? 0 });
    windows += starts.length;
    await client.query(
      `INSERT INTO autopilot.window_ledger (scope_id, hour_ms, keys) VALUES ($1, $2, $3)
       ON CONFLICT (scope_id, hour_ms) DO UPDATE SET keys = excluded.keys`,
      [scope_id, floorTo(from, HOUR_MS), ledger.encode()],
    );
  }
  return windows;
}

/** Removes keys of windows that would be refused by now, and names of which nothing is kept any more. */
export async function forgetOld(client: StoreClient, now: EpochMs): Promise<void> {
  await client.query('DELETE FROM autopilot.window_ledger WHERE hour_ms < $1', [now - ACCEPTED_BACK_MS - DAY_MS]);
  await client.query('DELETE FROM autopilot.series WHERE seen_day < $1', [Math.floor((now - NAMES_KEPT_MS) / DAY_MS)]);
  await client.query(
    'DELETE FROM autopilot.statement_texts t WHERE NOT EXISTS (SELECT FROM autopilot.series s WHERE s.series_id = t.series_id)',
  );
  await client.query('DELETE FROM autopilot.scopes WHERE last_end_ms < $1', [now - NAMES_KEPT_MS]);
}
