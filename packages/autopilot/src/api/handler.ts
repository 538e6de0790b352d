import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../contract/error-table.ts';
import { expositionMediaTypes } from '../contract/media-types.ts';
import { openApiDocument } from '../contract/openapi.ts';
import { type OperationId, type OperationTypes, operations } from '../contract/operations.ts';
import type { Dashboard, Liveness, MetricsAnswer, Readiness } from '../contract/performance.ts';
import { type Principal, SERVICE_HEADER } from '../contract/principal.ts';
import type { Shape } from '../contract/shape.ts';
import type { Exposition } from '../expose/exposition.ts';
import type { FleetMetrics } from '../expose/fleet-metrics.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { linkHeader } from '../page/page.ts';
import { type AccessSources, accessAnswers } from './access/answers.ts';
import { authenticate, type Doors } from './authentication.ts';
import { type ConfigurationSources, configurationAnswers } from './config/answers.ts';
import { DASHBOARD_PATH, type DashboardFiles } from './dashboard-files.ts';
import { databaseAnswers } from './database/answers.ts';
import { indexAdviceAnswers, indexAdviceJobs } from './database/index-advice-answers.ts';
import { maintenanceJobs } from './database/maintenance-answers.ts';
import type { DatabaseSources } from './database/sources.ts';
import { DOCS_POLICY, docsPage } from './docs-page.ts';
import type { EventStreams } from './event-streams.ts';
import { jobAnswers } from './jobs.ts';
import { acceptedMediaType } from './media-types.ts';
import { OperationRouter } from './operation-router.ts';
import { benchmarkAnswers } from './optimization/benchmark-answers.ts';
import { getCompressionStats } from './optimization/compression-stats.ts';
import { benchmarkJobs, type LoadSources, loadTestAnswers, loadTestJobs } from './optimization/load-test-answers.ts';
import { type TuningSources, trialJobs, tuningAnswers } from './optimization/tuning-answers.ts';
import { dashboardTail, getDashboard, refuseFixedRange } from './performance/dashboard.ts';
import { listInstances } from './performance/instances.ts';
import { getMetrics, metricsQuestion, metricsTail } from './performance/metrics.ts';
import type { Profiles } from './performance/profiles.ts';
import { getResources } from './performance/resources.ts';
import { listRoutes } from './performance/routes.ts';
import { type PerformanceSources, scopeOf } from './performance/sources.ts';
import { listTenants } from './performance/tenants.ts';
import { type QueryParser, queryParserOf } from './query-parser.ts';
import type { RecentAnswers } from './recent-answers.ts';
import { type CallBody, readBody } from './request-body.ts';
import { eventStreamResponse, failureOf, jsonResponse, problemResponse, textResponse } from './responses.ts';

/** What the API is put together from. */
export interface ApiParts {
  readonly doors: Doors;
  readonly performance: PerformanceSources;
  readonly metrics: { readonly exposition: Exposition; readonly fleet: FleetMetrics };
  readonly configuration: ConfigurationSources;
  readonly access: AccessSources;
  readonly databases: Pick<DatabaseSources, 'watched' | 'advice' | 'slowMs' | 'maintenance'>;
  readonly profiles: Profiles;
  readonly loads: LoadSources;
  readonly tuning: TuningSources;
  readonly answers: RecentAnswers;
  readonly streams: EventStreams;
  readonly dashboard: DashboardFiles;
  /** Reasons why requests can't be served; none: ready. */
  readonly unready: () => readonly string[];
  /** What requests are served without, as sentences; none: nothing. */
  readonly limits: () => readonly string[];
  readonly version: string;
  /** Told of failures that nobody expected, with the request's id. */
  readonly onTrouble: (message: string, cause: unknown) => void;
}

/** Answers one request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** Addresses longer than this are refused: the longest that a client of ours writes has a cursor of 4,096. */
const MAX_ADDRESS_LENGTH = 8192;
/** Where no body is taken, one that claims more than this is refused as too large without being looked at. */
const MAX_BODY_BYTES = 65_536;

/** One call, as the operation's answering sees it. */
export interface Call<Id extends OperationId> {
  readonly query: OperationTypes[Id]['query'];
  readonly url: URL;
  readonly streams: boolean;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  /** Stands for the operation and its query: who has the same key is given the same answer within a second. */
  readonly key: string;
  readonly mediaType: string;
  /** null: the call needs no sign-in. */
  readonly principal: Principal | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: CallBody | null;
  readonly ifMatch: string | null;
}

/** What is found out of a call on its way, for the audit log. `operation` null: it changes nothing, or there is no such call. */
interface Asked {
  operation: OperationId | null;
  principal: Principal | null;
  target: string;
}

