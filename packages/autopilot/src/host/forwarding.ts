import type { AgentOptions, Agent as HttpAgent, IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { isIPv4 } from 'node:net';
import { PRINCIPAL_HEADER, signPrincipal } from '../access/signed-principal.ts';
import { type Problem, problemOf } from '../contract/error-table.ts';
import { type HostPrincipal, SERVICE_HEADER } from '../contract/principal.ts';
import type { Clock } from '../kernel/clock.ts';

/** What a {@link Forwarder} is made of. */
export interface ForwarderOptions {
  /** Where the control plane answers; null while it is away. */
  readonly address: () => string | null;
  /** Named to the control plane as the one that is meant when a call names none. */
  readonly service: string;
  readonly linkKey: string;
  readonly clock: Clock;
}

/** One request to hand on. */
export interface Forwarded {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query at the control plane. */
  readonly path: string;
  readonly principal: HostPrincipal | null;
  /** Finds the request in both logs; replaces what the client sent under this name. */
  readonly requestId: string;
  /** What the application adds to the answer when its head is sent; `timing`: what Server-Timing says already. */
  readonly headers: (timing: string | undefined) => Readonly<Record<string, string>>;
}

/**
 * Not by `import`: an ES module that imports node:http asks it for all it exports, and its WebSocket loads a whole
 * HTTP client, which costs the start of the application 15 ms (bench/startup).
 */
const http = process.getBuiltinModule('node:http');
/** In a function: most applications never load it. */
const https = () => process.getBuiltinModule('node:https');

const CONNECTIONS: AgentOptions = { keepAlive: true, maxFreeSockets: 8, scheduling: 'lifo' };

/** How long the control plane may take to begin an answer: longer means that it hangs. */
const ANSWER_MS = 30_000;

/**
 * Belong to one connection and are not handed on: RFC 9110 section 7.6.1, "Connection", with the older Keep-Alive and
 * Proxy-Connection. `Expect` was answered by Node before.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * What a client may not make hop-by-hop by naming it in `Connection`: dropping one of these would change what the
 * control plane is asked, by whom, or where the request ends on a shared connection (request smuggling).
 */
const NEVER_LISTED: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'origin',
]);

const REQUEST_ID = 'x-request-id';
const SERVER_TIMING = 'server-timing';

/** Asking twice does no harm (RFC 9110 section 9.2.2), and there is no body to send again. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Hands requests on to the control plane, byte by byte in both directions: nothing is buffered, an event of a stream
 * passes when it comes, and whoever goes away first ends it for the other. docs/decisions/forwarding.md says why it is
 * our own.
 */
export class Forwarder implements Disposable {
  readonly #options: ForwarderOptions;
  readonly #connections: HttpAgent = new http.Agent(CONNECTIONS);
  #secureConnections: HttpAgent | null = null;
  readonly #endStreams = new Set<() => void>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Answers through `response`, in every case; never throws. */
  forward(forwarded: Forwarded): void {
    const address = this.#options.address();
    if (hasDotSegments(forwarded.path)) refuseAddress(forwarded);
    else if (address === null) refuse(forwarded, 'no control plane is linked to this application');
    else this.#send(forwarded, new URL(address), false);
  }

