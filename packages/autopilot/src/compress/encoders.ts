import type { Transform } from 'node:stream';
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflate,
  deflateSync,
  gzip,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib';
import type { ContentCoding } from '../contract/compression.ts';
import { type CodingLevel, codingLevels } from './coding-level.ts';
import { REUSED_MAX_BYTES, type ReusedContext, reusedContext } from './reused-context.ts';
import { zstdParameters } from './zstd-parameters.ts';

/** What a body is coded with. */
export interface EncodersOptions {
  /** Opens a context that is used again and again; null: there is none, and the public functions of node:zlib are used. */
  readonly openContext?: (coding: ContentCoding, level: number, dictionary?: Uint8Array) => ReusedContext | null;
}

/** The codings that this runtime has, by trying and not by its version: node:zlib has zstd from 22.15 on. */
export function availableCodings(): ReadonlySet<ContentCoding> {
  const tried: readonly (readonly [ContentCoding, unknown])[] = [
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ];
  return new Set(tried.flatMap(([coding, encode]) => (typeof encode === 'function' ? [coding] : [])));
}

/** Codes bodies, in contexts that are used again and again where that can be had. */
export class Encoders implements Disposable {
  readonly #openContext: NonNullable<EncodersOptions['openContext']>;
  /** By index of the level; null: it can't be had, or has failed. undefined: not looked for yet. */
  readonly #contexts: (ReusedContext | null | undefined)[] = codingLevels.map(() => undefined);
  /** Where text becomes bytes. */
  #scratch: Buffer | null = null;
  #closed = false;

  constructor({ openContext = reusedContext }: EncodersOptions = {}) {
    this.#openContext = openContext;
  }

  /** Whether bodies of this level are coded in a context that is used again. */
  reuses(level: CodingLevel): boolean {
    return this.#context(level) !== null;
  }

  /** The bytes of a body. Those of a text are good until the next one is asked for: they share their place. */
  bytesOf(body: Uint8Array | string): Uint8Array {
    if (typeof body !== 'string') return body;
    // Of one byte a letter or more: as many letters have no place there.
    if (body.length > REUSED_MAX_BYTES) return Buffer.from(body);
    const scratch = (this.#scratch ??= Buffer.allocUnsafeSlow(REUSED_MAX_BYTES));
    const written = scratch.write(body);
    // A letter takes four bytes at most: with more room than that left, all have been written. To ask for the length
    // first takes five times as long as to write.
    return written < REUSED_MAX_BYTES - 4 ? scratch.subarray(0, written) : Buffer.from(body);
  }

  /** The same bytes in a place of their own. */
  keep(bytes: Uint8Array): Uint8Array {
    return bytes.buffer === this.#scratch?.buffer ? Uint8Array.from(bytes) : bytes;
  }

  /** The body in this coding, at once. @throws what node:zlib throws */
  encodeSync(level: CodingLevel, body: Uint8Array): Uint8Array {
    const context = body.byteLength <= REUSED_MAX_BYTES ? this.#context(level) : null;
    if (context === null) return encodePublic(level, body);
    try {
      return context.encode(body, body.byteLength);
    } catch {
      // Whatever state it is in: it is not used again.
      this.#contexts[level.index] = null;
      context.close();
      return encodePublic(level, body);
    }
  }

  /** The same in another thread; the body must stay as it is meanwhile. */
  encode(level: CodingLevel, body: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, coded: Buffer): void => {
        if (error === null) resolve(coded);
        else reject(error);
      };
      switch (level.coding) {
        case 'zstd':
          zstdCompress(body, zstdOptions(level.level, body.byteLength), done);
          return;
        case 'br':
          brotliCompress(body, brotliOptions(level.level, body.byteLength), done);
          return;
        case 'gzip':
          gzip(body, zlibOptions(level.level, body.byteLength), done);
          return;
        case 'deflate':
          deflate(body, zlibOptions(level.level, body.byteLength), done);
      }
    });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const context of this.#contexts) context?.close();
    this.#contexts.fill(null);
  }

  #context(level: CodingLevel): ReusedContext | null {
    const known = this.#contexts[level.index];
    if (known !== undefined) return known;
    return (this.#contexts[level.index] = this.#closed ? null : this.#openContext(level.coding, level.level));
  }
}

