import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import type { Connect } from './connector.ts';
import type { Wanted } from './http1-parser.ts';
import type { RenderedRequest } from './request-template.ts';
import type { PinnedTarget } from './target.ts';
import { decodeBody, failureKindOf, type Received, type Receiver, type Transport } from './transport.ts';

/** One HTTP/2 connection, opened again when it is gone: by ALPN over TLS, by prior knowledge in the clear (RFC 9113, 3.3). */
export class Http2Transport implements Transport {
  readonly #target: PinnedTarget;
  readonly #connect: Connect;
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;

  constructor(options: { target: PinnedTarget; connect: Connect }) {
    this.#target = options.target;
    this.#connect = options.connect;
  }

  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const session = this.#start();
    session.once('remoteSettings', () => resolve());
    session.once('error', reject);
    session.once('close', () => reject(new Error('the connection was closed before it was open')));
    return promise;
  }

  send(request: RenderedRequest, wanted: Wanted, receiver: Receiver): void {
    let stream: ClientHttp2Stream;
    try {
      const session = this.#session ?? this.#start();
      stream = session.request(request.headers ?? {}, { endStream: request.wire === '' });
    } catch (thrown) {
      this.close();
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      // Never before send() has returned, as with every other failure.
      queueMicrotask(() => receiver.onFailure(failureKindOf(error)));
      return;
    }
    this.#stream = stream;
    let status = 0;
    let headers: Readonly<Record<string, unknown>> = {};
    let setCookies: readonly string[] = [];
    let bodyBytes = 0;
    const parts: Buffer[] = [];
    /** Whether this stream is still the one waited for; it then no longer is. */
    const settle = (): boolean => {
      if (this.#stream !== stream) return false;
      this.#stream = undefined;
      return true;
    };
    stream.on('response', (received) => {
      status = received[':status'] ?? 0;
      setCookies = received['set-cookie'] ?? [];
      headers = received;
    });
    stream.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
      if (wanted.body) parts.push(chunk);
    });
    stream.on('end', () => {
      if (status === 0 || !settle()) return;
      const header = (name: string): string | undefined => {
        const value = headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      const response: Received = {
        status,
        bodyBytes,
        setCookies,
        header,
        text: () => decodeBody(Buffer.concat(parts), header('content-encoding')).toString(),
      };
      receiver.onResponse(response);
    });
    stream.on('error', (error: Error) => {
      if (settle()) receiver.onFailure(failureKindOf(error));
    });
    stream.on('close', () => {
      if (settle()) receiver.onFailure('connection closed before the response was complete');
    });
    if (request.wire !== '') stream.end(Buffer.from(request.wire, 'latin1'));
  }

  cancel(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.close(constants.NGHTTP2_CANCEL);
  }

  close(): void {
    this.#stream = undefined;
    const session = this.#session;
    this.#session = undefined;
    session?.destroy();
  }

  #start(): ClientHttp2Session {
    const session = connectHttp2(this.#target.origin, {
      createConnection: () => this.#connect(this.#target, { protocols: ['h2'] }),
      settings: { enablePush: false },
    });
    this.#session = session;
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    // The stream under way hears of it as well, and tells its receiver.
    session.on('error', forget);
    session.on('goaway', forget);
    session.on('close', forget);
    return session;
  }
}
