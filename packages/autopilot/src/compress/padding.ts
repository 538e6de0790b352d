import { createHmac, randomBytes } from 'node:crypto';
import type { ContentCoding } from '../contract/compression.ts';
import type { AcceptedCodings } from './accepted-codings.ts';

/**
 * Against guessing a secret by the length of what it becomes (BREACH, 2013: Gluck, Harris, Prado): bytes that mean
 * nothing are added to a coded body, as many as a keyed hash of it says. So asking the same twice tells the same length
 * twice, which no average makes sharper; who varies what is asked to draw again needs as many requests for a letter as
 * make up for the spread of all lengths, 1.5 x paddingBytes squared.
 */
const key = randomBytes(32);

/** Where a decoder passes over bytes: gzip has a field for extras (RFC 1952, section 2.3.1.1), zstd frames (RFC 8878, section 3.1.2). */
const paddable: ReadonlySet<ContentCoding> = new Set<ContentCoding>(['zstd', 'gzip']);

/** The same without the codings that have no place for padding. */
export function withPadding(accepted: AcceptedCodings): AcceptedCodings {
  return { ...accepted, best: accepted.best.filter((coding) => paddable.has(coding)), dictionary: false };
}

/** The coded body with up to `maxBytes` and a few more that decoders pass over. */
export function padded(coding: ContentCoding, coded: Uint8Array, maxBytes: number): Uint8Array {
  const length = createHmac('sha256', key).update(coded).digest().readUInt32LE() % (maxBytes + 1);
  return coding === 'gzip' ? gzipPadded(coded, length) : zstdPadded(coded, length);
}

const GZIP_HEADER_BYTES = 10;
const FLAGS_AT = 3;
const HAS_EXTRAS = 4;

/** In an extra field behind the header: XLEN, two letters as its name, LEN, and zeros. */
function gzipPadded(coded: Uint8Array, length: number): Uint8Array {
  const padded = Buffer.alloc(coded.byteLength + 6 + length);
  padded.set(coded.subarray(0, GZIP_HEADER_BYTES));
  padded[FLAGS_AT] = (coded[FLAGS_AT] ?? 0) | HAS_EXTRAS;
  padded.writeUInt16LE(4 + length, GZIP_HEADER_BYTES);
  padded.write('TF', GZIP_HEADER_BYTES + 2);
  padded.writeUInt16LE(length, GZIP_HEADER_BYTES + 4);
  padded.set(coded.subarray(GZIP_HEADER_BYTES), GZIP_HEADER_BYTES + 6 + length);
  return padded;
}

/** The magic number of a frame that decoders skip. */
const SKIPPABLE = 0x184d2a5a;

/** In a frame behind the other: a browser that takes the first frame for all has all of it. */
function zstdPadded(coded: Uint8Array, length: number): Uint8Array {
  const padded = Buffer.alloc(coded.byteLength + 8 + length);
  padded.set(coded);
  padded.writeUInt32LE(SKIPPABLE, coded.byteLength);
  padded.writeUInt32LE(length, coded.byteLength + 4);
  return padded;
}

/** Shorter ones are in many bodies by chance, and guess nothing. */
const WORDS = /[\p{L}\p{N}]{3,}/gu;
/** So much of a word is looked for: where an answer cuts what it says, the beginning is left. */
const LONGEST_LOOK = 16;
/** So many words of a query are looked for. */
const MAX_WORDS = 32;
const SECRET_NAMES = /csrf|xsrf|token|secret|passw|api[-_]?key|session/i;

/** Whether a body says something that its request has said, beside what is called a secret: then it can be guessed. */
export function reflectsBesideSecret(body: Uint8Array, query: string): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return reflects(bytes, query) && SECRET_NAMES.test(bytes.toString('latin1'));
}

/** By words, because answers trim, cut and escape what they say. Who asks in more of them than are looked for may hide one among the rest. */
function reflects(bytes: Buffer, query: string): boolean {
  let words = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    for (const [word] of (value === '' ? name : value).matchAll(WORDS)) {
      if (++words > MAX_WORDS || bytes.includes(word.slice(0, LONGEST_LOOK))) return true;
    }
  }
  return false;
}
