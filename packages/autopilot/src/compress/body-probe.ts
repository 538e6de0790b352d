/**
 * The first bytes of what is compressed or encrypted already: gzip, zip and its kin, zstd, xz, bzip2, 7z, rar, lz4; PNG,
 * JPEG, GIF, WebP and AVIF (by their containers), PDF, woff and woff2, Matroska, Ogg, MP3, FLAC, MP4.
 */
const signatures: readonly (readonly [offset: number, bytes: string])[] = [
  [0, '1f8b'],
  [0, '504b0304'],
  [0, '504b0506'],
  [0, '28b52ffd'],
  [0, 'fd377a585a00'],
  [0, '425a68'],
  [0, '377abcaf271c'],
  [0, '526172211a07'],
  [0, '04224d18'],
  [0, '89504e470d0a1a0a'],
  [0, 'ffd8ff'],
  [0, '474946383761'],
  [0, '474946383961'],
  [8, '57454250'],
  [4, '66747970'],
  [0, '25504446'],
  [0, '774f4646'],
  [0, '774f4632'],
  [0, '1a45dfa3'],
  [0, '4f676753'],
  [0, '494433'],
  [0, 'fffb'],
  [0, '664c6143'],
];
const magic = signatures.map(([offset, bytes]) => ({ offset, bytes: Buffer.from(bytes, 'hex') }));

/** What a body begins with says it is compressed or encrypted. */
export function beginsEncoded(body: Uint8Array): boolean {
  return magic.some(({ offset, bytes }) => {
    if (body.byteLength < offset + bytes.byteLength) return false;
    for (let i = 0; i < bytes.byteLength; i++) if (body[offset + i] !== bytes[i]) return false;
    return true;
  });
}

/** Looked at in four places of a body, so that a header of text does not stand for the whole. */
const SAMPLE_BYTES = 1_024;
const SAMPLES = 4;
/** In fewer, even noise does not show all of its 256 values often enough to be told from text. */
const LEAST_BYTES = 512;
/** Of 8 bits a byte: noise in 4 KiB has 7.95, base64 6.0, English 4.5, JSON 5. Above, the codecs save under a twentieth. */
const MAX_BITS = 7.5;

/**
 * Whether a body looks like noise: Shannon's entropy, -sum(p log2 p) over the values of its bytes, is close to 8 bits.
 * 4 KiB are looked at in 10 us or so, which trying to compress a large body would take many times over.
 */
export function looksLikeNoise(body: Uint8Array): boolean {
  const { byteLength } = body;
  if (byteLength < LEAST_BYTES) return false;
  const counts = new Uint32Array(256);
  const width = Math.min(SAMPLE_BYTES, Math.floor(byteLength / SAMPLES));
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = Math.floor(((byteLength - width) * (sample + 1)) / SAMPLES);
    for (let i = from; i < from + width; i++) {
      const value = body[i] ?? 0;
      counts[value] = (counts[value] ?? 0) + 1;
    }
  }
  const total = width * SAMPLES;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  // A sample of n values of noise shows (256 - 1) / (2 n ln 2) bits too few (Miller and Madow).
  return bits + 255 / (2 * total * Math.LN2) > MAX_BITS;
}
