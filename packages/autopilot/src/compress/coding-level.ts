import type { ContentCoding } from '../contract/compression.ts';

/** One way to code a body. */
export interface CodingLevel {
  readonly coding: ContentCoding;
  readonly level: number;
  /** Its place in {@link codingLevels}. */
  readonly index: number;
  /** Called so in statistics: "zstd:1". */
  readonly name: string;
  /** Those that were kept from before: "zstd:1:cached". */
  readonly cachedName: string;
  /** What is believed until it is measured: CPU time for a body of any length, in ns. */
  readonly fixedNs: number;
  /** And for each of its bytes. */
  readonly nsPerByte: number;
  /** Bytes after, of one before, in JSON of 20 KB. */
  readonly ratio: number;
}

/**
 * The ways worth having, cheapest first in each coding; figures of task lists in JSON on one core of 2026 (bench/compress
 * prints those of yours). Levels between save no more than these at the same time: zstd 2, 4 and 5, gzip 2 to 5; those above
 * take many times as long for some percent. zstd's 3 and 6 are told more than their level (zstd-parameters.ts). Brotli can't
 * reuse what it works in, and quality 0 and 1 are larger than zstd.
 */
const table: readonly (readonly [ContentCoding, level: number, fixedNs: number, nsPerByte: number, ratio: number])[] = [
  ['zstd', 1, 4_000, 1.5, 0.268],
  ['zstd', 3, 6_000, 2, 0.264],
  ['zstd', 6, 8_000, 6.5, 0.252],
  ['br', 2, 12_000, 4.3, 0.268],
  ['br', 4, 40_000, 8, 0.26],
  ['br', 5, 40_000, 15, 0.245],
  ['gzip', 1, 8_000, 3.1, 0.286],
  ['gzip', 6, 8_000, 6.3, 0.262],
  ['deflate', 1, 8_000, 3.1, 0.285],
  ['deflate', 6, 8_000, 6.3, 0.261],
];

/** Every way to code a body. */
export const codingLevels: readonly CodingLevel[] = table.map(([coding, level, fixedNs, nsPerByte, ratio], index) => ({
  coding,
  level,
  index,
  name: `${coding}:${level}`,
  cachedName: `${coding}:${level}:cached`,
  fixedNs,
  nsPerByte,
  ratio,
}));
