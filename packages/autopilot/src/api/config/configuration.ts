import { variableOf } from '../../config/environment-layer.ts';
import type { ConfigOrderLayers } from '../../config/last-good.ts';
import { effectiveOf, type Provenance } from '../../config/layers.ts';
import { nested } from '../../config/merge-patch.ts';
import { registry } from '../../config/registry.ts';
import type { SettingDeclaration } from '../../config/setting.ts';
import type { Configuration, EffectiveSetting, SettingValues } from '../../contract/configuration.ts';

/** What a {@link Configuration} is made of. */
export interface ConfigurationParts {
  readonly service: string;
  readonly instance: string | null;
  readonly version: number;
  readonly preset: string | null;
  readonly layers: ConfigOrderLayers;
  readonly environment: SettingValues;
  readonly safeMode: boolean;
  readonly canChange: boolean;
  readonly notes: readonly string[];
}

/** GET /config */
export function configurationOf(parts: ConfigurationParts): Configuration {
  const { service, instance, version, preset, layers, environment, safeMode, canChange, notes } = parts;
  const { provenance, trouble, unknown } = effectiveOf({ ...layers, environment }, safeMode);
  const settings: Record<string, Record<string, EffectiveSetting>> = {};
  for (const [key, found] of provenance) {
    const declaration = registry.get(key);
    if (declaration === undefined) continue;
    const [group = '', name = ''] = key.split('.');
    const ofGroup = (settings[group] ??= {});
    ofGroup[name] = settingOf(key, declaration, found);
  }
  return {
    service,
    ...(instance === null ? {} : { instance }),
    version,
    preset,
    values: nested(Object.fromEntries(Array.from(provenance, ([key, { value }]) => [key, value]))),
    settings,
    unknown,
    canChange,
    notes: [...notes, ...trouble.map((one) => `${one}.`)],
  };
}

function settingOf(key: string, declaration: SettingDeclaration, { value, layer, said }: Provenance): EffectiveSetting {
  const { kind, apply, risk, on, description } = declaration;
  return {
    value,
    layer,
    default: declaration.default,
    kind,
    ...('unit' in declaration ? { unit: declaration.unit, min: declaration.min, max: declaration.max } : {}),
    ...(declaration.kind === 'choice' ? { values: declaration.values } : {}),
    apply,
    risk,
    on,
    description,
    variable: variableOf(key),
    layers: said,
  };
}
