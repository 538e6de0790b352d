import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import type { Answer } from '../compress/answer-head.ts';
import type { HeaderValue } from '../compress/answer-rules.ts';
import { type Body, Compressor } from '../compress/compressor.ts';
import type { RouteCompressionOptions } from '../compress/route-compression.ts';
import { settingsOf } from '../config/registry.ts';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import { type Agent, internals } from './hosted-agent.ts';
import { endWithBytes } from './short-body.ts';

/** Options of {@link compression}. */
export interface CompressionOptions {
  /** Its settings are followed, and what becomes of answers is counted by it. Absent: the defaults, and nobody counts. */
  readonly agent?: Agent;
  /**
   * What answers are counted under, and whose costs are learned together: few names. Default: the method alone. With what
   * is to be known of the route, where there is something.
   */
  readonly route?: (request: IncomingMessage) => string | NamedRoute;
}

/** A route, and what it says about its answers. */
export interface NamedRoute extends RouteCompressionOptions {
  readonly name: string;
}

/** A middleware of node:http; Express, Connect and their like take it as it is. Disposing ends what it holds. */
export interface CompressionMiddleware extends Disposable {
  (request: IncomingMessage, response: ServerResponse, next?: () => void): void;
}

/** Compresses the answers of a node:http server as the Fastify plugin does. Call it before anything is written. */
export function compression({ agent, route = methodOf }: CompressionOptions = {}): CompressionMiddleware {
  const inside = agent?.[internals] ?? null;
  const compressor = new Compressor({
    settings: inside?.settings ?? { current: settingsOf() },
    loopDelay: inside?.loopDelay ?? new LoopDelay(systemClock),
    recorder: inside?.compression ?? { sent: () => {} },
  });
  inside?.onClose(compressor);
  const middleware = (request: IncomingMessage, response: ServerResponse, next?: () => void): void => {
    // An agent that is switched off changes nothing.
    if (agent === undefined || inside !== null) {
      const asked = adoptConditions(request, compressor);
      const named = route(request);
      const known = typeof named === 'string' ? compressor.route(named) : compressor.route(named.name, named);
      new HeldResponse(request, response, asked, (answer, body, send) =>
        compressor.answer(answer, body, known, send),
      ).hold();
    }
    next?.();
  };
  return Object.assign(middleware, { [Symbol.dispose]: () => compressor[Symbol.dispose]() });
}

function methodOf(request: IncomingMessage): string {
  return request.method ?? 'GET';
}

/** What `If-None-Match` asked before it was written as the application's own tags are. */
function adoptConditions({ headers }: IncomingMessage, compressor: Compressor): string | undefined {
  compressor.adoptRange(headers);
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined) headers['if-match'] = compressor.routesCondition(match, true);
  if (noneMatch !== undefined) headers['if-none-match'] = compressor.routesCondition(noneMatch, false);
  return noneMatch;
}

type Decide = (answer: Answer, body: Body, send: (error: Error | null, body: Body) => void) => void;

/**
 * A response whose head waits until it is known what becomes of the body: that is with its end, or a tick after its first
 * chunk. Its methods are replaced until then, and found as they were afterwards.
 */
