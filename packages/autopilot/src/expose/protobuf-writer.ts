const FIRST_BYTES = 64 * 1024;
/** The bytes that a length under 128 takes. */
const SHORT = 1;

const encoder = new TextEncoder();

/** Writes protocol buffers (protobuf.dev, "Encoding"): as much of them as metrics need, into one buffer that grows. */
export class ProtobufWriter {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(0, this.#at));
  }

  /** A message as a field; `write` fills it. */
  message(field: number, write: () => void): void {
    const start = this.beginMessage(field);
    write();
    this.end(start);
  }

  /** Begins a message as a field, for one that is not written in one go; {@link end} ends it. */
  beginMessage(field: number): number {
    this.#tag(field, 2);
    return this.begin();
  }

  /** Begins what has its length before it, as a message in a stream; {@link end} ends it. */
  begin(): number {
    this.#room(SHORT);
    this.#at += SHORT;
    return this.#at;
  }

  /** `start` is what {@link begin} gave. */
  end(start: number): void {
    const length = this.#at - start;
    let extra = 0;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra++;
    if (extra > 0) {
      this.#room(extra);
      this.#bytes.copyWithin(start + extra, start, this.#at);
    }
    this.#at = start - SHORT;
    this.#varint(length);
    this.#at += length;
  }

  string(field: number, value: string): void {
    this.#tag(field, 2);
    // UTF-8 takes three bytes a UTF-16 unit at most.
    this.#room(value.length * 3 + 10);
    const start = this.begin();
    this.#at += encoder.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    this.end(start);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** `value` is an integer up to 2^53. */
  fixed64(field: number, value: number): void {
    this.#tag(field, 1);
    this.#fixed(value);
  }

  /** Nanoseconds since 1970 of a time in milliseconds: beyond what a number counts. */
  nanoseconds(field: number, epochMs: number): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#view.setBigUint64(this.#at, BigInt(Math.max(0, Math.round(epochMs))) * 1_000_000n, true);
    this.#at += 8;
  }

  /** `value` is not negative. */
  uint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#varint(value);
  }

  sint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#varint(zigzag(value));
  }

  /** Integers that are not negative, one behind the other. */
  packedUints(field: number, values: ArrayLike<number>): void {
    this.#tag(field, 2);
    const start = this.begin();
    for (let at = 0; at < values.length; at++) this.#varint(values[at] ?? 0);
    this.end(start);
  }

  packedSints(field: number, values: ArrayLike<number>): void {
    this.#tag(field, 2);
    const start = this.begin();
    for (let at = 0; at < values.length; at++) this.#varint(zigzag(values[at] ?? 0));
    this.end(start);
  }

  #tag(field: number, wire: 0 | 1 | 2): void {
    this.#varint(field * 8 + wire);
  }

  #fixed(value: number): void {
    this.#room(8);
    this.#view.setUint32(this.#at, value % 2 ** 32, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / 2 ** 32), true);
    this.#at += 8;
  }

  /** LEB128 by arithmetic: bit operations end at 2^31. */
  #varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + more));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}
