import type {
  ConfigChange,
  ConfigCheck,
  ConfigDifference,
  ConfigFinding,
  ConfigInstanceList,
  ConfigPreset,
  ConfigPresetDraft,
  ConfigPresetList,
  ConfigSettingHistory,
  Configuration,
  ConfigVersion,
  ConfigVersionDiff,
  ConfigVersionHead,
  ConfigVersionList,
  EffectiveSetting,
  InstanceVerdict,
} from './configuration.ts';
import type { ShapeOf } from './shape.ts';

/** The shapes of what the calls under /api/v1/config answer and take; what a field means is said on its type in configuration.ts. */

const text = { kind: 'string' } as const;
const time = { kind: 'string', format: 'time' } as const;
const number = { kind: 'integer', min: 0 } as const;
const flag = { kind: 'boolean' } as const;
const value = { kind: 'value' } as const;
const texts = { kind: 'array', of: text } as const;
const orNull = <Of>(of: Of): { readonly kind: 'nullable'; readonly of: Of } => ({ kind: 'nullable', of });
const maybe = <Of>(of: Of): { readonly kind: 'optional'; readonly of: Of } => ({ kind: 'optional', of });
const values = { kind: 'map', of: value } as const;
const layer = {
  kind: 'string',
  values: ['default', 'preset', 'file', 'environment', 'fleet', 'instance', 'safe mode'],
} as const;
const key = { kind: 'string', maxLength: 200, description: 'A setting, as "monitoring.maxRoutes"' } as const;

const headFields = {
  service: text,
  version: number,
  at: time,
  author: text,
  note: text,
  cause: { kind: 'string', values: ['person', 'preset', 'import', 'restore', 'trial'] },
  restored: orNull(number),
  trial: text,
  hash: text,
} as const;

const head: ShapeOf<ConfigVersionHead> = { kind: 'object', name: 'ConfigVersionHead', fields: headFields };

/** GET /config/versions/{n} */
export const configVersion: ShapeOf<ConfigVersion> = {
  kind: 'object',
  name: 'ConfigVersion',
  fields: {
    ...headFields,
    content: {
      kind: 'object',
      fields: {
        preset: orNull({ kind: 'object', fields: { name: text, values } } as const),
        fleet: values,
        instances: { kind: 'map', of: values },
      },
    },
  },
};

const differenceFields = {
  key: text,
  layer: { kind: 'string', values: ['preset', 'fleet', 'instance'] },
  instance: maybe(text),
  before: maybe(value),
  after: maybe(value),
} as const;

const difference: ShapeOf<ConfigDifference> = {
  kind: 'object',
  name: 'ConfigDifference',
  description: 'A side that is absent: nothing was set there',
  fields: differenceFields,
};

const finding: ShapeOf<ConfigFinding> = {
  kind: 'object',
  name: 'ConfigFinding',
  fields: { keys: texts, message: text },
};

const verdict: ShapeOf<InstanceVerdict> = {
  kind: 'object',
  name: 'InstanceVerdict',
  fields: {
    instance: text,
    state: { kind: 'string', values: ['accepted', 'applied', 'refused', 'no answer'] },
    reason: maybe(text),
    pendingRestart: texts,
  },
};

const masked = {
  kind: 'array',
  of: { kind: 'object', fields: { key: text, by: layer, instance: maybe(text) } },
  description: 'Values that take no effect because a layer above says something else',
} as const;

const setting: ShapeOf<EffectiveSetting> = {
  kind: 'object',
  name: 'EffectiveSetting',
  fields: {
    value,
    layer,
    default: value,
    kind: { kind: 'string', values: ['integer', 'number', 'boolean', 'choice', 'text', 'texts'] },
    unit: maybe(text),
    min: maybe({ kind: 'number' } as const),
    max: maybe({ kind: 'number' } as const),
    values: maybe(texts),
    apply: { kind: 'string', values: ['live', 'new-connections', 'restart'] },
    risk: { kind: 'string', values: ['low', 'medium', 'high'] },
    on: { kind: 'string', values: ['agent', 'control-plane'] },
    description: text,
    variable: text,
    layers: { kind: 'array', of: { kind: 'object', fields: { layer, value } } },
  },
};