/** Codes what flows through it, no faster than its reader takes it. */
export interface CodingStream {
  readonly stream: Transform;
  /** Sends what was written so far, and does not wait for a block to be full. */
  readonly flush: () => void;
}

/** A stream's memory is held as long as its client stays: this much is looked back, and zstd would take ten times as much. */
const STREAM_WINDOW_LOG = 17;

/** `flushes`: what is written is sent with each write. */
export function codingStream({ coding, level }: CodingLevel, flushes: boolean): CodingStream {
  const chunkFlush = flushKinds[coding];
  const options = flushes ? { flush: chunkFlush } : {};
  const made = make();
  return { stream: made, flush: () => made.flush(chunkFlush) };

  function make(): Transform & { flush(kind: number): void } {
    switch (coding) {
      case 'zstd': {
        const params = {
          ...zstdParameters(level, 2 ** STREAM_WINDOW_LOG),
          [constants.ZSTD_c_windowLog]: STREAM_WINDOW_LOG,
        };
        return createZstdCompress({ params, ...options });
      }
      case 'br': {
        const { params } = brotliOptions(level, 0);
        return createBrotliCompress({
          params: { ...params, [constants.BROTLI_PARAM_LGWIN]: STREAM_WINDOW_LOG },
          ...options,
        });
      }
      case 'gzip':
        return createGzip({ level, ...options });
      case 'deflate':
        return createDeflate({ level, ...options });
    }
  }
}

/** None of them forgets what came before, as Z_FULL_FLUSH does, which is what Node's flush() uses unless told. */
const flushKinds: Readonly<Record<ContentCoding, number>> = {
  zstd: constants.ZSTD_e_flush,
  br: constants.BROTLI_OPERATION_FLUSH,
  gzip: constants.Z_SYNC_FLUSH,
  deflate: constants.Z_SYNC_FLUSH,
};

function encodePublic({ coding, level }: CodingLevel, body: Uint8Array): Uint8Array {
  switch (coding) {
    case 'zstd':
      return zstdCompressSync(body, zstdOptions(level, body.byteLength));
    case 'br':
      return brotliCompressSync(body, brotliOptions(level, body.byteLength));
    case 'gzip':
      return gzipSync(body, zlibOptions(level, body.byteLength));
    case 'deflate':
      return deflateSync(body, zlibOptions(level, body.byteLength));
  }
}

function zstdOptions(level: number, byteLength: number): ZstdOptions {
  return { params: zstdParameters(level, byteLength), chunkSize: chunkSizeFor(byteLength) };
}

function zlibOptions(level: number, byteLength: number): ZlibOptions {
  return { level, chunkSize: chunkSizeFor(byteLength) };
}

const LEAST_CHUNK_BYTES = 1_024;
const MOST_CHUNK_BYTES = 64 * 1_024;

/**
 * Node makes room for so many coded bytes at a time: 16 KB unless told, which for 2 KB costs a tenth of Brotli's time, and for
 * 200 KB several ways to another thread.
 */
function chunkSizeFor(byteLength: number): number {
  return Math.min(Math.max(byteLength >> 1, LEAST_CHUNK_BYTES), MOST_CHUNK_BYTES);
}

/** 64 KB: smaller windows are no faster. */
const LEAST_WINDOW_LOG = 16;

/** Told how long the body is, Brotli takes less memory; with a window no longer than it needs, a fifth less time for the same bytes. */
function brotliOptions(quality: number, length: number): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      ...(length > 0 && {
        [constants.BROTLI_PARAM_SIZE_HINT]: length,
        // RFC 7932, section 9.1: a window holds 16 bytes less than its power of two.
        [constants.BROTLI_PARAM_LGWIN]: Math.min(
          Math.max(Math.ceil(Math.log2(length + 16)), LEAST_WINDOW_LOG),
          constants.BROTLI_DEFAULT_WINDOW,
        ),
      }),
    },
    chunkSize: chunkSizeFor(length),
  };
}
