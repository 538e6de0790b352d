import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type PrincipalKey, PrincipalVerifier } from './access/signed-principal.ts';
import { makeToken, TokenVerifier } from './access/token.ts';
import { AccessOffice } from './api/access/access-office.ts';
import { ConfigurationOffice } from './api/config/configuration-office.ts';
import { DASHBOARD_PATH, DashboardFiles } from './api/dashboard-files.ts';
import { DatabaseOffice } from './api/database/database-office.ts';
import { EventStreams } from './api/event-streams.ts';
import { FleetOffice } from './api/fleet-office.ts';
import { createHandler, type Handler } from './api/handler.ts';
import { listen } from './api/http-server.ts';
import { LoadOffice } from './api/optimization/load-office.ts';
import { TuningOffice } from './api/optimization/tuning-office.ts';
import { packageVersion } from './api/package-version.ts';
import { HealthWatch } from './api/performance/health-watch.ts';
import { Profiles } from './api/performance/profiles.ts';
import { type PerformanceSources, scopeOf } from './api/performance/sources.ts';
import { StatementTextSource } from './api/performance/statement-texts.ts';
import { publishedAddress } from './api/published-address.ts';
import { RecentAnswers } from './api/recent-answers.ts';
import { atMost, repeat } from './api/regular-work.ts';
import { answersItself, StandbyProxy } from './api/standby-proxy.ts';
import { environmentValues, isSafeMode } from './config/environment-layer.ts';
import { InstanceConfig } from './config/instance-config.ts';
import { stateDirectory } from './config/last-good.ts';
import { type Scope as AccessScope, hasScope, scopes } from './contract/principal.ts';
import { Exposition } from './expose/exposition.ts';
import { FleetMetrics } from './expose/fleet-metrics.ts';
import { OtlpPush, type OtlpStatus } from './expose/otlp-push.ts';
import type { OtlpSettings } from './expose/otlp-settings.ts';
import { type Clock, systemClock } from './kernel/clock.ts';
import { AgentRegistry } from './link/control-registry.ts';
import { HttpLinkAcceptor } from './link/http-acceptor.ts';
import { controlIpcChannel } from './link/ipc-channel.ts';
import { LinkRouter } from './link/link-router.ts';
import type { ControlChannel } from './link/protocol.ts';
import { Pager } from './page/page.ts';
import { QueryEngine } from './query/query-engine.ts';
import type { TimeRange } from './query/time-range.ts';
import type { Role } from './storage/leadership.ts';
import { MemoryAccessStore } from './storage/memory/memory-access-store.ts';
import { MemoryConfigStore } from './storage/memory/memory-config-store.ts';
import { MemoryJournal } from './storage/memory/memory-journal.ts';
import { MemoryLoadTestStore } from './storage/memory/memory-load-test-store.ts';
import { MemoryMetricStore } from './storage/memory/memory-metric-store.ts';
import { openHistory } from './storage/open-history.ts';
import type { MetricStore } from './storage/ports.ts';
import { PostgresLeaderLease } from './storage/postgres/leader-lease.ts';
import { PostgresAccessStore } from './storage/postgres/postgres-access-store.ts';
import { PostgresConfigStore } from './storage/postgres/postgres-config-store.ts';
import { PostgresJournal } from './storage/postgres/postgres-journal.ts';
import { PostgresLoadTestStore } from './storage/postgres/postgres-load-test-store.ts';
import { mergedReleases } from './storage/stored-origins.ts';
import { keepNextTickFast } from './track/next-tick.ts';

/** What a control plane is told. */
export interface ControlPlaneOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port: number;
  /** The administrator's token; absent: one is made, see {@link ControlPlane.madeToken}. */
  readonly token?: string;
  /** Shared with the agents, which sign who is calling with it; two while rotating. Absent: only tokens open the API. */
  readonly linkKeys?: readonly string[];
  /** The most that a link key can grant to those whom an application signs for; default: admin. */
  readonly linkScope?: AccessScope;
  /** The service of calls that name none; absent: the one whose agent links first. */
  readonly service?: string;
  /**
   * Where history is kept, as `postgres://...`: the schema `autopilot` is made there, read, and kept in order. It may be away,
   * also at the start. Absent: there is only the live hour.
   */
  readonly databaseUrl?: string;
  /**
   * Where other control planes that share the database reach this one, which may lead them: "http://10.0.0.7:3001". Default: where it
   * listens, or the machine's first outward address when it listens on all.
   */
  readonly advertise?: string;
  /** Databases that are watched, by the names that agents give them; `postgres://...`, never told. Absent: none. */
  readonly watch?: Readonly<Record<string, string>>;
  /** Addresses with the right to change them, for those where the one that reads must not. */
  readonly applyUrls?: Readonly<Record<string, string>>;
  /** Most memory that facts may take; default 128 MiB. */
  readonly maxFactBytes?: number;
  /** AUTOPILOT__GROUP__NAME sets a setting, over what the defaults say; default: nothing does. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Tenants of each instance that metrics tell apart; default 0. */
  readonly exposedTenants?: number;
  /** Where metrics are pushed; default: nowhere. */
  readonly otlp?: OtlpSettings | null;
  /** Where autopilot.config.yaml is looked for; absent: nowhere. */
  readonly folder?: string;
  /** The origin of the application that has started this control plane: what load tests may reach without a setting. */
  readonly applicationUrl?: string;
  /** How long a round of a benchmark lasts; for tests: other lengths than the suite's give figures of less use. */
  readonly benchmarkRoundMs?: number;
  /** Where the built dashboard lies; default: in the package. */
  readonly dashboardFolder?: string;
  readonly clock?: Clock;
  /** Told of trouble that nobody is answered with; default: nowhere. */
  readonly onTrouble?: (message: string, cause?: unknown) => void;
}

