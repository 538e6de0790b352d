import type { CodingLevel } from './coding-level.ts';

/** Places for the fingerprints of bodies that came once; the last of those that share a place is remembered. */
const SEEN_SLOTS = 4_096;
/** So many of a body's bytes make its fingerprint. */
const SAMPLES = 64;
/** No body takes more than this part of the whole. */
const LARGEST_SHARE = 1 / 8;
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 256;
/** Where so many other bodies with its fingerprint came since it was sent last, a body makes room for one of those. */
const MAX_MISTAKEN = 4;

interface Entry {
  readonly key: number;
  readonly level: CodingLevel;
  /** Copies: who gave them may write over them, and they hold no more memory than they are long. */
  readonly body: Uint8Array;
  readonly coded: Uint8Array;
  /** Sent since it was last looked at for eviction. */
  isUsed: boolean;
  /** Bodies that had its fingerprint and were others, since it was sent last. */
  mistaken: number;
}

/**
 * Coded bodies, kept for when the same body is sent again. Found by a fingerprint of some of its bytes, and sent only
 * when all of them are the same: a fingerprint that two bodies share costs a comparison, never a wrong answer.
 *
 * A body is kept when it comes for the second time, so that answers which are never the same twice cost a fingerprint
 * and no copy. When the bound is reached the oldest goes, unless it was sent meanwhile: then it is the youngest again
 * (CLOCK: Corbató, A paging experiment with the Multics system, 1968).
 */
export class BodyCache {
  /** In the order of their age. */
  readonly #entries = new Map<number, Entry>();
  readonly #seen = new Uint32Array(SEEN_SLOTS);
  #byteLength = 0;

  /** Bytes held. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** What this body became at this level; null: it is not here. */
  find(level: CodingLevel, body: Uint8Array): Uint8Array | null {
    const entry = this.#entries.get(fingerprint(level, body));
    if (entry === undefined) return null;
    if (entry.level !== level || !sameBytes(entry.body, body)) {
      entry.mistaken++;
      return null;
    }
    entry.isUsed = true;
    entry.mistaken = 0;
    return entry.coded;
  }

  /** Keeps what a body became, if it has come before. Over `maxBytes` others go. */
  offer(level: CodingLevel, body: Uint8Array, coded: Uint8Array, maxBytes: number): void {
    const byteLength = sizeOf(body, coded);
    if (byteLength > maxBytes * LARGEST_SHARE) return;
    const key = fingerprint(level, body);
    const slot = key % SEEN_SLOTS;
    if (this.#seen[slot] !== key) {
      this.#seen[slot] = key;
      return;
    }
    const before = this.#entries.get(key);
    if (before !== undefined) {
      if (before.mistaken < MAX_MISTAKEN) return;
      this.#drop(before);
    }
    this.#entries.set(key, { key, level, body: copyOf(body), coded: copyOf(coded), isUsed: false, mistaken: 0 });
    this.#byteLength += byteLength;
    this.limit(maxBytes);
  }

  /** Drops what is over the bound. */
  limit(maxBytes: number): void {
    if (this.#byteLength <= maxBytes) return;
    for (const entry of this.#entries.values()) {
      this.#drop(entry);
      if (entry.isUsed) {
        entry.isUsed = false;
        this.#entries.set(entry.key, entry);
        this.#byteLength += sizeOf(entry.body, entry.coded);
      } else if (this.#byteLength <= maxBytes) return;
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#byteLength -= sizeOf(entry.body, entry.coded);
  }
}

function sizeOf(body: Uint8Array, coded: Uint8Array): number {
  return body.byteLength + coded.byteLength + ENTRY_BYTES;
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

/** FNV-1a of the level, the length and some bytes all over the body; 32 bits, not 0. */
function fingerprint({ index }: CodingLevel, body: Uint8Array): number {
  const { byteLength } = body;
  let hash = Math.imul(0x811c9dc5 ^ index, 0x01000193);
  hash = Math.imul(hash ^ byteLength, 0x01000193);
  const step = Math.max(1, Math.floor(byteLength / SAMPLES));
  for (let at = byteLength - 1; at >= 0; at -= step) hash = Math.imul(hash ^ (body[at] ?? 0), 0x01000193);
  return hash >>> 0 || 1;
}