/** GET /config */
export const configuration: ShapeOf<Configuration> = {
  kind: 'object',
  name: 'Configuration',
  fields: {
    service: text,
    instance: maybe(text),
    version: number,
    preset: orNull(text),
    values: { kind: 'map', of: values },
    settings: { kind: 'map', of: { kind: 'map', of: setting } },
    unknown: texts,
    canChange: flag,
    notes: texts,
  },
};

/** POST /config/validate */
export const configCheck: ShapeOf<ConfigCheck> = {
  kind: 'object',
  name: 'ConfigCheck',
  fields: {
    valid: flag,
    version: number,
    differences: { kind: 'array', of: difference },
    errors: { kind: 'array', of: finding },
    warnings: { kind: 'array', of: finding },
    instances: { kind: 'array', of: verdict },
    unknown: texts,
    masked,
  },
};

/** PATCH /config and everything else that makes a version */
export const configChange: ShapeOf<ConfigChange> = {
  kind: 'object',
  name: 'ConfigChange',
  fields: {
    version: orNull(head),
    differences: { kind: 'array', of: difference },
    warnings: { kind: 'array', of: finding },
    instances: { kind: 'array', of: verdict },
    unknown: texts,
    masked,
  },
};

/** GET /config/versions */
export const configVersionList: ShapeOf<ConfigVersionList> = {
  kind: 'object',
  name: 'ConfigVersionList',
  fields: {
    service: text,
    versions: { kind: 'array', of: head },
    page: {
      kind: 'object',
      fields: { limit: { kind: 'integer', min: 1 }, next: orNull(text), previous: orNull(text) },
    },
  },
};

/** GET /config/versions/{n}/diff */
export const configVersionDiff: ShapeOf<ConfigVersionDiff> = {
  kind: 'object',
  name: 'ConfigVersionDiff',
  fields: { service: text, from: number, to: number, differences: { kind: 'array', of: difference } },
};

/** GET /config/history */
export const configSettingHistory: ShapeOf<ConfigSettingHistory> = {
  kind: 'object',
  name: 'ConfigSettingHistory',
  fields: {
    service: text,
    setting: text,
    changes: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'ConfigSettingChange',
        fields: { ...differenceFields, version: number, at: time, author: text, note: text, cause: headFields.cause },
      },
    },
  },
};

const presetSettings: ShapeOf<ConfigPreset['settings']> = {
  kind: 'array',
  maxItems: 500,
  of: { kind: 'object', fields: { key, value, because: { kind: 'string', maxLength: 500 } } },
};

/** PUT /config/presets/{name} */
export const configPresetDraft: ShapeOf<ConfigPresetDraft> = {
  kind: 'object',
  name: 'ConfigPresetDraft',
  fields: { description: { kind: 'string', maxLength: 1_000 }, settings: presetSettings },
};

/** One preset. */
export const configPreset: ShapeOf<ConfigPreset> = {
  kind: 'object',
  name: 'ConfigPreset',
  fields: { name: text, description: text, builtIn: flag, settings: presetSettings },
};

/** GET /config/presets */
export const configPresetList: ShapeOf<ConfigPresetList> = {
  kind: 'object',
  name: 'ConfigPresetList',
  fields: { service: text, applied: orNull(text), presets: { kind: 'array', of: configPreset } },
};

/** GET /config/instances */
export const configInstanceList: ShapeOf<ConfigInstanceList> = {
  kind: 'object',
  name: 'ConfigInstanceList',
  fields: {
    service: text,
    version: number,
    instances: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'ConfigInstance',
        fields: {
          instance: text,
          role: { kind: 'string', values: ['agent', 'control-plane'] },
          state: { kind: 'string', values: ['live', 'stalled', 'gone'] },
          version: orNull(number),
          current: flag,
          safeMode: flag,
          pendingRestart: texts,
          error: orNull(text),
          acknowledgedAt: orNull(time),
        },
      },
    },
  },
};
