import { errorOf, retryOf } from './client-error.ts';
import { follow, mergeDashboard, mergeMetrics, type StreamOptions } from './client-stream.ts';
import type {
  AccessToken,
  AccessTokenDraft,
  AccessTokenList,
  AuditList,
  CreatedAccessToken,
} from './contract/access.ts';
import type { AccessTokensQuery, AuditQuery } from './contract/access-operations.ts';
import type { BenchmarksQuery } from './contract/benchmark-operations.ts';
import type { Benchmark, BenchmarkComparison, BenchmarkHead, BenchmarkList } from './contract/benchmarks.ts';
import type { CompressionStats, CompressionStatsQuery } from './contract/compression-stats.ts';
import type {
  ConfigChange,
  ConfigCheck,
  ConfigInstanceList,
  ConfigPreset,
  ConfigPresetDraft,
  ConfigPresetList,
  ConfigSettingHistory,
  Configuration,
  ConfigVersion,
  ConfigVersionDiff,
  ConfigVersionList,
  SettingValue,
} from './contract/configuration.ts';
import type {
  ApplyPresetQuery,
  ConfigDiffQuery,
  ConfigHistoryQuery,
  ConfigQuery,
  ConfigServiceQuery,
  ConfigVersionsQuery,
  ImportConfigQuery,
  PatchConfigQuery,
  RestoreConfigQuery,
} from './contract/configuration-operations.ts';
import type {
  DatabaseAnalysis,
  DatabaseConnections,
  DatabaseHistoryAnswer,
  DatabaseIndexList,
  DatabaseTableList,
  SlowStatementList,
  WatchedDatabaseList,
} from './contract/database.ts';
import type { AnalyzeOrder, DatabaseMaintenance, VacuumOrder } from './contract/database-maintenance.ts';
import type {
  DatabaseHistoryQuery,
  DatabaseListQuery,
  DatabaseQuery,
  DatabaseTablesQuery,
  SlowStatementsQuery,
  StatementPlanQuery,
} from './contract/database-operations.ts';
import type { IndexAdviceAnswer } from './contract/index-advice.ts';
import type { IndexAdviceQuery, StartIndexAdviceQuery } from './contract/index-advice-operations.ts';
import type { LoadTestsQuery } from './contract/load-test-operations.ts';
import type {
  Job,
  LoadTest,
  LoadTestComparison,
  LoadTestHead,
  LoadTestList,
  LoadTestOrder,
} from './contract/load-tests.ts';
import type {
  DashboardQuery,
  HealthQuery,
  InstancesQuery,
  MetricsQuery,
  OperationId,
  OperationTypes,
  RoutesQuery,
} from './contract/operations.ts';
import { operations } from './contract/operations.ts';
import type { Dashboard, Health, InstanceList, MetricsAnswer, RouteList } from './contract/performance.ts';
import type { Profile, ProfileList } from './contract/profile.ts';
import type { ProfilesQuery, StartProfileQuery } from './contract/profile-operations.ts';
import type { ResourcesQuery, TenantsQuery } from './contract/resource-queries.ts';
import type { Resources, TenantList } from './contract/resources.ts';
import type { JsonSchema } from './contract/shape.ts';
import type { MeasuredPlan, PlanMeasurement, StatementPlan } from './contract/statement-plan.ts';
import type {
  AutoTuneAnswer,
  AutoTuneOrder,
  Recommendation,
  RecommendationList,
  TrialDetail,
  TrialHead,
  TrialList,
} from './contract/tuning.ts';
import type {
  RecommendationsQuery,
  TrySettingsQuery,
  TuningListQuery,
  TuningQuery,
} from './contract/tuning-operations.ts';

export { ApiError } from './client-error.ts';
export { type ConnectionState, mergeFrame, type StreamOptions } from './client-stream.ts';

