import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { environmentValues, isSafeMode } from './config/environment-layer.ts';
import { InstanceConfig } from './config/instance-config.ts';
import { LastGood, stateDirectory, withoutOverride } from './config/last-good.ts';
import type { LiveSettings } from './config/live-settings.ts';
import { settingsOf } from './config/registry.ts';
import {
  type AgentEnvironment,
  type AgentOptions,
  type ControlPlaneProgram,
  readAgentEnvironment,
} from './host/agent-environment.ts';
import { AgentExposition } from './host/agent-exposition.ts';
import {
  type Agent,
  type AgentInternals,
  type AgentStatus,
  type InstrumentOptions,
  internals,
} from './host/hosted-agent.ts';
import { PgRecorder } from './host/pg-instrumentation.ts';
import { poolSettings } from './host/pool-settings.ts';
import { systemClock } from './kernel/clock.ts';
import { Disposables } from './kernel/disposables.ts';
import { messageOf } from './kernel/errors.ts';
import { AgentChild, childEnvironment } from './link/agent-child.ts';
import { AgentDialer } from './link/agent-dialer.ts';
import { AgentLink } from './link/agent-link.ts';
import type { LinkTarget } from './link/http-channel.ts';
import { Flush } from './rollup/flush.ts';
import { HistoryFlush, type HistoryWriter } from './rollup/history-flush.ts';
import { backlogSettings, WindowBacklog } from './rollup/window-backlog.ts';
import {
  addressOfPool,
  addressOfUrl,
  poolMakerLike,
  poolMakerOfDriver,
  type StoreAddress,
} from './storage/store-address.ts';
import { CodePlaces } from './track/code-places.ts';
import { Collector } from './track/collector.ts';
import { CompressionRecorder } from './track/compression-recorder.ts';
import { HttpRecorder } from './track/http-recorder.ts';
import { followJobConcurrency } from './track/job-concurrency.ts';
import { JobRecorder, type JobRun } from './track/job-recorder.ts';
import { KnownNames } from './track/known-names.ts';
import { LoopDelay } from './track/loop-delay.ts';
import { LoopSlices, sampledShareOf } from './track/loop-slices.ts';
import { keepNextTickFast } from './track/next-tick.ts';
import { PageCounts } from './track/page-counts.ts';
import { RequestProfiler } from './track/profiler.ts';
import { RecorderSwitch } from './track/recorder-switch.ts';
import { RequestContext } from './track/request-scope.ts';
import { RuntimeRecorder } from './track/runtime-recorder.ts';
import { seriesSettings } from './track/series-settings.ts';
import { StatementRegistry } from './track/statement-registry.ts';
import { VitalsBeat } from './track/vitals-beat.ts';

/** Linux gives ports from here on to whoever asks for any (port 0). */
const FIRST_EPHEMERAL_PORT = 32_768;
const CLOSE_WAIT_MS = 300;
/** The safety net under the messages that say that the configuration has changed. */
const ASK_CONFIG_MS = 5_000;
/** For the last window to reach the store: a write takes a few ms, and a first one loads and connects before. */
const HISTORY_CLOSE_WAIT_MS = 700;
/** How long the plugin has to say that the application will listen, once it is known where history is kept. */
const START_AFTER_MS = 2_000;
/** Starting a process holds the loop for some milliseconds: the application answers its first requests first. */
const AFTER_LISTENING_MS = 50;
/** Nor does an application that is slow to make its pools start a control plane that has to be started again. */
const START_WITHOUT_STORE_MS = 15_000;

/**
 * Starts the part of the autopilot that lives in this process. What it watches is added by `instrument()` and by the
 * plugin of @teamflow/autopilot/fastify. With AUTOPILOT_ENABLED=0 it does nothing at all.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID, AP_OPTION_INVALID, AP_TOKEN_WEAK; nothing later throws into the application.
 */
export function createAgent(options: AgentOptions = {}): Agent {
  const environment = readAgentEnvironment(process.env, options);
  if (environment === null) return disabledAgent;
  keepNextTickFast();
  return new RunningAgent(environment, options.controlPlane ?? 'child');
}

const disabledAgent: Agent = {
  instrument: (pool) => pool,
  job: async (_kind, _run, work) => await work(),
  followJobConcurrency: (own, apply) => {
    apply(own);
    return { [Symbol.dispose]: () => {} };
  },
  paging: new PageCounts({ current: settingsOf() }),
  status: { state: 'disabled' },
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
  [internals]: null,
};

