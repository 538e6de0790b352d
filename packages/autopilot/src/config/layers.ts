import type { ConfigContent, ConfigLayer, SettingValue, SettingValues } from '../contract/configuration.ts';
import { registry } from './registry.ts';
import { type SettingDeclaration, troubleWith } from './setting.ts';

/** What the layers say, each by itself, for one instance. */
export interface Layers {
  readonly preset: SettingValues;
  readonly file: SettingValues;
  readonly environment: SettingValues;
  readonly fleet: SettingValues;
  readonly instance: SettingValues;
}

/** From the weakest to the strongest. */
const ORDER = ['preset', 'file', 'environment', 'fleet', 'instance'] as const satisfies readonly (keyof Layers)[];

export const noLayers: Layers = { preset: {}, file: {}, environment: {}, fleet: {}, instance: {} };

/** A setting's value with where it comes from, and every layer that says something, the weakest first. */
export interface Provenance {
  readonly value: SettingValue;
  readonly layer: ConfigLayer;
  readonly said: readonly { readonly layer: ConfigLayer; readonly value: SettingValue }[];
}

/** What layers come to. */
export interface Effective {
  readonly values: SettingValues;
  readonly provenance: ReadonlyMap<string, Provenance>;
  /** Values that can't be used, a sentence each: what is under them counts instead. */
  readonly trouble: readonly string[];
  /** Keys that no setting of this release has, kept and without effect. */
  readonly unknown: readonly string[];
}

/**
 * Puts layers over each other: default < preset < file < environment < fleet version < override of the instance. In
 * safe mode the defaults alone count. null in a layer takes nothing back: it says nothing.
 */
export function effectiveOf(layers: Layers, safeMode = false): Effective {
  const values: Record<string, SettingValue> = {};
  const provenance = new Map<string, Provenance>();
  const trouble: string[] = [];
  for (const [key, declaration] of registry) {
    const said = ORDER.flatMap((layer) => saidBy(layers[layer], layer, key, declaration, trouble));
    const winner = safeMode ? undefined : said.at(-1);
    const value = winner?.value ?? declaration.default;
    if (winner !== undefined) values[key] = value;
    const layer = winner?.layer ?? (said.length > 0 ? 'safe mode' : 'default');
    provenance.set(key, { value, layer, said });
  }
  return { values, provenance, trouble, unknown: unknownKeys(ORDER.map((layer) => layers[layer])) };
}

function saidBy(
  values: SettingValues,
  layer: keyof Layers,
  key: string,
  declaration: SettingDeclaration,
  trouble: string[],
): readonly { readonly layer: ConfigLayer; readonly value: SettingValue }[] {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  if (value === undefined || value === null) return [];
  const wrong = troubleWith(declaration, value);
  if (wrong === null) return [{ layer, value }];
  trouble.push(`${key} ${wrong} (${layer}); it is passed over`);
  return [];
}

/** Keys that no setting of this release has, each once. */
export function unknownKeys(several: readonly SettingValues[]): readonly string[] {
  return [...new Set(several.flatMap((values) => Object.keys(values)))].filter((key) => !registry.has(key)).sort();
}

export const emptyContent: ConfigContent = { preset: null, fleet: {}, instances: {} };

/** What a version says for one instance; null: for all of them. */
export function layersOf(
  content: ConfigContent,
  instance: string | null,
  file: SettingValues,
  environment: SettingValues,
): Layers {
  const own = instance !== null && Object.hasOwn(content.instances, instance) ? content.instances[instance] : undefined;
  return { preset: content.preset?.values ?? {}, file, environment, fleet: content.fleet, instance: own ?? {} };
}
