import type { Settings } from '../../config/registry.ts';
import type { Health } from '../../contract/performance.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import type { Pager } from '../../page/page.ts';
import { nameFor } from '../../postgres/apply-session.ts';
import { readStatements } from '../../postgres/read-statements.ts';
import { ServerShape } from '../../postgres/server-shape.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import type { ConfigurationDesk } from '../../tune/configuration-desk.ts';
import type { ConfigurationTrialActuator } from '../../tune/configuration-trial-actuator.ts';
import { IndexActuator } from '../../tune/index-actuator.ts';
import type { Actuator, Guard, Orders } from '../../tune/orders.ts';
import { aboutOf } from '../../tune/trial-about.ts';
import { trialGuard } from '../../tune/trial-guards.ts';
import type { JudgementRules, StatementUse } from '../../tune/trial-judgement.ts';
import { TrialRunner } from '../../tune/trial-runner.ts';
import { ValuesActuator } from '../../tune/values-actuator.ts';
import type { WatchedDatabases } from '../database/database-watch.ts';
import type { IndexAdviceDesk } from '../database/index-advice-desk.ts';
import { type ApplicationAdviceSources, applicationAdvice } from './application-advice.ts';
import { ApplyingDatabases } from './applying-databases.ts';
import { ConfigurationTrials } from './configuration-trials.ts';
import { IoPressure } from './io-pressure.ts';
import { routeUses } from './route-uses.ts';
import { incidentOf, type ServiceStanding } from './service-standing.ts';
import { serviceVitals } from './service-vitals.ts';
import type { UserName } from './trial-view.ts';
import { TuningAdvice } from './tuning-advice.ts';
import type { TuningSources } from './tuning-answers.ts';
import { TuningDesk } from './tuning-desk.ts';

/** What a {@link TuningOffice} is put together from. */
export interface TuningOfficeOptions {
  readonly journal: Journal;
  readonly engine: QueryEngine;
  readonly watched: WatchedDatabases;
  /** Where indexes are advised on, for whoever asks. */
  readonly indexes: IndexAdviceDesk;
  /** By the names of watched databases, `postgres://...`. */
  readonly readUrls: Readonly<Record<string, string>>;
  /** With the right to change them; of those left out the other address is used. */
  readonly applyUrls: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly settingsFor: (service: string) => Settings;
  readonly services: () => readonly string[];
  /** Processes of a service that are live. */
  readonly processes: (service: string) => number;
  readonly health: (service: string) => Promise<Pick<Health, 'components'>>;
  readonly statementTexts: ApplicationAdviceSources['statementTexts'];
  readonly stopped: () => string | null;
  readonly leads: () => boolean;
  readonly onTrouble: (message: string) => void;
}

/** What trials of settings need of the configuration. */
export interface TriedConfiguration {
  readonly desk: Pick<ConfigurationDesk, 'checked' | 'valueOf'>;
  readonly actuator: ConfigurationTrialActuator;
  /** Names of the live instances of a service. */
  readonly instances: (service: string) => readonly string[];
}

const HALF_HOUR_MS = 30 * 60_000;
const STANDING_MS = 1_000;
/** How often it is looked whether there is something to be tuned. */
const GO_ON_EVERY_MS = 5_000;
/** One wrong verdict in a hundred, however often one looks; see docs/decisions/verification.md. */
const ALPHA = 0.01;
const LEAST_BLOCKS = 12;
/** A change of less than a twentieth is none. */
const LEAST_EFFECT = 0.05;

