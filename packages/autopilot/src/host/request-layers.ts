import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
} from 'fastify';
import type { Compressor } from '../compress/compressor.ts';
import { RouteCompression, type RouteCompressionOptions } from '../compress/route-compression.ts';
import type { SettingsView } from '../config/live-settings.ts';
import { type ErrorCode, problemOf } from '../contract/error-table.ts';
import type { Clock } from '../kernel/clock.ts';
import type { RequestScope } from '../track/request-scope.ts';
import { adoptRequestId, describeReply, isSilent, makeRequestId } from './answer-headers.ts';
import { adoptConditions, compressAnswer } from './compression-layer.ts';
import { describeFrameworkErrors } from './framework-errors.ts';
import type { LoadReport } from './load-report.ts';
import type { OverloadGuard } from './overload-guard.ts';
import { type OnSendDone, scopeOf, startedAtMs, type TrackedLayers } from './request-tracking.ts';
import { routeConfigOf } from './route-config.ts';
import {
  CallerLimits,
  type LimitReached,
  limitBody,
  limitConnections,
  protect,
  readSecurityHeaders,
  type SecurityHeaders,
  type SecurityOptions,
} from './security-layer.ts';

/** What the request layers around an application's handlers are made of. */
export interface RequestLayersOptions {
  readonly settings: SettingsView;
  readonly clock: Clock;
  readonly guard: OverloadGuard;
  readonly report: LoadReport;
  readonly compressor: Compressor;
  /** false: the security layer is left out. */
  readonly security: SecurityOptions | false;
  /** What sets the security layer's headers. Absent: helmet. */
  readonly readHeaders?: () => SecurityHeaders | null;
}

/** So that the application answers its first requests first. */
const LOAD_AFTER_LISTENING_MS = 100;

const UNUSABLE = 'autopilot: a package of the security layer is installed and can not be loaded';

const UNDESCRIBED = 'autopilot: an answer goes without what the request layers add to it';

const layerKey = Symbol('autopilot.layers');

/** What the layers know of a route, on its own config object. */
interface RouteFacts {
  readonly isEssential: boolean;
  usesDatabase: boolean;
  /** Of the method that was asked for last: few routes answer several. */
  compression: RouteCompression | null;
}

interface LayeredConfig {
  readonly autopilot?: RouteCompressionOptions & { readonly essential?: boolean; readonly track?: boolean };
  [layerKey]?: RouteFacts;
}

/**
 * The request layers of a Fastify application but tracking, which has its own place beneath Fastify. From the outside:
 * security and overload protection (onRequest), then, on the way back and after all of the application's own hooks,
 * compression and the headers that say how the answer came about. Each looks at its settings anew for each request.
 */
export class RequestLayers implements TrackedLayers {
  readonly #options: RequestLayersOptions;
  /** undefined: not read yet. */
  #headers: SecurityHeaders | null | undefined = null;
  #limits: CallerLimits | null = null;

  constructor(options: RequestLayersOptions) {
    this.#options = options;
  }

