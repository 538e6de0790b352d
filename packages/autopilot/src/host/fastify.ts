import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Compressor } from '../compress/compressor.ts';
import { problemOf } from '../contract/error-table.ts';
import type { HostPrincipal } from '../contract/principal.ts';
import { AutopilotError } from '../kernel/errors.ts';
import type { KnownNames } from '../track/known-names.ts';
import { describeAnswer } from './answer-headers.ts';
import { isCrossSite } from './cross-site.ts';
import { Forwarder } from './forwarding.ts';
import { type Agent, type AgentInternals, internals } from './hosted-agent.ts';
import { LoadReport } from './load-report.ts';
import { OverloadGuard } from './overload-guard.ts';
import { RequestLayers } from './request-layers.ts';
import { startedAtMs, type TenantOf, trackRequests } from './request-tracking.ts';
import { connectionSettings, type SecurityOptions } from './security-layer.ts';

/** What a route may say under `config.autopilot`. */
export interface AutopilotRouteConfig {
  /**
   * false: requests of this route are not measured. For streams and long polls, whose duration says nothing, and for
   * what a load balancer asks every second. Default true.
   */
  readonly track?: boolean;
  /**
   * true: also answered while the service has more to do than it can do, and others are turned away. For what people and
   * balancers need most then: health, sign-in. Default false.
   */
  readonly essential?: boolean;
  /** false: answers of this route are never compressed. Default true. */
  readonly compress?: boolean;
  /**
   * 'public': its answers are the same for everybody, so that a client which has one is sent what is new since
   * (docs/guides/compression.md). Never say it of what depends on who asks.
   */
  readonly dictionary?: 'public';
  /** true: its answers hold a secret beside something that the request says; their compressed length is hidden. */
  readonly secrets?: boolean;
  /** What another release understands is accepted, so that one source runs with several; this one ignores it and says so in the log. */
  readonly [option: string]: unknown;
}

const ROUTE_OPTIONS: ReadonlySet<string> = new Set(['track', 'essential', 'compress', 'dictionary', 'secrets']);

declare module 'fastify' {
  interface FastifyContextConfig {
    autopilot?: AutopilotRouteConfig;
  }
}

/** Nobody: the application's sign-in has established no principal. */
type Nobody = null | undefined | false;

/**
 * Who a request comes from, as the application's own sign-in knows, and what that user may do with the autopilot.
 * Called for requests that are forwarded to the control plane, after all onRequest, preValidation and preHandler hooks.
 */
export type PrincipalOf = (request: FastifyRequest) => HostPrincipal | Nobody | Promise<HostPrincipal | Nobody>;

/** Options of the plugin. */
export interface AutopilotPluginOptions {
  readonly agent: Agent;
  /** null or absent: nobody by the application's sign-in; the control plane then asks for a token. */
  readonly principal?: PrincipalOf | null;
  /** Ids tell tenants apart; a name, where one comes with it, is what the dashboard shows. */
  readonly tenant?: TenantOf;
  /**
   * Put before the forwarded paths, `/api/v1/performance/...` and `/autopilot/...`, and before `/metrics`, where an
   * application has such paths of its own. Starts with "/" and does not end with one; default "".
   */
  readonly prefix?: string;
  /** Headers, rate limits and limits of connections; false: the application sees to all of that itself. */
  readonly security?: SecurityOptions | false;
}

/**
 * What the control plane answers under the application's own address. The rooms of the API are one parameter that must be
 * one of them, because a start pays for each route of each method; an application's own route of such a name goes first.
 */
const ROOMS = '/api/v1/:autopilotRoom(^(?:performance|optimization|config|jobs|access)$)';

/** The dashboard's files are the same for everybody, so nobody is asked who wants them. */
const PUBLIC = '/autopilot';

/**
 * "/metrics", its last letter as a parameter that must be just that: an application's own route of this name, declared
 * before or after, goes first instead of being a duplicate.
 */
const METRICS = '/metric:autopilotMetrics(^s$)';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** What the agent tracks already: a server can't be counted twice. */
const trackedServers = new WeakSet<object>();

