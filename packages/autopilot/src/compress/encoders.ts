import type { Transform } from 'node:stream';
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib';
import type { ContentCoding } from './content-coding.ts';

/** Up to here a body is compressed at once: handing it to another thread and back would take longer. */
const AT_ONCE_BYTES = 32 * 1024;

/**
 * Levels for answers that are made anew each time: the next higher ones save a few percent more for twice the time.
 * zstd 3 is its default; brotli 4 the last one before it becomes several times slower.
 */
const zstdOptions: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
const gzipOptions: ZlibOptions = { level: 6 };
const brotliOptions: BrotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** The body in this coding: at once when it is small, else from a thread beside the event loop. */
export function encodeBody(coding: ContentCoding, body: Uint8Array | string): Uint8Array | Promise<Uint8Array> {
  if (body.length <= AT_ONCE_BYTES) {
    if (coding === 'zstd') return zstdCompressSync(body, zstdOptions);
    return coding === 'br' ? brotliCompressSync(body, brotliOptions) : gzipSync(body, gzipOptions);
  }
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, encoded: Buffer): void => {
      if (error === null) resolve(encoded);
      else reject(error);
    };
    if (coding === 'zstd') zstdCompress(body, zstdOptions, done);
    else if (coding === 'br') brotliCompress(body, brotliOptions, done);
    else gzip(body, gzipOptions, done);
  });
}

/** Codes what flows through it; it takes no more than its reader does. */
export function encoderStream(coding: ContentCoding): Transform {
  if (coding === 'zstd') return createZstdCompress(zstdOptions);
  return coding === 'br' ? createBrotliCompress(brotliOptions) : createGzip(gzipOptions);
}
