/**
 * Reads HTTP/1.1 responses (RFC 9112) out of the chunks a socket gives, one request at a time, without copying what
 * nobody asked for. A client of a load test needs the status, the length of the message and, of some steps, headers and body;
 * everything else is passed over.
 */
export interface ResponseSink {
  /** The response is complete; `parser` answers questions about it until this returns. */
  onResponse(): void;
}

/** What a request wants to know of its response. */
export interface Wanted {
  /** The request was HEAD: no body follows, whatever the headers say. */
  readonly isHead: boolean;
  readonly headers: boolean;
  readonly body: boolean;
}

/** The other end does not speak HTTP/1.1; the connection is of no further use. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError';
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_KEPT_BODY_BYTES = 16 * 1024 * 1024;

const CR = 13;
const LF = 10;
const COLON = 58;

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'until-close';

/** Lower case bytes of a header name. */
const nameBytes = (name: string): Uint8Array => new TextEncoder().encode(name);
const CONTENT_LENGTH = nameBytes('content-length');
const TRANSFER_ENCODING = nameBytes('transfer-encoding');
const CONTENT_ENCODING = nameBytes('content-encoding');
const CONNECTION = nameBytes('connection');
const SET_COOKIE = nameBytes('set-cookie');
const KEEP_ALIVE = nameBytes('keep-alive');

export class Http1Parser {
  readonly #sink: ResponseSink;
  #wanted: Wanted | undefined;
  #state: State = 'head';
  /** Bytes of a head, a chunk's size line or trailers that a chunk of the socket ended in. */
  #held: Buffer | undefined;
  /** Bytes of the body or of the chunk still to come. */
  #left = 0;
  #parts: Buffer[] = [];
  #keptBytes = 0;
  #headText = '';
  #chunked = false;
  /** Transfer-Encoding ends in something else than chunked: only the end of the connection ends the body (RFC 9112, 6.3). */
  #otherCoding = false;
  #length = -1;

  status = 0;
  bodyBytes = 0;
  /** The connection ends with this response. */
  closes = false;
  /** Values of Set-Cookie, in order. */
  setCookies: string[] = [];
  /** From the Keep-Alive header: how long the other end keeps an idle connection, in ms; 0 when it does not say. */
  keepAliveMs = 0;
  /** Value of Content-Encoding. */
  contentCoding: string | undefined;
  /** Whether anything of the response has come. */
  started = false;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Makes ready for a new connection. */
  reset(): void {
    this.#wanted = undefined;
    this.keepAliveMs = 0;
  }

  /** Makes ready for the response to a request that is about to be sent. */
  expect(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#state = 'head';
    this.#held = undefined;
    this.#parts = [];
    this.#keptBytes = 0;
    this.#headText = '';
    this.bodyBytes = 0;
    this.started = false;
  }

  /** The body; call it only while the sink is told, of a response whose body was wanted. Decoding is the caller's. */
  body(): Buffer {
    return this.#parts.length === 1 ? (this.#parts[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#parts);
  }