/**
 * The Fastify plugin: tracks every request of the application and forwards the control plane's paths to it.
 * Register it first, on the root: hooks that come before it do not know the request's context yet.
 */
export async function autopilot(app: FastifyInstance, options: AutopilotPluginOptions): Promise<void> {
  const agent = options.agent[internals];
  if (agent !== null) install(app, agent, options);
}

// Fastify's own marks (see fastify-plugin): hooks belong to the application and not to a scope of the plugin.
Object.assign(autopilot, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@teamflow/autopilot',
  [Symbol.for('plugin-meta')]: { name: '@teamflow/autopilot', fastify: '5.x' },
});

function install(app: FastifyInstance, agent: AgentInternals, options: AutopilotPluginOptions): void {
  const { principal = null, tenant = null, prefix = '', security = {} } = options;
  if (prefix !== '' && !/^\/.*[^/]$/.test(prefix)) {
    throw new AutopilotError('AP_PREFIX_INVALID', `prefix "${prefix}" does not start with "/", or ends with it.`, {
      remedy: 'Give it as "/internal", or leave it out.',
    });
  }
  if (trackedServers.has(app.server)) {
    throw new AutopilotError('AP_REGISTERED_TWICE', 'The autopilot is registered on this application already.', {
      remedy: 'Register it once, on the root.',
    });
  }
  trackedServers.add(app.server);
  const { settings, clock } = agent;
  const guard = new OverloadGuard({
    clock,
    loopDelay: agent.loopDelay,
    settings,
    poolWaitMs: () => agent.poolWaitMs(),
    busiest: () => agent.busiestRoute(),
    onChange: (message) => app.log.warn(`autopilot: ${message}`),
  });
  agent.onClose(guard);
  const report = new LoadReport(clock);
  const compressor = new Compressor({ settings, loopDelay: agent.loopDelay, recorder: agent.compression });
  agent.onClose(compressor);
  const layers = new RequestLayers({ settings, clock, guard, report, compressor, security });
  // What the outer layers refuse is counted too: a request begins and ends beneath Fastify.
  agent.onClose(
    trackRequests(app, { recorder: agent.http, context: agent.context, tenantOf: tenant, names: agent.names, layers }),
  );
  layers.install(app);
  if (security !== false) agent.onClose(settings.use(connectionSettings(app)));
  forward(app, agent, { principalOf: principal, prefix, layers, report });
  exposeMetrics(app, agent, prefix);
  nameIgnoredOptions(app);
  agent.expectListening();
  app.addHook('onListen', (listening: () => void) => {
    const address = app.server.address();
    if (address !== null && typeof address === 'object') agent.listening(address.port, urlOf(app, address));
    listening();
  });
  layers.secure(app);
}

/** Where this machine reaches an application that listens on `address`. */
function urlOf(app: FastifyInstance, { address, family, port }: AddressInfo): string {
  const all = address === '::' || address === '0.0.0.0';
  const host = all ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `${app.server instanceof TlsServer ? 'https' : 'http'}://${host}:${port}`;
}

/** Logs once what routes ask of the autopilot and this release does not know: a later option, or a slip of the pen. */
function nameIgnoredOptions(app: FastifyInstance): void {
  const named = new Set<string>();
  app.addHook('onRoute', ({ config, url }) => {
    for (const option of Object.keys(config?.autopilot ?? {})) {
      if (ROUTE_OPTIONS.has(option) || named.has(option)) continue;
      named.add(option);
      app.log.warn(`autopilot: this release ignores config.autopilot.${option}, as of ${url}`);
    }
  });
}

interface ForwardOptions {
  readonly principalOf: PrincipalOf | null;
  readonly prefix: string;
  readonly layers: RequestLayers;
  readonly report: LoadReport;
}

