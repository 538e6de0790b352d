import type { SeriesQuery } from '../ports.ts';
import { WINDOWS_SERIES } from './bucket-sums.ts';
import { visitPack } from './pack.ts';
import type { Level } from './read-plan.ts';
import { ceilTo, DAY_MS, floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';
import type { ScopePart } from './scope-plan.ts';
import type { SliceBuilder } from './slice-builder.ts';
import type { StoreClient } from './store-connection.ts';
import { familyNumbers, WINDOWS_FAMILY } from './stored-names.ts';
import type { BlockTable, ChunkTable } from './stored-rows.ts';

/** Reads of minutes, hours and days: what is open from blocks, what is closed from chunks. */

/** How rows are found: all of a family, or some series of it. */
export interface Selection {
  readonly query: SeriesQuery;
  /** Null: every series of the family. */
  readonly ids: readonly number[] | null;
  /** Called for each row that can't be read; the others are still an answer. */
  readonly onDamaged: () => void;
}

interface BlockRow {
  readonly scope_id: number;
  readonly start_ms: number;
  readonly family: number;
  readonly cells: Buffer;
}

interface ChunkRow extends BlockRow {
  readonly series_id: number;
}

const tables = {
  minute: { blocks: 'minute_blocks', chunks: 'minute_chunks', bucketMs: MINUTE_MS, periodMs: HOUR_MS },
  hour: { blocks: 'hour_blocks', chunks: 'hour_chunks', bucketMs: HOUR_MS, periodMs: DAY_MS },
  day: { blocks: 'day_blocks', chunks: null, bucketMs: DAY_MS, periodMs: DAY_MS },
} as const;

/** SQL: whether block `b` may hold one of the series. */
export function blockHas(ids: string): string {
  return `(${ids}::bigint[] IS NULL OR EXISTS (
    SELECT FROM unnest(${ids}::bigint[]) AS wanted(id) WHERE wanted.id BETWEEN b.first_series AND b.last_series))`;
}

/** The parts as three arrays, scopes, beginnings and ends, and where they begin and end together. */
export function rangesOf(parts: readonly ScopePart[]): readonly [number[], number[], number[], number, number] {
  return [
    parts.map(({ scope }) => scope.id),
    parts.map(({ from }) => from),
    parts.map(({ to }) => to),
    Math.min(...parts.map(({ from }) => from)),
    Math.max(...parts.map(({ to }) => to)),
  ];
}

/** Adds what is wanted of the blocks. */
export function addBlocks<Row extends BlockRow>(
  builder: SliceBuilder,
  rows: readonly Row[],
  { ids, onDamaged }: Selection,
  bucketOf: (row: Row) => string,
): void {
  const wanted = ids === null ? null : new Set(ids);
  for (const row of rows) {
    const bucket = bucketOf(row);
    try {
      visitPack(row.cells, (series, bytes) => {
        if (wanted === null || row.family === WINDOWS_FAMILY || wanted.has(series))
          builder.addCells(row.scope_id, bucket, row.family, series, bytes);
      });
    } catch {
      onDamaged();
    }
  }
}

/** All buckets of the parts, which are of this level. */
export async function readLevel(
  client: StoreClient,
  selection: Selection,
  parts: readonly ScopePart[],
  level: Exclude<Level, 'window'>,
  builder: SliceBuilder,
): Promise<void> {
  const { blocks, chunks, bucketMs, periodMs } = tables[level];
  const open: ScopePart[] = [];
  const closed: ScopePart[] = [];
  for (const part of parts) {
    const until = level === 'minute' ? part.scope.levels.minutesUntil : part.scope.levels.hoursUntil;
    const cut = chunks === null ? part.from : Math.min(part.to, Math.max(part.from, until));
    if (cut > part.from) closed.push({ ...part, to: cut });
    if (cut < part.to) open.push({ ...part, from: cut });
  }
  if (open.length > 0) await readBlocks(client, selection, blocks, open, builder);
  if (closed.length > 0 && chunks !== null)
    await readChunks(client, selection, chunks, bucketMs, periodMs, closed, builder);
}

async function readBlocks(
  client: StoreClient,
  selection: Selection,
  table: BlockTable,
  parts: readonly ScopePart[],
  builder: SliceBuilder,
): Promise<void> {
  const { rows } = await client.query<BlockRow>(
    `SELECT b.scope_id, b.start_ms, b.family, b.cells
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS part(scope_id, from_ms, to_ms)
     JOIN autopilot.${table} b
       ON b.scope_id = part.scope_id AND b.family IN (${WINDOWS_FAMILY}, $6)
       AND b.start_ms >= part.from_ms AND b.start_ms < part.to_ms
     WHERE b.start_ms >= $4 AND b.start_ms < $5 AND (b.family = ${WINDOWS_FAMILY} OR ${blockHas('$7')})`,
    [...rangesOf(parts), familyNumbers[selection.query.family], selection.ids],
  );
  addBlocks(builder, rows, selection, ({ start_ms }) => String(start_ms));
}

async function readChunks(
  client: StoreClient,
  { query, ids, onDamaged }: Selection,
  table: ChunkTable,
  bucketMs: number,
  periodMs: number,
  parts: readonly ScopePart[],
  builder: SliceBuilder,
): Promise<void> {
  const { rows } = await client.query<ChunkRow>(
    `SELECT c.scope_id, c.start_ms, c.family, c.series_id, c.cells
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS part(scope_id, from_ms, to_ms)
     JOIN autopilot.${table} c
       ON c.scope_id = part.scope_id AND c.family IN (${WINDOWS_FAMILY}, $6)
       AND c.start_ms >= part.from_ms AND c.start_ms < part.to_ms
     WHERE c.start_ms >= $4 AND c.start_ms < $5 AND ($7::bigint[] IS NULL OR c.series_id = ANY ($7))`,
    [
      ...rangesOf(wholePeriods(parts, periodMs)),
      familyNumbers[query.family],
      ids === null ? null : [WINDOWS_SERIES, ...ids],
    ],
  );
  const byScope = new Map<number, ScopePart[]>();
  for (const part of parts) {
    const list = byScope.get(part.scope.id);
    if (list === undefined) byScope.set(part.scope.id, [part]);
    else list.push(part);
  }
  for (const row of rows) {
    const wanted = byScope.get(row.scope_id) ?? [];
    try {
      visitPack(row.cells, (slot, bytes) => {
        const start = row.start_ms + slot * bucketMs;
        if (wanted.some(({ from, to }) => start >= from && start < to))
          builder.addCells(row.scope_id, String(start), row.family, row.series_id, bytes);
      });
    } catch {
      onDamaged();
    }
  }
}

/** The periods that the parts touch, each once a scope: two parts may lie in the same one. */
function wholePeriods(parts: readonly ScopePart[], periodMs: number): readonly ScopePart[] {
  const merged: ScopePart[] = [];
  const sorted = parts.toSorted((a, b) => a.scope.id - b.scope.id || a.from - b.from);
  for (const part of sorted) {
    const whole = { ...part, from: floorTo(part.from, periodMs), to: ceilTo(part.to, periodMs) };
    const last = merged.at(-1);
    if (last !== undefined && last.scope === whole.scope && last.to >= whole.from)
      merged[merged.length - 1] = { ...last, to: Math.max(last.to, whole.to) };
    else merged.push(whole);
  }
  return merged;
}