/** A control plane that listens. */
export interface ControlPlane {
  /** The base URL of its API: "http://127.0.0.1:3001". */
  readonly address: string;
  readonly port: number;
  readonly dashboardUrl: string;
  /** The token that was made because none was given; null when one was. Shown once, kept nowhere. */
  readonly madeToken: string | null;
  /** Live streams that are open. */
  readonly openStreams: number;
  /** Estimated memory that facts take, within `maxFactBytes`. */
  readonly factBytes: number;
  /** How pushing metrics goes; null: they are not pushed. */
  readonly otlp: OtlpStatus | null;
  /** Its part among the control planes that share its database; null: it has none. */
  readonly role: Role | null;
  /** Answers requests without the network. */
  readonly handler: Handler;
  /** What goes wrong with history: it is away, say; null: nothing. */
  readonly historyTrouble: string | null;
  /** Merges and drops what has become old, as the control plane does by itself once a second. */
  compact(): Promise<void>;
  /** Speaks with an agent over a channel. */
  accept(channel: ControlChannel): void;
  /**
   * Speaks with the process that forked this one; `onGone` is called once when that process, or its channel, is gone.
   * @returns false when no process forked this one with a channel.
   */
  acceptParent(onGone: () => void): boolean;
  /** Ends streams and links, lets requests under way end (at most 2 s), and stops. May be called again. */
  close(): Promise<void>;
}

const COMPACT_EVERY_MS = 1000;
const CLOSE_GRACE_MS = 2000;
/** For a step of compaction that runs: it is a transaction, whole or not at all, so it may also be cut off. */
const HISTORY_GRACE_MS = 1000;

