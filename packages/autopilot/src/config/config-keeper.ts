import type { ConfigContent, ConfigVersion, SettingValues } from '../contract/configuration.ts';
import { systemClock } from '../kernel/clock.ts';
import type { ConfigDraft, ConfigStore } from '../storage/ports.ts';
import { askStore, StoreFollower } from '../storage/store-follower.ts';
import { hashOf } from './content.ts';
import type { ConfigOrder, ConfigOrderLayers, KeptOrder, LastGood } from './last-good.ts';
import { emptyContent } from './layers.ts';

/** What a {@link ConfigKeeper} is made with. */
export interface ConfigKeeperOptions {
  readonly store: ConfigStore;
  /** What the file sets; asked each time, so that a file that changes counts at once. */
  readonly file: () => SettingValues;
  /** Told when something else should run now in the instances of this service. */
  readonly onChange: (service: string) => void;
  readonly onTrouble: (message: string) => void;
  /** The last good version of a service on the local disk, for a start without the database; null: none is kept. */
  readonly lastGood: (service: string) => LastGood | null;
}

/**
 * The newest version of every service, as this control plane knows it: heard of by LISTEN, and asked for every 5 s.
 * While the database is away it goes on with what it knows, and changes are refused.
 */
export class ConfigKeeper {
  readonly #options: ConfigKeeperOptions;
  readonly #versions = new Map<string, ConfigVersion>();
  readonly #lastGood = new Map<string, { readonly disk: LastGood | null; readonly order: KeptOrder | null }>();
  readonly #follower: StoreFollower;
  #read = false;

  constructor(options: ConfigKeeperOptions) {
    this.#options = options;
    this.#follower = new StoreFollower({
      watch: (changed) => options.store.watch(changed),
      clock: systemClock,
      read: () => this.#readNewest(),
      onTrouble: (reason) => options.onTrouble(`The configuration can't be read: ${reason}`),
    });
  }

  /** Why the database can't be asked; null: it can. */
  get trouble(): string | null {
    return this.#follower.trouble;
  }

  get durable(): boolean {
    return this.#options.store.durable;
  }

  /** Reads what there is, and follows it from now on. Resolves also when the database is away. */
  async start(): Promise<void> {
    await this.#follower.start();
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
  }

  /** The content in force; the empty one when nothing was ever changed. */
  content(service: string): ConfigContent {
    return this.#versions.get(service)?.content ?? emptyContent;
  }

  /** 0: nothing was ever changed, as far as is known. */
  version(service: string): number {
    return this.order(service, '')?.version ?? 0;
  }

  /** What an instance should run; null: the database has not been read yet, and nothing is remembered. */
  order(service: string, instance: string): ConfigOrder | null {
    const known = this.#versions.get(service);
    if (known !== undefined || this.#read) {
      return orderOf(known?.version ?? 0, orderLayers(known?.content ?? emptyContent, instance, this.#options.file()));
    }
    return this.#remembered(service, instance);
  }

  /** Asks the store now. Calls that come meanwhile are one more asking after this one. */
  refresh(): Promise<void> {
    return this.#follower.refresh();
  }

  /**
   * The newest version as the store has it now.
   * @throws AutopilotError AP_CONFIG_STORE_UNAVAILABLE
   */
  async newest(service: string): Promise<ConfigVersion | null> {
    const newest = await this.asked((store) => store.latest(service));
    if (newest !== null) this.#take(newest);
    return newest;
  }

  /** @throws AutopilotError AP_CONFIG_STALE_VERSION, AP_CONFIG_STORE_UNAVAILABLE */
  async commit(service: string, ifVersion: number, draft: Omit<ConfigDraft, 'hash'>): Promise<ConfigVersion> {
    const made = await this.asked((store) =>
      store.append(service, ifVersion, { ...draft, hash: hashOf(draft.content) }),
    );
    this.#take(made);
    return made;
  }

  /**
   * For whatever else needs the database to change or look up a configuration.
   * @throws AutopilotError AP_CONFIG_STORE_UNAVAILABLE in place of what a store says of itself
   */
  async asked<T>(ask: (store: ConfigStore) => Promise<T>): Promise<T> {
    return await askStore(
      'AP_CONFIG_STORE_UNAVAILABLE',
      'Until it is back every instance goes on with the configuration it has.',
      () => ask(this.#options.store),
    );
  }

  async #readNewest(): Promise<void> {
    const versions = await this.#options.store.latestVersions();
    const isFirst = !this.#read;
    for (const [service, version] of versions) {
      if ((this.#versions.get(service)?.version ?? 0) >= version) continue;
      const newest = await this.#options.store.latest(service);
      if (newest !== null) this.#take(newest);
    }
    this.#read = true;
    if (isFirst) for (const service of this.#lastGood.keys()) this.#options.onChange(service);
  }

  /** Versions only go forward: an answer that was overtaken is not taken. */
  #take(version: ConfigVersion): void {
    const { service } = version;
    if ((this.#versions.get(service)?.version ?? 0) >= version.version) return;
    this.#versions.set(service, version);
    const { content } = version;
    const common = orderOf(version.version, orderLayers(content, '', this.#options.file()));
    this.#kept(service).disk?.keep({ ...common, instances: content.instances });
    this.#options.onChange(service);
  }

  #remembered(service: string, instance: string): ConfigOrder | null {
    const { order } = this.#kept(service);
    if (order === null) return null;
    const { version, revision, layers, instances = {} } = order;
    const own = Object.hasOwn(instances, instance) ? instances[instance] : undefined;
    return own === undefined ? { version, revision, layers } : orderOf(version, { ...layers, instance: own });
  }

  #kept(service: string): { readonly disk: LastGood | null; readonly order: KeptOrder | null } {
    const known = this.#lastGood.get(service);
    if (known !== undefined) return known;
    const disk = this.#options.lastGood(service);
    const kept = { disk, order: disk?.read() ?? null };
    this.#lastGood.set(service, kept);
    return kept;
  }
}

/** The layers that are sent to one instance. */
export function orderLayers(content: ConfigContent, instance: string, file: SettingValues): ConfigOrderLayers {
  const own = Object.hasOwn(content.instances, instance) ? content.instances[instance] : undefined;
  return { preset: content.preset?.values ?? {}, file, fleet: content.fleet, instance: own ?? {} };
}

function orderOf(version: number, layers: ConfigOrderLayers): ConfigOrder {
  return { version, revision: hashOf([version, layers]).slice(0, 16), layers };
}
