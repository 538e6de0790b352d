import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Answer } from './answer-head.ts';
import type { EncodersOptions } from './encoders.ts';
import { REUSED_MAX_BYTES, type ReusedContext, reusedContext } from './reused-context.ts';
import type { RouteCompression } from './route-compression.ts';

/** Level 3 finds what is the same in long bodies too, where level 1 finds a tenth less at 20 KB and misses most at 200 KB. */
const LEVEL = 3;
/** What answers by a dictionary are counted as. */
export const DICTIONARY_OUTCOME: string = `dcz:${LEVEL}`;
/** RFC 9842, section 5: a zstd frame to skip, of 32 bytes, which are the SHA-256 of the dictionary. */
const MAGIC = Buffer.from('5e2a4d1820000000', 'hex');

/** Versions that one route has at a time: what its clients have been given. */
const MAX_VERSIONS = 8;
/** A version that nobody has used for so long makes room for another. */
const IDLE_MS = 5 * 60_000;
/** A new one a second at most: each takes a hash and a copy. */
const OFFER_EVERY_MS = 1_000;
/** Each open context takes 0.8 to 1.4 MB beside its dictionary. */
const MAX_OPEN = 16;
/** Where an answer becomes larger than this part of it, its dictionary is out of date. */
const STALE_SHARE = 1 / 20;

/** An answer that was sent, and that later ones are told apart from. */
export interface Dictionary {
  readonly route: RouteCompression;
  readonly path: string;
  readonly bytes: Uint8Array;
  /** As `Available-Dictionary` names it. */
  readonly name: string;
  readonly hash: Uint8Array;
  usedAtMs: number;
}

/**
 * Dictionaries of routes whose answers are the same for everybody (RFC 9842). An answer is offered as the dictionary of
 * the answers to come, and kept; a client that has it says so by its SHA-256, and gets what is new since.
 *
 * Bounded: versions by route, bytes in all, contexts that are open. A hash that is not known here, or is of another
 * route's answer, is nobody's: the client gets its answer in another coding.
 */
export class Dictionaries implements Disposable {
  readonly #openContext: NonNullable<EncodersOptions['openContext']>;
  /** By name; the one used last is the last. */
  readonly #byName = new Map<string, Dictionary>();
  readonly #byRoute = new Map<RouteCompression, { versions: Dictionary[]; offeredAtMs: number }>();
  /** null: none can be had. The one used last is the last. */
  readonly #open = new Map<Dictionary, ReusedContext | null>();
  #byteLength = 0;
  #works: boolean | null = null;

  constructor({ openContext = reusedContext }: EncodersOptions = {}) {
    this.#openContext = openContext;
  }

  [Symbol.dispose](): void {
    this.limit(0);
  }

  /** Bytes held, open contexts aside. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** The dictionary that a request has; null: not one of this route's. */
  find(route: RouteCompression, available: string | undefined, nowMs: number): Dictionary | null {
    const found = available === undefined ? undefined : this.#byName.get(available.trim());
    if (found?.route !== route) return null;
    found.usedAtMs = nowMs;
    this.#byName.delete(found.name);
    this.#byName.set(found.name, found);
    return found;
  }

  /** The body as what is new in it; null: it can't be made so. */
  encode(dictionary: Dictionary, body: Uint8Array): Uint8Array | null {
    if (body.byteLength > REUSED_MAX_BYTES) return null;
    let context = this.#open.get(dictionary);
    if (context === undefined) context = this.#openContext('zstd', LEVEL, dictionary.bytes);
    else this.#open.delete(dictionary);
    this.#open.set(dictionary, context);
    for (const [oldest, opened] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      this.#open.delete(oldest);
      opened?.close();
    }
    let coded: Uint8Array;
    try {
      coded = context === null ? encodePublic(body, dictionary.bytes) : context.encode(body, body.byteLength);
    } catch {
      // Whatever state it is in: it is not used again.
      this.#open.set(dictionary, null);
      context?.close();
      return null;
    }
    return Buffer.concat([MAGIC, dictionary.hash, coded]);
  }

  /** Whether answers of this length no longer are like their dictionary. */
  isStale(byteLength: number, codedLength: number): boolean {
    return codedLength > byteLength * STALE_SHARE + MAGIC.byteLength + 32;
  }

