import type { SeriesQuery, Slice } from '../ports.ts';
import { type Part } from './read-plan.ts';
import { HOUR_MS, LONGEST_WINDOW_MS } from './retention.ts';
import type { ScopePart, StoredScope } from './scope-plan.ts';
import type { SliceBuilder } from './slice-builder.ts';
import type { StoreClient } from './store-connection.ts';
import { addBlocks, blockHas, rangesOf, type Selection } from './stored-levels.ts';
import { familyNumbers } from './stored-names.ts';
import { WindowLedger } from './window-ledger.ts';

/** Reads of windows as agents wrote them: in the last two hours, and wherever they are not merged yet. */

interface WindowRow {
  readonly scope_id: number;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly overflow: Slice['overflow'] | null;
}

interface UnfoldedRow extends WindowRow {
  /** The ledger of its hour; null while the hour's windows are kept. */
  readonly keys: Buffer | null;
}

interface WindowBlockRow {
  readonly scope_id: number;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly family: number;
  readonly cells: Buffer;
}

function bucketOf({ start_ms, duration_ms }: { readonly start_ms: number; readonly duration_ms: number }): string {
  return `${start_ms} ${duration_ms}`;
}

/** A window that began before the range may reach into it. */
function lookbackMs(part: Part, from: number): number {
  return part.from === from ? LONGEST_WINDOW_MS : 0;
}

function addWindows(
  builder: SliceBuilder,
  windows: readonly WindowRow[],
  blocks: readonly WindowBlockRow[],
  selection: Selection,
): void {
  for (const row of windows)
    builder.addWindow(row.scope_id, bucketOf(row), row.start_ms, row.duration_ms, row.overflow);
  addBlocks(builder, blocks, selection, bucketOf);
}

/** All windows of the parts. */
export async function readWindows(
  client: StoreClient,
  selection: Selection,
  parts: readonly ScopePart[],
  builder: SliceBuilder,
): Promise<void> {
  const { query, ids } = selection;
  const ranges = rangesOf(parts.map((part) => ({ ...part, from: part.from - lookbackMs(part, query.from) })));
  const windows = await client.query<WindowRow>(
    `SELECT w.scope_id, w.start_ms, w.duration_ms, w.overflow
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS part(scope_id, from_ms, to_ms)
     JOIN autopilot.windows w ON w.scope_id = part.scope_id AND w.start_ms >= part.from_ms AND w.start_ms < part.to_ms
     WHERE w.start_ms >= $4 AND w.start_ms < $5 AND w.start_ms + w.duration_ms > $6`,
    [...ranges, query.from],
  );
  const blocks = await client.query<WindowBlockRow>(
    `SELECT b.scope_id, b.start_ms, b.duration_ms, b.family, b.cells
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS part(scope_id, from_ms, to_ms)
     JOIN autopilot.window_blocks b
       ON b.scope_id = part.scope_id AND b.start_ms >= part.from_ms AND b.start_ms < part.to_ms AND b.family = $7
     WHERE b.start_ms >= $4 AND b.start_ms < $5 AND b.start_ms + b.duration_ms > $6 AND ${blockHas('$8')}`,
    [...ranges, query.from, familyNumbers[query.family], ids],
  );
  addWindows(builder, windows.rows, blocks.rows, selection);
}

/** Windows of the range that are not merged yet and that none of the parts reads anyway. */
export async function findUnfolded(
  client: StoreClient,
  { from, to }: SeriesQuery,
  instances: readonly StoredScope[],
  parts: readonly ScopePart[],
): Promise<readonly WindowRow[]> {
  const { rows } = await client.query<UnfoldedRow>(
    `SELECT u.scope_id, u.start_ms, u.duration_ms, w.overflow, l.keys
     FROM autopilot.unfolded_windows u
     JOIN autopilot.windows w USING (scope_id, start_ms, duration_ms)
     LEFT JOIN autopilot.window_ledger l
       ON l.scope_id = u.scope_id AND l.hour_ms = u.start_ms / ${HOUR_MS} * ${HOUR_MS}
     WHERE u.scope_id = ANY ($1) AND u.start_ms > $2 AND u.start_ms < $3 AND u.start_ms + u.duration_ms > $4`,
    [instances.map(({ id }) => id), from - LONGEST_WINDOW_MS, to, from],
  );
  const windowParts = parts.filter(({ level }) => level === 'window');
  return rows.filter(
    (row) =>
      !wasMerged(row) &&
      !windowParts.some(
        (part) =>
          part.scope.id === row.scope_id &&
          row.start_ms >= part.from - lookbackMs(part, from) &&
          row.start_ms < part.to,
      ),
  );
}

function wasMerged({ keys, start_ms: start, duration_ms: durationMs }: UnfoldedRow): boolean {
  return keys !== null && new WindowLedger(keys).has({ start, durationMs });
}

/** Some of what {@link findUnfolded} found. */
export async function readUnfolded(
  client: StoreClient,
  selection: Selection,
  windows: readonly WindowRow[],
  builder: SliceBuilder,
): Promise<void> {
  const starts = windows.map(({ start_ms }) => start_ms);
  const { rows } = await client.query<WindowBlockRow>(
    `SELECT b.scope_id, b.start_ms, b.duration_ms, b.family, b.cells
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS k(scope_id, start_ms, duration_ms)
     JOIN autopilot.window_blocks b USING (scope_id, start_ms, duration_ms)
     WHERE b.start_ms >= $4 AND b.start_ms <= $5 AND b.family = $6 AND ${blockHas('$7')}`,
    [
      windows.map(({ scope_id }) => scope_id),
      starts,
      windows.map(({ duration_ms }) => duration_ms),
      Math.min(...starts),
      Math.max(...starts),
      familyNumbers[selection.query.family],
      selection.ids,
    ],
  );
  addWindows(builder, windows, rows, selection);
}
