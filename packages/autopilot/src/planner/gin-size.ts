import { arrayMembers } from './parameter-values.ts';
import type { ColumnStatistics } from './target-statistics.ts';

/** What the values of a column consist of, as an inverted index has it. */
export interface GinElements {
  /** Of elements that are known: the share of the rows that have each. */
  readonly shares: readonly number[];
  /** The others together: how many a row has of them, and how many there are at least. */
  readonly others: { readonly eachRow: number; readonly atLeast: number };
  /** Bytes of one, on average. */
  readonly width: number;
}

/** What a GIN index tells the planner in its first page. */
export interface GinShape {
  /** Different elements. */
  readonly entries: number;
  readonly entryPages: number;
  readonly dataPages: number;
}

/** A tuple of the entry tree is no longer than a third of a page (GinMaxItemSize): a longer list of rows has pages of its own. */
const mostEntryBytes = 2_712;
const pageBytes = 8_152;
/** Entries come in their order, and a full page is halved. */
const entryFill = 0.6;
/** Lists of rows are cut into segments with a header each. */
const dataFill = 0.95;

/** Of an expression, of which no statistics are read. */
export const unknownElements: GinElements = { shares: [], others: { eachRow: 10, atLeast: 100 }, width: 8 };

/**
 * The shape of an index on so many rows. Where its length is known, the number of elements that the statistics do not list is taken for the
 * one that comes to that length.
 */
export function ginShape(
  rows: number,
  tablePages: number,
  columns: readonly GinElements[],
  knownPages: number | null = null,
): GinShape {
  const others = columns.reduce((total, { others: { eachRow } }) => total + eachRow, 0);
  const [fewest, most] = [
    columns.reduce((total, one) => total + Math.min(one.others.atLeast, one.others.eachRow * rows), 0),
    others * rows,
  ];
  const shapeWith = (count: number): GinShape => layOut(rows, tablePages, columns, most <= 0 ? 0 : count / most);
  if (others <= 0 || most <= fewest) return scaled(shapeWith(most), knownPages);
  if (knownPages === null) return shapeWith(Math.sqrt(Math.max(1, fewest) * most));
  let [low, high] = [Math.log(Math.max(1, fewest)), Math.log(Math.max(1, most))];
  for (let step = 0; step < 20; step += 1) {
    const middle = (low + high) / 2;
    if (pagesOf(shapeWith(Math.exp(middle))) < knownPages) low = middle;
    else high = middle;
  }
  return scaled(shapeWith(Math.exp(low)), knownPages);
}

/** With the first page, which is neither. */
export function pagesOf({ entryPages, dataPages }: GinShape): number {
  return 1 + entryPages + dataPages;
}

/** The same proportion of both kinds of pages in an index of a known length. */
function scaled(shape: GinShape, knownPages: number | null): GinShape {
  if (knownPages === null || knownPages < 2) return shape;
  const dataPages = Math.round(((knownPages - 1) * shape.dataPages) / (shape.entryPages + shape.dataPages));
  return {
    ...shape,
    dataPages: Math.min(dataPages, knownPages - 2),
    entryPages: Math.max(1, knownPages - 1 - dataPages),
  };
}

/** `ofMost`: how many elements that are not listed there are, as a share of one for each of their places. */
function layOut(rows: number, tablePages: number, columns: readonly GinElements[], ofMost: number): GinShape {
  let [entries, entryBytes, dataPages] = [0, 0, 0];
  const perPage = rows / Math.max(1, tablePages);
  const add = (count: number, rowsEach: number, width: number): void => {
    const list = rowsEach * placeBytes(rows / Math.max(rowsEach, 1e-9), perPage);
    const key = Math.ceil((8 + width) / 8) * 8 + 4;
    entries += count;
    if (key + list > mostEntryBytes) {
      const leaves = Math.ceil(list / (pageBytes * dataFill));
      dataPages += count * (leaves === 1 ? 1 : leaves + Math.ceil(leaves / 500));
      entryBytes += count * key;
    } else entryBytes += count * (key + (rowsEach <= 1 ? 8 : Math.ceil((8 + list) / 8) * 8));
  };
  for (const { shares, others, width } of columns) {
    for (const share of shares) add(1, share * rows, width);
    const count = others.eachRow * rows * ofMost;
    if (count > 0) add(count, (others.eachRow * rows) / count, width);
  }
  const leaves = Math.max(1, Math.ceil(entryBytes / (pageBytes * entryFill)));
  return {
    entries: Math.round(entries),
    entryPages: leaves === 1 ? 1 : leaves + Math.ceil(leaves / 200),
    dataPages: Math.round(dataPages),
  };
}