class RunningAgent implements Agent {
  readonly [internals]: AgentInternals;
  readonly #context = new RequestContext();
  readonly #collector = new Collector(systemClock);
  readonly #jobs = new JobRecorder(systemClock, this.#context);
  readonly #names = new KnownNames();
  readonly #places = new CodePlaces(systemClock);
  readonly #statements = new StatementRegistry({}, (...list) => this.#places.listed(...list));
  readonly #backlog = new WindowBacklog();
  readonly #resources = new Disposables();
  readonly #settings: LiveSettings;
  readonly #pages: PageCounts;
  readonly #link: AgentLink;
  readonly #child: AgentChild | null;
  readonly #exposition: AgentExposition;
  readonly #remote: LinkTarget | null;
  readonly #dialer: AgentDialer | null;
  readonly #flush: Flush;
  readonly #history: HistoryFlush;
  /** The first one that was instrumented: our own connection is made by its class. */
  #firstPool: Pool | null = null;
  /** Where history is kept; null: not known, or nowhere. */
  #store: StoreAddress | null = null;
  readonly #storeIsGiven: boolean;
  readonly #pools = new WeakSet<Pool>();
  readonly #pgRecorders: PgRecorder[] = [];
  readonly #poolNames = new Set<string>();
  readonly #databases = new Set<string>();
  readonly #childEnvironment: Record<string, string | undefined> = {};
  readonly #port: number | null;
  #startTimer: NodeJS.Timeout | null = null;
  #willListen = false;
  #trouble: string | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;