/**
 * Starts a control plane. Several can live in one process.
 * @throws AutopilotError AP_LISTEN_FAILED, AP_TOKEN_WEAK
 */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  keepNextTickFast();
  const clock = options.clock ?? systemClock;
  const onTrouble = options.onTrouble ?? ((): void => {});
  const madeToken = options.token === undefined ? makeToken() : null;
  const tokens = new TokenVerifier([{ id: 'administrator', token: options.token ?? madeToken ?? '', scopes }], () =>
    clock.now(),
  );
  const linkKeys = options.linkKeys ?? [];
  const maxScopes = scopes.filter((scope) => hasScope([options.linkScope ?? 'admin'], scope));
  const keys = linkKeys.map((key): PrincipalKey => ({ key, maxScopes }));
  const recent = new MemoryMetricStore({
    clock,
    ...(options.maxFactBytes === undefined ? {} : { maxBytes: options.maxFactBytes }),
  });
  const fleet = new FleetOffice();
  const history = options.databaseUrl
    ? openHistory({
        connectionString: options.databaseUrl,
        recent,
        clock: options.clock,
        onTrouble,
        mayCompact: () => fleet.mayCompact,
      })
    : null;
  const store: MetricStore = history?.layered ?? recent;
  const historyTrouble = (): string | null => history?.stored.trouble ?? history?.layered.trouble ?? null;
  const engine = new QueryEngine(store);
  const live = new QueryEngine(recent);
  const environment = options.environment ?? {};
  const own = new InstanceConfig({
    environment: environmentValues(environment, onTrouble),
    safeMode: isSafeMode(environment),
    reader: 'control-plane',
    initial: null,
  });
  const { settings } = own;
  const streams = new EventStreams({ clock, onTrouble, settings });
  const metrics = new FleetMetrics({ clock, limits: { tenant: options.exposedTenants ?? 0 } });
  let address = '';
  const ownService = (): string => options.service ?? agents.services()[0] ?? 'autopilot';
  const connected = options.databaseUrl || null;
  const configStore = connected === null ? new MemoryConfigStore() : new PostgresConfigStore(connected);
  const access = new AccessOffice({
    store: connected === null ? new MemoryAccessStore(clock) : new PostgresAccessStore(connected),
    verifier: tokens,
    clock,
    watch: (changed) => configStore.watch(changed),
    onChange: () => agents.tellTokens(),
    onTrouble,
  });
  const kept = connected === null ? null : new PostgresJournal(connected);
  const journal = kept ?? new MemoryJournal();
  const databases: DatabaseOffice = new DatabaseOffice({
    urls: options.watch ?? {},
    applyUrls: options.applyUrls ?? {},
    historyUrl: connected,
    clock,
    settings,
    journal,
    orders: () => office.orders,
    ownService,
    isStopped: () => office.stopped !== null,
    mayAct: () => fleet.mayAct,
    onTrouble,
  });
  const tuning = new TuningOffice({
    journal,
    engine,
    watched: databases.watched,
    indexes: databases.advice,
    readUrls: options.watch ?? {},
    applyUrls: options.applyUrls ?? {},
    clock,
    settingsFor: (service) => office.settingsFor(service),
    services: () => agents.services(),
    processes: (service) => agents.linked(service).length,
    health: (service) => health.of({ service }),
    statementTexts: (service, names) => performance.statementTexts.find(service, names),
    stopped: () => office.stopped,
    leads: () => fleet.mayAct,
    onTrouble,
  });
  const office = new ConfigurationOffice({
    store: configStore,
    journal,
    actuators: [...tuning.actuators, databases.actuator],
    guards: [databases.guard, tuning.guard],
    own,
    ownService,
    stateDirectory: options.environment === undefined ? null : stateDirectory(environment),
    folder: options.folder ?? null,
    agents: { services: () => agents.services(), instances: (service) => agents.instances(service) },
    pools: async (service) => {
      const now = clock.now();
      const lastMinute: TimeRange = { from: now - 60_000, to: now, complete: true, notes: [] };
      const all = Number.POSITIVE_INFINITY;
      const rows = await engine.top({ service, family: 'pool' }, lastMinute, 'poolAcquired', all);
      return new Set(rows.map(({ series }) => series.key)).size;
    },
    // Healing what another one is at would end it: one that is cut off from the leader does not.
    leads: () => fleet.mayAct,
    onTrouble,
  });
  const agents = new AgentRegistry({
    clock,
    address: () => address,
    tokens: () => tokens.digests,
    testMarks: () => load.marks,
    isWatched: (service) => load.watched.isWatched(service),
    onVitals: (origin, vitals) => load.watched.hear(origin, vitals),
    take: async (origin, windows) => {
      const { refused, invalid } = await store.append(origin, windows);
      metrics.add(origin, windows);
      if (refused > 0 || invalid > 0) {
        onTrouble(
          `Of what ${origin.service} ${origin.instance} sent, ${refused} windows were older than an hour or from another time, and ${invalid} series or cells could not be read. Compare the clocks and releases of both.`,
        );
      }
      streams.poke();
    },
    onTaken: (origin, until) => history?.layered.noteTaken(origin, until),
    onTrouble,
    config: office.exchange,
    profiled: (origin, message) => profiles.hear(origin, message),
  });
  const profiles = new Profiles(agents);
  const health = new HealthWatch({
    engine,
    clock,
    services: () => agents.services(),
    linked: (service) => agents.linked(service),
    settingsFor: (service) => office.settingsFor(service),
    onTrouble,
  });
  let closing: Promise<void> | null = null;
  const pager = new Pager({ key: randomBytes(32) });
  const performance: PerformanceSources = {
    clock,
    engine,
    agents: {
      services: () => [...new Set([...agents.services(), ...(history?.origins.services() ?? [])])],
      instances: (service) => agents.instances(service),
    },
    health: (scope) => health.of(scope),
    releases: async (service) => mergedReleases(agents.releases(service), history?.origins.releases(service) ?? []),
    historyTrouble,
    statementTexts: new StatementTextSource(agents, history?.stored ?? null),
    places: (service) => agents.places(service),
    nameOf: (service, kind, id) => agents.nameOf(service, kind, id),
    pager,
    defaultService: options.service ?? null,
  };
  const doors = { tokens, principals: new PrincipalVerifier(() => [...keys, ...fleet.principalKeys], clock) };
  const proxy = new StandbyProxy({ doors, clock, holder: fleet.holder });
  const router = new LinkRouter({
    accept: (channel) => agents.accept(channel),
    address: () => address,
    tokens: tokens.givenDigests,
    onTrouble,
  });
  const acceptor = new HttpLinkAcceptor({
    clock,
    holder: fleet.holder,
    keys: () => [...linkKeys, ...fleet.keys],
    accept: (channel) => agents.accept(channel),
    onTrouble,
  });
  const load = new LoadOffice({
    store: connected === null ? new MemoryLoadTestStore(clock) : new PostgresLoadTestStore(connected),
    settings,
    clock,
    live,
    instances: (service) => agents.linked(service),
    userName: (id) => agents.userName(id),
    ownTarget: options.applicationUrl ?? null,
    watchedUrl: Object.values(options.watch ?? {})[0] ?? null,
    storeUrl: connected,
    benchmarkRoundMs: options.benchmarkRoundMs,
    onMarks: () => agents.tellTestMarks(),
    onWatched: (service) => agents.tellWatched(service),
    onTrouble,
  });
  const serviceOf = (named: string | undefined): string =>
    scopeOf(performance, named === undefined ? {} : { service: named }).service;
  const api = createHandler({
    doors,
    performance,
    configuration: office.sources(pager, serviceOf),
    loads: { desk: load.desk, benchmarks: load.benchmarks, pager, streams, serviceOf },
    tuning: tuning.sources(
      office.orders,
      { ...office.tried, instances: (service) => agents.linked(service).map(({ instance }) => instance) },
      pager,
      serviceOf,
      (service, id) => agents.nameOf(service, 'user', id),
    ),
    access: access.sources(pager, (id) => agents.userName(id)),
    databases,
    profiles,
    metrics: { exposition: new Exposition(clock), fleet: metrics },
    answers: new RecentAnswers(clock),
    streams,
    dashboard: new DashboardFiles(
      options.dashboardFolder ?? fileURLToPath(new URL('../assets/dashboard/', import.meta.url)),
    ),
    unready: () => (closing === null ? [] : ['The control plane is closing.']),
    limits: () => [historyTrouble()].filter((trouble) => trouble !== null),
    version: packageVersion(),
    onTrouble,
  });
  const handler: Handler = (request) => {
    const { pathname } = new URL(request.url);
    const { leader } = fleet;
    if (leader !== null && !answersItself(pathname)) return proxy.answer(request, leader);
    return HttpLinkAcceptor.owns(pathname) ? acceptor.answer(request) : api(request);
  };
  const host = options.host ?? '127.0.0.1';
  const server = await listen(handler, { host, port: options.port });
  ({ address } = server);
  const lease = options.databaseUrl ? new PostgresLeaderLease(options.databaseUrl) : null;
  const push =
    options.otlp == null
      ? null
      : new OtlpPush({ settings: options.otlp, clock, sources: () => metrics.sources(), onTrouble });
  if (lease !== null) {
    await fleet.join({
      lease,
      clock,
      address: options.advertise ?? publishedAddress(host, address, server.port),
      push,
      metrics,
      acceptor,
      streams,
      router,
      live: history?.layered ?? null,
      // What keeps it from the database is told once already.
      onTrouble: (message) => {
        if (historyTrouble() === null) onTrouble(message);
      },
    });
  }
  await office.start();
  access.start();
  databases.start();
  tuning.start();

  const compact = async (): Promise<void> => {
    await store.compact(clock.now());
    await history?.origins.refresh(clock.monotonicMs());
  };
  const compacting = repeat(COMPACT_EVERY_MS, onTrouble, compact);
  health.start();
  push?.start();
  const close = async (): Promise<void> => {
    const stopped = office.stop();
    clearInterval(compacting);
    health.close();
    streams.close();
    profiles.close();
    await atMost(CLOSE_GRACE_MS, Promise.all([load.close(), tuning.stop()]));
    // First of all, so that the next one need not wait for the lease to expire.
    await atMost(HISTORY_GRACE_MS, fleet.close());
    acceptor.close();
    router.close();
    agents.close();
    await Promise.all([server.close(CLOSE_GRACE_MS), push?.close()]);
    await atMost(
      HISTORY_GRACE_MS,
      Promise.all([access.close(), databases.close(), stopped]).then(() =>
        Promise.all([configStore.close(), kept?.close()]),
      ),
    );
    if (history === null) return;
    const closed = Promise.all([lease?.close(), history.layered.settled().then(() => history.stored.close())]);
    await atMost(HISTORY_GRACE_MS, closed);
  };
  return {
    address,
    port: server.port,
    dashboardUrl: `${address}${DASHBOARD_PATH}`,
    madeToken,
    get openStreams() {
      return streams.size;
    },
    get factBytes() {
      return recent.bytes;
    },
    get historyTrouble() {
      return historyTrouble();
    },
    get otlp() {
      return push?.status ?? null;
    },
    get role() {
      return fleet.role;
    },
    handler,
    compact,
    accept: (channel) => router.accept(channel),
    acceptParent: (onGone) => {
      const channel = controlIpcChannel();
      if (channel === null) return false;
      channel.onMessage((message) => {
        if (message?.kind === 'listening') load.desk.learnOwnTarget(message.url);
      });
      router.accept(channel);
      process.once('disconnect', onGone);
      return true;
    },
    close: () => (closing ??= close()),
  };
}