/** Where the API is and how it is asked. */
export interface ClientOptions {
  /** Where the API is: '' for the page's own origin, or "http://127.0.0.1:3001". A path in it is kept before `/api/v1`. */
  readonly baseUrl: string;
  /** Asked before each request; null: none is sent, and the application's session (cookies) decides. */
  readonly token?: () => string | null;
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What a call can be told beside its query. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The typed client of the HTTP API; for browsers and Node. Calls reject with an ApiError or, without an answer, with fetch's TypeError. */
export interface Client {
  getDashboard(query?: DashboardQuery, options?: CallOptions): Promise<Dashboard>;
  /**
   * The dashboard once a second, each with whole trends. Reconnects by itself, waiting longer each time, up to 10 s;
   * rejects only when trying again can't help: signed out, forbidden, a parameter refused.
   */
  streamDashboard(query?: DashboardQuery, options?: StreamOptions): AsyncIterable<Dashboard>;
  getMetrics(query: MetricsQuery, options?: CallOptions): Promise<MetricsAnswer>;
  /** The frame once a second, whole; reconnects as {@link streamDashboard} does. */
  streamMetrics(query: MetricsQuery, options?: StreamOptions): AsyncIterable<MetricsAnswer>;
  getHealth(query?: HealthQuery, options?: CallOptions): Promise<Health>;
  listRoutes(query?: RoutesQuery, options?: CallOptions): Promise<RouteList>;
  listInstances(query?: InstancesQuery, options?: CallOptions): Promise<InstanceList>;
  listTenants(query?: TenantsQuery, options?: CallOptions): Promise<TenantList>;
  getResources(query?: ResourcesQuery, options?: CallOptions): Promise<Resources>;
  listDatabases(options?: CallOptions): Promise<WatchedDatabaseList>;
  getDatabaseAnalysis(query?: DatabaseQuery, options?: CallOptions): Promise<DatabaseAnalysis>;
  listSlowQueries(query?: SlowStatementsQuery, options?: CallOptions): Promise<SlowStatementList>;
  getDatabaseHistory(query?: DatabaseHistoryQuery, options?: CallOptions): Promise<DatabaseHistoryAnswer>;
  getStatementPlan(query: StatementPlanQuery, options?: CallOptions): Promise<StatementPlan>;
  measureStatementPlan(request: PlanMeasurement, query?: DatabaseQuery, options?: CallOptions): Promise<MeasuredPlan>;
  getDatabaseMaintenance(query?: DatabaseQuery, options?: CallOptions): Promise<DatabaseMaintenance>;
  /** A job: ask getJob for it. Without `tables`: those that are due. */
  analyzeTables(order: AnalyzeOrder, query?: DatabaseQuery, options?: CallOptions): Promise<Job>;
  /** As {@link analyzeTables}. */
  vacuumTables(order: VacuumOrder, query?: DatabaseQuery, options?: CallOptions): Promise<Job>;
  listDatabaseTables(query?: DatabaseTablesQuery, options?: CallOptions): Promise<DatabaseTableList>;
  listDatabaseIndexes(query?: DatabaseListQuery, options?: CallOptions): Promise<DatabaseIndexList>;
  getDatabaseConnections(query?: DatabaseQuery, options?: CallOptions): Promise<DatabaseConnections>;
  getIndexAdvice(query?: IndexAdviceQuery, options?: CallOptions): Promise<IndexAdviceAnswer>;
  /** Answers at once; ask getIndexAdvice for what came of it. */
  startIndexAdvice(query?: StartIndexAdviceQuery, options?: CallOptions): Promise<Job>;
  getCompressionStats(query?: CompressionStatsQuery, options?: CallOptions): Promise<CompressionStats>;
  /** Answers at once; ask getProfile for it until it does not run any more. */
  startProfile(query?: StartProfileQuery, options?: CallOptions): Promise<Profile>;
  listProfiles(query?: ProfilesQuery, options?: CallOptions): Promise<ProfileList>;
  getProfile(id: string, options?: CallOptions): Promise<Profile>;
  getConfig(query?: ConfigQuery, options?: CallOptions): Promise<Configuration>;
  getConfigSchema(options?: CallOptions): Promise<JsonSchema>;
  /** `ifVersion`: the version that the change is based on, as getConfig answered it; 412 when another is the newest. */
  patchConfig(
    patch: ConfigPatch,
    query: PatchConfigQuery & { readonly ifVersion: number },
    options?: CallOptions,
  ): Promise<ConfigChange>;
  validateConfig(patch: ConfigPatch, query?: ConfigQuery, options?: CallOptions): Promise<ConfigCheck>;
  listConfigVersions(query?: ConfigVersionsQuery, options?: CallOptions): Promise<ConfigVersionList>;
  getConfigVersion(version: number, query?: ConfigServiceQuery, options?: CallOptions): Promise<ConfigVersion>;
  diffConfigVersions(version: number, query?: ConfigDiffQuery, options?: CallOptions): Promise<ConfigVersionDiff>;
  /** `version` 0: as before anything was changed. */
  restoreConfigVersion(
    version: number,
    query?: Omit<RestoreConfigQuery, 'dryRun'> & IfVersion,
    options?: CallOptions,
  ): Promise<ConfigChange>;
  /** What restoreConfigVersion would do. */
  checkConfigRestore(version: number, query?: ConfigServiceQuery, options?: CallOptions): Promise<ConfigCheck>;
  getConfigHistory(query: ConfigHistoryQuery, options?: CallOptions): Promise<ConfigSettingHistory>;
  listConfigPresets(query?: ConfigServiceQuery, options?: CallOptions): Promise<ConfigPresetList>;
  putConfigPreset(
    name: string,
    preset: ConfigPresetDraft,
    query?: ConfigServiceQuery,
    options?: CallOptions,
  ): Promise<ConfigPreset>;
  deleteConfigPreset(name: string, query?: ConfigServiceQuery, options?: CallOptions): Promise<ConfigPresetList>;
  applyConfigPreset(
    name: string,
    query?: Omit<ApplyPresetQuery, 'dryRun'> & IfVersion,
    options?: CallOptions,
  ): Promise<ConfigChange>;
  /** What applyConfigPreset would do. */
  checkConfigPreset(
    name: string,
    query?: Omit<ApplyPresetQuery, 'dryRun'>,
    options?: CallOptions,
  ): Promise<ConfigCheck>;
  exportConfig(format: 'yaml' | 'json', query?: ConfigServiceQuery, options?: CallOptions): Promise<string>;
  importConfig(
    document: ConfigDocument,
    query?: Omit<ImportConfigQuery, 'dryRun'> & IfVersion,
    options?: CallOptions,
  ): Promise<ConfigChange>;
  /** What importConfig would do. */
  checkConfigImport(
    document: ConfigDocument,
    query?: Omit<ImportConfigQuery, 'dryRun'>,
    options?: CallOptions,
  ): Promise<ConfigCheck>;
  listConfigInstances(query?: ConfigServiceQuery, options?: CallOptions): Promise<ConfigInstanceList>;
  listAccessTokens(query?: AccessTokensQuery, options?: CallOptions): Promise<AccessTokenList>;
  /** The answer is the only place that shows the token. */
  createAccessToken(draft: AccessTokenDraft, options?: CallOptions): Promise<CreatedAccessToken>;
  revokeAccessToken(id: string, options?: CallOptions): Promise<AccessToken>;
  listAudit(query?: AuditQuery, options?: CallOptions): Promise<AuditList>;
  listRecommendations(query?: RecommendationsQuery, options?: CallOptions): Promise<RecommendationList>;
  applyRecommendation(id: string, query?: TuningQuery, options?: CallOptions): Promise<TrialHead>;
  dismissRecommendation(
    id: string,
    reason: string,
    query?: TuningQuery,
    options?: CallOptions,
  ): Promise<Recommendation>;
  autoTune(order?: AutoTuneOrder, query?: TuningQuery, options?: CallOptions): Promise<AutoTuneAnswer>;
  /** Tries settings, given as patchConfig takes them. */
  trySettings(patch: ConfigPatch, query?: TrySettingsQuery, options?: CallOptions): Promise<TrialHead>;
  listTrials(query?: TuningListQuery, options?: CallOptions): Promise<TrialList>;
  getTrial(id: string, options?: CallOptions): Promise<TrialDetail>;
  revertTrial(id: string, options?: CallOptions): Promise<TrialHead>;
  /** With `users` and `durationSeconds` the API starts a test; use {@link startLoadTest} for that. */
  getLoadTests(
    query?: Pick<LoadTestsQuery, 'service' | 'limit' | 'cursor'>,
    options?: CallOptions,
  ): Promise<LoadTestList>;
  startLoadTest(
    order: LoadTestOrder,
    query?: { readonly service?: string },
    options?: CallOptions,
  ): Promise<LoadTestHead>;
  getLoadTest(id: string, options?: CallOptions): Promise<LoadTest>;
  /** The test once a second, while it runs and afterwards; reconnects as {@link streamDashboard} does. */
  streamLoadTest(id: string, options?: StreamOptions): AsyncIterable<LoadTest>;
  /** Resolves when it has ended. */
  stopLoadTest(id: string, options?: CallOptions): Promise<LoadTestHead>;
  /** `before`: the id of the test that this one is compared with. */
  compareLoadTests(id: string, before: string, options?: CallOptions): Promise<LoadTestComparison>;
  getBenchmarks(query?: Omit<BenchmarksQuery, 'run'>, options?: CallOptions): Promise<BenchmarkList>;
  startBenchmark(query?: { readonly service?: string }, options?: CallOptions): Promise<BenchmarkHead>;
  getBenchmark(id: string, options?: CallOptions): Promise<Benchmark>;
  stopBenchmark(id: string, options?: CallOptions): Promise<BenchmarkHead>;
  /** `before`: the id of the benchmark that this one is compared with. */
  compareBenchmarks(id: string, before: string, options?: CallOptions): Promise<BenchmarkComparison>;
  getJob(id: string, options?: CallOptions): Promise<Job>;
  cancelJob(id: string, options?: CallOptions): Promise<Job>;
}

/** The version that a change is based on: 412 when another is the newest. Left out: whichever is. */
export interface IfVersion {
  readonly ifVersion?: number;
}

/** Nested settings, as {@link Configuration.values}; null takes a value back. */
export type ConfigPatch = Readonly<Record<string, Readonly<Record<string, SettingValue>>>>;

/** What exportConfig answered. */
export interface ConfigDocument {
  readonly format: 'yaml' | 'json';
  readonly text: string;
}

/** What goes with a call beside its query. */
interface Sent {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly body?: { readonly mediaType: string; readonly text: string };
  readonly ifVersion?: number | undefined;
}

/** Makes a client; nothing is asked before its first call. */
export function createClient(options: ClientOptions): Client {
  const base = options.baseUrl.replace(/\/+$/, '');
  // Called as a plain function: a browser's fetch refuses any other `this` than its window.
  const send = options.fetch ?? ((input: string | URL | Request, init?: RequestInit) => fetch(input, init));

  const request = async (
    id: OperationId,
    query: object,
    accept: string,
    signal: AbortSignal | undefined,
    { params = {}, body, ifVersion }: Sent = {},
  ): Promise<Response> => {
    const token = options.token?.() ?? null;
    const headers: Record<string, string> = { accept: `${accept}, application/problem+json` };
    if (token !== null) headers['authorization'] = `Bearer ${token}`;
    const { method } = operations[id];
    // What a page of another site can't send: changes by session are taken with it.
    if (method !== 'GET') headers['x-autopilot-request'] = '1';
    if (ifVersion !== undefined) headers['if-match'] = `"${ifVersion}"`;
    if (body !== undefined) headers['content-type'] = body.mediaType;
    const path = operations[id].path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? ''),
    );
    const response = await send(`${base}${path}${searchOf(query)}`, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: body.text }),
      ...(signal ? { signal } : {}),
    });
    if (!response.ok) throw await errorOf(response);
    return response;
  };

  const call = async <Id extends OperationId>(
    id: Id,
    query: object = {},
    { signal }: CallOptions = {},
    sent: Sent = {},
  ): Promise<OperationTypes[Id]['answer']> => {
    const response = await request(id, query, 'application/json', signal, sent);
    // The operation table declares what this call answers, and tests hold the server to it.
    return (await response.json()) as OperationTypes[Id]['answer'];
  };

  const patchOf = (patch: ConfigPatch): NonNullable<Sent['body']> => ({
    mediaType: 'application/merge-patch+json',
    text: JSON.stringify(patch),
  });
  const documentOf = ({ format, text }: ConfigDocument): NonNullable<Sent['body']> => ({
    mediaType: `application/${format}`,
    text,
  });
  /** Of calls that answer what they would do, when they are told to do nothing. */
  const check = async (
    id: 'applyConfigPreset' | 'importConfig' | 'restoreConfigVersion',
    query: object,
    { signal }: CallOptions = {},
    sent: Sent = {},
  ): Promise<ConfigCheck> => {
    const response = await request(id, { ...query, dryRun: true }, 'application/json', signal, sent);
    // As the operation's description says.
    return (await response.json()) as ConfigCheck;
  };

  const stream = <Id extends 'getDashboard' | 'getMetrics'>(
    id: Id,
    query: object,
    streamOptions: StreamOptions,
    merge: (before: OperationTypes[Id]['answer'], event: OperationTypes[Id]['answer']) => OperationTypes[Id]['answer'],
  ): AsyncIterable<OperationTypes[Id]['answer']> =>
    follow((signal) => request(id, query, 'text/event-stream', signal), streamOptions, merge, retryOf);

  return {
    getDashboard: (query, callOptions) => call('getDashboard', query, callOptions),
    getMetrics: (query, callOptions) => call('getMetrics', query, callOptions),
    getHealth: (query, callOptions) => call('getHealth', query, callOptions),
    listRoutes: (query, callOptions) => call('listRoutes', query, callOptions),
    listInstances: (query, callOptions) => call('listInstances', query, callOptions),
    listTenants: (query, callOptions) => call('listTenants', query, callOptions),
    getResources: (query, callOptions) => call('getResources', query, callOptions),
    listDatabases: (callOptions) => call('listDatabases', {}, callOptions),
    getDatabaseAnalysis: (query, callOptions) => call('getDatabaseAnalysis', query, callOptions),
    listSlowQueries: (query, callOptions) => call('listSlowQueries', query, callOptions),
    getStatementPlan: (query, callOptions) => call('getStatementPlan', query, callOptions),
    measureStatementPlan: (request, query, callOptions) =>
      call('measureStatementPlan', query, callOptions, { body: jsonBody(request) }),
    getDatabaseHistory: (query, callOptions) => call('getDatabaseHistory', query, callOptions),
    getDatabaseMaintenance: (query, callOptions) => call('getDatabaseMaintenance', query, callOptions),
    analyzeTables: (order, query, callOptions) => call('analyzeTables', query, callOptions, { body: jsonBody(order) }),
    vacuumTables: (order, query, callOptions) => call('vacuumTables', query, callOptions, { body: jsonBody(order) }),
    listDatabaseTables: (query, callOptions) => call('listDatabaseTables', query, callOptions),
    listDatabaseIndexes: (query, callOptions) => call('listDatabaseIndexes', query, callOptions),
    getDatabaseConnections: (query, callOptions) => call('getDatabaseConnections', query, callOptions),
    getIndexAdvice: (query, callOptions) => call('getIndexAdvice', query, callOptions),
    startIndexAdvice: (query, callOptions) => call('startIndexAdvice', query, callOptions),
    getCompressionStats: (query, callOptions) => call('getCompressionStats', query, callOptions),
    startProfile: (query, callOptions) => call('startProfile', query, callOptions),
    listProfiles: (query, callOptions) => call('listProfiles', query, callOptions),
    getProfile: (id, callOptions) => call('getProfile', {}, callOptions, { params: { id } }),
    getConfig: (query, callOptions) => call('getConfig', query, callOptions),
    getConfigSchema: (callOptions) => call('getConfigSchema', {}, callOptions),
    patchConfig: (patch, { ifVersion, ...query }, callOptions) =>
      call('patchConfig', query, callOptions, { body: patchOf(patch), ifVersion }),
    validateConfig: (patch, query, callOptions) => call('validateConfig', query, callOptions, { body: patchOf(patch) }),
    listConfigVersions: (query, callOptions) => call('listConfigVersions', query, callOptions),
    getConfigVersion: (n, query, callOptions) => call('getConfigVersion', query, callOptions, { params: { n } }),
    diffConfigVersions: (n, query, callOptions) => call('diffConfigVersions', query, callOptions, { params: { n } }),
    restoreConfigVersion: (n, { ifVersion, ...query } = {}, callOptions = {}) =>
      call('restoreConfigVersion', query, callOptions, { params: { n }, ifVersion }),
    checkConfigRestore: (n, query = {}, callOptions = {}) =>
      check('restoreConfigVersion', query, callOptions, { params: { n } }),
    getConfigHistory: (query, callOptions) => call('getConfigHistory', query, callOptions),
    listConfigPresets: (query, callOptions) => call('listConfigPresets', query, callOptions),
    putConfigPreset: (name, preset, query, callOptions) =>
      call('putConfigPreset', query, callOptions, {
        params: { name },
        body: jsonBody(preset),
      }),
    deleteConfigPreset: (name, query, callOptions) =>
      call('deleteConfigPreset', query, callOptions, { params: { name } }),
    applyConfigPreset: (name, { ifVersion, ...query } = {}, callOptions = {}) =>
      call('applyConfigPreset', query, callOptions, { params: { name }, ifVersion }),
    checkConfigPreset: (name, query = {}, callOptions = {}) =>
      check('applyConfigPreset', query, callOptions, { params: { name } }),
    exportConfig: async (format, query = {}, { signal } = {}) =>
      await (await request('exportConfig', query, `application/${format}`, signal)).text(),
    importConfig: (document, { ifVersion, ...query } = {}, callOptions = {}) =>
      call('importConfig', query, callOptions, { body: documentOf(document), ifVersion }),
    checkConfigImport: (document, query = {}, callOptions = {}) =>
      check('importConfig', query, callOptions, { body: documentOf(document) }),
    listConfigInstances: (query, callOptions) => call('listConfigInstances', query, callOptions),
    listAccessTokens: (query, callOptions) => call('listAccessTokens', query, callOptions),
    createAccessToken: (draft, callOptions) =>
      call('createAccessToken', {}, callOptions, {
        body: jsonBody(draft),
      }),
    revokeAccessToken: (id, callOptions) => call('revokeAccessToken', {}, callOptions, { params: { id } }),
    listAudit: (query, callOptions) => call('listAudit', query, callOptions),
    listRecommendations: (query, callOptions) => call('listRecommendations', query, callOptions),
    applyRecommendation: (id, query, callOptions) =>
      call('applyRecommendation', query, callOptions, { params: { id } }),
    dismissRecommendation: (id, reason, query, callOptions) =>
      call('dismissRecommendation', query, callOptions, { params: { id }, body: jsonBody({ reason }) }),
    autoTune: (order, query, callOptions) => call('autoTune', query, callOptions, { body: jsonBody(order ?? {}) }),
    trySettings: (patch, query, callOptions) => call('trySettings', query, callOptions, { body: patchOf(patch) }),
    listTrials: (query, callOptions) => call('listTrials', query, callOptions),
    getTrial: (id, callOptions) => call('getTrial', {}, callOptions, { params: { id } }),
    revertTrial: (id, callOptions) => call('revertTrial', {}, callOptions, { params: { id } }),
    getLoadTests: (query, callOptions) => call('getLoadTests', query, callOptions),
    startLoadTest: (order, query, callOptions) =>
      call('startLoadTest', query, callOptions, {
        body: jsonBody(order),
      }),
    getLoadTest: (id, callOptions) => call('getLoadTest', {}, callOptions, { params: { id } }),
    streamLoadTest: (id, streamOptions = {}) =>
      follow<LoadTest>(
        (signal) => request('getLoadTest', {}, 'text/event-stream', signal, { params: { id } }),
        streamOptions,
        (_, event) => event,
        retryOf,
      ),
    stopLoadTest: (id, callOptions) => call('stopLoadTest', {}, callOptions, { params: { id } }),
    compareLoadTests: (id, before, callOptions) =>
      call('compareLoadTests', { with: before }, callOptions, { params: { id } }),
    getBenchmarks: (query, callOptions) => call('getBenchmarks', query, callOptions),
    startBenchmark: (query, callOptions) => call('startBenchmark', query, callOptions),
    getBenchmark: (id, callOptions) => call('getBenchmark', {}, callOptions, { params: { id } }),
    stopBenchmark: (id, callOptions) => call('stopBenchmark', {}, callOptions, { params: { id } }),
    compareBenchmarks: (id, before, callOptions) =>
      call('compareBenchmarks', { with: before }, callOptions, { params: { id } }),
    getJob: (id, callOptions) => call('getJob', {}, callOptions, { params: { id } }),
    cancelJob: (id, callOptions) => call('cancelJob', {}, callOptions, { params: { id } }),
    streamDashboard: (query = {}, streamOptions = {}) => stream('getDashboard', query, streamOptions, mergeDashboard),
    streamMetrics: (query, streamOptions = {}) => stream('getMetrics', query, streamOptions, mergeMetrics),
  };
}

function searchOf(query: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

function jsonBody(value: unknown): { readonly mediaType: string; readonly text: string } {
  return { mediaType: 'application/json', text: JSON.stringify(value) };
}
