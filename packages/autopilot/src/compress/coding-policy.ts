import type { ContentCoding } from '../contract/compression.ts';
import { type CodingLevel, codingLevels } from './coding-level.ts';

/** Bodies are told apart by length: up to 1 KB, 2 KB, 4 KB ... and all over 4 MB. */
const SIZE_CLASSES = 13;
const SMALLEST_CLASS_BYTES = 1_024;

/** What is remembered of a level in a size class: CPU time a byte, bytes after of one before, how often it was measured. */
const NS_PER_BYTE = 0;
const RATIO = 1;
const SAMPLES = 2;
const FIELDS = 3;
/** And of the class as a whole, after its levels: answers since it began, and the part of them that had to be coded. */
const TURNS = codingLevels.length * FIELDS;
const CODED_SHARE = TURNS + 1;
/** Of the answers that could have been kept from before, one counts for so much. */
const SHARE_WEIGHT = 1 / 32;
/** However often bodies come again: who changes them codes all of them anew. */
const LEAST_CODED_SHARE = 1 / 16;

/** A new measurement counts for an eighth: a change of the bodies is followed within some twenty of them. */
const WEIGHT = 1 / 8;
/**
 * Of CPU time one that is longer counts for little, and one that is shorter for much: the same work takes the same time,
 * and what is on top is a pause of the process (collection, the turn of another process), which is no cost of coding.
 */
const LONGER_WEIGHT = 1 / 64;
const SHORTER_WEIGHT = 1 / 4;
const LONGEST = 4;
/** What a level saves is known well enough after so many bodies. */
const SETTLED_SAMPLES = 16;
/** One body in so many is coded by a level that is not thought the best, so that what is thought stays true. */
const EXPLORE_EVERY = 64;
/** Where all have been measured often enough, one in so many shows whether that has changed. */
const REVISIT_EVERY = 512;
/** Never with one that is thought to take more than so many times as long as the best. */
const EXPLORE_COST = 4;

/** What one route's bodies have cost and saved. */
export class RouteCosts {
  readonly #classes: (Float64Array | undefined)[] = Array.from({ length: SIZE_CLASSES }, () => undefined);

  /** The figures of bodies of this length: those of the table until they are measured. */
  of(byteLength: number): Float64Array {
    const found = Math.ceil(Math.log2(byteLength / SMALLEST_CLASS_BYTES));
    const index = found > 0 ? Math.min(found, SIZE_CLASSES - 1) : 0;
    return (this.#classes[index] ??= believed(byteLength));
  }
}

/**
 * Chooses how to code a body: the level with the highest
 *
 *     value = bytes saved x what a byte is worth - CPU time
 *
 * where both are measured for the route and the length of the body, and a byte's worth follows from how busy the process
 * is ({@link Strain}). No level with a value over zero: compressing does not pay. Where bodies come again and are kept, the
 * time is spent once for many answers, so that more of it pays.
 */
export class CodingPolicy {
  readonly #levels: Readonly<Record<ContentCoding, readonly CodingLevel[]>>;

  /** `available`: what the runtime has. */
  constructor(available: ReadonlySet<ContentCoding>) {
    const levels = (coding: ContentCoding): readonly CodingLevel[] =>
      available.has(coding) ? codingLevels.filter((level) => level.coding === coding) : [];
    this.#levels = { zstd: levels('zstd'), br: levels('br'), gzip: levels('gzip'), deflate: levels('deflate') };
  }