  constructor(environment: AgentEnvironment, controlPlane: 'child' | 'none' | ControlPlaneProgram) {
    const { service, instance, instanceIsNamed, release, remote } = environment;
    const trouble = (message: string): void => {
      this.#trouble = message;
    };
    // Instances of one machine have a file each, where they have a name that lasts.
    const kept = instanceIsNamed ? `agent ${service} ${instance}` : `agent ${service}`;
    const lastGood = new LastGood(stateDirectory(process.env), kept, (error) => {
      trouble(`The configuration can't be kept for the next start: ${messageOf(error)}`);
    });
    const config = new InstanceConfig({
      environment: environmentValues(process.env, trouble),
      safeMode: isSafeMode(process.env),
      reader: 'agent',
      initial: lastGood.read(),
      keep: (order) => lastGood.keep(instanceIsNamed ? order : withoutOverride(order)),
    });
    this.#settings = config.settings;
    this.#pages = new PageCounts(config.settings);
    const linkKey = remote?.key ?? randomBytes(32).toString('hex');
    Object.assign(this.#childEnvironment, childEnvironment(process.env), {
      AUTOPILOT_LINK_KEY: linkKey,
      AUTOPILOT_SERVICE: service,
    });
    const { databaseUrl } = environment;
    this.#storeIsGiven = databaseUrl !== undefined;
    if (typeof databaseUrl === 'string') this.#keepHistoryAt(addressOfUrl(databaseUrl));
    this.#history = new HistoryFlush({
      origin: { service, instance, release },
      clock: systemClock,
      isKnown: () => this.#store !== null,
      open: () => this.#openStore(),
      statementText: (database, id) => this.#statements.textOf(database, id),
    });
    const startedAt = systemClock.now() - Math.round(process.uptime() * 1_000);
    this.#exposition = new AgentExposition({
      clock: systemClock,
      origin: { service, instance, release },
      startedAt,
      token: environment.token,
      limits: { tenant: environment.exposedTenants },
      onTrouble: (message) => {
        this.#trouble = message;
      },
    });
    const profiler = new RequestProfiler({ clock: systemClock, context: this.#context });
    this.#resources.use(profiler);
    const http = new HttpRecorder(systemClock);
    this.#link = new AgentLink({
      origin: { service, instance, release },
      pid: process.pid,
      startedAt,
      databases: () => [...this.#databases],
      statementText: (database, id) => this.#statements.textOf(database, id),
      places: this.#places,
      names: this.#names,
      historyTrouble: () => this.#history.status.reason,
      config,
      profile: (kind, durationMs) => profiler.profile(kind, durationMs),
      onWelcome: (address, tokens) => {
        this.#child?.keepPort(address);
        this.#exposition.learnTokens(tokens);
      },
      onTokens: (tokens) => this.#exposition.learnTokens(tokens),
      onTestMarks: (marks) => http.marks.learn(marks),
      followVitals: (listener) => vitals.follow(listener),
      onRefused: (reason) => process.emitWarning(reason, { type: 'AutopilotWarning', code: 'AP_LINK_REFUSED' }),
    });
    this.#child = controlPlane === 'none' || remote !== null ? null : this.#makeChild(controlPlane);
    this.#remote = remote;
    this.#dialer = remote === null ? null : this.#makeDialer(remote);
    const compression = new CompressionRecorder(systemClock);
    const loopDelay = new LoopDelay(systemClock);
    const vitals = new VitalsBeat({
      clock: systemClock,
      loopDelay,
      databaseConnections: () =>
        this.#pgRecorders.length === 0
          ? null
          : this.#pgRecorders.reduce((sum, recorder) => sum + recorder.busyConnections(), 0),
    });
    const runtime = new RuntimeRecorder({
      clock: systemClock,
      loopDelay,
      activeRequests: () => http.active,
      pages: () => this.#pages.take(),
    });
    this.#flush = new Flush({
      source: {
        drain: (until) => {
          const windows = this.#collector.drain(until);
          this.#exposition.add(windows);
          return windows;
        },
      },
      delivery: this.#link,
      clock: systemClock,
      backlog: this.#backlog,
      alsoTo: (windows) => this.#history.take(windows),
      onTrouble: (error) => {
        this.#trouble = messageOf(error);
      },
    });
    this.#resources.use(this.#settings.use(seriesSettings(this.#collector, this.#statements)));
    this.#resources.use(this.#settings.use(backlogSettings(this.#backlog)));
    this.#resources.use(new RecorderSwitch(http, this.#collector, this.#settings, 'requests'));
    this.#resources.use(new RecorderSwitch(runtime, this.#collector, this.#settings, 'runtime'));
    this.#resources.use(new RecorderSwitch(compression, this.#collector, this.#settings, 'compression'));
    this.#resources.use(new RecorderSwitch(this.#jobs, this.#collector, this.#settings, 'jobs'));
    const slices = new LoopSlices({
      clock: systemClock,
      context: this.#context,
      sampledShare: () => sampledShareOf(this.#settings.current),
    });
    this.#resources.use(slices.attach(this.#collector));
    this.#flush.start();
    const asking = setInterval(() => this.#link.sayConfigState(), ASK_CONFIG_MS);
    asking.unref();
    this.#resources.use({ [Symbol.dispose]: () => clearInterval(asking) });
    this.#dialer?.start();
    this.#port = environment.port;
    this.#startWithoutListening(this.#storeIsGiven ? START_AFTER_MS : START_WITHOUT_STORE_MS);
    this[internals] = {
      clock: systemClock,
      loopDelay,
      http,
      compression,
      context: this.#context,
      names: this.#names,
      settings: this.#settings,
      poolWaitMs: () => Math.max(0, ...this.#pgRecorders.map((recorder) => recorder.longestWaitMs())),
      busiestRoute: () => slices.busiest,
      linkKey,
      scrape: (request) => this.#exposition.answer(request),
      service,
      // Where one is named it is asked whether or not it is linked, and says itself what is wrong.
      controlPlaneAddress: () => remote?.url.origin ?? this.#linkedAddress,
      expectListening: () => {
        this.#willListen = true;
        if (this.#startTimer !== null) clearTimeout(this.#startTimer);
      },
      // The port after one that the system chose is nobody's choice: then the system chooses that one too.
      listening: (port, url) => {
        this.#childEnvironment['AUTOPILOT_APPLICATION_URL'] = url;
        // The child may be there already: an application can take longer to listen than it is waited for.
        this.#link.sayListening(url);
        const beside = environment.port ?? (port >= FIRST_EPHEMERAL_PORT ? 0 : port + 1);
        this.#startTimer = setTimeout(() => this.#startChild(beside), AFTER_LISTENING_MS).unref();
      },
      onClose: (resource) => {
        this.#resources.use(resource);
      },
    };
  }

  get paging(): PageCounts {
    return this.#pages;
  }

  get status(): AgentStatus {
    const link = this.#link.state;
    const child = this.#child?.state;
    return {
      state: this.#closed ? 'closed' : child?.state === 'idle' ? 'starting' : link.state,
      controlPlane: this.#linkedAddress === null ? null : (this.#remote?.url.origin ?? this.#linkedAddress),
      restarts: child !== undefined && 'restarts' in child ? child.restarts : 0,
      lostWindows: this.#collector.lostWindows + this.#backlog.lostWindows + this.#link.lostWindows,
      history: this.#history.status,
      trouble: link.state === 'refused' ? link.reason : this.#trouble,
    };
  }

  get #linkedAddress(): string | null {
    return this.#link.state.state === 'linked' ? this.#link.state.address : null;
  }

  instrument<P extends Pool>(pool: P, options: InstrumentOptions = {}): P {
    if (this.#closed || this.#pools.has(pool)) return pool;
    const name = options.name ?? 'main';
    const database = options.database ?? name;
    let poolName = name;
    for (let number = 2; this.#poolNames.has(poolName); number++) poolName = `${name} ${number}`;
    this.#pools.add(pool);
    this.#poolNames.add(poolName);
    this.#databases.add(database);
    this.#context.enable();
    if (this.#firstPool === null) {
      this.#firstPool = pool;
      if (!this.#storeIsGiven) {
        this.#keepHistoryAt(addressOfPool(pool));
        this.#startWithoutListening(START_AFTER_MS);
      }
    }
    const recorder = new PgRecorder({
      pool,
      poolName,
      database,
      clock: systemClock,
      context: this.#context,
      statements: this.#statements,
      places: this.#places,
    });
    this.#pgRecorders.push(recorder);
    this.#resources.use(new RecorderSwitch(recorder, this.#collector, this.#settings, 'statements'));
    this.#resources.use(poolSettings(pool, poolName, this.#settings));
    return pool;
  }

  job<Result>(kind: string, run: JobRun, work: () => Result | Promise<Result>): Promise<Result> {
    return this.#jobs.run(kind, run, work);
  }

  followJobConcurrency(own: number, apply: (concurrency: number) => void): Disposable {
    return followJobConcurrency(this.#settings, own, apply);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    this.#resources.dispose();
    const endsAtMs = performance.now() + CLOSE_WAIT_MS;
    // The first to close: it hands the last windows to both. History is written while the link is being closed.
    const flushed = this.#flush.close(CLOSE_WAIT_MS);
    const written = this.#history.close(HISTORY_CLOSE_WAIT_MS);
    await flushed;
    await this.#link.close(endsAtMs - performance.now());
    this.#dialer?.close();
    await this.#child?.close();
    await written;
  }

  #keepHistoryAt(address: StoreAddress): void {
    this.#store = address;
    if (address.url === null) {
      this.#trouble = `The control plane can't read history where the first pool connects to: ${address.reason}. Set AUTOPILOT_DATABASE_URL.`;
      return;
    }
    this.#childEnvironment['AUTOPILOT_DATABASE_URL'] = address.url;
    // One that was started without it can learn it by its environment only.
    this.#child?.restart();
  }

  /** Loads what writes history: not before there is something to write. */
  async #openStore(): Promise<HistoryWriter> {
    const { connection } = this.#store ?? addressOfUrl('');
    const { AgentStore } = await import('./storage/postgres/agent-store.ts');
    const pool = this.#firstPool;
    return new AgentStore(pool === null ? await poolMakerOfDriver(connection) : poolMakerLike(pool, connection));
  }

  #makeDialer(target: LinkTarget): AgentDialer {
    return new AgentDialer({
      target,
      onChannel: (channel) => this.#link.connect(channel),
      onTrouble: (trouble) => {
        this.#trouble = trouble;
      },
    });
  }

  #makeChild(controlPlane: 'child' | ControlPlaneProgram): AgentChild {
    const fromSource = import.meta.url.endsWith('.ts');
    return new AgentChild({
      // The same ending as this module's: the compiler rewrites imports only.
      module:
        controlPlane === 'child'
          ? new URL(`./cli/main.${fromSource ? 'ts' : 'js'}`, import.meta.url)
          : controlPlane.module,
      args: controlPlane === 'child' ? ['serve'] : (controlPlane.args ?? []),
      execArgv: fromSource ? ['-C', 'source'] : [],
      env: this.#childEnvironment,
      onChannel: (channel) => this.#link.connect(channel),
    });
  }

  /** For a process that serves nothing: a port that is given is enough, after a while. */
  #startWithoutListening(afterMs: number): void {
    const port = this.#port;
    if (port === null || this.#willListen) return;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    this.#startTimer = setTimeout(() => this.#startChild(port), afterMs).unref();
  }

  #startChild(port: number): void {
    if (this.#closed || this.#child === null) return;
    this.#childEnvironment['AUTOPILOT_PORT'] = String(port);
    this.#child.start();
  }
}
