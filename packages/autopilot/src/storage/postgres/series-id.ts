import { createHash } from 'node:crypto';
import type { Origin, SeriesKey } from '../../contract/series.ts';

/**
 * Numbers made of names: 52 bits of a SHA-256 and one that says what they are, so that they are exact in JavaScript and the same
 * everywhere without asking anybody. Two of n series share a number with a probability of about n^2 / 2^53: 1 in 10 million for
 * 30,000. (They would then be counted as one.)
 */

/** Totals lie below, all other series from here on: sorted, the totals of a block come first. */
const FIRST_PLAIN_SERIES = 2 ** 52;

/** Names are cut here: two of them stand in an index, whose entries PostgreSQL limits to 2.7 KB. */
const LONGEST_NAME_BYTES = 600;

const SEPARATOR = '\u0000';

function numberOf(parts: readonly string[]): number {
  const digest = createHash('sha256').update(parts.join(SEPARATOR)).digest();
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) >>> 4);
}

/** A name as it can be stored: without NUL, which PostgreSQL's text can't hold, and not longer than an index takes. */
export function storableName(name: string): string {
  // No character takes more than three bytes for each of its UTF-16 units: most names need no count.
  const fits = name.length * 3 <= LONGEST_NAME_BYTES || Buffer.byteLength(name) <= LONGEST_NAME_BYTES;
  const cut = fits ? name : Buffer.from(name).subarray(0, LONGEST_NAME_BYTES).toString();
  return cut.includes(SEPARATOR) ? cut.replaceAll(SEPARATOR, '\ufffd') : cut;
}

/** An instance's number; its names must be storable. */
export function scopeIdOf({ service, instance, release }: Origin): number {
  return numberOf(['instance', service, instance, release]);
}

/** The number of a service as a whole. */
export function serviceScopeIdOf(service: string): number {
  return numberOf(['service', service]);
}

/** A series' number; `isTotal`: all keys of its family and database. Its names must be storable. */
export function seriesIdOf(service: string, { family, key, database, route }: SeriesKey, isTotal: boolean): number {
  const nullable = (name: string | null): string => (name === null ? '-' : `+${name}`);
  const number = numberOf([isTotal ? 'total' : 'series', service, family, nullable(database), nullable(route), key]);
  return isTotal ? number : FIRST_PLAIN_SERIES + number;
}

/**
 * Cuts a list of series, sorted by number, into blocks. Totals get one of their own: they are what charts of the whole read, and
 * would be a hundredth of the block.
 */
export function* blocksOfSeries<T>(
  sorted: readonly T[],
  idOf: (one: T) => number,
  seriesPerBlock: number,
): IterableIterator<readonly T[]> {
  const plain = sorted.findIndex((one) => idOf(one) >= FIRST_PLAIN_SERIES);
  const end = plain === -1 ? sorted.length : plain;
  if (end > 0) yield sorted.slice(0, end);
  for (let from = end; from < sorted.length; from += seriesPerBlock) yield sorted.slice(from, from + seriesPerBlock);
}
