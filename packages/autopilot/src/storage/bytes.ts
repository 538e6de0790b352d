import { AutopilotError } from '../kernel/errors.ts';

/**
 * Numbers in bytes, as stored: a varint (LEB128) is a whole number from 0 to 2^53; a number is twice itself as a varint
 * where it is whole and from 0 to 2^51 (so its first bit is 0), else the byte 1 and a float64, little-endian.
 */

const FLOAT_MARK = 1;
const MAX_PACKED = 2 ** 51;
const MAX_VARINT_BYTES = 8;

/** A buffer that grows, to be used again and again. */
export class ByteWriter {
  #bytes: Uint8Array = new Uint8Array(4096);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, without a copy: valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written; the writer is then empty. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  varint(value: number): void {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < MAX_PACKED && !Object.is(value, -0)) {
      this.varint(value * 2);
      return;
    }
    this.#reserve(9);
    this.#bytes[this.#length++] = FLOAT_MARK;
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** The bytes alone; whoever reads them must know how many. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes after their length. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what {@link ByteWriter} wrote; throws AP_STORE_DATA_DAMAGED where it ends too early. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  /** Made when it is needed: most of what is read has no float, and readers are made by the ten thousand. */
  #view: DataView | null = null;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    let factor = 1;
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged('it ends in the middle of a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw damaged('it holds a number over 2^53');
  }

  number(): number {
    if (this.#bytes[this.#at] !== FLOAT_MARK) return this.varint() / 2;
    if (this.#at + 9 > this.#bytes.length) throw damaged('it ends in the middle of a number');
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    const value = this.#view.getFloat64(this.#at + 1, true);
    this.#at += 9;
    return value;
  }

  /** Passes over a number. */
  skipNumber(): void {
    if (this.#bytes[this.#at] === FLOAT_MARK) this.#at += 9;
    else this.varint();
    if (this.#at > this.#bytes.length) throw damaged('it ends in the middle of a number');
  }

  /** Passes over a block. */
  skipBlock(): void {
    const length = this.varint();
    this.#at += length;
    this.#refuseBeyond(length);
  }

  /** A view of the next bytes, after their length; not a copy. */
  block(): Uint8Array {
    const length = this.varint();
    const from = this.#at;
    this.#at += length;
    this.#refuseBeyond(length);
    return this.#bytes.subarray(from, this.#at);
  }

  #refuseBeyond(length: number): void {
    if (this.#at <= this.#bytes.length) return;
    throw damaged(`${length} bytes are announced, ${this.#bytes.length - (this.#at - length)} are left`);
  }
}

/** The error for stored bytes that nobody of this program can have written. */
export function damaged(reason: string, cause?: unknown): AutopilotError {
  return new AutopilotError('AP_STORE_DATA_DAMAGED', `Stored metrics can't be read: ${reason}.`, {
    remedy:
      'They were damaged, or written by a later release: upgrade this one. If it is the latest, check the disk of the server (data_checksums).',
    cause,
  });
}
