import type { Socket } from 'node:net';
import type { Connect } from './connector.ts';
import { Http1Parser, ProtocolError, type Wanted } from './http1-parser.ts';
import type { RenderedRequest } from './request-template.ts';
import type { PinnedTarget } from './target.ts';
import { decodeBody, failureKindOf, type Received, type Receiver, type Transport } from './transport.ts';

/** Safe to send again when a kept connection turned out to be closed (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
/** A kept connection is left this long before the other end says it will close it. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** One HTTP/1.1 connection, opened again when it is gone. */
export class Http1Transport implements Transport, Received {
  readonly #target: PinnedTarget;
  readonly #connect: Connect;
  readonly #keepAlive: boolean;
  /** Shared by all connections of a thread: what is read is used up before the next read. */
  readonly #readBuffer: Buffer;
  readonly #parser: Http1Parser;
  #socket: Socket | undefined;
  #open = false;
  /** Responses that came on this connection. */
  #responses = 0;
  /** performance.now() until which the other end keeps the connection. */
  #keptUntil: number = Number.POSITIVE_INFINITY;
  #receiver: Receiver | undefined;
  #request: RenderedRequest | undefined;
  #wanted: Wanted | undefined;
  #retried = false;

  constructor(options: { target: PinnedTarget; connect: Connect; keepAlive: boolean; readBuffer: Buffer }) {
    this.#target = options.target;
    this.#connect = options.connect;
    this.#keepAlive = options.keepAlive;
    this.#readBuffer = options.readBuffer;
    this.#parser = new Http1Parser(this);
  }

  get status(): number {
    return this.#parser.status;
  }

  get bodyBytes(): number {
    return this.#parser.bodyBytes;
  }

  get setCookies(): readonly string[] {
    return this.#parser.setCookies;
  }

  header(name: string): string | undefined {
    return this.#parser.header(name);
  }

  text(): string {
    return decodeBody(this.#parser.body(), this.#parser.contentCoding).toString();
  }

  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = this.#start();
    socket.once(this.#target.secure ? 'secureConnect' : 'connect', () => resolve());
    socket.once('close', () => reject(new Error('the connection was closed before it was open')));
    socket.once('error', reject);
    return promise;
  }

  send(request: RenderedRequest, wanted: Wanted, receiver: Receiver): void {
    this.#receiver = receiver;
    this.#request = request;
    this.#wanted = wanted;
    this.#retried = false;
    if (this.#open && (this.#keptUntil === Number.POSITIVE_INFINITY || performance.now() < this.#keptUntil)) {
      this.#write();
      return;
    }
    if (this.#open) this.close();
    if (this.#socket === undefined) this.#start();
  }

  cancel(): void {
    this.#receiver = undefined;
    this.close();
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    socket?.destroy();
  }

  /** The parser says that the response is complete. */
  onResponse(): void {
    const receiver = this.#receiver;
    const parser = this.#parser;
    this.#receiver = undefined;
    this.#responses++;
    if (parser.closes || !this.#keepAlive) this.close();
    else if (parser.keepAliveMs > 0) {
      this.#keptUntil = performance.now() + Math.max(0, parser.keepAliveMs - KEEP_ALIVE_MARGIN_MS);
    }
    receiver?.onResponse(this);
  }

  #start(): Socket {
    this.#parser.reset();
    this.#responses = 0;
    this.#keptUntil = Number.POSITIVE_INFINITY;
    const socket = this.#connect(this.#target, {
      protocols: ['http/1.1'],
      onread: {
        buffer: this.#readBuffer,
        callback: (length) => {
          if (socket === this.#socket) this.#read(length);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.once(this.#target.secure ? 'secureConnect' : 'connect', () => {
      if (socket !== this.#socket) return;
      this.#open = true;
      if (this.#receiver !== undefined) this.#write();
    });
    socket.once('end', () => this.#ended(socket));
    // After an error `close` follows; its kind is the better one to report.
    socket.on('error', (error) => this.#lost(socket, failureKindOf(error)));
    socket.once('close', () => this.#ended(socket));
    return socket;
  }

  #write(): void {
    if (this.#request === undefined || this.#wanted === undefined) return;
    this.#parser.expect(this.#wanted);
    this.#socket?.write(this.#request.wire, 'latin1');
  }

  #read(length: number): void {
    try {
      this.#parser.feed(this.#readBuffer, length);
    } catch (thrown) {
      // Anything else is a mistake of ours, or of the receiver's, and must not pass for one of the target's.
      if (!(thrown instanceof ProtocolError)) throw thrown;
      if (this.#socket !== undefined) this.#lost(this.#socket, thrown.message, false);
    }
  }

  #ended(socket: Socket): void {
    if (socket !== this.#socket) return;
    if (this.#receiver !== undefined && this.#parser.end()) return;
    this.#lost(socket, 'connection closed before the response was complete');
  }

  /** The connection is of no more use; a request that it carried is sent again where that is safe, or has failed. */
  #lost(socket: Socket, kind: string, mayRetry = true): void {
    if (socket !== this.#socket) return;
    const reused = this.#open && this.#responses > 0 && !this.#parser.started;
    this.close();
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    if (mayRetry && reused && !this.#retried && IDEMPOTENT.has(this.#request?.method ?? '')) {
      this.#retried = true;
      this.#start();
      return;
    }
    this.#receiver = undefined;
    receiver.onFailure(kind);
  }
}
