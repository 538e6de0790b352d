import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type helmet from 'helmet';
import type { SettingsConsumer } from '../config/live-settings.ts';

/** Whose session a request belongs to, to limit how often it asks; null or undefined: nobody's. Never kept as it is. */
export type SessionOf = (request: FastifyRequest) => string | null | undefined;

/** How often one may ask, in requests a minute. */
export interface RateLimitOptions {
  /** Of one address (IPv6: one /64). Default 6,000. */
  readonly perAddress?: number;
  /** Of one session. Default 1,200. */
  readonly perSession?: number;
  /** Of one bearer token or API key. Default 6,000. */
  readonly perToken?: number;
  /** false: requests from this machine are limited too. Default true: they come from its own tools and proxies. */
  readonly exemptLoopback?: boolean;
}

/** What the security layer is told. */
export interface SecurityOptions {
  /** false: none of its headers are set. Default: where the package `helmet` is installed and the application does not register @fastify/helmet. */
  readonly headers?: boolean;
  /** false: no limits. Default: where @fastify/rate-limit is installed and the application does not register it itself. */
  readonly rateLimits?: RateLimitOptions | false;
  readonly session?: SessionOf;
}

/** Which limit a request has met. */
export interface LimitReached {
  readonly of: 'address' | 'session' | 'token';
  readonly perMinute: number;
  readonly retryAfterSeconds: number;
}

const MINUTE_MS = 60_000;
/** Callers that are told apart at once by each limit; the longest unseen make room. */
const MAX_CALLERS = 10_000;
const DEFAULTS = { perAddress: 6_000, perSession: 1_200, perToken: 6_000 } as const;

/** Slow senders hold no connection: a head has to be here in this time, a whole request in that. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const CHECK_EVERY_MS = 2_000;
const MAX_CONNECTIONS = 10_000;
/** Node's own default for both, taken for "nobody has chosen". */
const NODE_HEADERS_TIMEOUT_MS = 60_000;
const NODE_CHECK_EVERY_MS = 30_000;

/** The limits of a server's connections; the types know neither HTTP/2, which has none of them, nor the interval. */
interface ConnectionLimits {
  headersTimeout?: number;
  requestTimeout?: number;
  connectionsCheckingInterval?: number;
  maxConnections?: number | undefined;
}

/** Sets the limits of connections that the application has left at Node's or Fastify's defaults. */
export function limitConnections(app: FastifyInstance): void {
  const server: ConnectionLimits = app.server;
  if (server.headersTimeout === undefined) return;
  if (server.headersTimeout === NODE_HEADERS_TIMEOUT_MS) server.headersTimeout = HEADERS_TIMEOUT_MS;
  // Fastify's default is no limit at all.
  if (!server.requestTimeout) server.requestTimeout = REQUEST_TIMEOUT_MS;
  if ((server.connectionsCheckingInterval ?? NODE_CHECK_EVERY_MS) === NODE_CHECK_EVERY_MS)
    server.connectionsCheckingInterval = CHECK_EVERY_MS;
  server.maxConnections ??= MAX_CONNECTIONS;
}

/** Puts the settings' time limits of connections in force, and back what was there before where they say none. */
export function connectionSettings(app: FastifyInstance): SettingsConsumer {
  const server: ConnectionLimits = app.server;
  const { headersTimeout, requestTimeout } = server;
  return {
    name: 'the limits of connections',
    apply: ({ security }) => {
      if (headersTimeout === undefined || requestTimeout === undefined) return;
      // Node reads them at each look for slow connections, those that are open included.
      server.headersTimeout = security.headersTimeoutMs ?? headersTimeout;
      server.requestTimeout = security.requestTimeoutMs ?? requestTimeout;
    },
  };
}

/** Fastify's own limit of a body, where nobody says another. */
const FASTIFY_BODY_BYTES = 1_048_576;

/** Lowers the limit of a route's bodies, which Fastify reads while it adds the route. */
export function limitBody(app: FastifyInstance, route: RouteOptions, maxBodyBytes: number | null): void {
  const own = route.bodyLimit ?? app.initialConfig.bodyLimit ?? FASTIFY_BODY_BYTES;
  if (maxBodyBytes !== null && maxBodyBytes < own) route.bodyLimit = maxBodyBytes;
}

/** Headers that protect a browser, by what an answer is. */
export interface SecurityHeaders {
  /** Of pages: name and value of everything that helmet sets. */
  readonly ofPages: readonly (readonly [string, string])[];
  /** Of everything else. */
  readonly ofData: readonly (readonly [string, string])[];
}

/** Of what is not a page, nothing may run, be framed or load anything. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/**
 * Of what helmet sets, what a browser heeds on an answer that is no page: how the host is reached, what the answer may
 * be taken for, and who may embed it (OWASP, REST Security Cheat Sheet, "Security Headers"). The others speak of
 * documents, and each header costs an answer a quarter of a microsecond.
 */
const DATA_HEADERS: ReadonlySet<string> = new Set([
  'cross-origin-resource-policy',
  'strict-transport-security',
  'x-content-type-options',
  'x-frame-options',
]);
const POLICY = 'content-security-policy';

const require = createRequire(import.meta.url);

/**
 * What helmet sets, asked once: it makes the same headers for every answer, but takes 20 us to do so. null: the package
 * is not installed. Loads it on the spot, which takes some 6 ms once.
 */
