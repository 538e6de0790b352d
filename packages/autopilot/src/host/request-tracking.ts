import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { HttpRecorder } from '../track/http-recorder.ts';
import type { KnownNames } from '../track/known-names.ts';
import type { RequestContext, RequestScope } from '../track/request-scope.ts';
import { routeConfigOf } from './route-config.ts';

/** Whose request it is, and how that tenant is called, for people who read the dashboard. */
export interface Tenant {
  readonly id: string;
  readonly name?: string | null | undefined;
}

/** Whose request it is; null or undefined: nobody's. Called once, when the response has ended; what it throws is ignored. */
export type TenantOf = (request: FastifyRequest) => string | Tenant | null | undefined;

/** What tracking a Fastify application takes. */
export interface TrackingOptions {
  readonly recorder: HttpRecorder;
  readonly context: RequestContext;
  readonly tenantOf: TenantOf | null;
  /** Where names that come with tenants are kept; absent: nowhere. */
  readonly names?: KnownNames;
  /** What goes on with a request that is known, in the hooks of tracking: each hook of its own costs every request. */
  readonly layers?: TrackedLayers;
}

/** What comes after tracking in the same hooks; each calls `done`, at once or later. */
export interface TrackedLayers {
  onRequest(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void;
  /** For what matches no route; the answers of routes have a hook of the route. */
  onUnmatchedSend(request: FastifyRequest, reply: FastifyReply, payload: unknown, done: OnSendDone): void;
}

/** How an onSend hook goes on with the payload. */
export type OnSendDone = (error?: Error | null, payload?: unknown) => void;

/** Longer tenant ids are cut: an id is a name, not a payload. */
const MAX_TENANT_LENGTH = 128;

const scopeKey = Symbol('autopilot.scope');
const startedKey = Symbol('autopilot.started');
const bytesKey = Symbol('autopilot.bytes');
const receivedKey = Symbol('autopilot.received');
const routeKey = Symbol('autopilot.route');

/** Requests under way, on the response: one property, read again when it closes. */
interface TrackedResponse extends ServerResponse {
  [scopeKey]?: RequestScope | undefined;
  /** When a request began that is not measured. */
  [startedKey]?: number;
}

/** How many bytes of a connection belong to responses that have ended. */
interface TrackedSocket extends Socket {
  [bytesKey]?: number;
  /** And to requests that have. */
  [receivedKey]?: number;
  /** The response that the connection is sending: Node's own mark. */
  _httpMessage?: object | null;
}

/** What is known of a route, on the route's own config object. */
interface RouteInfo {
  readonly tracked: boolean;
  readonly url: string;
  /** "GET /tasks/:id", for the method that was asked for last: few routes answer several. */
  method: string;
  key: string;
}

interface TrackedConfig {
  readonly url?: string;
  readonly autopilot?: { readonly track?: boolean };
  [routeKey]?: RouteInfo;
}

/**
 * Tracks the requests of a Fastify application.
 *
 * A request begins with the server's own event, before Fastify looks at it, so that what Fastify refuses by itself (an
 * address it can't decode, a request while it closes) is counted too. It ends with the response's `close`, which comes
 * in every case: after the last byte, and when the client has gone away. Hooks only say which route it was: onRequest,
 * and onSend for what a hook before ours has answered. This costs half of what Fastify's onResponse costs alone, which
 * never comes when the client goes away; bench/overhead has the figures.
 *
 * The context of database calls is entered where the request begins, and again before validation: after a body was
 * read, Node runs in the context of the connection.
 *
 * Disposing ends all of it; Fastify can't take hooks back, so those stay and do nothing.
 */
export function trackRequests(
  app: FastifyInstance,
  { recorder, context, tenantOf, names, layers }: TrackingOptions,
): Disposable {
  function goOn(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    if (layers === undefined) done();
    else layers.onRequest(request, reply, done);
  }

  function onClose(this: TrackedResponse): void {
    const scope = this[scopeKey];
    if (scope === undefined) return;
    this[scopeKey] = undefined;
    try {
      const tenant =
        tenantOf === null || scope.subject === null || scope.isTest ? null : tenantName(tenantOf, scope.subject, names);
      // What the request has left running may keep its scope for long, and has no use for all of the request.
      scope.subject = null;
      const { socket, httpVersionMajor } = this.req;
      // undefined: an injected request, which has no connection.
      const written = httpVersionMajor === 1 ? socket.bytesWritten : undefined;
      const aborted = !(written === undefined ? this.writableEnded : this.writableFinished);
      const bytesSent = written === undefined ? declaredLength(this) : bytesOf(socket, written);
      const bytesReceived = written === undefined ? 0 : receivedOf(socket);
      const status = aborted && !this.headersSent ? 0 : this.statusCode;
      recorder.end(scope, tenant, status, bytesSent, aborted, bytesReceived);
    } catch {
      // In an event's listener a mistake of ours would end the application; it costs one observation instead.
    }
  }

  function begin(response: TrackedResponse): RequestScope {
    const scope = recorder.begin();
    response[scopeKey] = scope;
    response.on('close', onClose);
    return scope;
  }

  function onServerRequest(_request: IncomingMessage, response: ServerResponse): void {
    if (!recorder.attached) return;
    const scope = begin(response);
    if (context.enabled) context.enter(scope);
  }

  function onClientError(error: Error & { readonly code?: string }, socket: TrackedSocket): void {
    // A broken body belongs to a request that is under way; it ends as aborted.
    if (socket._httpMessage != null) return;
    const status = refusedStatus(error.code);
    if (status !== null) recorder.refuse(status);
  }

  function identify(scope: RequestScope, response: TrackedResponse, request: FastifyRequest): void {
    scope.subject = request;
    if (recorder.marks.any && recorder.marks.covers(request.raw.headers)) scope.isTest = true;
    // Fastify's type for config has no room for a symbol.
    const config = routeConfigOf(request) as TrackedConfig;
    const info = config[routeKey] ?? describeRoute(config);
    if (info === null) return;
    scope.route = info.method === request.method ? info.key : nameRoute(info, request.method);
    if (!info.tracked) {
      response[scopeKey] = undefined;
      response[startedKey] = scope.startedAtMs;
      recorder.forget();
    }
  }

  app.server.prependListener('request', onServerRequest);
  app.server.on('clientError', onClientError);

  app.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
    const response: TrackedResponse = reply.raw;
    let scope = response[scopeKey];
    if (scope === undefined) {
      // Injected, or by a further server (listen on "localhost" opens one for each address). An upgraded connection is no request.
      if (!recorder.attached || request.raw.headers.upgrade !== undefined) {
        goOn(request, reply, done);
        return;
      }
      scope = begin(response);
      identify(scope, response, request);
      context.run(scope, () => goOn(request, reply, done));
      return;
    }
    identify(scope, response, request);
    goOn(request, reply, done);
  });

  app.addHook('preValidation', (_request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
    const response: TrackedResponse = reply.raw;
    const scope = response[scopeKey];
    if (!context.enabled || scope === undefined || context.current() === scope) done();
    else context.run(scope, done);
  });

  app.addHook('onSend', (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: OnSendDone) => {
    const response: TrackedResponse = reply.raw;
    const scope = response[scopeKey];
    if (scope !== undefined && scope.subject === null) identify(scope, response, request);
    if (layers !== undefined && request.is404) layers.onUnmatchedSend(request, reply, payload, done);
    else done(null, payload);
  });

  return {
    [Symbol.dispose]: () => {
      app.server.off('request', onServerRequest);
      app.server.off('clientError', onClientError);
    },
  };
}