  /** A header's value (the first of several) of a response whose headers were wanted. */
  header(name: string): string | undefined {
    let pattern = headerPatterns.get(name);
    if (pattern === undefined) {
      pattern = new RegExp(`^${name.replaceAll(/[^\w]/g, '\\$&')}[ \\t]*:[ \\t]*(.*?)[ \\t]*\\r?$`, 'im');
      headerPatterns.set(name, pattern);
    }
    return pattern.exec(this.#headText)?.[1];
  }

  /** @throws ProtocolError */
  feed(buffer: Buffer, length: number): void {
    if (this.#wanted === undefined) throw new ProtocolError('bytes came that no request asked for');
    this.started = true;
    let at = 0;
    let end = length;
    let bytes = buffer;
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, buffer.subarray(0, length)]);
      end = bytes.length;
      this.#held = undefined;
    }
    while (at < end) {
      const before = at;
      at = this.#step(bytes, at, end);
      if (at === -1) {
        if (end - before > MAX_HEAD_BYTES) throw new ProtocolError('the head is longer than 64 KiB');
        this.#held = Buffer.from(bytes.subarray(before, end));
        return;
      }
      if (at < -1) {
        // Complete, with the end of the message in the negative.
        this.#complete(-at - 2 < end);
        return;
      }
    }
  }

  /** The connection was closed by the other end. True when that completed a response. */
  end(): boolean {
    if (this.#wanted === undefined || this.#state !== 'until-close') return false;
    this.#complete(false);
    return true;
  }

  /** Where reading goes on; -1: more bytes are needed from here on; below: -2 minus the end of a complete message. */
  #step(bytes: Buffer, at: number, end: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes, at, end);
      case 'length':
      case 'chunk-data': {
        const take = Math.min(this.#left, end - at);
        this.#keep(bytes, at, at + take);
        this.#left -= take;
        if (this.#left > 0) return end;
        if (this.#state === 'length') return -2 - (at + take);
        this.#state = 'chunk-end';
        return at + take;
      }
      case 'chunk-end': {
        const line = lineEnd(bytes, at, end);
        if (line === -1) return -1;
        if (bytes[at] !== CR && bytes[at] !== LF) throw new ProtocolError('a chunk is longer than it said');
        this.#state = 'chunk-size';
        return line + 1;
      }
      case 'chunk-size': {
        const line = lineEnd(bytes, at, end);
        if (line === -1) return -1;
        this.#left = chunkSize(bytes, at, line);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
        return line + 1;
      }
      case 'trailers': {
        const line = lineEnd(bytes, at, end);
        if (line === -1) return -1;
        const empty = line === at || (line === at + 1 && bytes[at] === CR);
        return empty ? -2 - (line + 1) : line + 1;
      }
      case 'until-close':
        this.#keep(bytes, at, end);
        return end;
    }
  }

  #head(bytes: Buffer, start: number, end: number): number {
    this.#length = -1;
    this.#chunked = false;
    this.#otherCoding = false;
    this.closes = false;
    this.setCookies = NO_COOKIES;
    this.contentCoding = undefined;
    let line = start;
    for (let at = start; at < end; at++) {
      if (bytes[at] !== LF) continue;
      const lineStop = at > line && bytes[at - 1] === CR ? at - 1 : at;
      if (line === start) this.#statusLine(bytes, line, lineStop);
      else if (lineStop === line) return this.#headComplete(bytes, start, line, at + 1);
      else this.#headerLine(bytes, line, lineStop);
      line = at + 1;
    }
    return -1;
  }

  #statusLine(bytes: Buffer, at: number, end: number): void {
    const known =
      end - at >= 12 && bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80;
    const status = ((bytes[at + 9] ?? 0) - 48) * 100 + ((bytes[at + 10] ?? 0) - 48) * 10 + ((bytes[at + 11] ?? 0) - 48);
    if (!known || bytes[at + 5] !== 49 || !(status >= 100 && status <= 999)) {
      throw new ProtocolError('the answer is not HTTP/1.1');
    }
    this.status = status;
    this.closes = bytes[at + 7] === 48;
  }

  #headerLine(bytes: Buffer, at: number, end: number): void {
    switch ((bytes[at] ?? 0) | 0x20) {
      case 99: // c
        if (hasName(bytes, at, CONTENT_LENGTH)) {
          const length = decimal(bytes, at + 15, end);
          if (this.#length !== -1 && this.#length !== length) throw new ProtocolError('two lengths contradict');
          this.#length = length;
        } else if (hasName(bytes, at, CONTENT_ENCODING)) {
          this.contentCoding = bytes.toString('latin1', at + 17, end).trim();
        } else if (hasName(bytes, at, CONNECTION)) {
          const value = bytes.toString('latin1', at + 11, end).toLowerCase();
          if (value.includes('close')) this.closes = true;
          else if (value.includes('keep-alive')) this.closes = false;
        }
        break;
      case 116: // t
        if (hasName(bytes, at, TRANSFER_ENCODING)) {
          this.#chunked = /(?:^|[ ,])chunked$/i.test(bytes.toString('latin1', at + 18, end).trim());
          this.#otherCoding = !this.#chunked;
        }
        break;
      case 115: // s
        if (hasName(bytes, at, SET_COOKIE)) {
          if (this.setCookies === NO_COOKIES) this.setCookies = [];
          this.setCookies.push(bytes.toString('latin1', at + 11, end).trim());
        }
        break;
      case 107: // k
        // It says the same on every response of a connection.
        if (this.keepAliveMs === 0 && hasName(bytes, at, KEEP_ALIVE)) {
          const seconds = /timeout=(\d+)/i.exec(bytes.toString('latin1', at + 11, end))?.[1];
          if (seconds !== undefined) this.keepAliveMs = Number(seconds) * 1000;
        }
        break;
    }
  }

  #headComplete(bytes: Buffer, start: number, stop: number, next: number): number {
    const { status } = this;
    // Interim responses; the one that counts follows (RFC 9110, 15.2).
    if (status < 200 && status !== 101) return next;
    if (this.#wanted?.headers === true) this.#headText = bytes.toString('latin1', start, stop);
    if (this.#wanted?.isHead === true || status === 204 || status === 304 || status === 101) return -2 - next;
    if (this.#chunked) {
      this.#state = 'chunk-size';
    } else if (this.#length === -1 || this.#otherCoding) {
      this.#state = 'until-close';
      this.closes = true;
    } else {
      if (this.#length === 0) return -2 - next;
      this.#left = this.#length;
      this.#state = 'length';
    }
    return next;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    this.bodyBytes += to - from;
    if (this.#wanted?.body !== true || to === from) return;
    this.#keptBytes += to - from;
    if (this.#keptBytes > MAX_KEPT_BODY_BYTES) throw new ProtocolError('the body to check is longer than 16 MiB');
    const part = bytes.subarray(from, to);
    // The socket's buffer is used again for the next read; what completes the message is looked at before that.
    this.#parts.push(this.#state === 'length' && to - from === this.#left ? part : Buffer.from(part));
  }

  #complete(surplus: boolean): void {
    if (surplus) this.closes = true;
    this.#wanted = undefined;
    this.#sink.onResponse();
  }
}

const NO_COOKIES: string[] = [];

/** By the names that plans ask for. */
const headerPatterns: Map<string, RegExp> = new Map();

function lineEnd(bytes: Buffer, at: number, end: number): number {
  for (let index = at; index < end; index++) if (bytes[index] === LF) return index;
  return -1;
}

function hasName(bytes: Buffer, at: number, name: Uint8Array): boolean {
  if (bytes[at + name.length] !== COLON) return false;
  for (let index = 0; index < name.length; index++) {
    const byte = bytes[at + index] ?? 0;
    // Lower case of letters; the hyphen has that bit set already.
    if ((byte | 0x20) !== name[index]) return false;
  }
  return true;
}

function decimal(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === 32 || bytes[at] === 9)) at++;
  let stop = to;
  while (stop > at && (bytes[stop - 1] === 32 || bytes[stop - 1] === 9)) stop--;
  let value = 0;
  for (let index = at; index < stop; index++) {
    const digit = (bytes[index] ?? 0) - 48;
    if (digit < 0 || digit > 9) throw new ProtocolError('a length is no number');
    value = value * 10 + digit;
  }
  if (stop === at || value > Number.MAX_SAFE_INTEGER) throw new ProtocolError('a length is no number');
  return value;
}

function chunkSize(bytes: Buffer, from: number, to: number): number {
  let size = 0;
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at] ?? 0;
    const digit =
      byte >= 48 && byte <= 57 ? byte - 48 : (byte | 0x20) >= 97 && (byte | 0x20) <= 102 ? (byte | 0x20) - 87 : -1;
    if (digit === -1) break;
    size = size * 16 + digit;
  }
  const next = bytes[at];
  const ended = at === to || next === CR || next === 59 || next === 32 || next === 9;
  if (at === from || !ended || size > Number.MAX_SAFE_INTEGER) throw new ProtocolError('a chunk has no size');
  return size;
}
