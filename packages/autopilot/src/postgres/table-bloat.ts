import type { BloatEstimate } from '../contract/database.ts';
import type { ColumnWidth, ColumnWidths } from './column-widths.ts';

/**
 * Bloat, estimated from what ANALYZE knows (after ioguix/pgsql-bloat-estimation):
 *
 *   expected pages = rows x (item pointer + aligned header + aligned data) / (page less its header x fillfactor)
 *
 * Row header 23 bytes and a null bitmap (storage/htup_details.h), item pointer 4, page header 24, alignment 8. Widths are
 * averages, so tables under a few pages, or whose columns ANALYZE has not seen, get no estimate.
 */
const PAGE_BYTES = 8192;
const PAGE_HEADER = 24;
const ALIGNMENT = 8;
const MIN_PAGES = 16;

/** Of which method an estimate is, for people. */
const TABLE_BLOAT_METHOD = 'estimate: rows x average column widths (pg_stats) against the size of the file';
const INDEX_BLOAT_METHOD =
  'estimate: keys x average widths (pg_stats), duplicates merged, against the size of the file';

/** A table's columns and rows, as far as its bloat is concerned. */
export interface BloatSubject {
  readonly oid: string;
  readonly pages: number;
  readonly tuples: number;
  readonly live: number;
  readonly options: readonly string[];
}

/** null: too small, or not enough is known. */
export function tableBloat(table: BloatSubject, fileBytes: number, widths: ColumnWidths): BloatEstimate | null {
  const columns = [...(widths.get(table.oid)?.values() ?? [])];
  const pages = fileBytes / PAGE_BYTES;
  const rows = rowsNow(table, pages);
  if (columns.length === 0 || pages < MIN_PAGES || rows === null) return null;
  const data = dataBytes(columns);
  const nulls = columns.some(({ nullRatio }) => nullRatio > 0) ? Math.ceil(columns.length / 8) : 0;
  const rowBytes = 4 + aligned(23 + nulls) + aligned(data);
  const perPage = ((PAGE_BYTES - PAGE_HEADER) * fillFactor(table.options, 100)) / rowBytes;
  return estimate(fileBytes, Math.ceil(rows / Math.max(1, Math.floor(perPage))), TABLE_BLOAT_METHOD);
}

/** A b-tree's keys, as far as its bloat is concerned. */
export interface IndexBloatSubject {
  readonly tuples: number;
  readonly tableOid: string;
  /** Of the table; null: an expression, of which nothing is known. */
  readonly columns: readonly (string | null)[];
  readonly options: readonly string[];
  readonly isUnique: boolean;
}

/** null: no b-tree, an expression, too small, or not enough is known. Leaf pages are filled to 90 % (nbtree). */
export function indexBloat(index: IndexBloatSubject, fileBytes: number, widths: ColumnWidths): BloatEstimate | null {
  const known = widths.get(index.tableOid);
  const columns = index.columns.map((name) => (name === null ? undefined : known?.get(name)));
  const pages = fileBytes / PAGE_BYTES;
  if (pages < MIN_PAGES || index.tuples < 0 || columns.some((column) => column === undefined)) return null;
  const found = columns.filter((column) => column !== undefined);
  const nulls = found.some(({ nullRatio }) => nullRatio > 0) ? ALIGNMENT : 0;
  const keyBytes = aligned(8 + nulls) + aligned(dataBytes(found));
  const keys = index.isUnique ? index.tuples : distinctKeys(found, index.tuples);
  // From 13 on equal keys share one tuple with 6 bytes for each row (posting lists).
  const bytes = keys < index.tuples / 2 ? keys * (keyBytes + 4) + index.tuples * 6 : index.tuples * (keyBytes + 4);
  const room = (PAGE_BYTES - PAGE_HEADER - 16) * fillFactor(index.options, 90);
  return estimate(fileBytes, Math.ceil(bytes / room) + 1, INDEX_BLOAT_METHOD);
}

/** Live rows now: those counted, or, where nothing was counted since a reset, the density of the last vacuum. */
function rowsNow({ live, tuples, pages }: BloatSubject, pagesNow: number): number | null {
  if (live > 0) return live;
  return tuples >= 0 && pages > 0 ? (tuples / pages) * pagesNow : null;
}

function distinctKeys(columns: readonly ColumnWidth[], rows: number): number {
  let keys = 1;
  for (const { distinct } of columns) keys *= distinct < 0 ? -distinct * rows : Math.max(1, distinct);
  return Math.min(keys, rows);
}

function dataBytes(columns: readonly ColumnWidth[]): number {
  return columns.reduce((sum, { nullRatio, averageBytes }) => sum + (1 - nullRatio) * averageBytes, 0);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function fillFactor(options: readonly string[], otherwise: number): number {
  const own = options.find((option) => option.startsWith('fillfactor='));
  return (own === undefined ? otherwise : Number(own.slice('fillfactor='.length))) / 100;
}

function estimate(fileBytes: number, expectedPages: number, method: string): BloatEstimate {
  const bytes = Math.max(0, fileBytes - expectedPages * PAGE_BYTES);
  return { bytes, ratio: fileBytes === 0 ? 0 : bytes / fileBytes, method };
}