  /**
   * Makes this body a dictionary for answers on the same path; true: the client is to be told. false: there are as many in
   * use as may be, or it is not worth it.
   */
  offer(route: RouteCompression, path: string, body: Uint8Array, nowMs: number, maxBytes: number): boolean {
    const { byteLength } = body;
    if (byteLength > REUSED_MAX_BYTES || byteLength > maxBytes / 2 || !canBeMatched(path)) return false;
    const kept = this.#byRoute.get(route) ?? { versions: [], offeredAtMs: Number.NEGATIVE_INFINITY };
    const same = kept.versions.find((one) => one.path === path && Buffer.compare(one.bytes, body) === 0);
    if (same !== undefined) {
      same.usedAtMs = nowMs;
      return true;
    }
    if (nowMs - kept.offeredAtMs < OFFER_EVERY_MS || !(this.#works ??= dictionariesWork())) return false;
    if (kept.versions.length >= MAX_VERSIONS) {
      const oldest = kept.versions.reduce((a, b) => (a.usedAtMs <= b.usedAtMs ? a : b));
      if (nowMs - oldest.usedAtMs < IDLE_MS) return false;
      this.#drop(oldest);
    }
    const hash = createHash('sha256').update(body).digest();
    const name = `:${hash.toString('base64')}:`;
    // Another route's, or another path's: the same bytes are one dictionary, whose it was first.
    if (this.#byName.has(name)) return false;
    const dictionary: Dictionary = { route, path, bytes: Buffer.from(body), name, hash, usedAtMs: nowMs };
    kept.versions.push(dictionary);
    kept.offeredAtMs = nowMs;
    this.#byRoute.set(route, kept);
    this.#byName.set(name, dictionary);
    this.#byteLength += byteLength;
    this.limit(maxBytes);
    return true;
  }

  /** Drops those that were used longest ago until no more bytes are held. */
  limit(maxBytes: number): void {
    for (const dictionary of this.#byName.values()) {
      if (this.#byteLength <= maxBytes) return;
      this.#drop(dictionary);
    }
  }

  #drop(dictionary: Dictionary): void {
    this.#byName.delete(dictionary.name);
    this.#byteLength -= dictionary.bytes.byteLength;
    const kept = this.#byRoute.get(dictionary.route);
    if (kept !== undefined) kept.versions = kept.versions.filter((one) => one !== dictionary);
    if (kept?.versions.length === 0) this.#byRoute.delete(dictionary.route);
    this.#open.get(dictionary)?.close();
    this.#open.delete(dictionary);
  }
}

/** What goes into `Use-As-Dictionary`: this path with any query. */
export function useAsDictionary(path: string): string {
  return `match="${path}"`;
}

/** Whether a URL pattern of this path means the path and nothing else (urlpattern.spec.whatwg.org), and fits a header. */
function canBeMatched(path: string): boolean {
  return path.length <= 1_024 && /^\/[\w\-./~%!$&',;=@]*$/.test(path);
}

/** Whether an answer itself says that it is for one who asks, whatever its route says of all: then it is no dictionary, and needs none. */
export function isPersonal(answer: Pick<Answer, 'header'>): boolean {
  if (answer.header('set-cookie') !== undefined) return true;
  if (/(^|[\s,])private\b/i.test(String(answer.header('cache-control') ?? ''))) return true;
  return /(^|[\s,])(\*|cookie|authorization)\s*(,|$)/i.test(String(answer.header('vary') ?? ''));
}

/** Whether a client may keep an answer, and use it: what it may not keep is no dictionary. */
export function mayBeKept(cacheControl: unknown): boolean {
  const text = typeof cacheControl === 'string' ? cacheControl : '';
  return /(^|[\s,])max-age\s*=\s*"?0*[1-9]/i.test(text) && !/(^|[\s,])no-(store|cache)/i.test(text);
}

/**
 * Whether who asks may read the answer. A page of another origin that may not could learn what is in it by how long what
 * is new becomes (RFC 9842, section 9.3.3: what a browser says of its request decides; other clients say nothing).
 */
export function mayReadDelta(answer: Pick<Answer, 'header' | 'requestHeader'>): boolean {
  const site = answer.requestHeader('sec-fetch-site');
  const mode = answer.requestHeader('sec-fetch-mode');
  if (site === undefined || site === 'same-origin') return true;
  if (mode === undefined || mode === 'navigate' || mode === 'same-origin') return true;
  if (mode !== 'cors') return false;
  const origin = answer.requestHeader('origin');
  const allowed = answer.header('access-control-allow-origin');
  return origin !== undefined && (allowed === '*' || allowed === origin);
}

function encodePublic(body: Uint8Array, dictionary: Uint8Array): Uint8Array {
  return zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL }, dictionary });
}

/** Node takes a dictionary for zstd from 22.19 and 24.6 on, and passes over the option before: tried, not believed. */
function dictionariesWork(): boolean {
  const text = Buffer.from(Array.from({ length: 40 }, (_, id) => `{"id":${id * 7_919}}`).join());
  try {
    const coded = encodePublic(text, text);
    if (coded.byteLength > text.byteLength / 8) return false;
    return zstdDecompressSync(coded, { dictionary: text }).equals(text);
  } catch {
    return false;
  }
}