/** Everything about tuning in a control plane, put together. */
export class TuningOffice {
  /** For the orders, which heal with them. */
  readonly actuators: readonly Actuator<never, unknown>[];
  readonly guard: Guard;
  readonly #options: TuningOfficeOptions;
  #parts: { readonly runner: TrialRunner; readonly desk: TuningDesk; readonly applying: ApplyingDatabases } | null =
    null;
  #settings: ConfigurationTrials | null = null;
  readonly #pressure: IoPressure;
  readonly #standings = new Map<string, { readonly atMs: number; readonly standing: Promise<ServiceStanding> }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TuningOfficeOptions) {
    this.#options = options;
    this.#pressure = new IoPressure(options.clock);
    const urlOf = (database: string): string => this.#applyUrl(database);
    this.actuators = [
      new IndexActuator(urlOf),
      new ValuesActuator('server-settings', urlOf),
      new ValuesActuator('table-options', urlOf),
    ];
    const { settingsFor, clock } = options;
    this.guard = trialGuard(
      (service) => settingsFor(service).optimization,
      () => Math.floor((clock.now() % 86_400_000) / 60_000),
    );
  }

  /** What the calls about tuning are answered from. To be asked once. */
  sources(
    orders: Orders,
    configuration: TriedConfiguration,
    pager: Pager,
    serviceOf: (named: string | undefined) => string,
    userName: UserName,
  ): TuningSources {
    const { journal, engine, processes, watched, indexes, clock, settingsFor, stopped, leads, onTrouble } =
      this.#options;
    const { statementTexts } = this.#options;
    const applying = new ApplyingDatabases((database) => this.#applyUrl(database));
    const advice = new TuningAdvice({
      application: (service) =>
        applicationAdvice({ engine, clock, watched, settingsFor, processes, statementTexts }, service),
      watched,
      indexes,
      applying,
      settingsFor,
      clock,
      onTrouble,
    });
    const runner = new TrialRunner({
      journal,
      orders,
      actuators: [...this.actuators, configuration.actuator],
      clock,
      routes: (service, question, lengthMs) => routeUses(engine, service, question, clock.now(), lengthMs),
      counters: (database, statements) => this.#counters(database, statements),
      vitals: (service, lengthMs, instance) =>
        serviceVitals(
          engine,
          service,
          clock.now(),
          lengthMs,
          instance === undefined ? processes(service) : 1,
          instance,
        ),
      instances: configuration.instances,
      times: (service) => {
        const { sampleMs, baselineMs, trialMinMs, trialMaxMs } = settingsFor(service).optimization;
        return { sampleMs, baselineMs, minMs: trialMinMs, maxMs: trialMaxMs };
      },
      rules: (service): JudgementRules => {
        const { sampleMs, blockCalls } = settingsFor(service).optimization;
        return { blockMs: sampleMs, blockCalls, leastBlocks: LEAST_BLOCKS, alpha: ALPHA, leastEffect: LEAST_EFFECT };
      },
      leads,
      onEnd: (trial) => advice.forget(aboutOf(trial)?.database ?? ''),
      onTrouble,
    });
    const { desk: configurationDesk, instances } = configuration;
    const settings = new ConfigurationTrials({
      configuration: configurationDesk,
      journal,
      runner,
      engine,
      clock,
      instances,
      settingsFor,
      stopped,
      standing: (service) => this.#standing(service),
      onTrouble,
    });
    this.#settings = settings;
    const desk = new TuningDesk({
      settings,
      journal,
      runner,
      advice,
      applying,
      settingsFor,
      clock,
      stopped,
      standing: (service) => this.#standing(service),
      onTrouble,
    });
    this.#parts = { runner, desk, applying };
    const buildProgress = (trial: Trial): Promise<number | null> => this.#buildProgress(trial);
    return { desk, settings, runner, journal, pager, stopped, buildProgress, serviceOf, userName };
  }

  /** Goes on with what is open, and with what is automatic. */
  start(): void {
    this.#parts?.runner.start();
    this.#pressure.start();
    this.#timer = setInterval(() => {
      if (!this.#options.leads()) return;
      for (const service of this.#options.services()) void this.#goOn(service);
    }, GO_ON_EVERY_MS);
  }

  async #goOn(service: string): Promise<void> {
    await this.#settings?.goOn(service);
    await this.#parts?.desk.goOn(service);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#pressure.stop();
    this.#parts?.desk.close();
    await this.#parts?.runner.stop();
    await this.#parts?.applying.close();
  }

  #applyUrl(database: string): string {
    const { readUrls, applyUrls } = this.#options;
    const url = applyUrls[database] ?? readUrls[database];
    if (url !== undefined) return url;
    throw new AutopilotError('AP_DATABASE_UNKNOWN', `No database ${JSON.stringify(database)} is watched.`, {
      remedy: 'A trial of it is open: name it again, so that the trial can end.',
    });
  }

  async #counters(database: string, statements: readonly string[]): Promise<ReadonlyMap<string, StatementUse>> {
    const watch = this.#options.watched.find(database);
    const { value: server } = await watch.server();
    const shape = await ServerShape.read(watch.database);
    const { value } = await readStatements(watch.database, shape, server, { texts: false, queryIds: statements });
    const uses = new Map<string, StatementUse>();
    for (const { queryId, calls, totalMs, buffersHit, buffersRead } of value.statements) {
      const known = uses.get(queryId) ?? { calls: 0, totalMs: 0, buffers: 0 };
      uses.set(queryId, {
        calls: known.calls + calls,
        totalMs: known.totalMs + totalMs,
        buffers: known.buffers + buffersHit + buffersRead,
      });
    }
    return uses;
  }

  /** The same for all recommendations that are looked at together. */
  #standing(service: string): Promise<ServiceStanding> {
    const atMs = this.#options.clock.monotonicMs();
    const known = this.#standings.get(service);
    if (known !== undefined && atMs - known.atMs < STANDING_MS) return known.standing;
    const standing = this.#judgedStanding(service);
    this.#standings.set(service, { atMs, standing });
    return standing;
  }

  async #judgedStanding(service: string): Promise<ServiceStanding> {
    const { engine, clock, processes, health } = this.#options;
    const now = clock.now();
    const range = { from: now - HALF_HOUR_MS, to: now, complete: true, notes: [] };
    const { values } = await engine.summary({ service, family: 'runtime' }, range, ['cpuBusy']);
    const count = processes(service);
    return {
      busyRatio: values.cpuBusy === null || count === 0 ? null : values.cpuBusy / count,
      ioRatio: this.#pressure.ratio,
      incident: incidentOf(await health(service)),
    };
  }

  async #buildProgress(trial: Trial): Promise<number | null> {
    const about = aboutOf(trial);
    if (about === null || trial.state !== 'applying') return null;
    const [row] = await this.#options.watched.find(about.database).database.read<{ done: number | null }>(
      `SELECT (CASE WHEN p.blocks_total > 0 THEN p.blocks_done::float8 / p.blocks_total ELSE 0 END) AS done
       FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid) WHERE a.application_name = $1`,
      [nameFor(trial.id)],
    );
    return row?.done ?? null;
  }
}
