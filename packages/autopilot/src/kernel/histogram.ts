import { AutopilotError } from './errors.ts';

/**
 * Exponential histogram at OpenTelemetry scale 4.
 *
 *   base = 2^(2^-scale) = 2^(1/16)            16 buckets an octave
 *   bucket i covers (base^i, base^(i+1)]
 *   a bucket answers with 2ab/(a+b), its harmonic mean: off by at most (base-1)/(base+1) = 2.17 %
 *
 * Why scale 4: the error stays under 2.5 % and the buckets are those of OpenTelemetry and of Prometheus
 * native histograms (schema 4), so nothing is converted on export.
 * Source: OpenTelemetry data model, "ExponentialHistogram".
 *
 * Range: values under 2^-30 count as zero, values over 2^42 as 2^42 (in ms: one picosecond, 139 years).
 * Memory: 8 bytes a bucket between the lowest and the highest value seen; at most 9.2 KB, usually under 1 KB.
 */

const SCALE = 4;
const BUCKETS_PER_OCTAVE = 1 << SCALE;
const MIN_EXPONENT = -30;
const MAX_EXPONENT = 42;
const MIN_VALUE = 2 ** MIN_EXPONENT;
const MAX_VALUE = 2 ** MAX_EXPONENT;
const MIN_INDEX = MIN_EXPONENT * BUCKETS_PER_OCTAVE - 1;
const MAX_INDEX = MAX_EXPONENT * BUCKETS_PER_OCTAVE - 1;

/** The sum is kept as an integer count of 1/1024 units, so that merging in any order gives the same bytes. */
const SUM_UNITS = 1024;
const SUM_LIMB = 2 ** 52;

const BOUNDS: Float64Array = Float64Array.from(
  { length: BUCKETS_PER_OCTAVE + 1 },
  (_, k) => 2 ** (k / BUCKETS_PER_OCTAVE),
);

/** For the top 8 bits of a mantissa, the sub-bucket of the interval's lower edge; an interval holds at most one bound. */
const SUB_BUCKET: Int8Array = Int8Array.from({ length: 256 }, (_, j) => {
  const edge = 1 + j / 256;
  let sub = -1;
  while (edge > (BOUNDS[sub + 1] ?? 2)) sub++;
  return sub;
});

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const HIGH_WORD: 0 | 1 = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Bucket index of a value between MIN_VALUE and MAX_VALUE; exact at the bucket bounds, where Math.log2 is not. */
function bucketIndex(value: number): number {
  double[0] = value;
  const high = words[HIGH_WORD] ?? 0;
  const exponent = (high >>> 20) - 1023;
  words[HIGH_WORD] = (high & 0xfffff) | 0x3ff00000;
  const mantissa = double[0];
  let sub = SUB_BUCKET[(high >>> 12) & 0xff] ?? 0;
  if (mantissa > (BOUNDS[sub + 1] ?? 2)) sub++;
  return exponent * BUCKETS_PER_OCTAVE + sub;
}

/** Upper bound of bucket `index`; its lower bound is the upper bound of `index - 1`. */
export function bucketUpperBound(index: number): number {
  const next = index + 1;
  const octave = Math.floor(next / BUCKETS_PER_OCTAVE);
  return 2 ** octave * (BOUNDS[next - octave * BUCKETS_PER_OCTAVE] ?? 1);
}

