import { createHash } from 'node:crypto';
import type { ConfigContent, ConfigDifference, SettingValue, SettingValues } from '../contract/configuration.ts';
import { sameValue } from './setting.ts';

/** SHA-256 of a content: names in order, so that equal contents have equal hashes whoever wrote them. */
export function hashOf(content: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(content)))
    .digest('hex');
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, ordered(part)]);
}

/** What differs between two contents, by layer and key. */
export function differencesOf(before: ConfigContent, after: ConfigContent): readonly ConfigDifference[] {
  const instances = [...new Set([...Object.keys(before.instances), ...Object.keys(after.instances)])].sort();
  return [
    ...layerDifferences(before.preset?.values ?? {}, after.preset?.values ?? {}, { layer: 'preset' }),
    ...layerDifferences(before.fleet, after.fleet, { layer: 'fleet' }),
    ...instances.flatMap((instance) =>
      layerDifferences(own(before, instance), own(after, instance), { layer: 'instance', instance }),
    ),
  ];
}

function own({ instances }: ConfigContent, instance: string): SettingValues {
  return (Object.hasOwn(instances, instance) ? instances[instance] : undefined) ?? {};
}

function layerDifferences(
  before: SettingValues,
  after: SettingValues,
  where: Pick<ConfigDifference, 'layer' | 'instance'>,
): readonly ConfigDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => {
    const was = valueIn(before, key);
    const is = valueIn(after, key);
    if (sameValue(was, is)) return [];
    return [
      { key, ...where, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) },
    ];
  });
}

function valueIn(values: SettingValues, key: string): SettingValue | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

/** The same content with the values of one layer replaced; an instance without values is left out. */
export function withLayer(content: ConfigContent, instance: string | null, values: SettingValues): ConfigContent {
  if (instance === null) return { ...content, fleet: values };
  const others = Object.entries(content.instances).filter(([name]) => name !== instance);
  const instances = Object.keys(values).length === 0 ? others : [...others, [instance, values] as const];
  return { ...content, instances: Object.fromEntries(instances) };
}

/** The values that a patch of this layer changes. */
export function layerOf(content: ConfigContent, instance: string | null): SettingValues {
  return instance === null ? content.fleet : own(content, instance);
}
