import { randomBytes } from 'node:crypto';
import { type ErrorCode, problemOf } from '../contract/error-table.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { CHANNEL_HEADER, CHANNELS_PATH, MAX_MESSAGE_BYTES } from './http-carrier.ts';
import { PROBE_PATH } from './leader-probe.ts';
import { decodeUp } from './message-codec.ts';
import type { ControlChannel, DownMessage, UpMessage } from './protocol.ts';
import { digestOf, PROOF_HEADER, RequestVerifier, SIGNATURE_HEADER, sameText } from './request-signature.ts';

/** What an {@link HttpLinkAcceptor} is made with. */
export interface HttpLinkAcceptorOptions {
  readonly clock: Clock;
  /** Names this control plane to others of its fleet. */
  readonly holder: string;
  /** Keys that agents may sign with: two while rotating. Asked for each request. */
  readonly keys: () => readonly string[];
  /** Is given each channel that an agent opens. */
  readonly accept: (channel: ControlChannel) => void;
  /** Told why an agent was turned away. */
  readonly onTrouble: (message: string) => void;
}

/** A linked agent sends once a second. One that was silent so long has gone without a word, with its machine, say. */
const MAX_SILENT_MS = 5 * 60_000;
const LOOK_EVERY_MS = 30_000;
/** What an agent has not read yet; over it, it reads no more. */
const MAX_UNREAD_LINES = 1000;

/** The control plane's end of the link over HTTP. */
export class HttpLinkAcceptor {
  readonly #options: HttpLinkAcceptorOptions;
  readonly #verifier: RequestVerifier;
  readonly #channels: Map<string, HttpControlChannel> = new Map();
  /** null: no channel is open. */
  #looking: NodeJS.Timeout | null = null;

  constructor(options: HttpLinkAcceptorOptions) {
    this.#options = options;
    this.#verifier = new RequestVerifier(options.keys, options.clock);
  }

  /** Whether an address belongs to the link. */
  static owns(pathname: string): boolean {
    return pathname === PROBE_PATH || pathname === CHANNELS_PATH || pathname.startsWith(`${CHANNELS_PATH}/`);
  }

  /** Answers a request to an address that {@link owns}; never rejects. */
  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== 'POST') {
      return problem('AP_METHOD_NOT_ALLOWED', `${request.method} is not taken here.`, { allow: 'POST' });
    }
    const verified = this.#verifier.verify('POST', pathname, request.headers.get(SIGNATURE_HEADER));
    if (verified.state === 'refused') {
      this.#options.onTrouble(`A message of an agent was refused: ${verified.reason}.`);
      return problem('AP_LINK_REFUSED', `The link is refused: ${verified.reason}.`);
    }
    if (pathname === PROBE_PATH) {
      return new Response(this.#options.holder, {
        headers: { 'cache-control': 'no-store', [PROOF_HEADER]: verified.proof },
      });
    }
    let message: UpMessage;
    try {
      const body = await bodyOf(request);
      if (body === null) return problem('AP_BODY_TOO_LARGE', `A message has at most ${MAX_MESSAGE_BYTES} bytes.`);
      if (!sameText(digestOf(body), verified.bodyDigest)) {
        return problem('AP_LINK_REFUSED', 'The link is refused: the body is not the one that was signed.');
      }
      message = decodeUp(body.toString('utf8'));
    } catch (error) {
      return problem('AP_BODY_INVALID', `The message can't be read: ${messageOf(error)}.`);
    }
    if (pathname === CHANNELS_PATH) return this.#open(request.signal, message, verified.proof);
    const channel = this.#channels.get(pathname.slice(CHANNELS_PATH.length + 1));
    if (channel === undefined) return problem('AP_LINK_CLOSED', 'This channel has ended; open another one.');
    channel.hear(message, this.#options.clock.monotonicMs());
    return new Response(null, { status: 202 });
  }

  /** Ends every channel that is open; new ones are taken. */
  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  #open(signal: AbortSignal, hello: UpMessage, proof: string): Response {
    if (hello.kind !== 'hello') return problem('AP_BODY_INVALID', 'The first message of a channel is "hello".');
    const id = randomBytes(16).toString('hex');
    const channel = new HttpControlChannel(() => this.#forget(id), this.#options.clock.monotonicMs());
    this.#channels.set(id, channel);
    this.#looking ??= setInterval(() => this.#closeSilent(), LOOK_EVERY_MS);
    signal.addEventListener('abort', () => channel.close(), { once: true });
    this.#options.accept(channel);
    channel.hear(hello, this.#options.clock.monotonicMs());
    return new Response(channel.body, {
      headers: {
        'content-type': 'application/x-ndjson',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        [CHANNEL_HEADER]: id,
        [PROOF_HEADER]: proof,
      },
    });
  }

  #forget(id: string): void {
    this.#channels.delete(id);
    if (this.#channels.size > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }

  #closeSilent(): void {
    const atMs = this.#options.clock.monotonicMs();
    for (const channel of this.#channels.values()) {
      if (atMs - channel.heardMs > MAX_SILENT_MS) channel.close();
    }
  }
}

class HttpControlChannel implements ControlChannel {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #forget: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #onMessage: (message: UpMessage) => void = () => {};
  #onClose: (() => void) | null = null;
  #closed = false;
  heardMs: number;

  constructor(forget: () => void, nowMs: number) {
    this.#forget = forget;
    this.heardMs = nowMs;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.close(),
    });
  }

  send(message: DownMessage): boolean {
    if (this.#closed || this.#controller === null) return false;
    if ((this.#controller.desiredSize ?? 0) < -MAX_UNREAD_LINES) {
      this.close();
      return false;
    }
    this.#controller.enqueue(this.#encoder.encode(`${JSON.stringify(message)}\n`));
    return true;
  }

  hear(message: UpMessage, nowMs: number): void {
    this.heardMs = nowMs;
    if (!this.#closed) this.#onMessage(message);
  }

  onMessage(listener: (message: UpMessage) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener);
    else this.#onClose = listener;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    try {
      this.#controller?.close();
    } catch {
      // Cancelled by the reader: it is closed already.
    }
    this.#onClose?.();
  }
}

/** null: it is longer than allowed. */
async function bodyOf(request: Request): Promise<Buffer | null> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_MESSAGE_BYTES) return null;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = request.body;
  for await (const piece of body ?? []) {
    bytes += piece.byteLength;
    if (bytes > MAX_MESSAGE_BYTES) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function problem(code: ErrorCode, detail: string, headers: Readonly<Record<string, string>> = {}): Response {
  const body = problemOf(code, detail);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  });
}