  /** Ends the live streams, which never end by themselves and would keep a server from closing. */
  endStreams(): void {
    for (const end of this.#endStreams) end();
  }

  [Symbol.dispose](): void {
    this.endStreams();
    this.#connections.destroy();
    this.#secureConnections?.destroy();
  }

  #send(forwarded: Forwarded, origin: URL, again: boolean): void {
    const { request, response, path } = forwarded;
    const secure = origin.protocol === 'https:';
    if (secure) this.#secureConnections ??= new (https().Agent)(CONNECTIONS);
    const options: RequestOptions = {
      // A body has a connection of its own: whatever becomes of it, nobody's next request shares its bytes.
      agent: hasBody(request) ? false : (this.#secureConnections ?? this.#connections),
      host: origin.hostname.replace(/^\[|\]$/g, ''),
      port: origin.port,
      path,
      method: request.method ?? 'GET',
      headers: this.#requestHeaders(forwarded, origin),
    };
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: who is not who we think gets no principal.
    const upstream = secure ? https().request({ ...options, rejectUnauthorized: true }) : http.request(options);
    const onClientGone = (): void => {
      // Answered before the body had come: what is left of it belongs to nobody.
      if (!response.writableFinished || !request.complete) upstream.destroy();
    };
    response.once('close', onClientGone);
    const tooLate = setTimeout(() => {
      upstream.destroy(new Error(`it did not begin to answer within ${ANSWER_MS / 1_000} s`));
    }, ANSWER_MS);
    tooLate.unref();

    upstream.on('response', (answer) => {
      clearTimeout(tooLate);
      const added = forwarded.headers(textOf(answer.headers[SERVER_TIMING]));
      const kept = keptHeaders(answer).filter(
        (_, at, all) => !Object.hasOwn(added, all[at - (at % 2)]?.toLowerCase() ?? ''),
      );
      for (const [name, value] of Object.entries(added)) kept.push(name, value);
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, kept);
      // Before the first event of a stream there may be none for long: the client wants to know that it is open.
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
      if (!(answer.headers['content-type'] ?? '').startsWith('text/event-stream')) return;
      const end = (): void => {
        answer.unpipe(response);
        response.end();
        upstream.destroy();
      };
      this.#endStreams.add(end);
      answer.once('close', () => this.#endStreams.delete(end));
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      response.off('close', onClientGone);
      // Once an answer has begun, its own error says whether it is whole.
      if (response.destroyed || response.headersSent) return;
      // An idle connection that the other end closed just now (RFC 9112 section 9.3.1): ask once more.
      if (!again && upstream.reusedSocket && error.code === 'ECONNRESET' && isRepeatable(request))
        this.#send(forwarded, origin, true);
      else refuse(forwarded, error.message);
    });
    upstream.on('close', () => clearTimeout(tooLate));
    if (hasBody(request)) {
      request.on('error', () => upstream.destroy());
      request.pipe(upstream);
    } else upstream.end();
  }

  /** As they came, but for what belongs to the connection, and anybody's claim to be a principal or another service. */
  #requestHeaders({ request, principal, requestId }: Forwarded, origin: URL): string[] {
    const headers = keptHeaders(request).filter((_, at, all) => {
      const name = all[at - (at % 2)]?.toLowerCase();
      // A control plane elsewhere may be one of several behind its address; beside us it is asked as the application was.
      // It gets no cookie of the application's either: it knows nobody by one.
      if (name === 'host' || name === 'cookie') return isLoopback(origin);
      return ![PRINCIPAL_HEADER, SERVICE_HEADER, REQUEST_ID, 'content-length'].includes(name ?? '');
    });
    if (!isLoopback(origin)) headers.push('host', origin.host);
    headers.push(REQUEST_ID, requestId);
    headers.push(SERVICE_HEADER, encodeURIComponent(this.#options.service));
    // Where the body ends is said once, by us, and by what Node has read. Of a POST about which nothing is said Node would
    // say that its body comes in chunks.
    const length = request.headers['content-length'];
    if (hasBody(request)) {
      if (length === undefined) headers.push('transfer-encoding', 'chunked');
      else headers.push('content-length', length);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') headers.push('content-length', '0');
    if (principal !== null) {
      const { linkKey, clock } = this.#options;
      headers.push(PRINCIPAL_HEADER, signPrincipal(principal, linkKey, clock.now()));
    }
    return headers;
  }
}

/** Name, value, name, value, ... with the sender's own capitals and repetitions. */
function keptHeaders(message: IncomingMessage): string[] {
  // "Connection: close, x-mine" makes x-mine hop-by-hop too.
  const listed = (message.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const kept: string[] = [];
  const { rawHeaders } = message;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || (listed.includes(lower) && !NEVER_LISTED.has(lower))) continue;
    kept.push(name, rawHeaders[at + 1] ?? '');
  }
  return kept;
}

function isLoopback({ hostname }: URL): boolean {
  // A name may begin with "127." too.
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Whether resolving the path as URLs are (WHATWG URL, section 4.4) would lead out of it: what is forwarded is what the
 * application routes here, not everything that the control plane answers.
 */
function hasDotSegments(path: string): boolean {
  const [pathname = ''] = path.split(/[?#]/, 1);
  return pathname.split(/[/\\]/).some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
}

function isRepeatable(request: IncomingMessage): boolean {
  return REPEATABLE.has(request.method ?? '') && !hasBody(request);
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header;
}

function refuseAddress(forwarded: Forwarded): void {
  answerProblem(
    forwarded,
    problemOf(
      'AP_ADDRESS_INVALID',
      `The path ${JSON.stringify(forwarded.path.slice(0, 200))} holds "." or ".." segments.`,
      {
        remedy: 'Ask for the address that is meant.',
      },
    ),
  );
}

/** Somebody looks at a page of the dashboard: asked again by itself, until the control plane is there. */
function isNavigation({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept ?? '').startsWith('text/html');
}

const RETRY_AFTER_S = 1;

function refuse(forwarded: Forwarded, why: string): void {
  const problem = problemOf('AP_CONTROL_PLANE_UNAVAILABLE', `The control plane does not answer: ${why}.`, {
    remedy: 'It is started again within seconds; ask again.',
  });
  const retry = { 'retry-after': String(RETRY_AFTER_S) };
  if (isNavigation(forwarded.request)) answerPage(forwarded, problem, retry);
  else answerProblem(forwarded, problem, retry);
}

/** A page for people, without anything that a policy could forbid; it asks again by itself. */
function answerPage(forwarded: Forwarded, problem: Problem, headers: Readonly<Record<string, string>>): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="${RETRY_AFTER_S}"><title>${escaped(problem.title)}</title>
<h1>${escaped(problem.title)}</h1><p>${escaped(problem.detail)}</p><p>This page asks again every second.</p></html>`;
  answer(forwarded, problem.status, 'text/html; charset=utf-8', page, headers);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function answerProblem(forwarded: Forwarded, problem: Problem, headers: Readonly<Record<string, string>> = {}): void {
  answer(forwarded, problem.status, 'application/problem+json', JSON.stringify(problem), headers);
}

function answer(
  { response, headers: added }: Forwarded,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.destroyed || response.writableEnded) return;
  response.writeHead(status, {
    'content-type': contentType,
    'cache-control': 'no-store',
    ...added(undefined),
    ...headers,
  });
  response.end(body);
}
