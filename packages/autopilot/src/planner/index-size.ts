import { type GinElements, type GinShape, ginShape, pagesOf } from './gin-size.ts';

/** What the size of an index depends on. */
export interface IndexSizeFacts {
  readonly method: string;
  /** Rows of the table that are in the index. */
  readonly rows: number;
  readonly tablePages: number;
  /** Keys first, then columns that are only included. */
  readonly columns: readonly {
    readonly averageWidth: number;
    readonly alignment: number;
    readonly nullFraction: number;
    /** Different values among `rows`. */
    readonly distinct: number;
    /** Equal values have equal bytes, so that they may share one posting list. */
    readonly sharesDuplicates: boolean;
    readonly included: boolean;
    /** What its values consist of, for an inverted index; null for others. */
    readonly elements: GinElements | null;
  }[];
}

const pageBytes = 8_192;
/** Of a page, without its header and its special space (nbtree). */
const usableBytes = pageBytes - 24 - 16;
const linePointerBytes = 4;
/** A row's place in the table. */
const placeBytes = 6;
/** A posting list is at most a tenth of a page when it is built (BTMaxItemSize, _bt_load). */
const postingBytes = 812;

/** The pages of an index just built, its height (B-tree) and the bytes of one of its entries. */
export interface IndexSize {
  readonly pages: number;
  readonly level: number;
  /** Of an inverted index; null for others. */
  readonly gin: GinShape | null;
}

/**
 * Estimates the size of an index that would be built now, as PostgreSQL lays it out.
 * B-tree: leaf entries of aligned key + 8 bytes + a line pointer, 90 % full; equal keys share posting lists of 6 bytes a row unless
 * columns are included. Others by their page formats, coarser: GIN by what its values consist of, GiST with its keys as they are,
 * BRIN one entry for 128 pages, hash 75 % full.
 */
export function estimateIndexSize(facts: IndexSizeFacts): IndexSize {
  switch (facts.method) {
    case 'gin': {
      const columns = facts.columns.flatMap(({ elements }) => elements ?? []);
      const gin = ginShape(facts.rows, facts.tablePages, columns);
      return { pages: pagesOf(gin), level: 0, gin };
    }
    case 'gist':
    case 'spgist':
      return {
        pages: 1 + Math.ceil((facts.rows * (entryBytes(facts) + linePointerBytes)) / (usableBytes * 0.8)),
        level: 0,
        gin: null,
      };
    case 'brin': {
      const width = sum(facts.columns.map(({ averageWidth }) => 2 * averageWidth + 4));
      const ranges = Math.ceil(facts.tablePages / 128);
      return { pages: 2 + Math.max(1, Math.ceil((ranges * (width + 12)) / usableBytes)), level: 0, gin: null };
    }
    case 'hash':
      return {
        pages: 3 + Math.ceil((facts.rows * (16 + linePointerBytes)) / (usableBytes * 0.75)),
        level: 0,
        gin: null,
      };
    default: {
      const leaves = Math.max(1, Math.ceil(leafBytes(facts) / (usableBytes * 0.9)));
      const level = btreeLevel(leaves, entryBytes(facts));
      return { pages: 1 + leaves + innerPages(leaves, entryBytes(facts)), level, gin: null };
    }
  }
}

/** How high a B-tree of that many leaf pages is: 0 when its root is a leaf. Inner pages are 70 % full. */
export function btreeLevel(leafPages: number, bytesOfEntry: number): number {
  const fanOut = fanOutOf(bytesOfEntry);
  let level = 0;
  for (let pages = leafPages; pages > 1; pages = Math.ceil(pages / fanOut)) level += 1;
  return level;
}

function innerPages(leafPages: number, bytesOfEntry: number): number {
  let total = 0;
  for (let pages = leafPages; pages > 1; ) {
    pages = Math.ceil(pages / fanOutOf(bytesOfEntry));
    total += pages;
  }
  return total;
}

function fanOutOf(bytesOfEntry: number): number {
  return Math.max(2, Math.floor((usableBytes * 0.7) / (bytesOfEntry + linePointerBytes)));
}

/** One entry: its header, a bitmap where there are nulls, and the columns at their alignment. */
function entryBytes({ columns }: IndexSizeFacts): number {
  const header = columns.some(({ nullFraction }) => nullFraction > 0) ? 16 : 8;
  let at = 0;
  for (const { averageWidth, alignment, nullFraction } of columns)
    at = align(at, nullFraction > 0.5 ? 1 : alignment) + averageWidth * (1 - nullFraction);
  // Without any null in the row there is no bitmap: charge it only as often as there are.
  const nulls = 1 - columns.reduce((none, { nullFraction }) => none * (1 - nullFraction), 1);
  return align(Math.ceil(at), 8) + 8 + (header - 8) * nulls;
}

function leafBytes(facts: IndexSizeFacts): number {
  const bytes = entryBytes(facts);
  const single = bytes + linePointerBytes;
  const shared = facts.columns.every(({ sharesDuplicates, included }) => sharesDuplicates && !included);
  if (!shared || facts.rows === 0) return facts.rows * single;
  const distinct = Math.min(
    facts.rows,
    facts.columns.reduce(
      (product, column) => product * Math.max(1, column.distinct + (column.nullFraction > 0 ? 1 : 0)),
      1,
    ),
  );
  const perKey = facts.rows / distinct;
  if (perKey < 1.2) return facts.rows * single;
  const perPosting = Math.max(2, Math.floor((postingBytes - bytes) / placeBytes));
  const full = Math.floor(perKey / perPosting);
  const rest = perKey - full * perPosting;
  const posting = (places: number): number =>
    places <= 1 ? single * places : align(bytes + places * placeBytes, 8) + linePointerBytes;
  return distinct * (full * posting(perPosting) + posting(rest));
}

function align(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
