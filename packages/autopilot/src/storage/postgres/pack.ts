import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter, damaged } from '../bytes.ts';

/**
 * The column `cells`: entries under ascending labels, usually compressed.
 *
 *   pack  = format (1 byte) entries                 format 1: as they are; 2: the entries in one zstd frame
 *   entry = label bytes                             label: varint, its distance from the one before
 *                                                   bytes: a length and so many bytes
 *
 * In a block the labels are series, in a chunk the minutes of an hour or the hours of a day. zstd at its level 3 saves
 * 30 to 45 % of either for 20 to 50 us (docs/decisions/metric-storage.md). Unpacking costs 20 us however little it is, so what is
 * under 1 KB, as totals are, is left as it is.
 */

const STORED = 1;
const ZSTD = 2;
const LEAST_TO_COMPRESS_BYTES = 1024;
/** Against a damaged frame that unpacks without end; a chunk of 60 full histograms has under 1 MB. */
const LONGEST_BYTES = 64 * 1024 * 1024;

/** Makes packs, one after the other. */
export class PackWriter {
  readonly #entries = new ByteWriter();
  #label = 0;

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Labels ascend. */
  add(label: number, bytes: Uint8Array): void {
    this.#entries.varint(label - this.#label);
    this.#entries.block(bytes);
    this.#label = label;
  }

  /** The pack; the writer is then empty. */
  take(): Uint8Array {
    const entries = this.#entries.written;
    const compressed = entries.length < LEAST_TO_COMPRESS_BYTES ? entries : zstdCompressSync(entries);
    const smaller = compressed.length < entries.length;
    const body = smaller ? compressed : entries;
    const pack = new Uint8Array(body.length + 1);
    pack[0] = smaller ? ZSTD : STORED;
    pack.set(body, 1);
    this.#entries.clear();
    this.#label = 0;
    return pack;
  }
}

/** Calls `visit` for each entry. `bytes` are views that stay valid; throws AP_STORE_DATA_DAMAGED. */
export function visitPack(pack: Uint8Array, visit: (label: number, bytes: Uint8Array) => void): void {
  const reader = new ByteReader(unpack(pack));
  let label = 0;
  while (!reader.atEnd) {
    label += reader.varint();
    visit(label, reader.block());
  }
}

function unpack(pack: Uint8Array): Uint8Array {
  const body = plain(pack).subarray(1);
  switch (pack[0]) {
    case STORED:
      return body;
    case ZSTD:
      try {
        return plain(zstdDecompressSync(body, { maxOutputLength: LONGEST_BYTES }));
      } catch (error) {
        throw damaged('its compressed part is broken', error);
      }
    default:
      throw damaged(`its format is ${pack[0] ?? 'missing'}, this release knows 1 and 2`);
  }
}

/** Cells handed out are Uint8Arrays, not Node's Buffers, whose slice() means something else. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