  /**
   * Adds what does not come with the hooks of tracking. Fastify can't take hooks back; with every setting off they do nothing.
   */
  install(app: FastifyInstance): void {
    // Fastify's own ids begin anew with each process, and would not tell one instance's requests from another's.
    const made: unknown = Reflect.get(app, 'genReqId');
    if (typeof made === 'function' && made.name === 'defaultGenReqId') app.setGenReqId(makeRequestId);
    const onSend = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: OnSendDone): void =>
      this.#onSend(request, reply, payload, done);
    // The last hook of each route, so that compression sees what the application's own hooks have made of the body. The
    // route that Fastify makes for HEAD copies the hooks of GET and adds one of its own, which must come before.
    app.addHook('onRoute', (route) => {
      const hooks = route.onSend === undefined ? [] : Array.isArray(route.onSend) ? route.onSend : [route.onSend];
      route.onSend = [...hooks.filter((hook) => hook !== onSend), onSend];
      if (this.#options.security !== false) {
        limitBody(app, route, this.#options.settings.current.security.maxBodyBytes);
      }
    });
    describeFrameworkErrors(app, (request, reply, statusCode) => this.#describeRefusal(request, reply, statusCode));
    if (this.#options.security !== false) limitConnections(app);
  }

  /**
   * Puts the security layer in place. The packages it uses are loaded when the application listens, or by the first
   * request that needs them, because they would make its start half as long again.
   */
  secure(app: FastifyInstance): void {
    const { security } = this.#options;
    if (security === false) return;
    const { headers = true, rateLimits = {}, session = null } = security;
    if (headers) this.#headers = undefined;
    if (rateLimits !== false) this.#limits = new CallerLimits(rateLimits, session);
    app.addHook('onReady', (ready: () => void) => {
      if (app.hasPlugin('@fastify/helmet')) this.#headers = null;
      if (app.hasPlugin('@fastify/rate-limit')) this.#limits = null;
      ready();
    });
    app.addHook('onListen', (listening: () => void) => {
      setTimeout(() => void this.#load(app), LOAD_AFTER_LISTENING_MS).unref();
      listening();
    });
  }

  async #load(app: FastifyInstance): Promise<void> {
    this.#readHeaders(app.log);
    try {
      await this.#limits?.load();
    } catch (error) {
      app.log.error({ err: error }, UNUSABLE);
    }
  }

  #readHeaders(log: FastifyBaseLogger): SecurityHeaders | null {
    if (this.#headers !== undefined) return this.#headers;
    const { readHeaders = readSecurityHeaders } = this.#options;
    try {
      this.#headers = readHeaders();
    } catch (error) {
      // Once: every answer would try again.
      this.#headers = null;
      log.error({ err: error }, UNUSABLE);
    }
    return this.#headers;
  }

  /** For an answer that bypasses Fastify's sending. */
  protect(reply: FastifyReply): void {
    if (this.#headers === null || !this.#options.settings.current.security.headers) return;
    const headers = this.#readHeaders(reply.log);
    if (headers !== null) protect(reply, headers);
  }

  onRequest(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const { settings, guard, clock } = this.#options;
    const { overload, security } = settings.current;
    const { headers } = request;
    if (headers['x-request-id'] !== undefined) adoptRequestId(request);
    if (
      headers['if-none-match'] !== undefined ||
      headers['if-match'] !== undefined ||
      headers['if-range'] !== undefined
    ) {
      adoptConditions(request, this.#options.compressor);
    }
    if (overload.enabled) {
      const facts = factsOf(request);
      const found = facts.isEssential ? null : guard.check(clock.monotonicMs(), facts.usesDatabase);
      if (found !== null) {
        const scope = scopeOf(reply.raw);
        if (scope !== undefined) scope.shed = true;
        refuse(reply, 'AP_OVERLOADED', found.reason, 'Ask again after the time in Retry-After.', 1 + jitter());
        return;
      }
    }
    const counting = security.rateLimits ? (this.#limits?.check(request) ?? null) : null;
    if (counting === null) done();
    else void this.#limit(counting, reply, done);
  }

  /** What matches no route has no hooks but those of the application. */
  onUnmatchedSend(request: FastifyRequest, reply: FastifyReply, payload: unknown, done: OnSendDone): void {
    this.#onSend(request, reply, payload, done);
  }

  async #limit(counting: Promise<LimitReached | null>, reply: FastifyReply, done: () => void): Promise<void> {
    // A limit that can't be counted lets in: it protects the application and must not end it.
    const limit = await counting.catch(() => null);
    if (limit === null) {
      done();
      return;
    }
    const { of, perMinute, retryAfterSeconds } = limit;
    const detail = `This ${of} has sent more than ${perMinute} requests within a minute.`;
    refuse(reply, 'AP_RATE_LIMITED', detail, 'Ask less often.', retryAfterSeconds);
  }

  #onSend(request: FastifyRequest, reply: FastifyReply, payload: unknown, done: OnSendDone): void {
    const { compressor } = this.#options;
    let isSent = false;
    // A mistake of ours costs a header, not an answer.
    const warn = (error: unknown): void => request.log.warn({ err: error }, UNDESCRIBED);
    try {
      const route = this.#routeOf(request, reply);
      compressAnswer(request, reply, payload, compressor, route, (error, coded, codingMs) => {
        isSent = true;
        try {
          this.#describe(request, reply, codingMs);
        } catch (mistake) {
          warn(mistake);
        }
        done(error, coded);
      });
    } catch (error) {
      warn(error);
      if (!isSent) done(null, payload);
    }
  }

  /** What compression knows of the route, under the name that tracking counts it by. */
  #routeOf(request: FastifyRequest, reply: FastifyReply): RouteCompression {
    const facts = factsOf(request);
    const name = scopeOf(reply.raw)?.route ?? null;
    if (facts.compression?.name === name) return facts.compression;
    // Fastify's type for config has no room for ours.
    const options = (routeConfigOf(request) as LayeredConfig).autopilot ?? {};
    return (facts.compression =
      name === null ? new RouteCompression(null, options) : this.#options.compressor.route(name, options));
  }

  /** What Fastify refuses before it looks for a route runs no hooks. */
  #describeRefusal(request: FastifyRequest, reply: FastifyReply, statusCode: number): void {
    try {
      adoptRequestId(request);
      this.protect(reply);
      this.#addHeaders(request, reply, scopeOf(reply.raw) ?? null, statusCode, 0);
    } catch (error) {
      request.log.warn({ err: error }, UNDESCRIBED);
    }
  }

  #describe(request: FastifyRequest, reply: FastifyReply, codingMs: number): void {
    this.protect(reply);
    const scope = scopeOf(reply.raw) ?? null;
    if (scope !== null && scope.databaseCalls > 0) factsOf(request).usesDatabase = true;
    this.#addHeaders(request, reply, scope, reply.statusCode, codingMs);
  }

  #addHeaders(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: RequestScope | null,
    statusCode: number,
    codingMs: number,
  ): void {
    const { settings, clock, report } = this.#options;
    report.count(statusCode);
    if (isSilent(settings.current)) return;
    const atMs = clock.monotonicMs();
    const answered = { scope, startedAtMs: startedAtMs(reply.raw) ?? atMs, atMs, codingMs };
    describeReply(request, reply, answered, settings.current, report);
  }
}

/** Of what matches no route; nobody writes to it but of the same kind. */
const unmatchedFacts: RouteFacts = { isEssential: false, usesDatabase: false, compression: null };

function factsOf(request: FastifyRequest): RouteFacts {
  if (request.is404) return unmatchedFacts;
  // Fastify's type for config has no room for a symbol.
  const config = routeConfigOf(request) as LayeredConfig;
  return (config[layerKey] ??= {
    isEssential: config.autopilot?.essential === true,
    usesDatabase: false,
    compression: null,
  });
}

/** In whole seconds; spread, so that those who were turned away together do not come back together. */
function jitter(): number {
  return Math.floor(Math.random() * 3);
}

function refuse(reply: FastifyReply, code: ErrorCode, detail: string, remedy: string, retryAfterSeconds: number): void {
  const problem = problemOf(code, detail, { remedy, instance: reply.request.id });
  void reply
    .code(problem.status)
    .header('retry-after', String(retryAfterSeconds))
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    // As a string, so that no response schema of the route reshapes it.
    .send(JSON.stringify(problem));
}
