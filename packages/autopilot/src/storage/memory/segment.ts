import type { Cell, Family, SeriesWindow, Window } from '../../contract/series.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { ByteWriter } from '../bytes.ts';
import { CellAccumulator, families, layouts } from '../cell-accumulator.ts';
import { readCells, type WantedFields, writeCells } from './cell-codec.ts';
import type { SeriesDictionary, SeriesEntry } from './series-dictionary.ts';

/** What a segment takes beside its arrays: the objects themselves, as V8 lays them out. */
const SEGMENT_OVERHEAD_BYTES = 600;

/**
 * Families whose keys are also kept as one: charts of the whole then read one series a window instead of a thousand.
 * Pairs are only ever read by their statement.
 */
const TOTAL_FAMILIES: ReadonlySet<Family> = new Set<Family>([
  'route',
  'tenant',
  'statement',
  'pool',
  'runtime',
  'job',
  'compression',
  'test',
]);
const TOTAL_KEY = '';

/** One or more windows of one instance, packed into two arrays: series numbers with their positions, and cells. */
export interface Segment {
  readonly start: EpochMs;
  readonly durationMs: number;
  /** How many windows went in. */
  readonly windows: number;
  readonly overflow: Window['overflow'];
  /** The ids of its series, by family and id, then where each one's cells begin. */
  readonly index: Uint32Array;
  /** For each family where its series end within `index`. */
  readonly familyEnds: readonly number[];
  readonly cells: Uint8Array;
  readonly view: DataView;
}

/** Estimated memory of a segment. */
export function bytesOf(segment: Segment): number {
  return SEGMENT_OVERHEAD_BYTES + segment.index.byteLength + segment.cells.byteLength;
}

interface Row {
  readonly entry: SeriesEntry;
  readonly cells: readonly (Cell | undefined)[];
}

const writer = new ByteWriter();

function pack(rows: Row[], head: Pick<Segment, 'start' | 'durationMs' | 'windows' | 'overflow'>): Segment {
  rows.sort((a, b) => a.entry.familyIndex - b.entry.familyIndex || a.entry.id - b.entry.id);
  const index = new Uint32Array(rows.length * 2);
  const familyEnds = families.map(() => 0);
  rows.forEach(({ entry, cells }, row) => {
    index[row] = entry.id;
    index[rows.length + row] = writer.length;
    familyEnds[entry.familyIndex] = row + 1;
    entry.uses++;
    writeCells(writer, cells);
  });
  // A family without series ends where the one before it ends.
  for (let family = 1; family < familyEnds.length; family++) {
    familyEnds[family] = Math.max(familyEnds[family] ?? 0, familyEnds[family - 1] ?? 0);
  }
  const cells = writer.take();
  return { ...head, index, familyEnds, cells, view: new DataView(cells.buffer) };
}

/**
 * Packs a window as it came; `invalid` counts series and cells that were left out: not of the metric table, unreadable,
 * or there a second time.
 */
export function packWindow(
  dictionary: SeriesDictionary,
  window: Window,
): { readonly segment: Segment; readonly invalid: number } {
  const rows: Row[] = [];
  const totals = new Map<SeriesEntry, CellAccumulator>();
  const seen = new Set<SeriesEntry>();
  let invalid = 0;
  for (const one of window.series) {
    // The other end of the link may be of another release, with families that are not known here.
    if (!Object.hasOwn(layouts, one.family)) {
      invalid++;
      continue;
    }
    const entry = dictionary.intern(one, false);
    if (seen.has(entry)) {
      invalid++;
      continue;
    }
    seen.add(entry);
    const { family, database } = one;
    // Adding a cell to the total is also what tells whether it can be read.
    const total = TOTAL_FAMILIES.has(family)
      ? accumulatorOf(totals, dictionary.intern({ family, key: TOTAL_KEY, database, route: null }, true))
      : new CellAccumulator(family);
    const cells: (Cell | undefined)[] = [];
    for (const [name, cell] of Object.entries(one.cells)) {
      const field = layouts[family].indexOf.get(name);
      if (field === undefined || !total.addBeside(field, cell)) invalid++;
      else cells[field] = cell;
    }
    rows.push({ entry, cells });
  }
  const { start, durationMs, overflow } = window;
  rows.push(...rowsOf(totals));
  return { segment: pack(rows, { start, durationMs, overflow, windows: 1 }), invalid };
}

