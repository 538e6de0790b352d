import type {
  ConfigContent,
  ConfigPreset,
  ConfigVersion,
  ConfigVersionHead,
  SettingValues,
} from '../../contract/configuration.ts';
import { staleVersion, tooManyPresets } from '../config-refusals.ts';
import { CONFIG_VERSIONS_KEPT, type ConfigDraft, type ConfigStep, type ConfigStore, MAX_PRESETS } from '../ports.ts';

/** Versions that end with this process: for a control plane without a database, which says so, and for tests. */
export class MemoryConfigStore implements ConfigStore {
  readonly durable = false;
  readonly #versions = new Map<string, ConfigVersion[]>();
  readonly #presets = new Map<string, Map<string, ConfigPreset>>();
  readonly #watchers = new Set<() => void>();

  latest(service: string): Promise<ConfigVersion | null> {
    return Promise.resolve(this.#of(service).at(-1) ?? null);
  }

  latestVersions(): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(
      new Map(Array.from(this.#versions, ([service, versions]) => [service, versions.at(-1)?.version ?? 0])),
    );
  }

  read(service: string, version: number): Promise<ConfigVersion | null> {
    return Promise.resolve(this.#of(service).find((one) => one.version === version) ?? null);
  }

  list(service: string, before: number | null, limit: number): Promise<readonly ConfigVersionHead[]> {
    const older = this.#of(service).filter(({ version }) => before === null || version < before);
    return Promise.resolve(older.reverse().slice(0, limit).map(headOf));
  }

  history(service: string, key: string, limit: number): Promise<readonly ConfigStep[]> {
    const versions = this.#of(service);
    const steps = versions.flatMap((version, index): ConfigStep[] => {
      const previous = versions[index - 1];
      if (previous === undefined && version.version > 1) return [];
      const before = onlyOf(previous?.content ?? nothing, key);
      const after = onlyOf(version.content, key);
      return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ head: headOf(version), before, after }];
    });
    return Promise.resolve(steps.reverse().slice(0, limit));
  }

  append(service: string, ifVersion: number, draft: ConfigDraft): Promise<ConfigVersion> {
    const versions = this.#of(service);
    const newest = versions.at(-1)?.version ?? 0;
    if (newest !== ifVersion) return Promise.reject(staleVersion(service, ifVersion, newest));
    const made: ConfigVersion = { ...draft, service, version: newest + 1, at: new Date().toISOString() };
    this.#versions.set(service, [...versions, structuredClone(made)].slice(-CONFIG_VERSIONS_KEPT));
    for (const changed of this.#watchers) queueMicrotask(changed);
    return Promise.resolve(made);
  }

  madeBy(service: string, trial: string): Promise<ConfigVersionHead | null> {
    const found = this.#of(service).find((one) => one.trial === trial);
    return Promise.resolve(found === undefined ? null : headOf(found));
  }

  presets(service: string): Promise<readonly ConfigPreset[]> {
    return Promise.resolve(
      [...(this.#presets.get(service)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }

  putPreset(service: string, preset: ConfigPreset): Promise<void> {
    const presets = this.#presets.get(service) ?? new Map<string, ConfigPreset>();
    if (!presets.has(preset.name) && presets.size >= MAX_PRESETS) return Promise.reject(tooManyPresets(service));
    this.#presets.set(service, presets.set(preset.name, structuredClone(preset)));
    return Promise.resolve();
  }

  removePreset(service: string, name: string): Promise<boolean> {
    return Promise.resolve(this.#presets.get(service)?.delete(name) ?? false);
  }

  connectionLimits(): Promise<null> {
    return Promise.resolve(null);
  }

  watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(changed);
      },
    };
  }

  close(): Promise<void> {
    this.#watchers.clear();
    return Promise.resolve();
  }

  #of(service: string): readonly ConfigVersion[] {
    return this.#versions.get(service) ?? [];
  }
}

const nothing: ConfigContent = { preset: null, fleet: {}, instances: {} };

/** A content with one setting alone; the name of a preset that does not set it is left out. */
function onlyOf({ preset, fleet, instances }: ConfigContent, key: string): ConfigContent {
  const one = (values: SettingValues): SettingValues =>
    Object.fromEntries(Object.entries(values).filter(([name]) => name === key));
  const own = Object.entries(instances).filter(([, values]) => Object.hasOwn(values, key));
  return {
    preset: preset !== null && Object.hasOwn(preset.values, key) ? { name: '', values: one(preset.values) } : null,
    fleet: one(fleet),
    instances: Object.fromEntries(
      own.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, values]) => [name, one(values)]),
    ),
  };
}

function headOf(version: ConfigVersion): ConfigVersionHead {
  const { service, at, author, note, cause, restored, trial, hash } = version;
  return { service, version: version.version, at, author, note, cause, restored, trial, hash };
}