function forward(app: FastifyInstance, agent: AgentInternals, options: ForwardOptions): void {
  const { principalOf, prefix, layers, report } = options;
  const forwarder = new Forwarder({
    address: () => agent.controlPlaneAddress(),
    service: agent.service,
    linkKey: agent.linkKey,
    clock: agent.clock,
  });
  agent.onClose(forwarder);
  app.addHook('preClose', (next: () => void) => {
    forwarder.endStreams();
    next();
  });
  for (const [path, asks] of [
    [ROOMS, principalOf],
    [PUBLIC, null],
  ] as const) {
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const principal = await askPrincipal(asks, request, agent.names);
      if (principal !== null && refusesCrossSite(request, reply)) return;
      layers.protect(reply);
      reply.hijack();
      // What hooks of the application have set (a request id, its security headers) goes out too, unless the control plane says otherwise.
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      const url = request.raw.url ?? '/';
      forwarder.forward({
        request: request.raw,
        response: reply.raw,
        path: url.slice(prefix.length),
        principal,
        requestId: String(reply.getHeader('x-request-id') ?? request.id),
        headers: (timing) => {
          const headers: Record<string, string> = {};
          const atMs = agent.clock.monotonicMs();
          const answered = { scope: null, startedAtMs: startedAtMs(reply.raw) ?? atMs, atMs, codingMs: 0 };
          const set = (name: string, value: string): void => {
            if (!reply.hasHeader(name) || name === 'server-timing') headers[name] = value;
          };
          describeAnswer(set, request, answered, agent.settings.current, report, timing);
          return headers;
        },
      });
    };
    for (const url of [`${prefix}${path}`, `${prefix}${path}/*`]) {
      app.route({
        method: [...METHODS],
        url,
        // Never counted as the application's own traffic.
        // The dashboard is looked at when a service is overloaded.
        config: { autopilot: { track: false, essential: true } },
        exposeHeadRoute: false,
        // A body that Fastify believes to be empty is left alone: it goes on to the control plane as it comes.
        preParsing: (request, _reply, payload, next) => {
          request.headers = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined };
          next(null, payload);
        },
        preValidation: (request, _reply, next) => {
          request.headers = {};
          next();
        },
        handler,
      });
    }
  }
}

function exposeMetrics(app: FastifyInstance, agent: AgentInternals, prefix: string): void {
  app.route({
    method: 'GET',
    url: `${prefix}${METRICS}`,
    config: { autopilot: { track: false } },
    exposeHeadRoute: false,
    handler: async ({ headers, raw }, reply) => {
      const url = raw.url ?? '';
      const from = url.indexOf('?');
      const {
        status,
        headers: answered,
        body,
      } = await agent.scrape({
        authorization: headers.authorization ?? null,
        accept: headers.accept ?? null,
        acceptEncoding: headers['accept-encoding'] ?? null,
        search: from < 0 ? '' : url.slice(from + 1),
      });
      return reply.code(status).headers(answered).send(body);
    },
  });
}

/**
 * A cookie opens nothing to a page of another site, whatever the application's own sign-in makes of it: true when the
 * request was answered so. An Authorization header is not sent along by browsers, and pages of other sites may not add one.
 */
function refusesCrossSite(request: FastifyRequest, reply: FastifyReply): boolean {
  const { 'sec-fetch-site': site, origin, cookie, authorization } = request.raw.headers;
  if (cookie === undefined || authorization !== undefined || !isCrossSite(request.raw)) return false;
  const from = site === undefined ? (origin ?? 'neither Origin nor Sec-Fetch-Site was sent') : `a ${site} page`;
  const problem = problemOf(
    'AP_CROSS_SITE',
    `A ${request.method} by session must come from a page of this site (here: ${from}).`,
    { remedy: 'Programs send a token of the autopilot as Bearer instead.', instance: request.id },
  );
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  return true;
}

/** null also when the application's function fails: the control plane then asks for a token. */
async function askPrincipal(
  principalOf: PrincipalOf | null,
  request: FastifyRequest,
  names: KnownNames,
): Promise<HostPrincipal | null> {
  if (principalOf === null) return null;
  try {
    const principal = await principalOf(request);
    if (!principal) return null;
    const { id, scopes, name } = principal;
    if (typeof id !== 'string' || id === '' || !Array.isArray(scopes)) return null;
    names.learn('user', id, name);
    return { id, scopes };
  } catch (error) {
    request.log.warn({ err: error }, 'autopilot: the option `principal` failed, the request is forwarded without one');
    return null;
  }
}
