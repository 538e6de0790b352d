import type { EpochMs } from '../../kernel/clock.ts';
import { floorTo, HOUR_MS, type PartitionedTable } from './retention.ts';
import type { StoreClient } from './store-connection.ts';

/**
 * Partitions are named after their beginning in UTC, `windows_20261122t22`, and found in the catalog by these names: what
 * somebody dropped by hand is simply not there.
 */

/** One partition that exists. */
export interface Partition {
  readonly name: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** A name for the partition of `table` that holds `at`. */
function partitionName(table: PartitionedTable, at: EpochMs): string {
  const stamp = new Date(floorTo(at, table.widthMs)).toISOString();
  return `${table.name}_${stamp.slice(0, 10).replaceAll('-', '')}t${stamp.slice(11, 13)}`;
}

function startOf(name: string): EpochMs | null {
  const [, year, month, day, hour] = /_(\d{4})(\d{2})(\d{2})t(\d{2})$/.exec(name) ?? [];
  return hour === undefined ? null : Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour));
}

/** The partitions of the tables, by table name, each list ascending; default partitions are not among them. */
export async function listPartitions(
  client: StoreClient,
  tables: readonly PartitionedTable[],
): Promise<ReadonlyMap<string, readonly Partition[]>> {
  const { rows } = await client.query<{ table: string; name: string }>(
    `SELECT parent.relname AS table, child.relname AS name
     FROM pg_inherits i
     JOIN pg_class parent ON parent.oid = i.inhparent
     JOIN pg_class child ON child.oid = i.inhrelid
     WHERE parent.relnamespace = 'autopilot'::regnamespace AND parent.relname = ANY ($1)`,
    [tables.map(({ name }) => name)],
  );
  const found = new Map<string, Partition[]>(tables.map(({ name }) => [name, []]));
  for (const { table, name } of rows) {
    const from = startOf(name);
    const width = tables.find((one) => one.name === table)?.widthMs ?? HOUR_MS;
    if (from !== null) found.get(table)?.push({ name, from, to: from + width });
  }
  for (const list of found.values()) list.sort((a, b) => a.from - b.from);
  return found;
}

/**
 * Where the run of partitions without a hole begins that reaches up to `at`; positive infinity: there is none. (Those that a clock far
 * ahead once made do not count.)
 */
export function keptFrom(partitions: readonly Partition[], at: EpochMs): EpochMs {
  let from = Number.POSITIVE_INFINITY;
  for (const partition of partitions.toReversed()) {
    if (partition.from > at) continue;
    if (from !== Number.POSITIVE_INFINITY && partition.to !== from) break;
    from = partition.from;
  }
  return from;
}

/**
 * Makes the partition of `table` that holds `at`, where there is none. Rows that went into the default partition meanwhile are
 * moved. Locks the table against everybody for a few milliseconds; in a transaction.
 */
export async function makePartition(client: StoreClient, table: PartitionedTable, at: EpochMs): Promise<void> {
  const from = floorTo(at, table.widthMs);
  const to = from + table.widthMs;
  const name = partitionName(table, at);
  const parent = `autopilot.${table.name}`;
  if (!table.hasDefault) {
    await client.query(
      `CREATE TABLE IF NOT EXISTS autopilot.${name} PARTITION OF ${parent} FOR VALUES FROM (${from}) TO (${to})`,
    );
    return;
  }
  const existing = await client.query<{ name: string | null }>('SELECT to_regclass($1)::text AS name', [
    `autopilot.${name}`,
  ]);
  // Somebody else's since it was missed.
  if (existing.rows[0]?.name != null) return;
  // Gone in two hours: vacuuming it would be work for nothing.
  await client.query(`
    CREATE TABLE autopilot.${name} (LIKE ${parent} INCLUDING ALL)
      WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false);
    LOCK TABLE ${parent}_default IN ACCESS EXCLUSIVE MODE;
    WITH moved AS (DELETE FROM ${parent}_default WHERE start_ms >= ${from} AND start_ms < ${to} RETURNING *)
      INSERT INTO autopilot.${name} SELECT * FROM moved;
    ALTER TABLE ${parent} ATTACH PARTITION autopilot.${name} FOR VALUES FROM (${from}) TO (${to})`);
}