export function readSecurityHeaders(): SecurityHeaders | null {
  let makeHelmet: typeof helmet;
  try {
    makeHelmet = require('helmet') as typeof helmet; // `as`: what require returns has no type
  } catch (error) {
    if (isMissing(error, 'MODULE_NOT_FOUND')) return null;
    throw error;
  }
  const set = new Map<string, string>();
  // As much of a response as helmet uses.
  const response = {
    setHeader: (name: string, value: string): void => {
      set.set(name.toLowerCase(), value);
    },
    removeHeader: (): void => {},
  } as unknown as ServerResponse;
  makeHelmet({
    contentSecurityPolicy: {
      // Where the application is served without TLS, this would lead nowhere.
      directives: { 'upgrade-insecure-requests': null },
    },
    // What other hosts of the domain do is not this application's to say.
    strictTransportSecurity: { includeSubDomains: false },
  })({} as IncomingMessage, response, () => {});
  const ofPages = [...set];
  const ofData = [...ofPages.filter(([name]) => DATA_HEADERS.has(name)), [POLICY, DATA_POLICY] as const];
  return { ofPages, ofData };
}

/** Sets those that the application has not set itself. */
export function protect(reply: FastifyReply, { ofPages, ofData }: SecurityHeaders): void {
  const mediaType = reply.getHeader('content-type');
  const isPage = typeof mediaType === 'string' && mediaType.startsWith('text/html');
  for (const [name, value] of isPage ? ofPages : ofData) if (!reply.hasHeader(name)) void reply.header(name, value);
}

type Counter = (request: FastifyRequest) => Promise<LimitReached | null>;

/**
 * The limits of @fastify/rate-limit, where it is installed. Loading it takes some 15 ms, so this is not done at the start
 * but by {@link load}, or by the first request that has to be counted, which waits for it. It counts in an application of
 * its own that serves nothing, because one that is being started, or already listens, can't be asked to wait.
 */
export class CallerLimits {
  readonly #options: RateLimitOptions;
  readonly #sessionOf: SessionOf | null;
  readonly #isExempt: (request: FastifyRequest) => boolean;
  #loading: Promise<Counter | null> | null = null;
  /** null: not loaded yet, or not installed. */
  #counter: Counter | null = null;
  #missing = false;

  constructor(options: RateLimitOptions, sessionOf: SessionOf | null) {
    this.#options = options;
    this.#sessionOf = sessionOf;
    this.#isExempt = options.exemptLoopback === false ? () => false : isFromHere;
  }

  /** What this request has met, counting it; null: it is let in, at once where no limit is for it. */
  check(request: FastifyRequest): Promise<LimitReached | null> | null {
    if (this.#missing || this.#isExempt(request)) return null;
    if (this.#counter !== null) return this.#counter(request);
    return this.load().then((counter) => counter?.(request) ?? null);
  }

  /** Resolves with what counts; null: the package is not installed. Rejects when it is there and broken. */
  load(): Promise<Counter | null> {
    return (this.#loading ??= this.#load());
  }

  async #load(): Promise<Counter | null> {
    try {
      this.#counter = await makeCounter(this.#options, this.#sessionOf);
    } catch (error) {
      if (!isMissing(error, 'ERR_MODULE_NOT_FOUND')) throw error;
      this.#missing = true;
    }
    return this.#counter;
  }
}

async function makeCounter(options: RateLimitOptions, sessionOf: SessionOf | null): Promise<Counter> {
  const [{ default: rateLimit }, { default: fastify }] = await Promise.all([
    import('@fastify/rate-limit'),
    import('fastify'),
  ]);
  const { perAddress, perSession, perToken } = { ...DEFAULTS, ...options };
  const own = fastify();
  await own.register(rateLimit, { global: false, cache: MAX_CALLERS });
  const byAddress = own.createRateLimit({ max: perAddress, timeWindow: MINUTE_MS });
  const bySession = own.createRateLimit({
    max: perSession,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => digest(sessionOf?.(request) ?? ''),
  });
  const byToken = own.createRateLimit({
    max: perToken,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => digest(tokenOf(request) ?? ''),
  });
  return async (request) => {
    // The address counts in any case: whoever sends another token each time meets this one.
    const address = await byAddress(request);
    if (!address.isAllowed && address.isExceeded) return reached('address', perAddress, address.ttlInSeconds);
    if (tokenOf(request) !== undefined) {
      const token = await byToken(request);
      return !token.isAllowed && token.isExceeded ? reached('token', perToken, token.ttlInSeconds) : null;
    }
    if (!sessionOf?.(request)) return null;
    const session = await bySession(request);
    return !session.isAllowed && session.isExceeded ? reached('session', perSession, session.ttlInSeconds) : null;
  };
}

function reached(of: LimitReached['of'], perMinute: number, seconds: number): LimitReached {
  return { of, perMinute, retryAfterSeconds: Math.max(1, seconds) };
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['x-api-key'];
  return headers.authorization ?? (typeof key === 'string' ? key : undefined);
}

/** So that no memory dump of the limits holds a secret. */
function digest(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** What was handed on is not: with `trustProxy` a client may say of itself that it is this machine. */
function isFromHere({ ip, ips }: FastifyRequest): boolean {
  return isLoopback(ip) && (ips === undefined || ips.length <= 1);
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}

/** Whether loading failed because a package that need not be there is not; one that is there and broken is an error. */
function isMissing(error: unknown, code: 'MODULE_NOT_FOUND' | 'ERR_MODULE_NOT_FOUND'): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
