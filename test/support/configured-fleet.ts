import { randomBytes } from 'node:crypto';
import {
  ConfigurationOffice,
  type ConfigurationOfficeOptions,
} from '../../packages/autopilot/src/api/config/configuration-office.ts';
import { layerOf, withLayer } from '../../packages/autopilot/src/config/content.ts';
import { InstanceConfig } from '../../packages/autopilot/src/config/instance-config.ts';
import { LastGood } from '../../packages/autopilot/src/config/last-good.ts';
import type {
  ConfigChange,
  ConfigVersion,
  SettingValues,
} from '../../packages/autopilot/src/contract/configuration.ts';
import type { InstanceStatus } from '../../packages/autopilot/src/contract/performance.ts';
import type { ControlChannel, DownMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { Pager } from '../../packages/autopilot/src/page/page.ts';
import type { ConfigStore, Journal } from '../../packages/autopilot/src/storage/ports.ts';

/** An instance as an agent is one: its own settings, its own disk, messages both ways. */
export class FleetInstance {
  readonly config: InstanceConfig;
  readonly disk: LastGood | null;
  /** When the newest version came into force. */
  appliedAtMs = 0;

  constructor(name: string, folder: string | null) {
    const failed = (error: unknown): void => {
      throw error;
    };
    this.disk = folder === null ? null : new LastGood(folder, `agent ${name}`, failed);
    this.config = new InstanceConfig({
      environment: {},
      safeMode: false,
      initial: this.disk?.read() ?? null,
      keep: (order) => this.disk?.keep(order),
    });
  }
}

/** A control plane's part that is about configuration, with instances that are linked to it without a network. */
export class ConfiguredFleet {
  readonly office: ConfigurationOffice;
  readonly instances: readonly FleetInstance[];
  readonly trouble: string[] = [];
  readonly #desk: ReturnType<ConfigurationOffice['sources']>['desk'];
  readonly #service: string;

  constructor(
    service: string,
    count: number,
    folder: string | null,
    store: ConfigStore,
    journal: Journal,
    more: Partial<ConfigurationOfficeOptions> = {},
  ) {
    this.#service = service;
    const names = Array.from({ length: count }, (_, index) => `instance ${index}`);
    const at = new Date().toISOString();
    const statuses = names.map(
      (instance): InstanceStatus => ({
        service,
        instance,
        release: '1',
        state: 'live',
        startedAt: at,
        lastSeenAt: at,
        silentMs: 0,
        historyTrouble: null,
      }),
    );
    this.office = new ConfigurationOffice({
      store,
      journal,
      own: new InstanceConfig({ environment: {}, safeMode: false, initial: null }),
      ownService: () => service,
      stateDirectory: folder,
      folder: null,
      agents: { services: () => [service], instances: () => statuses },
      pools: () => Promise.resolve(1),
      leads: () => true,
      onTrouble: (message) => this.trouble.push(message),
      ...more,
    });
    this.#desk = this.office.sources(new Pager({ key: randomBytes(32) }), () => service).desk;
    this.instances = names.map((name) => new FleetInstance(name, folder));
  }

  async start(): Promise<void> {
    await this.office.start();
    for (const index of this.instances.keys()) this.#link(index);
  }

  /** Makes a version; null when nothing differed. `instance`: of that one alone. */
  async change(
    author: string,
    values: SettingValues,
    ifVersion: number | null = null,
    instance: string | null = null,
  ): Promise<ConfigChange> {
    return await this.#desk.change({
      service: this.#service,
      ifVersion,
      author,
      note: '',
      cause: 'person',
      revise: (content) => withLayer(content, instance, { ...layerOf(content, instance), ...values }),
    });
  }

  /** Makes a version with the content of an older one, as POST /config/versions/{n}/restore does. */
  async restore(author: string, { version, content }: ConfigVersion): Promise<ConfigChange> {
    return await this.#desk.change({
      service: this.#service,
      ifVersion: null,
      author,
      note: `Restores version ${version}`,
      cause: 'restore',
      restored: version,
      revise: () => content,
    });
  }

  #link(index: number): void {
    const instance = this.instances[index];
    if (instance === undefined) return;
    const { config } = instance;
    const origin = { service: this.#service, instance: `instance ${index}`, release: '1' };
    const say = (): void => this.office.exchange.hear(origin, channel, { kind: 'config-state', ...config.state });
    const channel: ControlChannel = {
      send: (message: DownMessage) => {
        // As over a wire: later, and a copy.
        setImmediate(() => {
          const copy = structuredClone(message);
          if (copy.kind === 'config-check') {
            const answer = { kind: 'config-checked', id: copy.id, ...config.check(copy.layers) } as const;
            this.office.exchange.hear(origin, channel, answer);
          } else if (copy.kind === 'config') {
            config.take(copy);
            instance.appliedAtMs = performance.now();
            say();
          }
        });
        return true;
      },
      onMessage: () => {},
      onClose: () => {},
      close: () => {},
    };
    say();
  }
}
