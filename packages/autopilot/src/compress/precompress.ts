import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';

/** What becomes smaller of what is built for browsers; pictures and fonts are compressed already. */
const compressible: ReadonlySet<string> = new Set([
  '.css',
  '.html',
  '.ico',
  '.js',
  '.json',
  '.svg',
  '.txt',
  '.webmanifest',
]);
/** Smaller ones fit a packet or two as they are. */
const MIN_BYTES = 1_024;

/** Each coding by the ending of its files, at its highest level: the time is spent once, when the pages are built. */
const codings: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  '.br': (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
      },
    }),
  // Above 19 windows grow beyond the 8 MB that a browser must take (RFC 9659).
  '.zst': (bytes) => promisify(zstdCompress)(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
  '.gz': (bytes) => promisify(gzip)(bytes, { level: 9 }),
};

/**
 * Puts beside each file below `directory` that becomes smaller the same in every coding, for servers that send such files
 * as they are: the control plane does, and @fastify/static with `preCompressed`. Call it when pages were built.
 */
export async function precompress(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !compressible.has(extname(entry.name))) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (bytes.byteLength < MIN_BYTES) continue;
    await Promise.all(
      Object.entries(codings).map(async ([ending, encode]) => {
        const coded = await encode(bytes);
        if (coded.byteLength < bytes.byteLength) await writeFile(`${path}${ending}`, coded);
      }),
    );
  }
}