/** A place is the distance from the one before, in 7 bits a byte; the next page is 2,048 places on. */
function placeBytes(rowsBetween: number, rowsOfPage: number): number {
  if (rowsBetween < rowsOfPage) return 1 + rowsBetween / rowsOfPage;
  const pagesBetween = rowsBetween / rowsOfPage;
  return pagesBetween < 8 ? 2 : pagesBetween < 1_024 ? 3 : 4;
}

/** Reads from statistics what an inverted index on a column would hold. `paths`: `jsonb_path_ops`, which keeps paths with their values only. */
export function ginElements(
  type: string,
  statistics: ColumnStatistics | null,
  averageWidth: number,
  rows: number,
  paths = false,
): GinElements {
  const nulls = statistics !== null && statistics.nullFraction > 0 ? [statistics.nullFraction] : [];
  const common = statistics?.commonElementFrequencies;
  if (statistics && common) {
    const elements = arrayMembers(statistics.commonElements ?? '{}');
    const shares = common.slice(0, elements.length);
    // The last entry of that histogram is the average. Of texts there is none: a word takes its letters and about nine bytes.
    const letters = sum(elements.map((element) => Buffer.byteLength(element))) / Math.max(1, elements.length);
    const eachRow = statistics.elementCounts?.at(-1) ?? Math.max(sum(shares), (averageWidth - 8) / (letters + 9));
    const rest = Math.max(0, (eachRow - sum(shares)) * (1 - statistics.nullFraction));
    const atLeast = rest / Math.max(1e-9, Math.min(1, ...shares));
    const width = Math.min(16, averageWidth / Math.max(1, eachRow) + 1);
    return { shares: [...shares, ...nulls], others: { eachRow: rest < 0.01 ? 0 : rest, atLeast }, width };
  }
  if (type === 'jsonb' && statistics) {
    const read = documentElements(statistics, rows, paths);
    if (read !== null) return { ...read, shares: [...read.shares, ...nulls] };
  }
  // Words of a text, or its trigrams: as many as letters, few of them twice.
  const eachRow = Math.max(
    1,
    type === 'tsvector' ? averageWidth / 10 : type === 'jsonb' ? averageWidth / 12 : averageWidth * 0.9,
  );
  const width = Math.min(16, averageWidth / eachRow + 4);
  return { shares: nulls, others: { eachRow, atLeast: Math.min(1_000, eachRow * 10) }, width };
}

/** From the documents that the statistics list: the common ones as often as they are, and a few that lie evenly among the others. */
function documentElements(
  { commonValues, commonFrequencies, bounds, distinct, nullFraction }: ColumnStatistics,
  rows: number,
  paths: boolean,
): GinElements | null {
  const common = arrayMembers(commonValues ?? '{}');
  const even = arrayMembers(bounds ?? '{}');
  const frequencies = commonFrequencies ?? [];
  if (common.length + even.length === 0) return null;
  const restShare = even.length === 0 ? 0 : Math.max(0, 1 - nullFraction - sum(frequencies)) / even.length;
  const seen = new Map<string, { share: number; times: number }>();
  const read = (text: string, share: number): void => {
    for (const element of elementsOfDocument(text, paths)) {
      const known = seen.get(element) ?? { share: 0, times: 0 };
      seen.set(element, { share: known.share + share, times: known.times + 1 });
    }
  };
  for (const [at, text] of common.entries()) read(text, frequencies[at] ?? 0);
  for (const text of even) read(text, restShare);
  // What only one of the documents has stands for as many others as that document does.
  const documents = distinct >= 0 ? distinct : -distinct * rows;
  const standsFor = Math.max(1, (documents - common.length) / Math.max(1, even.length));
  const all = [...seen.values()];
  const rare = standsFor > 1 ? all.filter(({ times, share }) => times === 1 && share === restShare) : [];
  const rareOnes = new Set(rare);
  const width = paths ? 4 : sum([...seen.keys()].map((element) => Buffer.byteLength(element))) / Math.max(1, seen.size);
  return {
    shares: all.filter((one) => !rareOnes.has(one)).map(({ share }) => Math.min(1, share)),
    others: { eachRow: sum(rare.map(({ share }) => share)), atLeast: rare.length * standsFor },
    width: Math.min(125, width),
  };
}

/** Keys, texts in lists and values, each with its kind in front; or paths with their values. */
function elementsOfDocument(text: string, paths: boolean): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const one of value) walk(one, path);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) {
        if (!paths) found.add(`k${key}`);
        walk(inner, `${path}.${key}`);
      }
    else found.add(`${paths ? path : ''}${typeof value === 'string' ? 's' : 'v'}${String(value)}`);
  };
  try {
    walk(JSON.parse(text), '');
  } catch {
    // Statistics may be cut off or replaced.
  }
  return found;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