/** The scope of the request that this response answers; undefined: nobody measures it. */
export function scopeOf(response: ServerResponse): RequestScope | undefined {
  const tracked: TrackedResponse = response;
  return tracked[scopeKey];
}

/** When the request began that this response answers, on the monotonic clock; undefined: nobody has noted it. */
export function startedAtMs(response: ServerResponse): number | undefined {
  const tracked: TrackedResponse = response;
  return tracked[scopeKey]?.startedAtMs ?? tracked[startedKey];
}

/** null: the request has matched none. */
function describeRoute(config: TrackedConfig): RouteInfo | null {
  if (config.url === undefined) return null;
  return (config[routeKey] = { tracked: config.autopilot?.track !== false, url: config.url, method: '', key: '' });
}

function nameRoute(info: RouteInfo, method: string): string {
  info.method = method;
  info.key = `${method} ${info.url}`;
  return info.key;
}

function tenantName(tenantOf: TenantOf, request: unknown, names: KnownNames | undefined): string | null {
  try {
    // identify() has kept Fastify's request here.
    const given = tenantOf(request as FastifyRequest);
    const isNamed = typeof given === 'object' && given !== null;
    const tenant: unknown = isNamed ? given.id : given;
    if (typeof tenant !== 'string' || tenant === '') return null;
    // A copy: a slice would keep the long text alive.
    const id = tenant.length > MAX_TENANT_LENGTH ? Buffer.from(tenant.slice(0, MAX_TENANT_LENGTH)).toString() : tenant;
    if (isNamed) names?.learn('tenant', id, given.name);
    return id;
  } catch {
    return null;
  }
}

/**
 * What went out on a connection since the response before it ended: also for streams, HEAD and 304. A client that
 * pipelines may find a part of a response counted with the one before it.
 */
function bytesOf(socket: TrackedSocket, written: number): number {
  const before = socket[bytesKey] ?? 0;
  socket[bytesKey] = written;
  return written - before;
}

/** What came in on a connection since the request before it ended; the first one of those that are pipelined has all of it. */
function receivedOf(socket: TrackedSocket): number {
  const { bytesRead } = socket;
  const before = socket[receivedKey] ?? 0;
  socket[receivedKey] = bytesRead;
  return bytesRead - before;
}

/** For HTTP/2, where responses share a connection, and for requests without one. */
function declaredLength(response: ServerResponse): number {
  return Number(response.getHeader('content-length') ?? 0) || 0;
}

/** The status Fastify answers to what the parser refused; null: no request was refused, a connection just ended. */
function refusedStatus(code: string | undefined): number | null {
  if (code === undefined || code === 'HPE_INVALID_EOF_STATE') return null;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code.startsWith('HPE_') ? 400 : null;
}