type Respond = (request: Request, url: URL, requestId: string, asked: Asked) => Promise<Response>;

/** How each operation is answered. */
export type Answering = { readonly [Id in OperationId]: (call: Call<Id>) => Promise<Response> };

/** The HTTP API as a function: routing, validation, access and errors come from the operation table. */
export function createHandler(parts: ApiParts): Handler {
  const answering = answeringOf(parts);
  const router = new OperationRouter();
  const parsers = new Map<OperationId, QueryParser>();
  const paramParsers = new Map<OperationId, QueryParser>();
  // The keys of the table are the operation ids, which Object.keys can't say.
  for (const id of Object.keys(operations) as OperationId[]) {
    // Its queries are shapes of objects: ShapeOf is too deep for the compiler to see that of any one of them.
    const query = operations[id].query as Shape;
    parsers.set(id, queryParserOf(query.kind === 'object' ? query : { kind: 'object', fields: {} }));
    const { params } = operations[id];
    if (params !== undefined) paramParsers.set(id, queryParserOf(params));
  }

  const respond: Respond = async (request, url, requestId, asked) => {
    const { pathname } = url;
    const found = router.find(pathname);
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const named = found?.byMethod.get(isGet ? 'GET' : request.method);
    if (named === undefined && (found !== null || (!isGet && isOfPages(pathname)))) {
      return otherMethod(request, requestId, found === null ? ['GET'] : [...found.byMethod.keys()]);
    }
    if (!isGet && named !== undefined) Object.assign(asked, { operation: named, target: pathname });
    const body = named === undefined ? undefined : operations[named].body;
    if (body === undefined) refuseBody(request);
    if (named === undefined) return besideTheApi(parts, pathname, request.headers, requestId, router.paths);
    const { scope, mediaTypes } = operations[named];
    const principal = scope === null ? null : authenticate(request.headers, scope, parts.doors);
    asked.principal = principal;
    if (!isGet && principal?.by === 'session') refuseOtherSites(request.headers);
    const mediaType = acceptedMediaType(request.headers.get('accept'), mediaTypes);
    if (mediaType === null) {
      throw new AutopilotError('AP_NOT_ACCEPTABLE', `${pathname} is not made as ${request.headers.get('accept')}.`, {
        remedy: `It can be had as ${mediaTypes.join(' or ')}.`,
      });
    }
    // One address, two calls: what Prometheus accepts says which.
    const id = named === 'getMetrics' && expositionMediaTypes.includes(mediaType) ? 'getExposition' : named;
    const query = withService(id, parsers.get(id)?.(url.searchParams) ?? {}, request.headers, parts.performance);
    // The GETs that do something, where they are told to.
    if (id === 'getLoadTests' && 'users' in query) asked.operation = 'startLoadTest';
    if (id === 'getBenchmarks' && 'run' in query && query.run === true) asked.operation = 'startBenchmark';
    asked.target = `${pathname}${aboutOf(query)}`;
    const key = `${id}?${JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    const call = {
      query,
      url,
      streams: mediaType === 'text/event-stream' && request.method === 'GET',
      headers: request.headers,
      signal: request.signal,
      key,
      mediaType,
      principal,
      params: paramParsers.get(id)?.(new URLSearchParams(found?.params)) ?? {},
      body: body === undefined ? null : { ...(await readBody(request, body)), declared: body },
      ifMatch: request.headers.get('if-match'),
    };
    // The parser of this operation made its query, and the key is that of this operation alone.
    return (answering[id] as (call: unknown) => Promise<Response>)(call);
  };

  return async (request) => {
    const requestId = requestIdOf(request.headers.get('x-request-id'));
    const answer = await answerOf(request, requestId, respond, parts);
    answer.headers.set('x-request-id', requestId);
    if (request.method !== 'HEAD') return answer;
    await answer.body?.cancel();
    return new Response(null, { status: answer.status, headers: answer.headers });
  };
}

async function answerOf(request: Request, requestId: string, respond: Respond, parts: ApiParts): Promise<Response> {
  const asked: Asked = { operation: null, principal: null, target: '' };
  let code: string | null = null;
  const answer = await tried();
  const { operation, principal, target } = asked;
  if (operation !== null) {
    const { status } = answer;
    const outcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed';
    const actor = principal?.id ?? null;
    const by = principal?.by ?? null;
    await parts.access.audit.record({ actor, by, operation, target, outcome, status, code, requestId });
  }
  return answer;

  async function tried(): Promise<Response> {
    try {
      if (request.url.length > MAX_ADDRESS_LENGTH) {
        throw new AutopilotError('AP_ADDRESS_TOO_LONG', `The address has ${request.url.length} characters.`, {
          remedy: `At most ${MAX_ADDRESS_LENGTH} are read.`,
        });
      }
      return await respond(request, new URL(request.url), requestId, asked);
    } catch (thrown) {
      const { response, unexpected } = failureOf(thrown, requestId);
      if (unexpected !== null) parts.onTrouble(`Request ${requestId} failed`, unexpected);
      code = thrown instanceof AutopilotError ? thrown.code : 'AP_INTERNAL';
      return response;
    }
  }
}

/** What a call is about, for the audit log: its parameters were looked at, and what people write stays out. */
function aboutOf(query: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (name !== 'note' && name !== 'cursor') search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

function answeringOf(parts: ApiParts): Answering {
  const { performance, streams, answers, version } = parts;
  const document = openApiDocument({ version });
  const page = docsPage(document);
  return {
    getDashboard: async ({ query, key, streams: follows, signal }) => {
      if (follows) refuseFixedRange(query);
      const compute = (): Promise<Dashboard> => getDashboard(performance, query);
      const dashboard = await answers.get(key, compute);
      if (!follows) return jsonResponse(dashboard);
      const renewed = (): Promise<Dashboard> => answers.renew(key, compute);
      const source = { key, event: 'dashboard', compute: renewed, tail: dashboardTail };
      return eventStreamResponse(streams.open(source, dashboard, signal));
    },
    getMetrics: async ({ query, streams: follows, signal }) => {
      const question = await metricsQuestion(performance, query, follows);
      // Not of the query: where a stream's range began is nothing of what it answers, only how far it looks back.
      const key = `getMetrics ${JSON.stringify(question)}`;
      const compute = (): Promise<MetricsAnswer> => getMetrics(performance, question);
      const answer = await answers.get(key, compute);
      if (!follows) return jsonResponse(answer);
      const renewed = (): Promise<MetricsAnswer> => answers.renew(key, compute);
      const source = { key, event: 'metrics', compute: renewed, tail: metricsTail };
      return eventStreamResponse(streams.open(source, answer, signal));
    },
    getExposition: async ({ query, headers, key }) => {
      const { exposition, fleet } = parts.metrics;
      const { bucketsPerOctave, ...selected } = query;
      const { body, headers: written } = await exposition.scrape({
        accept: headers.get('accept'),
        acceptEncoding: headers.get('accept-encoding'),
        ...(bucketsPerOctave === undefined ? {} : { density: bucketsPerOctave }),
        key,
        sources: () => fleet.sources(selected),
      });
      return new Response(body, { headers: { ...written, 'content-length': String(body.length) } });
    },
    getHealth: async ({ query, key }) =>
      jsonResponse(await answers.get(key, async () => await performance.health(scopeOf(performance, query)))),
    listRoutes: async ({ query, key, url }) => {
      const list = await answers.get(key, () => listRoutes(performance, query));
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, list.page) });
    },
    listInstances: async ({ query, key, url }) => {
      const list = await answers.get(key, () => listInstances(performance, query));
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, list.page) });
    },
    listTenants: async ({ query, key, url }) => {
      const list = await answers.get(key, () => listTenants(performance, query));
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, list.page) });
    },
    getResources: async ({ query, key, url }) => {
      const resources = await answers.get(key, () => getResources(performance, query));
      return jsonResponse(resources, 200, { link: linkHeader(url.pathname + url.search, resources.page) });
    },
    getCompressionStats: async ({ query, key, url }) => {
      const stats = await answers.get(key, () => getCompressionStats(performance, query));
      return jsonResponse(stats, 200, { link: linkHeader(url.pathname + url.search, stats.page) });
    },
    startProfile: async ({ query, principal }) => {
      const { service } = scopeOf(performance, query.service === undefined ? {} : { service: query.service });
      const profile = parts.profiles.start(service, query, principal?.id ?? '');
      return jsonResponse(profile, 202, { location: `/api/v1/performance/profiles/${profile.id}` });
    },
    listProfiles: async ({ query }) => {
      const { service } = scopeOf(performance, query);
      return jsonResponse({ service, profiles: parts.profiles.list(service) });
    },
    getProfile: async ({ params }) => jsonResponse(parts.profiles.get(String(params['id']))),
    ...configurationAnswers(parts.configuration),
    ...accessAnswers(parts.access),
    ...databaseAnswers({ ...parts.databases, performance, answers }),
    ...loadTestAnswers(parts.loads),
    ...indexAdviceAnswers({ ...parts.databases, performance }),
    ...benchmarkAnswers(parts.loads),
    ...tuningAnswers(parts.tuning),
    ...jobAnswers([
      maintenanceJobs(parts.databases.maintenance),
      indexAdviceJobs(parts.databases.advice),
      loadTestJobs(parts.loads.desk),
      benchmarkJobs(parts.loads.benchmarks),
      trialJobs(parts.tuning),
    ]),
    getOpenApi: async () => jsonResponse(document),
    getDocs: async () =>
      textResponse(200, 'text/html; charset=utf-8', page, { 'content-security-policy': DOCS_POLICY }),
    getLiveness: async () => jsonResponse({ status: 'alive' } satisfies Liveness),
    getReadiness: async () => {
      const reasons = parts.unready();
      const status = reasons.length === 0 ? 'ready' : 'not ready';
      const readiness: Readiness = { status, reasons, limits: parts.limits() };
      return jsonResponse(readiness, reasons.length === 0 ? 200 : 503);
    },
  };
}

/** The service of the application that one asks through, where a call may name one and does not. */
function withService(id: OperationId, query: object, headers: Headers, { agents }: PerformanceSources): object {
  const shape = operations[id].query as Shape; // as above: too deep for the compiler
  const header = headers.get(SERVICE_HEADER);
  if (header === null || 'service' in query || shape.kind !== 'object' || !('service' in shape.fields)) return query;
  let service: string;
  try {
    service = decodeURIComponent(header);
  } catch {
    return query;
  }
  return agents.services().includes(service) ? { ...query, service } : query;
}

/** The dashboard's files, and ways to them. */
async function besideTheApi(
  parts: ApiParts,
  pathname: string,
  headers: Headers,
  requestId: string,
  paths: Iterable<string>,
): Promise<Response> {
  if (isOfPages(pathname) && !pathname.startsWith(DASHBOARD_PATH)) {
    return new Response(null, { status: 302, headers: { location: DASHBOARD_PATH, 'cache-control': 'no-store' } });
  }
  if (pathname.startsWith(DASHBOARD_PATH)) {
    const file = await parts.dashboard.serve(pathname, headers.get('accept-encoding'));
    if (file !== null) return file;
  }
  const nearest = nearestName(pathname, paths);
  const remedy = nearest === null ? 'All addresses are listed at /api/v1/docs.' : `${nearest} was probably meant.`;
  return problemResponse('AP_NOT_FOUND', `There is nothing at ${pathname.slice(0, 200)}.`, requestId, remedy);
}

/** The dashboard, and the two addresses that lead to it. */
function isOfPages(pathname: string): boolean {
  return pathname === '/' || `${pathname}/` === DASHBOARD_PATH || pathname.startsWith(DASHBOARD_PATH);
}

/** OPTIONS asks which methods an address takes (RFC 9110, section 9.3.7); any other that it does not take is refused. */
function otherMethod(request: Request, requestId: string, methods: readonly string[]): Response {
  const code: ErrorCode = 'AP_METHOD_NOT_ALLOWED';
  const allow = [...methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(', ');
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  return problemResponse(code, `${request.method} is not taken here.`, requestId, `Use ${allow}.`, { allow });
}

/** A body on a GET means nothing (RFC 9110, section 9.3.1), and who sends one expects something else to happen. */
function refuseBody(request: Request): void {
  const length = Number(request.headers.get('content-length') ?? 0);
  if (length === 0 && request.headers.get('transfer-encoding') === null) return;
  if (length > MAX_BODY_BYTES) {
    throw new AutopilotError('AP_BODY_TOO_LARGE', `The body has ${length} bytes; this call takes none.`);
  }
  throw new AutopilotError('AP_BODY_INVALID', 'A body was sent, but this call takes none.', {
    remedy: 'Send parameters in the address.',
  });
}

/**
 * Cross-site request forgery: a browser brings its user's session to wherever another site sends it. Modern browsers say
 * where a request comes from (Fetch Metadata, W3C); others can't be made to send a header of ours across sites.
 */
function refuseOtherSites(headers: Headers): void {
  const from = headers.get('sec-fetch-site');
  if (from === 'same-origin' || (from === null && headers.get('x-autopilot-request') !== null)) return;
  throw new AutopilotError(
    'AP_CROSS_SITE',
    from === null ? 'Nothing says where this change comes from.' : `This change comes from another site (${from}).`,
    { remedy: 'Make it in the dashboard, send the header X-Autopilot-Request: 1, or use a token.' },
  );
}

/** The caller's own id, to follow a request through both logs, if it is one; else a new one. */
function requestIdOf(given: string | null): string {
  return given !== null && /^[\w\-.]{1,128}$/.test(given) ? given : randomUUID();
}
