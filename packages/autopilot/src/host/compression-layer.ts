import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../compress/answer-head.ts';
import type { HeaderValue } from '../compress/answer-rules.ts';
import type { Body, Compressor, Send } from '../compress/compressor.ts';
import type { RouteCompression } from '../compress/route-compression.ts';
import { endsWithBytes } from './short-body.ts';

/** What a request asked before its conditions were written as the route's own tags are. */
const askedConditions = new WeakMap<FastifyRequest, string>();

/** An answer of Fastify's, as the compressor sees it. */
class FastifyAnswer implements Answer {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    const { url } = this.#request;
    const end = url.indexOf('?');
    return end < 0 ? url : url.slice(0, end);
  }

  get query(): string {
    const { url } = this.#request;
    const end = url.indexOf('?');
    return end < 0 ? '' : url.slice(end + 1);
  }

  get status(): number {
    return this.#reply.statusCode;
  }

  header(name: string): HeaderValue {
    return this.#reply.getHeader(name);
  }

  requestHeader(name: string): string | undefined {
    if (name === 'if-none-match') {
      const asked = askedConditions.get(this.#request);
      if (asked !== undefined) return asked;
    }
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  setStatus(status: number): void {
    void this.#reply.code(status);
  }

  setHeader(name: string, value: string): void {
    // Fastify says how long a body is, unless trailers follow it: then none may.
    if (name === 'content-length') this.#reply.removeHeader(name);
    else void this.#reply.header(name, value);
  }

  removeHeader(name: string): void {
    this.#reply.removeHeader(name);
  }
}

/** Shows the route the conditions of a request as it wrote its tags: those of coded answers are ours. */
export function adoptConditions(request: FastifyRequest, compressor: Compressor): void {
  const { headers } = request;
  compressor.adoptRange(headers);
  for (const name of ['if-match', 'if-none-match'] as const) {
    const asked = headers[name];
    if (asked === undefined) continue;
    const own = compressor.routesCondition(asked, name === 'if-match');
    if (own === asked) continue;
    if (name === 'if-none-match') askedConditions.set(request, asked);
    headers[name] = own;
  }
}

/**
 * Compresses an answer where that helps, as its very last step: whatever the application's own hooks make of a body,
 * they see it as it was. `send` is called in every case, at once unless the body is large or flows.
 */
export function compressAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  compressor: Compressor,
  route: RouteCompression,
  send: (error: Error | null, payload: unknown, codingMs: number) => void,
): void {
  const body = bodyOf(unwrapped(payload, reply), reply);
  if (body === undefined) {
    send(null, payload, 0);
    return;
  }
  // The reply does not watch its stream before it is sent: who went away meanwhile wants none.
  const endsBody = body instanceof Readable ? (): void => void body.destroy() : null;
  if (endsBody !== null) reply.raw.once('close', endsBody);
  const sendBody: Send = (error, sent, codingMs) => {
    if (endsBody !== null) reply.raw.off('close', endsBody);
    if (sent instanceof Uint8Array && sent !== body && request.raw.httpVersionMajor === 1)
      endsWithBytes(reply.raw, sent);
    send(error, sent, codingMs);
  };
  compressor.answer(new FastifyAnswer(request, reply), body, route, sendBody);
}

/** What is in a `Response` of the platform's, whose status and headers the reply takes over: Fastify does so too, but later. */
function unwrapped(payload: unknown, reply: FastifyReply): unknown {
  // Of any realm or package, as Fastify tells it.
  if (typeof payload !== 'object' || payload === null) return payload;
  if (Object.prototype.toString.call(payload) !== '[object Response]') return payload;
  const { status, headers, body, bodyUsed } = payload as Response; // it says so
  if (bodyUsed || !(body instanceof ReadableStream)) return payload;
  void reply.code(status);
  for (const [name, value] of headers) void reply.header(name, value);
  return body;
}

/** undefined: nothing that could be coded; it is Fastify's to say what it makes of that. */
function bodyOf(payload: unknown, reply: FastifyReply): Body | undefined {
  if (typeof payload === 'string' || payload instanceof Uint8Array || payload instanceof Readable) return payload;
  if (payload === null || payload === undefined) {
    return reply.request.method === 'HEAD' || reply.statusCode === 304 ? null : undefined;
  }
  // A web stream, and nothing that only looks like one. Node loads them when the global is first asked for, which takes
  // 2 ms; nobody has made one before.
  if (typeof payload !== 'object' || typeof Reflect.get(payload, 'getReader') !== 'function') return undefined;
  return payload instanceof ReadableStream && !payload.locked ? Readable.fromWeb(payload) : undefined;
}