/** One filled bucket: values in (lower, upper]. */
export interface HistogramBucket {
  readonly index: number;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** A distribution that can be merged with others and asked for quantiles. See {@link ExponentialHistogram}. */
export interface Histogram {
  /** Adds one value. Negative and non-finite values are ignored. Never throws. */
  record(value: number): void;
  merge(other: Histogram): void;
  /** The value at rank ceil(q x count), within 2.17 %; NaN when empty. `q` from 0 to 1. */
  quantile(q: number): number;
  /** Canonical: equal contents give equal bytes, however they came together. */
  encode(): Uint8Array;
}

export class ExponentialHistogram implements Histogram {
  #counts: Float64Array = new Float64Array(0);
  /** Bucket index of #counts[0]. */
  #offset = 0;
  #count = 0;
  #zeroCount = 0;
  #sumLow = 0;
  #sumHigh = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** Sum of all values, to 1/1024 of a unit a value. */
  get sum(): number {
    return (this.#sumHigh * SUM_LIMB + this.#sumLow) / SUM_UNITS;
  }

  /** NaN when empty. */
  get mean(): number {
    return this.#count === 0 ? Number.NaN : this.sum / this.#count;
  }

  /**
   * Squared coefficient of variation: variance over the square of the mean; NaN when empty or all zero. From the buckets'
   * middles: what varies less than a bucket is wide (4 %) counts as the same.
   */
  get variation(): number {
    let [sum, squares] = [0, 0];
    for (const { lower, upper, count } of this.buckets()) {
      const middle = (lower + upper) / 2;
      sum += count * middle;
      squares += count * middle * middle;
    }
    return sum === 0 ? Number.NaN : Math.max(0, (squares * this.#count) / (sum * sum) - 1);
  }

  /** NaN when empty. */
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }

  /** NaN when empty. */
  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  /** Values that were too small for a bucket. */
  get zeroCount(): number {
    return this.#zeroCount;
  }

  record(value: number): void {
    if (!(value >= 0) || value === Number.POSITIVE_INFINITY) return;
    const clamped = value > MAX_VALUE ? MAX_VALUE : value;
    this.#count++;
    this.#addToSum(0, Math.round(clamped * SUM_UNITS));
    if (clamped < this.#min) this.#min = clamped;
    if (clamped > this.#max) this.#max = clamped;
    if (clamped < MIN_VALUE) {
      this.#zeroCount++;
      return;
    }
    const index = bucketIndex(clamped);
    let at = index - this.#offset;
    if (at < 0 || at >= this.#counts.length) {
      this.#growTo(index, index);
      at = index - this.#offset;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  merge(other: Histogram): void {
    if (!(other instanceof ExponentialHistogram)) {
      this.mergeEncoded(other.encode());
      return;
    }
    if (other.#count === 0) return;
    this.#mergeTotals(other.#count, other.#zeroCount, other.#sumHigh, other.#sumLow, other.#min, other.#max);
    const counts = other.#counts;
    if (counts.length === 0) return;
    this.#growTo(other.#offset, other.#offset + counts.length - 1);
    const shift = other.#offset - this.#offset;
    for (let at = 0; at < counts.length; at++) {
      const count = counts[at] ?? 0;
      if (count > 0) this.#counts[at + shift] = (this.#counts[at + shift] ?? 0) + count;
    }
  }

  /**
   * Merges what another histogram's encode() gave.
   * @throws AutopilotError AP_HISTOGRAM_INVALID for bytes that encode() did not make; this histogram is then unchanged.
   */
  mergeEncoded(bytes: Uint8Array): void {
    unpack(bytes);
    const { total, zeroCount, sumHigh, sumLow, min, max, filled, indexes, counts } = unpacked;
    if (total === 0) return;
    this.#mergeTotals(total, zeroCount, sumHigh, sumLow, min, max);
    if (filled === 0) return;
    this.#growTo(indexes[0] ?? 0, indexes[filled - 1] ?? 0);
    for (let bucket = 0; bucket < filled; bucket++) {
      const at = (indexes[bucket] ?? 0) - this.#offset;
      this.#counts[at] = (this.#counts[at] ?? 0) + (counts[bucket] ?? 0);
    }
  }

  quantile(q: number): number {
    if (this.#count === 0 || !(q >= 0 && q <= 1)) return Number.NaN;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    if (rank === this.#count) return this.#max;
    if (rank === 1) return this.#min;
    let seen = this.#zeroCount;
    if (rank <= seen) return 0;
    for (let at = 0; at < this.#counts.length; at++) {
      seen += this.#counts[at] ?? 0;
      if (rank <= seen) {
        const upper = bucketUpperBound(this.#offset + at);
        const lower = bucketUpperBound(this.#offset + at - 1);
        return Math.min(this.#max, Math.max(this.#min, (2 * lower * upper) / (lower + upper)));
      }
    }
    return this.#max;
  }

  /** Share of the values at or under `value`, from 0 to 1; linear inside a bucket; NaN when empty. */
  fractionAtOrBelow(value: number): number {
    if (this.#count === 0) return Number.NaN;
    if (value >= this.#max) return 1;
    if (value < this.#min) return 0;
    let seen = this.#zeroCount;
    for (const bucket of this.buckets()) {
      if (bucket.upper <= value) seen += bucket.count;
      else {
        if (bucket.lower < value) seen += bucket.count * ((value - bucket.lower) / (bucket.upper - bucket.lower));
        break;
      }
    }
    return seen / this.#count;
  }

  /** The filled buckets, lowest first; zeros are in {@link zeroCount}. */
  *buckets(): IterableIterator<HistogramBucket> {
    for (let at = 0; at < this.#counts.length; at++) {
      const count = this.#counts[at] ?? 0;
      const index = this.#offset + at;
      if (count > 0) yield { index, lower: bucketUpperBound(index - 1), upper: bucketUpperBound(index), count };
    }
  }

  /** Calls `each` with every filled bucket, lowest first, and allocates nothing; zeros are in {@link zeroCount}. */
  visitBuckets(each: (index: number, count: number) => void): void {
    for (let at = 0; at < this.#counts.length; at++) {
      const count = this.#counts[at] ?? 0;
      if (count > 0) each(this.#offset + at, count);
    }
  }

  /**
   * Layout: scale (1 byte), zero count, sum high, sum low, filled buckets (varints), then, unless empty,
   * min and max (float64, little-endian) and per bucket its distance from the one before and its count
   * (varints; the first distance is from the lowest bucket of the range). An empty histogram takes 5 bytes.
   */
  encode(): Uint8Array {
    let filled = 0;
    for (const count of this.#counts) if (count > 0) filled++;
    const bytes = new Uint8Array(1 + 4 * MAX_VARINT_BYTES + 16 + filled * (2 + MAX_VARINT_BYTES));
    bytes[0] = SCALE;
    let at = writeVarint(bytes, 1, this.#zeroCount);
    at = writeVarint(bytes, at, this.#sumHigh);
    at = writeVarint(bytes, at, this.#sumLow);
    at = writeVarint(bytes, at, filled);
    if (this.#count === 0) return bytes.slice(0, at);
    const view = new DataView(bytes.buffer);
    view.setFloat64(at, this.#min, true);
    view.setFloat64(at + 8, this.#max, true);
    at += 16;
    let previous = MIN_INDEX;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      const count = this.#counts[bucket] ?? 0;
      if (count === 0) continue;
      const index = this.#offset + bucket;
      at = writeVarint(bytes, at, index - previous);
      at = writeVarint(bytes, at, count);
      previous = index;
    }
    return bytes.slice(0, at);
  }

  /** @throws AutopilotError AP_HISTOGRAM_INVALID for bytes that encode() did not make. */
  static decode(bytes: Uint8Array): ExponentialHistogram {
    const result = new ExponentialHistogram();
    result.mergeEncoded(bytes);
    return result;
  }

  /**
   * The sum of an encoded histogram that begins at `at`, read from its head alone: what a ranking by time needs, at a
   * tenth of a merge.
   */
  static sumOf(bytes: Uint8Array, at = 0): number {
    position = at + 1;
    readVarint(bytes);
    const high = readVarint(bytes);
    return (high * SUM_LIMB + readVarint(bytes)) / SUM_UNITS;
  }

  #mergeTotals(count: number, zeroCount: number, sumHigh: number, sumLow: number, min: number, max: number): void {
    this.#count += count;
    this.#zeroCount += zeroCount;
    this.#addToSum(sumHigh, sumLow);
    if (min < this.#min) this.#min = min;
    if (max > this.#max) this.#max = max;
  }

  /** Exact while low < 2^52: the sum of two limbs stays under 2^53, then the carry is taken. */
  #addToSum(high: number, low: number): void {
    this.#sumHigh += high;
    this.#sumLow += low;
    if (this.#sumLow >= SUM_LIMB) {
      this.#sumLow -= SUM_LIMB;
      this.#sumHigh++;
    }
  }

  /** Makes room for these buckets, by whole octaves, so that a series with a steady latency grows a handful of times. */
  #growTo(lowest: number, highest: number): void {
    const end = this.#offset + this.#counts.length;
    const empty = this.#counts.length === 0;
    if (!empty && lowest >= this.#offset && highest < end) return;
    const low = Math.floor(lowest / BUCKETS_PER_OCTAVE) * BUCKETS_PER_OCTAVE;
    const high = (Math.floor(highest / BUCKETS_PER_OCTAVE) + 1) * BUCKETS_PER_OCTAVE;
    const from = empty ? low : Math.min(this.#offset, low);
    const grown = new Float64Array((empty ? high : Math.max(end, high)) - from);
    if (!empty) grown.set(this.#counts, this.#offset - from);
    this.#counts = grown;
    this.#offset = from;
  }
}

const MAX_VARINT_BYTES = 8;

/** LEB128 for integers up to 2^53, where bit operations end at 2^31. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/**
 * What {@link unpack} found. Kept here and used at once, so that merging an encoded histogram, of which a control plane
 * does many thousands a second, allocates nothing.
 */
const unpacked: {
  zeroCount: number;
  sumHigh: number;
  sumLow: number;
  min: number;
  max: number;
  total: number;
  filled: number;
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
} = {
  zeroCount: 0,
  sumHigh: 0,
  sumLow: 0,
  min: 0,
  max: 0,
  total: 0,
  filled: 0,
  indexes: new Int32Array(MAX_INDEX - MIN_INDEX + 1),
  counts: new Float64Array(MAX_INDEX - MIN_INDEX + 1),
};

/** @throws AutopilotError AP_HISTOGRAM_INVALID for bytes that encode() did not make. */
function unpack(bytes: Uint8Array): void {
  if (bytes[0] !== SCALE) throw invalid(`its first byte is ${bytes[0] ?? 'missing'}, expected scale ${SCALE}`);
  position = 1;
  const zeroCount = readVarint(bytes);
  const sumHigh = readVarint(bytes);
  const sumLow = readVarint(bytes);
  const filled = readVarint(bytes);
  let total = zeroCount;
  let min = 0;
  let max = 0;
  if (zeroCount > 0 || filled > 0) {
    if (filled > MAX_INDEX - MIN_INDEX + 1) throw invalid(`${filled} buckets, more than the range has`);
    min = readFloat64(bytes);
    max = readFloat64(bytes);
    if (!(min >= 0 && max >= min && max <= MAX_VALUE) || sumLow >= SUM_LIMB)
      throw invalid('its totals contradict each other');
    let index = MIN_INDEX;
    for (let bucket = 0; bucket < filled; bucket++) {
      const distance = readVarint(bytes);
      const count = readVarint(bytes);
      index += distance;
      if (index > MAX_INDEX || count === 0 || (bucket > 0 && distance === 0))
        throw invalid('its buckets are out of order');
      unpacked.indexes[bucket] = index;
      unpacked.counts[bucket] = count;
      total += count;
    }
    if (position !== bytes.length) throw invalid('bytes follow its last bucket');
  }
  unpacked.zeroCount = zeroCount;
  unpacked.sumHigh = sumHigh;
  unpacked.sumLow = sumLow;
  unpacked.min = min;
  unpacked.max = max;
  unpacked.total = total;
  unpacked.filled = filled;
}

/** Where the next number is read. */
let position = 0;

function readVarint(bytes: Uint8Array): number {
  let value = 0;
  let factor = 1;
  for (let read = 0; read < MAX_VARINT_BYTES; read++) {
    const byte = bytes[position++];
    if (byte === undefined) throw invalid('it ends in the middle of a number');
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    factor *= 0x80;
  }
  throw invalid('it holds a number over 2^53');
}

const doubleBytes = new Uint8Array(double.buffer);

function readFloat64(bytes: Uint8Array): number {
  if (position + 8 > bytes.length) throw invalid('it ends in the middle of a number');
  for (let i = 0; i < 8; i++) doubleBytes[HIGH_WORD === 1 ? i : 7 - i] = bytes[position + i] ?? 0;
  position += 8;
  return double[0] ?? 0;
}

function invalid(reason: string): AutopilotError {
  return new AutopilotError('AP_HISTOGRAM_INVALID', `An encoded histogram can't be read: ${reason}.`, {
    remedy: 'Discard it; it was cut off, damaged, or written by an incompatible version.',
  });
}
