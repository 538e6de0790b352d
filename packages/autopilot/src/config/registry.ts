import type { SettingValue, SettingValues } from '../contract/configuration.ts';
import { answers } from './groups/answers.ts';
import { api } from './groups/api.ts';
import { benchmark } from './groups/benchmark.ts';
import { compression } from './groups/compression.ts';
import { database } from './groups/database.ts';
import { health } from './groups/health.ts';
import { jobs } from './groups/jobs.ts';
import { load } from './groups/load.ts';
import { maintenance } from './groups/maintenance.ts';
import { monitoring } from './groups/monitoring.ts';
import { observe } from './groups/observe.ts';
import { optimization } from './groups/optimization.ts';
import { overload } from './groups/overload.ts';
import { paging } from './groups/paging.ts';
import { resources } from './groups/resources.ts';
import { security } from './groups/security.ts';
import type { SettingDeclaration, ValueOf } from './setting.ts';

interface Groups {
  readonly answers: typeof answers;
  readonly api: typeof api;
  readonly benchmark: typeof benchmark;
  readonly compression: typeof compression;
  readonly database: typeof database;
  readonly health: typeof health;
  readonly jobs: typeof jobs;
  readonly load: typeof load;
  readonly maintenance: typeof maintenance;
  readonly monitoring: typeof monitoring;
  readonly observe: typeof observe;
  readonly optimization: typeof optimization;
  readonly overload: typeof overload;
  readonly paging: typeof paging;
  readonly resources: typeof resources;
  readonly security: typeof security;
}

const groups: Groups = {
  answers,
  api,
  benchmark,
  compression,
  database,
  health,
  jobs,
  load,
  maintenance,
  monitoring,
  observe,
  optimization,
  overload,
  paging,
  resources,
  security,
};

/** Every setting there is: "monitoring.maxRoutes" is `settings.monitoring.maxRoutes`. */
export type Settings = {
  readonly [Group in keyof Groups]: { readonly [Name in keyof Groups[Group]]: ValueOf<Groups[Group][Name]> };
};

/** Every declaration by key, group by group in the order of the names of the groups. */
export const registry: ReadonlyMap<string, SettingDeclaration> = new Map(
  Object.entries<Readonly<Record<string, SettingDeclaration>>>({ ...groups }).flatMap(([group, settings]) =>
    Object.entries(settings).map(([name, declaration]) => [`${group}.${name}`, declaration] as const),
  ),
);

/** The defaults with `values` put over them, frozen. Keys that are not in the registry are passed over. */
export function settingsOf(values: SettingValues = {}): Settings {
  const made: Record<string, Record<string, SettingValue>> = {};
  for (const [key, declaration] of registry) {
    const [group = '', name = ''] = key.split('.');
    const value = (Object.hasOwn(values, key) ? values[key] : undefined) ?? declaration.default;
    const settings = (made[group] ??= {});
    settings[name] = Array.isArray(value) ? Object.freeze(value.slice()) : value;
  }
  for (const settings of Object.values(made)) Object.freeze(settings);
  // Built from the same declarations as the type.
  return Object.freeze(made) as unknown as Settings;
}

/** The value of one setting; undefined: there is no such key. */
export function valueAt(settings: Settings, key: string): SettingValue | undefined {
  const [group = '', name = ''] = key.split('.');
  // The registry's own keys, looked up by text.
  return (settings as unknown as Record<string, Record<string, SettingValue> | undefined>)[group]?.[name];
}