class HeldResponse implements Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #asked: string | undefined;
  readonly #decide: Decide;
  readonly #own: Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders' | 'addTrailers'>;
  /** What was written takes its way through here; null: nothing was yet, or it goes straight. */
  #source: PassThrough | null = null;
  #released = false;
  /** Its body is whole, and may wait for another thread. */
  #ended = false;
  #flushes = false;
  #hasTrailers = false;
  /** The application has written a head: to it, it is sent. */
  #headWritten = false;
  #message: string | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, asked: string | undefined, decide: Decide) {
    this.#request = request;
    this.#response = response;
    this.#asked = asked;
    this.#decide = decide;
    this.#own = {
      writeHead: response.writeHead.bind(response),
      write: response.write.bind(response),
      end: response.end.bind(response),
      flushHeaders: response.flushHeaders.bind(response),
      addTrailers: response.addTrailers.bind(response),
    };
  }

  hold(): void {
    const response = this.#response;
    // Each of them has several forms, which are told apart here as Node does.
    Object.assign(response, {
      writeHead: (...args: unknown[]) => this.#writeHead(args),
      write: (...args: unknown[]) => this.#write(args),
      end: (...args: unknown[]) => this.#end(args),
      flushHeaders: () => {
        if (this.#released) this.#own.flushHeaders();
        else {
          this.#flushes = true;
          if (this.#source === null) this.#begin();
        }
      },
      addTrailers: (trailers: OutgoingHttpHeaders) => {
        this.#hasTrailers = true;
        this.#own.addTrailers(trailers);
      },
    });
    // Who asks whether an error can still be told, must not add its page to what was written.
    Object.defineProperty(response, 'headersSent', {
      configurable: true,
      get: () =>
        this.#headWritten ||
        this.#source !== null ||
        this.#ended ||
        Reflect.get(Object.getPrototypeOf(response), 'headersSent', response) === true,
    });
  }

  get method(): string {
    return methodOf(this.#request);
  }

  get path(): string {
    const url = this.#request.url ?? '/';
    const end = url.indexOf('?');
    return end < 0 ? url : url.slice(0, end);
  }

  get query(): string {
    const url = this.#request.url ?? '/';
    const end = url.indexOf('?');
    return end < 0 ? '' : url.slice(end + 1);
  }

  get status(): number {
    return this.#response.statusCode;
  }

  header(name: string): HeaderValue {
    const value = this.#response.getHeader(name);
    return value === undefined && name === 'trailer' && this.#hasTrailers ? '' : value;
  }

  requestHeader(name: string): string | undefined {
    if (name === 'if-none-match') return this.#asked;
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  setStatus(status: number): void {
    this.#response.statusCode = status;
    this.#message = undefined;
  }

  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  removeHeader(name: string): void {
    this.#response.removeHeader(name);
  }

  #writeHead(args: unknown[]): ServerResponse {
    const response = this.#response;
    // As Node's types have it: any of its forms.
    if (this.#released) return this.#own.writeHead(...(args as [number]));
    this.#headWritten = true;
    const [status, second, third] = args;
    response.statusCode = Number(status);
    if (typeof second === 'string') this.#message = second;
    const headers: unknown = typeof second === 'string' ? third : second;
    if (Array.isArray(headers)) {
      const flat = headers.flat();
      for (let i = 0; i + 1 < flat.length; i += 2) response.appendHeader(String(flat[i]), String(flat[i + 1]));
    } else if (typeof headers === 'object' && headers !== null) {
      // Node's own type for this form.
      for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
        if (value !== undefined) response.setHeader(name, value);
      }
    }
    return response;
  }

  #write(args: unknown[]): boolean {
    const [chunk, encoding, done] = readArguments(args);
    // `as`: Node's own types for what is handed on to it.
    if (this.#source === null && this.#released) return this.#own.write(...(args as [string]));
    if (this.#ended) {
      queueMicrotask(() => done?.(new Error('This answer has ended: nothing can be written to it.')));
      return false;
    }
    const source = this.#source ?? this.#begin();
    return source.write(bytesOf(chunk, encoding), done);
  }

  #end(args: unknown[]): ServerResponse {
    const response = this.#response;
    const [chunk, encoding, done] = readArguments(args);
    if (this.#source !== null) {
      if (done !== undefined) response.once('finish', done);
      if (chunk === undefined || chunk === null) this.#source.end();
      else this.#source.end(bytesOf(chunk, encoding));
      return response;
    }
    // `as`: Node's own types for what is handed on to it.
    if (this.#released) return this.#own.end(...(args as [string]));
    // As Node does it: ending once more changes nothing.
    if (this.#ended) return response;
    this.#ended = true;
    if (done !== undefined) response.once('finish', done);
    const isText = typeof chunk === 'string' && (encoding === undefined || /^utf-?8$/i.test(encoding));
    const body = chunk === undefined || chunk === null ? null : isText ? chunk : bytesOf(chunk, encoding);
    try {
      this.#decide(this, body, (error, sent) => this.#release(error, sent));
    } catch {
      // A mistake of ours costs a coding, not an answer.
      if (!this.#released) this.#release(null, body);
    }
    return response;
  }

  /** The first of several chunks is there, or the head is wanted before it. */
  #begin(): PassThrough {
    const response = this.#response;
    const source = new PassThrough();
    this.#source = source;
    source.on('drain', () => response.emit('drain'));
    const abandon = (): void => void source.destroy();
    response.once('close', abandon);
    source.once('end', () => response.off('close', abandon));
    this.#decide(this, source, (error, sent) => this.#release(error, sent));
    return source;
  }

  #release(error: Error | null, body: Body): void {
    const response = this.#response;
    this.#released = true;
    if (this.#message !== undefined) response.statusMessage = this.#message;
    if (error !== null) {
      response.destroy(error);
      return;
    }
    if (body instanceof Readable) {
      if (this.#flushes) this.#own.flushHeaders();
      const { write, end } = this.#own;
      const out = new Writable({
        decodeStrings: true,
        write: (chunk: Buffer, _encoding, done) => {
          // The next one when this one has left, or the client has gone.
          if (write(chunk)) done();
          else response.once('drain', done);
        },
        final: (done) => {
          end(done);
        },
      });
      response.once('close', () => body.destroy());
      pipeline(body, out, () => {});
    } else if (body === null) this.#own.end();
    else if (typeof body === 'string') this.#own.end(body);
    else endWithBytes(this.#own.end, body);
  }
}

type WriteArguments = [
  chunk: unknown,
  encoding: BufferEncoding | undefined,
  done: ((error?: Error | null) => void) | undefined,
];

/** (chunk, encoding, done), any of which may be left out. */
function readArguments(args: readonly unknown[]): WriteArguments {
  const [first, second, third] = args;
  // What is a function here can only be the callback.
  const done = args.find((arg) => typeof arg === 'function') as (() => void) | undefined;
  const chunk = typeof first === 'function' ? undefined : first;
  const encoding = typeof second === 'string' ? (second as BufferEncoding) : undefined; // Node refuses others
  return [chunk, encoding, typeof third === 'function' ? (third as (error?: Error | null) => void) : done];
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`A body may be text or bytes, and not ${typeof chunk}.`);
}
