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
      hold(request, response, asked, (answer, body, send) => compressor.answer(answer, body, known, send));
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

const heldKey = Symbol('autopilot.held');

interface Held extends ServerResponse {
  [heldKey]: HeldResponse;
}

/** What is replaced of a response, in any of its forms. */
interface Methods<This> {
  readonly writeHead: (this: This, ...args: unknown[]) => ServerResponse;
  readonly write: (this: This, ...args: unknown[]) => boolean;
  readonly end: (this: This, ...args: unknown[]) => ServerResponse;
  readonly flushHeaders: (this: This) => void;
  readonly addTrailers: (this: This, trailers: OutgoingHttpHeaders) => void;
}

type Emit = (this: ServerResponse, name: string, ...args: unknown[]) => boolean;

/** Where one middleware comes behind another, as a router's behind the application's, the last one decides. */
function hold(request: IncomingMessage, response: ServerResponse, asked: string | undefined, decide: Decide): void {
  const before = (response as Partial<Held>)[heldKey]; // it may be one
  if (before === undefined) new HeldResponse(request, response, asked, decide).hold();
  else before.decideBy(decide);
}

/**
 * What a response is given in place of its own methods: the same functions for each. With functions of its own, each response
 * would be of another shape to the engine, which then looks up every property of it by name.
 */
const heldMethods: Methods<Held> = {
  writeHead(...args) {
    return this[heldKey].writeHead(args);
  },
  write(...args) {
    return this[heldKey].write(args);
  },
  end(...args) {
    return this[heldKey].end(args);
  },
  flushHeaders() {
    this[heldKey].flushHeaders();
  },
  addTrailers(trailers) {
    this[heldKey].addTrailers(trailers);
  },
};

/** Who asks whether an error can still be told, must not add its page to what was written. */
const heldHeadersSent: PropertyDescriptor = {
  configurable: true,
  get(this: Held): boolean {
    return this[heldKey].headersSent;
  },
};

/**
 * A response whose head waits until it is known what becomes of the body: that is with its end, or a tick after its first
 * chunk. Its methods are replaced until then; afterwards they go straight to its own.
 */
class HeldResponse implements Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #asked: string | undefined;
  #decide: Decide;
  /** Not always Node's: others replace them too. */
  readonly #own: Methods<ServerResponse>;
  /** What was written takes its way through here; null: nothing was yet, or it goes straight. */
  #source: PassThrough | null = null;
  #released = false;
  /** It is us who writes and ends: what Node's own methods call of each other (`end` of HTTP/2 calls `write`) goes straight. */
  #sends = false;
  /** Goes on writing when the connection has taken what it was given; null: nothing waits. */
  #drained: (() => void) | null = null;
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
    // Its types tell the forms of each apart.
    const { writeHead, write, end, flushHeaders, addTrailers } = response as unknown as Methods<ServerResponse>;
    this.#own = { writeHead, write, end, flushHeaders, addTrailers };
  }

  hold(): void {
    (this.#response as Held)[heldKey] = this; // it is one now
    Object.assign(this.#response, heldMethods);
    Object.defineProperty(this.#response, 'headersSent', heldHeadersSent);
  }

  decideBy(decide: Decide): void {
    this.#decide = decide;
  }

  get headersSent(): boolean {
    if (this.#headWritten || this.#source !== null || this.#ended) return true;
    return Reflect.get(Object.getPrototypeOf(this.#response), 'headersSent', this.#response) === true;
  }

  flushHeaders(): void {
    if (this.#released) this.#own.flushHeaders.call(this.#response);
    else {
      this.#flushes = true;
      if (this.#source === null) this.#begin();
    }
  }

  addTrailers(trailers: OutgoingHttpHeaders): void {
    this.#hasTrailers = true;
    this.#own.addTrailers.call(this.#response, trailers);
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

  writeHead(args: unknown[]): ServerResponse {
    const response = this.#response;
    if (this.#released) return this.#own.writeHead.call(response, ...args);
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

  write(args: unknown[]): boolean {
    const [chunk, encoding, done] = readArguments(args);
    if (this.#sends || (this.#source === null && this.#released)) return this.#own.write.call(this.#response, ...args);
    if (this.#ended || this.#source?.writableEnded === true) {
      queueMicrotask(() => done?.(new Error('This answer has ended: nothing can be written to it.')));
      return false;
    }
    const source = this.#source ?? this.#begin();
    return source.write(bytesOf(chunk, encoding), done);
  }

  end(args: unknown[]): ServerResponse {
    const response = this.#response;
    const [chunk, encoding, done] = readArguments(args);
    if (this.#sends) return this.#own.end.call(response, ...args);
    if (this.#source !== null) {
      if (this.#source.writableEnded) return response;
      if (done !== undefined) response.once('finish', done);
      if (chunk === undefined || chunk === null) this.#source.end();
      else this.#source.end(bytesOf(chunk, encoding));
      return response;
    }
    if (this.#released) return this.#own.end.call(response, ...args);
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
    // The application goes on when its own stream has room. That the connection has is told to what writes to it, and to
    // nobody else: each of the two would let the other write more than it has room for.
    const emit = Reflect.get(response, 'emit') as Emit; // of any event
    response.emit = ((name: string, ...args: unknown[]): boolean => {
      if (name !== 'drain') return emit.call(response, name, ...args);
      const goOn = this.#drained;
      this.#drained = null;
      goOn?.();
      return goOn !== null;
    }) as ServerResponse['emit']; // overloads have no one type
    source.on('drain', () => emit.call(response, 'drain'));
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
      if (this.#flushes) this.#own.flushHeaders.call(response);
      const { write, end } = this.#own;
      const out = new Writable({
        decodeStrings: true,
        write: (chunk: Buffer, _encoding, done) => {
          // The next one when this one has left, or the client has gone.
          if (this.#send(() => write.call(response, chunk))) done();
          else this.#drained = done;
        },
        final: (done) => {
          this.#send(() => end.call(response, done));
        },
      });
      response.once('close', () => body.destroy());
      pipeline(body, out, () => {});
      return;
    }
    this.#send(() => {
      if (body === null) this.#own.end.call(response);
      else if (typeof body === 'string') this.#own.end.call(response, body);
      else endWithBytes(response, this.#own.end, body);
    });
  }

  #send<T>(send: () => T): T {
    this.#sends = true;
    try {
      return send();
    } finally {
      this.#sends = false;
    }
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
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`A body may be text or bytes, and not ${typeof chunk}.`);
}
