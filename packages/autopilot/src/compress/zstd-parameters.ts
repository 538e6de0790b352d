import { constants } from 'node:zlib';

/** Whose finds are better than those of zstd's own level: [strategy, shortest match, hash table, chain table, looks], as powers of two. */
const tuned: Readonly<
  Record<number, readonly [strategy: number, minMatch: number, hash: number, chain: number, looks: number]>
> = {
  3: [constants.ZSTD_dfast, 5, 15, 13, 0],
  6: [constants.ZSTD_lazy, 5, 16, 16, 3],
};

/** The longest body that these are better for; longer ones need larger tables, which zstd's own levels have. */
const TUNED_MAX_BYTES = 256 * 1024;

/**
 * What zstd is told for a level. Its tables are made for texts and programs of megabytes; answers are shorter and say the
 * same names over and over. Told to take no match under five bytes and given tables that stay in the processor's cache, it
 * makes lists and pages of 2 to 200 KB smaller in less time: docs/decisions/compression-levels.md has the figures.
 */
export function zstdParameters(level: number, byteLength: number): Record<number, number> {
  const params: Record<number, number> = { [constants.ZSTD_c_compressionLevel]: level };
  const own = byteLength <= TUNED_MAX_BYTES ? tuned[level] : undefined;
  if (own === undefined) return params;
  const [strategy, minMatch, hash, chain, looks] = own;
  params[constants.ZSTD_c_strategy] = strategy;
  params[constants.ZSTD_c_minMatch] = minMatch;
  params[constants.ZSTD_c_hashLog] = hash;
  params[constants.ZSTD_c_chainLog] = chain;
  if (looks > 0) params[constants.ZSTD_c_searchLog] = looks;
  return params;
}
