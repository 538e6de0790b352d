import { pipeline, Readable } from 'node:stream';
import type { ReadableStream as WebReadable } from 'node:stream/web';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isTransformable, varyByEncoding, weakTag } from '../compress/compressible.ts';
import { acceptedCoding, type ContentCoding } from '../compress/content-coding.ts';
import { encodeBody, encoderStream } from '../compress/encoders.ts';

/** Goes on with sending: the body and the time that coding it took, in ms; 0 when it was not coded before the head. */
export type Send = (error: Error | null, payload: unknown, codingMs: number) => void;

/**
 * Compresses an answer where that helps, as its very last step: whatever the application's own hooks make of a body,
 * they see it as it was. `send` is called in every case, at once unless the body is large.
 */
export function compressAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  minBytes: number,
  send: Send,
): void {
  const size = sizeOf(payload, request, reply);
  const header = (name: string): unknown => reply.getHeader(name);
  if (size === null || size < minBytes || !isTransformable({ status: reply.statusCode, header })) {
    send(null, payload, 0);
    return;
  }
  // Also on an answer that goes as it is: which of the two it is depends on the request.
  void reply.header('vary', varyByEncoding(reply.getHeader('vary')));
  const coding = acceptedCoding(request.headers['accept-encoding']);
  if (coding === null) send(null, payload, 0);
  else if (request.method === 'HEAD') {
    // What GET would answer, without making it (RFC 9110, section 9.3.2): its length is not known then.
    describeCoded(reply, coding);
    send(null, payload, 0);
  } else if (typeof payload === 'string' || payload instanceof Uint8Array) {
    compressBody(reply, payload, coding, send);
  } else {
    describeCoded(reply, coding);
    send(null, throughEncoder(payload, coding), 0);
  }
}

function compressBody(reply: FastifyReply, payload: string | Uint8Array, coding: ContentCoding, send: Send): void {
  const startedAtMs = performance.now();
  const finish = (encoded: Uint8Array): void => {
    const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
    const codingMs = performance.now() - startedAtMs;
    if (encoded.byteLength >= length) {
      send(null, payload, codingMs);
      return;
    }
    describeCoded(reply, coding);
    send(null, encoded, codingMs);
  };
  try {
    const encoded = encodeBody(coding, payload);
    if (encoded instanceof Promise) {
      // An answer that can't be coded goes as it is.
      encoded.then(finish, () => send(null, payload, 0));
    } else finish(encoded);
  } catch {
    send(null, payload, 0);
  }
}

/** null: there is no body to code. A stream of unknown length counts as large; HEAD has the length that GET would. */
function sizeOf(payload: unknown, request: FastifyRequest, reply: FastifyReply): number | null {
  if (typeof payload === 'string') return payload.length;
  if (payload instanceof Uint8Array) return payload.byteLength;
  const declared = reply.getHeader('content-length');
  if (payload === null || payload === undefined) {
    return request.method === 'HEAD' && declared !== undefined ? Number(declared) : null;
  }
  if (!isStream(payload)) return null;
  return declared === undefined ? Number.POSITIVE_INFINITY : Number(declared);
}

/** Says in the head what the body has become. */
function describeCoded(reply: FastifyReply, coding: ContentCoding): void {
  void reply.header('content-encoding', coding);
  reply.removeHeader('content-length');
  // Ranges are of the coded bytes, which are made anew each time.
  reply.removeHeader('accept-ranges');
  const tag = reply.getHeader('etag');
  if (typeof tag === 'string') void reply.header('etag', weakTag(tag));
}

function isStream(payload: unknown): payload is NodeJS.ReadableStream | ReadableStream {
  if (typeof payload !== 'object' || payload === null) return false;
  return 'pipe' in payload || 'getReader' in payload;
}

/** Whichever of the two ends first, by an error or because the client went away, ends the other. */
function throughEncoder(payload: unknown, coding: ContentCoding): NodeJS.ReadableStream {
  // sizeOf() let only streams of these two kinds through.
  const source = payload as NodeJS.ReadableStream | WebReadable;
  const encoder = encoderStream(coding);
  // The reply watches the encoder, and learns of errors by it.
  pipeline('pipe' in source ? source : Readable.fromWeb(source), encoder, () => {});
  return encoder;
}