/** Merges segments of one instance into one that spans them all. */
export function mergeSegments(dictionary: SeriesDictionary, segments: readonly Segment[]): Segment {
  const merged = new Map<SeriesEntry, CellAccumulator>();
  const overflow: Partial<Record<Family, number>> = {};
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  let windows = 0;
  for (const segment of segments) {
    start = Math.min(start, segment.start);
    end = Math.max(end, segment.start + segment.durationMs);
    windows += segment.windows;
    for (const family of families) {
      const left = segment.overflow[family];
      if (left !== undefined) overflow[family] = (overflow[family] ?? 0) + left;
    }
    const rows = segment.index.length / 2;
    for (let row = 0; row < rows; row++) {
      const entry = dictionary.entry(segment.index[row] ?? 0);
      if (entry === undefined) continue;
      const accumulator = accumulatorOf(merged, entry);
      const { indexOf } = layouts[entry.family];
      const at = segment.index[rows + row] ?? 0;
      for (const [name, cell] of Object.entries(readCells(segment.cells, segment.view, at, entry.family, null))) {
        accumulator.add(indexOf.get(name) ?? -1, cell);
      }
    }
  }
  return pack(rowsOf(merged), { start, durationMs: end - start, windows, overflow });
}

function accumulatorOf(of: Map<SeriesEntry, CellAccumulator>, entry: SeriesEntry): CellAccumulator {
  const known = of.get(entry);
  if (known !== undefined) return known;
  const made = new CellAccumulator(entry.family);
  of.set(entry, made);
  return made;
}

function rowsOf(merged: ReadonlyMap<SeriesEntry, CellAccumulator>): Row[] {
  return Array.from(merged, ([entry, accumulator]) => ({
    entry,
    cells: layouts[entry.family].names.map((_, field) => accumulator.cell(field)),
  }));
}

/** Gives the names of a segment back that {@link packWindow} or {@link mergeSegments} took. */
export function releaseSegment(dictionary: SeriesDictionary, segment: Segment): void {
  const rows = segment.index.length / 2;
  for (let row = 0; row < rows; row++) dictionary.release(segment.index[row] ?? 0);
}

/** Reads the series with these ids, where the segment has them. */
export function* readIds(
  segment: Segment,
  entries: readonly SeriesEntry[],
  wanted: WantedFields,
): IterableIterator<SeriesWindow> {
  for (const entry of entries) {
    const row = findRow(segment, entry);
    if (row !== -1) yield readRow(segment, row, entry, wanted);
  }
}

/** Reads every series of a family but its totals. */
export function* readFamily(
  segment: Segment,
  dictionary: SeriesDictionary,
  family: Family,
  database: string | undefined,
  wanted: WantedFields,
): IterableIterator<SeriesWindow> {
  const familyIndex = families.indexOf(family);
  const end = segment.familyEnds[familyIndex] ?? 0;
  for (let row = segment.familyEnds[familyIndex - 1] ?? 0; row < end; row++) {
    const entry = dictionary.entry(segment.index[row] ?? 0);
    if (entry === undefined || entry.isTotal) continue;
    if (database !== undefined && entry.database !== null && entry.database !== database) continue;
    yield readRow(segment, row, entry, wanted);
  }
}

function readRow(segment: Segment, row: number, entry: SeriesEntry, wanted: WantedFields): SeriesWindow {
  const at = segment.index[segment.index.length / 2 + row] ?? 0;
  const { family, key, database, route } = entry;
  return { family, key, database, route, cells: readCells(segment.cells, segment.view, at, family, wanted) };
}

/** Binary search within the family's part; -1 where the segment has no such series. */
function findRow(segment: Segment, entry: SeriesEntry): number {
  let low = segment.familyEnds[entry.familyIndex - 1] ?? 0;
  let high = (segment.familyEnds[entry.familyIndex] ?? 0) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const id = segment.index[middle] ?? 0;
    if (id === entry.id) return middle;
    if (id < entry.id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
