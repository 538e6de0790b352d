import { totalmem } from 'node:os';
import { ConfigKeeper } from '../../config/config-keeper.ts';
import type { InstanceConfig } from '../../config/instance-config.ts';
import { LastGood } from '../../config/last-good.ts';
import { effectiveOf, noLayers } from '../../config/layers.ts';
import { type Settings, settingsOf } from '../../config/registry.ts';
import { FileLayer } from '../../config/transfer/file-layer.ts';
import type { LiveFacts } from '../../config/validate/rules.ts';
import type { SettingValues } from '../../contract/configuration.ts';
import type { InstanceStatus } from '../../contract/performance.ts';
import { messageOf } from '../../kernel/errors.ts';
import { ConfigExchange } from '../../link/config-exchange.ts';
import type { Pager } from '../../page/page.ts';
import type { ConfigStore, Journal } from '../../storage/ports.ts';
import { ConfigurationActuator } from '../../tune/configuration-actuator.ts';
import { ConfigurationDesk } from '../../tune/configuration-desk.ts';
import { ConfigurationTrialActuator } from '../../tune/configuration-trial-actuator.ts';
import { killSwitch } from '../../tune/kill-switch.ts';
import { type Actuator, type Guard, Orders } from '../../tune/orders.ts';
import type { ConfigurationSources } from './answers.ts';
import { ConfiguredInstances } from './configured-instances.ts';

/** What a {@link ConfigurationOffice} is put together from. */
export interface ConfigurationOfficeOptions {
  readonly store: ConfigStore;
  readonly journal: Journal;
  /** What else than configurations is changed, for healing. */
  readonly actuators?: readonly Actuator<never, unknown>[];
  /** Beside the kill switch. */
  readonly guards?: readonly Guard[];
  /** The control plane's own. */
  readonly own: InstanceConfig;
  /** The service whose configuration the control plane itself runs with; it may become known only when an agent links. */
  readonly ownService: () => string;
  /** Where last good versions are kept; null: nowhere. */
  readonly stateDirectory: string | null;
  /** Where autopilot.config.yaml is looked for; null: nowhere. */
  readonly folder: string | null;
  readonly agents: { services(): readonly string[]; instances(service: string): readonly InstanceStatus[] };
  /** Pools that instances of a service have instrumented; 0 where that is not known. */
  readonly pools: (service: string) => Promise<number>;
  /** False: another control plane leads, and heals what was left open. */
  readonly leads: () => boolean;
  readonly onTrouble: (message: string) => void;
}

const OWN_EVERY_MS = 1000;
const HEAL_EVERY_MS = 30_000;
/** Who leads from now on takes over what was left open before: less than the lease of a leader that was killed. */
const TAKEN_OVER_MS = 5_000;
/** The control plane among the instances. */
const CONTROL_PLANE = 'control-plane';

/** Everything about configuration in a control plane, put together: read, followed, brought to the agents, changed. */
export class ConfigurationOffice {
  /** For the registry of agents. */
  readonly exchange: ConfigExchange;
  /** The path of everything that is changed. */
  readonly orders: Orders;
  readonly #options: ConfigurationOfficeOptions;
  readonly #keeper: ConfigKeeper;
  readonly #file: FileLayer;
  readonly #desk: ConfigurationDesk;
  readonly #trialActuator: ConfigurationTrialActuator;
  readonly #instances: ConfiguredInstances;
  readonly #timers: NodeJS.Timeout[] = [];
  #started: Promise<void> = Promise.resolve();
  #led = false;