  /** null: it does not pay. `codings` are what the client likes most. */
  choose(
    costs: RouteCosts,
    byteLength: number,
    codings: readonly ContentCoding[],
    byteValueNs: number,
  ): CodingLevel | null {
    const figures = costs.of(byteLength);
    const turn = (figures[TURNS] = (figures[TURNS] ?? 0) + 1);
    const codedBytes = byteLength * Math.max(figures[CODED_SHARE] ?? 1, LEAST_CODED_SHARE);
    let best: CodingLevel | null = null;
    let bestValue = 0;
    let leastTried: CodingLevel | null = null;
    let leastSamples = Number.POSITIVE_INFINITY;
    for (const coding of codings) {
      // Nobody needs deflate who takes another: it is gzip with another name around it.
      if (coding === 'deflate' && codings.length > 1) continue;
      for (const level of this.#levels[coding]) {
        const at = level.index * FIELDS;
        const costNs = (figures[at + NS_PER_BYTE] ?? 0) * codedBytes;
        const value = (1 - (figures[at + RATIO] ?? 1)) * byteLength * byteValueNs - costNs;
        if (value > bestValue) {
          best = level;
          bestValue = value;
        }
        const samples = figures[at + SAMPLES] ?? 0;
        if (samples < leastSamples) {
          leastTried = level;
          leastSamples = samples;
        }
      }
    }
    const every = leastSamples < SETTLED_SAMPLES ? EXPLORE_EVERY : REVISIT_EVERY;
    if (turn % every !== 0 || leastTried === null) return best;
    const boundNs = best === null ? this.#cheapestNs(figures, codings) : (figures[best.index * FIELDS] ?? 0);
    return (figures[leastTried.index * FIELDS] ?? 0) <= boundNs * EXPLORE_COST ? leastTried : best;
  }

  /** How long coding will take, in ns. */
  predictNs(costs: RouteCosts, level: CodingLevel, byteLength: number): number {
    return (costs.of(byteLength)[level.index * FIELDS + NS_PER_BYTE] ?? 0) * byteLength;
  }

  /** Takes in whether a body was kept from before. Not asked for where none is kept. */
  looked(costs: RouteCosts, byteLength: number, wasKept: boolean): void {
    const figures = costs.of(byteLength);
    const before = figures[CODED_SHARE] ?? 1;
    figures[CODED_SHARE] = before + ((wasKept ? 0 : 1) - before) * SHARE_WEIGHT;
  }

  /** Takes in what a body has become. `cpuNs` null: not measured, as in another thread. */
  learn(costs: RouteCosts, level: CodingLevel, byteLength: number, codedLength: number, cpuNs: number | null): void {
    if (byteLength === 0) return;
    const figures = costs.of(byteLength);
    const at = level.index * FIELDS;
    const samples = figures[at + SAMPLES] ?? 0;
    // The first ones count for more than what was believed, the very first, which warms things up, for less.
    const weight = samples === 0 ? WEIGHT : Math.max(WEIGHT, 1 / (samples + 1));
    const ratio = figures[at + RATIO] ?? 1;
    figures[at + RATIO] = ratio + (codedLength / byteLength - ratio) * weight;
    if (cpuNs !== null) {
      const before = figures[at + NS_PER_BYTE] ?? 0;
      const measured = Math.min(cpuNs / byteLength, before * LONGEST);
      figures[at + NS_PER_BYTE] = before + (measured - before) * (measured > before ? LONGER_WEIGHT : SHORTER_WEIGHT);
    }
    figures[at + SAMPLES] = samples + 1;
    if (samples < SETTLED_SAMPLES) inferOthers(figures, level, figures[at + RATIO] ?? 1);
  }

  #cheapestNs(figures: Float64Array, codings: readonly ContentCoding[]): number {
    let cheapest = Number.POSITIVE_INFINITY;
    for (const coding of codings) {
      for (const level of this.#levels[coding])
        cheapest = Math.min(cheapest, figures[level.index * FIELDS] ?? cheapest);
    }
    return cheapest;
  }
}

/** What is easy or hard for one level is so for all: those that were not tried yet are believed to be off by as much. */
function inferOthers(figures: Float64Array, { ratio: tableRatio }: CodingLevel, measured: number): void {
  for (const { index, ratio } of codingLevels) {
    const at = index * FIELDS;
    if (figures[at + SAMPLES] === 0) figures[at + RATIO] = Math.min(1, (ratio * measured) / tableRatio);
  }
}

/** By the table: what it says of 20 KB holds for longer bodies; in shorter ones there is less to find. */
function believed(byteLength: number): Float64Array {
  const figures = new Float64Array(CODED_SHARE + 1);
  figures[CODED_SHARE] = 1;
  // 2 KB of the same rows became 0.41 where 20 KB became 0.26.
  const harder = byteLength >= 16_384 ? 1 : 1.6;
  for (const { index, fixedNs, nsPerByte, ratio } of codingLevels) {
    figures[index * FIELDS + NS_PER_BYTE] = fixedNs / Math.max(byteLength, 1) + nsPerByte;
    figures[index * FIELDS + RATIO] = Math.min(1, ratio * harder);
  }
  return figures;
}
