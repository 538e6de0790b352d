import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { Wanted } from './http1-parser.ts';
import type { RenderedRequest } from './request-template.ts';

/** A response, readable until the call that handed it over returns. */
export interface Received {
  readonly status: number;
  /** As it came, before any decoding. */
  readonly bodyBytes: number;
  readonly setCookies: readonly string[];
  /** Of a response whose headers were wanted; the name in lower case. */
  header(name: string): string | undefined;
  /** The decoded body of a response whose body was wanted. @throws when its content coding is unknown or broken */
  text(): string;
}

/** Who waits for a response. Exactly one of the two is called for each request, unless it was cancelled. */
export interface Receiver {
  onResponse(response: Received): void;
  /** `kind` counts failures of one sort together: "ECONNRESET", "the answer is not HTTP/1.1". */
  onFailure(kind: string): void;
}

/** One user's way to the target; carries one request at a time. */
export interface Transport {
  /** Connects ahead of the first request. */
  open(): Promise<void>;
  send(request: RenderedRequest, wanted: Wanted, receiver: Receiver): void;
  /** Gives the request under way up; its receiver hears nothing more. */
  cancel(): void;
  close(): void;
}

/** Undoes a content coding. @throws for one that is unknown or broken */
export function decodeBody(body: Buffer, coding: string | undefined): Buffer {
  switch (coding?.toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return body;
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body);
    case 'deflate':
      return inflateSync(body);
    case 'br':
      return brotliDecompressSync(body);
    case 'zstd':
      return zstdDecompressSync(body);
    default:
      throw new Error(`the content coding ${coding} is not known`);
  }
}

/** What to count a failed connection under: the system's code where there is one. */
export function failureKindOf(error: Error & { code?: unknown }): string {
  return typeof error.code === 'string' ? error.code : error.message.slice(0, 80);
}