  constructor(options: ConfigurationOfficeOptions) {
    const { store, journal, own, ownService, stateDirectory, folder, agents, onTrouble } = options;
    this.#options = options;
    this.exchange = new ConfigExchange({ desired: (service, instance) => this.#keeper.order(service, instance) });
    const changed = (services: readonly string[]): void => {
      for (const service of services) this.exchange.push(service);
      this.#takeOwn();
    };
    this.#file = new FileLayer(folder, () => changed(agents.services()), onTrouble);
    const file = (): SettingValues => this.#file.values;
    this.#keeper = new ConfigKeeper({
      store,
      file,
      lastGood: (service) =>
        stateDirectory === null
          ? null
          : new LastGood(stateDirectory, `control plane ${service}`, (error) => onTrouble(messageOf(error))),
      onChange: (service) => changed([service]),
      onTrouble,
    });
    const actuator = new ConfigurationActuator(this.#keeper);
    const trialActuator = new ConfigurationTrialActuator(this.#keeper);
    const stop = killSwitch(() => ({ stopped: this.stopped !== null, because: this.stopped ?? '' }));
    this.orders = new Orders({
      journal,
      actuators: [actuator, trialActuator, ...(options.actuators ?? [])],
      guards: [stop, ...(options.guards ?? [])],
      onTrouble,
    });
    this.#instances = new ConfiguredInstances({
      agents,
      exchange: this.exchange,
      own,
      keeper: this.#keeper,
      ownName: CONTROL_PLANE,
      ownService,
    });
    this.#trialActuator = trialActuator;
    this.#desk = new ConfigurationDesk({
      keeper: this.#keeper,
      orders: this.orders,
      actuator,
      instances: this.#instances,
      file,
      facts: (service) => this.#facts(service),
    });
  }

  /** What trials of settings need. */
  get tried(): { readonly desk: ConfigurationDesk; readonly actuator: ConfigurationTrialActuator } {
    return { desk: this.#desk, actuator: this.#trialActuator };
  }

  /** Why the autopilot changes nothing that nobody asked for; null: it may. */
  get stopped(): string | null {
    const { own } = this.#options;
    if (own.state.safeMode) return 'AUTOPILOT_SAFE_MODE is on.';
    return own.settings.current.optimization.stopped ? 'optimization.stopped is on.' : null;
  }

  /** The settings by which the control plane treats a service. */
  settingsFor(service: string): Settings {
    const { own, ownService } = this.#options;
    if (service === ownService()) return own.settings.current;
    const layers = this.#keeper.order(service, CONTROL_PLANE)?.layers ?? { ...noLayers, file: this.#file.values };
    const { environment, safeMode } = own.state;
    return settingsOf(effectiveOf({ ...layers, environment }, safeMode).values);
  }

  /** What the calls under /config are answered from. `serviceOf` knows the services that have facts. */
  sources(pager: Pager, serviceOf: (named: string | undefined) => string): ConfigurationSources {
    return {
      keeper: this.#keeper,
      desk: this.#desk,
      instances: this.#instances,
      standing: (service) => this.#instances.standing(service),
      file: () => this.#file.values,
      fileTrouble: () => this.#file.trouble,
      pager,
      serviceOf: (named) => (named !== undefined && this.#keeper.version(named) > 0 ? named : serviceOf(named)),
    };
  }

  /** Reads what there is and follows it. Waits for the file, and for nothing else. */
  async start(): Promise<void> {
    await this.#file.start();
    this.#takeOwn();
    this.#started = this.#begin();
    this.#timers.push(
      setInterval(() => {
        this.#takeOwn();
        if (this.#options.leads() !== this.#led) void this.#heal(TAKEN_OVER_MS);
      }, OWN_EVERY_MS),
      setInterval(() => void this.#heal(HEAL_EVERY_MS), HEAL_EVERY_MS),
    );
  }

  /** Follows nothing any more; resolves when what was under way has ended. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#file.stop();
    await this.#keeper.stop();
    await this.#started;
  }

  async #begin(): Promise<void> {
    await this.#keeper.start();
    this.#takeOwn();
    await this.#heal(0);
  }

  async #heal(olderThanMs: number): Promise<void> {
    this.#led = this.#options.leads();
    if (!this.#led || this.#keeper.trouble !== null) return;
    try {
      await this.orders.heal(olderThanMs);
    } catch (error) {
      this.#options.onTrouble(`Open orders can't be looked at now: ${messageOf(error)}`);
    }
  }

  #takeOwn(): void {
    const order = this.#keeper.order(this.#options.ownService(), CONTROL_PLANE);
    if (order !== null) this.#options.own.take(order);
  }

  async #facts(service: string): Promise<LiveFacts> {
    const { store, agents, pools } = this.#options;
    // Rules that need to know leave out what can't be known now.
    const connections = await store.connectionLimits().catch(() => null);
    return {
      connections,
      machineBytes: connections?.isOnThisMachine === true ? machineBytes() : null,
      instances: agents.instances(service).filter(({ state }) => state !== 'gone').length,
      pools: await pools(service).catch(() => 0),
    };
  }
}

/** The memory that processes here may take together: the machine's, or less in a container. */
function machineBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
