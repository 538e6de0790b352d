import type { ConfigKeeper } from '../../config/config-keeper.ts';
import type { InstanceConfig } from '../../config/instance-config.ts';
import type { ConfigOrderLayers } from '../../config/last-good.ts';
import type { ConfigInstance, InstanceVerdict, SettingValues } from '../../contract/configuration.ts';
import type { InstanceStatus } from '../../contract/performance.ts';
import type { ConfigExchange } from '../../link/config-exchange.ts';
import type { LiveInstances } from '../../tune/configuration-desk.ts';

/** What {@link ConfiguredInstances} are made of. */
export interface ConfiguredInstancesOptions {
  readonly agents: { instances(service: string): readonly InstanceStatus[] };
  readonly exchange: ConfigExchange;
  /** The control plane itself, which is an instance too. */
  readonly own: InstanceConfig;
  readonly ownName: string;
  /** The service whose configuration it runs with. */
  readonly ownService: () => string;
  readonly keeper: ConfigKeeper;
}

/** How an instance stands, with what its own environment sets. */
export interface StandingInstance {
  readonly state: ConfigInstance;
  readonly environment: SettingValues;
}

/** The instances of a service and the configuration that each runs: agents, as they say, and the control plane itself. */
export class ConfiguredInstances implements LiveInstances {
  readonly #options: ConfiguredInstancesOptions;

  constructor(options: ConfiguredInstancesOptions) {
    this.#options = options;
  }

  environments(service: string): readonly { readonly instance: string; readonly environment: SettingValues }[] {
    const { exchange, own, ownName } = this.#options;
    const linked = exchange.instances(service).filter((one) => one.linked);
    const agents = linked.map(({ origin, state }) => ({ instance: origin.instance, environment: state.environment }));
    return this.#isOwn(service) ? [...agents, { instance: ownName, environment: own.state.environment }] : agents;
  }

  async check(
    service: string,
    layersFor: (instance: string) => ConfigOrderLayers,
  ): Promise<readonly InstanceVerdict[]> {
    const { exchange, own, ownName } = this.#options;
    const agents = await exchange.check(service, layersFor);
    if (!this.#isOwn(service)) return agents;
    const { refusal, pendingRestart } = own.check(layersFor(ownName));
    const verdict: InstanceVerdict =
      refusal === null
        ? { instance: ownName, state: 'accepted', pendingRestart }
        : { instance: ownName, state: 'refused', reason: refusal, pendingRestart };
    return [...agents, verdict];
  }

  async settled(service: string): Promise<readonly InstanceVerdict[]> {
    const { exchange, own, ownName } = this.#options;
    const agents = await exchange.settled(service);
    if (!this.#isOwn(service)) return agents;
    const { error, pendingRestart } = own.state;
    const isCurrent = this.#isCurrent(service, ownName, own.state.revision);
    const verdict: InstanceVerdict = isCurrent
      ? { instance: ownName, state: 'applied', pendingRestart }
      : { instance: ownName, state: 'refused', reason: error ?? 'it has not taken it yet', pendingRestart };
    return [...agents, verdict];
  }

  /** How each stands. */
  standing(service: string): readonly StandingInstance[] {
    const { agents, exchange, own, ownName } = this.#options;
    const said = new Map(exchange.instances(service).map((one) => [one.origin.instance, one]));
    const linked = agents.instances(service).map(({ instance, state: link }): StandingInstance => {
      const known = said.get(instance);
      const state: ConfigInstance = {
        instance,
        role: 'agent',
        state: link,
        version: known?.state.version ?? null,
        current: known !== undefined && this.#isCurrent(service, instance, known.state.revision),
        safeMode: known?.state.safeMode ?? false,
        pendingRestart: known?.state.pendingRestart ?? [],
        error: known?.state.error ?? null,
        acknowledgedAt: known?.at.toISOString() ?? null,
      };
      return { state, environment: known?.state.environment ?? {} };
    });
    if (!this.#isOwn(service)) return linked;
    const { version, revision, safeMode, pendingRestart, error, environment } = own.state;
    const state: ConfigInstance = {
      instance: ownName,
      role: 'control-plane',
      state: 'live',
      version,
      current: this.#isCurrent(service, ownName, revision),
      safeMode,
      pendingRestart,
      error,
      acknowledgedAt: new Date().toISOString(),
    };
    return [...linked, { state, environment }];
  }

  #isOwn(service: string): boolean {
    return service === this.#options.ownService();
  }

  #isCurrent(service: string, instance: string, revision: string): boolean {
    const order = this.#options.keeper.order(service, instance);
    return order !== null && order.revision === revision;
  }
}
