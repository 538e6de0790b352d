import type { AgentOptions, ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { systemClock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { CHANNEL_HEADER, CHANNELS_PATH, MAX_MESSAGE_BYTES } from './http-carrier.ts';
import { encodeUp } from './message-codec.ts';
import type { AgentChannel, DownMessage, UpMessage } from './protocol.ts';
import { PROOF_HEADER, SIGNATURE_HEADER, sameText, signRequest } from './request-signature.ts';

/** Where a control plane is, and the key that it shares with us. */
export interface LinkTarget {
  /** http or https; only its origin counts. */
  readonly url: URL;
  readonly key: string;
}

/** How a channel ended. */
export interface ChannelEnd {
  /** The control plane has said that it does not want to speak with us; it will not think otherwise at once. */
  readonly refused: boolean;
  readonly welcomed: boolean;
  /** What went wrong, as a sentence; null when one end closed in order. */
  readonly trouble: string | null;
}

const MAX_MESSAGES_UNDER_WAY = 4;
/** For the first answer, and for each later one. */
const ANSWER_MS = 5_000;
/** Each message is acknowledged. Counted in looks and not by the clock: while our own event loop was blocked nobody was silent. */
const LOOK_EVERY_MS = 2_000;
const MAX_SILENT_LOOKS = 5;
/** Longest line, and longest refusal, that is read. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** The agent's end of a link over HTTP. It opens with the `hello`, and ends as a whole at the first failure. Nothing of it keeps the process alive. */
export class AgentHttpChannel implements AgentChannel {
  readonly #target: LinkTarget;
  readonly #onEnd: (end: ChannelEnd) => void;
  /** One connection, so that messages arrive in order. */
  readonly #connection: HttpAgent;
  readonly #request: (options: RequestOptions) => ClientRequest;
  readonly #requests: Set<ClientRequest> = new Set();
  #id: string | null = null;
  #looking: NodeJS.Timeout | null = null;
  #unanswered = 0;
  #silentLooks = 0;
  #underWay = 0;
  #welcomed = false;
  #refused = false;
  #closed = false;
  #onMessage: (message: DownMessage) => void = () => {};
  #onClose: (() => void) | null = null;

  constructor(target: LinkTarget, onEnd: (end: ChannelEnd) => void = () => {}) {
    this.#target = target;
    this.#onEnd = onEnd;
    const secure = target.url.protocol === 'https:';
    // Not by `import`: see host/forwarding.ts.
    const { request, Agent } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
    this.#request = request;
    const options: AgentOptions = { keepAlive: true, maxSockets: 1 };
    this.#connection = new Agent(options);
  }

  send(message: UpMessage): boolean {
    if (this.#closed) return false;
    if (message.kind === 'hello') {
      if (this.#id === null && this.#looking === null) this.#open(message);
      return true;
    }
    if (this.#id === null || this.#underWay >= MAX_MESSAGES_UNDER_WAY) return false;
    const body = encodeUp(message);
    if (Buffer.byteLength(body) > MAX_MESSAGE_BYTES) {
      if (message.kind === 'windows')
        queueMicrotask(() => this.#hear({ kind: 'nack', sequence: message.sequence, again: false }));
      return true;
    }
    this.#post(`${CHANNELS_PATH}/${this.#id}`, body);
    return true;
  }

  onMessage(listener: (message: DownMessage) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener);
    else this.#onClose = listener;
  }

  close(): void {
    this.#end(null);
  }

  #open(hello: UpMessage): void {
    const { request, proof } = this.#start(CHANNELS_PATH, encodeUp(hello), false);
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#looking.unref();
    request.once('response', (answer) => {
      const id = answer.headers[CHANNEL_HEADER];
      if (answer.statusCode !== 200 || typeof id !== 'string') {
        this.#readRefusal(answer);
        return;
      }
      if (!sameText(String(answer.headers[PROOF_HEADER] ?? ''), proof)) {
        answer.destroy();
        this.#hear({
          kind: 'refused',
          reason: `What answers at ${this.#target.url.origin} does not hold the link key.`,
        });
        this.#end(null);
        return;
      }
      this.#id = id;
      this.#readLines(answer);
    });
  }

  #post(path: string, body: string): void {
    this.#underWay++;
    this.#unanswered++;
    const { request } = this.#start(path, body, this.#connection);
    request.once('response', (answer) => {
      this.#underWay--;
      answer.resume();
      if (answer.statusCode !== 202) this.#end(`a message was answered with status ${answer.statusCode ?? 0}`);
    });
  }

  /** Starts a request that is answered in time, or ends the channel. */
  #start(
    path: string,
    body: string,
    agent: HttpAgent | false,
  ): { readonly request: ClientRequest; readonly proof: string } {
    const { url, key } = this.#target;
    const { header, proof } = signRequest('POST', path, body, key, systemClock.now());
    const options: RequestOptions = {
      agent,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path,
      method: 'POST',
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: who is not who we think gets nothing. Plain HTTP ignores it.
      rejectUnauthorized: true,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        [SIGNATURE_HEADER]: header,
      },
    };
    const request = this.#request(options);
    this.#requests.add(request);
    const tooLate = setTimeout(() => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
    tooLate.unref();
    request.once('response', () => clearTimeout(tooLate));
    request.once('socket', (socket) => socket.unref());
    request.once('close', () => {
      clearTimeout(tooLate);
      this.#requests.delete(request);
    });
    request.on('error', (error) => this.#end(messageOf(error) || 'the connection broke'));
    request.end(body);
    return { request, proof };
  }

  #readLines(answer: IncomingMessage): void {
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_LENGTH) this.#end('it sent a line without an end');
      for (const line of lines) this.#readLine(line);
    });
    answer.once('error', (error) => this.#end(messageOf(error)));
    answer.once('close', () => this.#end(null));
  }

  #readLine(line: string): void {
    if (this.#closed || line === '') return;
    let message: DownMessage;
    try {
      message = JSON.parse(line) as DownMessage; // `as`: it has proved to hold the key, and the versions are compared in hello
    } catch {
      this.#end('it sent what is no JSON');
      return;
    }
    this.#hear(message);
  }

  #readRefusal(answer: IncomingMessage): void {
    const status = answer.statusCode ?? 0;
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (piece: string) => {
      if (text.length < MAX_LINE_LENGTH) text += piece;
    });
    answer.once('close', () => {
      const reason =
        detailOf(text) ??
        `${this.#target.url.origin} answered with status ${status}, as no control plane of this release does.`;
      // 5xx passes by itself: it is closing, or waits for another one to lead.
      if (status < 500) this.#hear({ kind: 'refused', reason });
      this.#end(status < 500 ? null : reason);
    });
  }

  #hear(message: DownMessage): void {
    if (this.#closed) return;
    this.#silentLooks = 0;
    if (message.kind === 'welcome') this.#welcomed = true;
    if (message.kind === 'refused') this.#refused = true;
    if (message.kind === 'ack' || message.kind === 'nack') this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.#onMessage(message);
  }

  #look(): void {
    this.#silentLooks = this.#unanswered === 0 ? 0 : this.#silentLooks + 1;
    if (this.#silentLooks > MAX_SILENT_LOOKS) this.#end('it has stopped to acknowledge what it is sent');
  }

  #end(trouble: string | null): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    for (const request of this.#requests) request.destroy();
    this.#connection.destroy();
    this.#onClose?.();
    this.#onEnd({ refused: this.#refused, welcomed: this.#welcomed, trouble });
  }
}

/** What a problem+json says. */
function detailOf(text: string): string | null {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return null;
    return typeof problem.detail === 'string' ? problem.detail : null;
  } catch {
    return null;
  }
}
