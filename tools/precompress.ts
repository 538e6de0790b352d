import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';

/** What becomes smaller of what Vite builds; pictures and fonts are compressed already. */
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

/** A plugin of Vite: beside each file that becomes smaller, the same in every coding. */
export function precompress(): {
  readonly name: string;
  writeBundle(options: { dir?: string | undefined }): Promise<void>;
} {
  return {
    name: 'precompress',
    writeBundle: async ({ dir }) => {
      if (dir === undefined) return;
      for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
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
    },
  };
}
