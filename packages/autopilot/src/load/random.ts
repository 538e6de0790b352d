/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, period at least 2^32, seeded
 * through the finalizer of MurmurHash3. Reseeding costs about 100 ns, so that each iteration has a stream of its own and its
 * choices do not depend on which worker or machine runs it.
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number, stream = 0, index = 0) {
    this.reseed(seed, stream, index);
  }

  /** Begins the stream named by three whole numbers. */
  reseed(seed: number, stream: number, index: number): void {
    this.#a = scramble(seed ^ 0x9e3779b9);
    this.#b = scramble((stream + 0x85ebca6b) ^ this.#a);
    this.#c = scramble((index ^ Math.floor(index / 2 ** 32)) + this.#b);
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.nextUint32();
  }

  /** A whole number from 0 to 2^32 - 1. */
  nextUint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to just under 1, in steps of 2^-32. */
  next(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** Exponentially distributed with mean 1: the gap between two arrivals of a Poisson process of rate 1. */
  exponential(): number {
    return -Math.log(1 - this.next());
  }
}

function scramble(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
