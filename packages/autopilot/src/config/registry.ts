import { api } from './groups/api.ts';
import { database } from './groups/database.ts';
import { health } from './groups/health.ts';
import { monitoring } from './groups/monitoring.ts';
import type { SettingDeclaration, SettingValue, ValueOf } from './setting.ts';

interface Groups {
  readonly api: typeof api;
  readonly database: typeof database;
  readonly health: typeof health;
  readonly monitoring: typeof monitoring;
}

const groups: Groups = { api, database, health, monitoring };

/** Every setting there is: "monitoring.maxRoutes" is `settings.monitoring.maxRoutes`. */
export type Settings = {
  readonly [Group in keyof Groups]: { readonly [Name in keyof Groups[Group]]: ValueOf<Groups[Group][Name]> };
};

/** Some settings by key ("compression.minBytes"): what one layer says. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

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
