import type {
  ConfigChange,
  ConfigCheck,
  ConfigInstanceList,
  ConfigPreset,
  ConfigPresetList,
  ConfigSettingHistory,
  Configuration,
  ConfigVersion,
  ConfigVersionDiff,
  ConfigVersionList,
} from './configuration.ts';
import * as shapes from './configuration-shapes.ts';
import type { ErrorCode } from './error-table.ts';
import type { Operation } from './operations.ts';
import type { JsonSchema, ObjectShape } from './shape.ts';

/** Of which service; default: the one of the application that is asked through. */
export interface ConfigServiceQuery {
  readonly service?: string;
}

/** Parameters of GET /config. */
export interface ConfigQuery extends ConfigServiceQuery {
  readonly instance?: string;
}

/** Parameters of what makes a version. */
export interface ConfigChangeQuery extends ConfigServiceQuery {
  /** Kept with the version. */
  readonly note?: string;
}

/** Parameters of PATCH /config. */
export interface PatchConfigQuery extends ConfigChangeQuery {
  /** Overrides the fleet's values in this instance alone; left out: changes the fleet's. */
  readonly instance?: string;
}

/** Parameters of GET /config/versions. */
export interface ConfigVersionsQuery extends ConfigServiceQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /config/versions/{n}/diff. */
export interface ConfigDiffQuery extends ConfigServiceQuery {
  /** Default: the newest. */
  readonly to?: number;
}

/** Parameters of POST /config/versions/{n}/restore. */
export interface RestoreConfigQuery extends ConfigChangeQuery {
  /** Answers what it would do, as POST /config/validate does. */
  readonly dryRun?: boolean;
}

/** Parameters of GET /config/history. */
export interface ConfigHistoryQuery extends ConfigServiceQuery {
  /** As "monitoring.maxRoutes". */
  readonly setting: string;
  readonly limit?: number;
}

/** Parameters of POST /config/presets/{name}/apply. */
export interface ApplyPresetQuery extends ConfigChangeQuery {
  /** Also takes back what the fleet and instances set over the preset's values. */
  readonly clearOverrides?: boolean;
  /** Answers what it would do, as POST /config/validate does. */
  readonly dryRun?: boolean;
}

/** Parameters of POST /config/import. */
export interface ImportConfigQuery extends ConfigChangeQuery {
  readonly dryRun?: boolean;
}

/** The types of the calls under /config, by operationId. */
export interface ConfigurationOperationTypes {
  readonly getConfig: { readonly query: ConfigQuery; readonly answer: Configuration };
  readonly getConfigSchema: { readonly query: object; readonly answer: JsonSchema };
  readonly patchConfig: { readonly query: PatchConfigQuery; readonly answer: ConfigChange };
  readonly validateConfig: { readonly query: ConfigQuery; readonly answer: ConfigCheck };
  readonly listConfigVersions: { readonly query: ConfigVersionsQuery; readonly answer: ConfigVersionList };
  readonly getConfigVersion: { readonly query: ConfigServiceQuery; readonly answer: ConfigVersion };
  readonly diffConfigVersions: { readonly query: ConfigDiffQuery; readonly answer: ConfigVersionDiff };
  readonly restoreConfigVersion: { readonly query: RestoreConfigQuery; readonly answer: ConfigChange };
  readonly getConfigHistory: { readonly query: ConfigHistoryQuery; readonly answer: ConfigSettingHistory };
  readonly listConfigPresets: { readonly query: ConfigServiceQuery; readonly answer: ConfigPresetList };
  readonly putConfigPreset: { readonly query: ConfigServiceQuery; readonly answer: ConfigPreset };
  readonly deleteConfigPreset: { readonly query: ConfigServiceQuery; readonly answer: ConfigPresetList };
  readonly applyConfigPreset: { readonly query: ApplyPresetQuery; readonly answer: ConfigChange };
  readonly exportConfig: { readonly query: ConfigServiceQuery; readonly answer: object };
  readonly importConfig: { readonly query: ImportConfigQuery; readonly answer: ConfigChange };
  readonly listConfigInstances: { readonly query: ConfigServiceQuery; readonly answer: ConfigInstanceList };
}

/** Names a call under /config. */
export type ConfigurationOperationId = keyof ConfigurationOperationTypes;

const maybe = <Of>(of: Of): { readonly kind: 'optional'; readonly of: Of } => ({ kind: 'optional', of });
const name = (description: string): { kind: 'string'; maxLength: number; description: string } => ({
  kind: 'string',
  maxLength: 512,
  description,
});
const service = maybe(name('The service; default: the one of the application that is asked through'));
const note = maybe(name('Why; kept with the version'));
const dryRun = maybe({ kind: 'boolean', description: 'Answers what it would do, and does nothing' } as const);
const version: ObjectShape = {
  kind: 'object',
  fields: { n: { kind: 'integer', min: 1, max: 2_147_483_647, description: 'Number of the version' } },
};
const versionOrNone: ObjectShape = {
  kind: 'object',
  fields: {
    n: { kind: 'integer', min: 0, max: 2_147_483_647, description: 'Number of the version; 0: before the first' },
  },
};
const presetName: ObjectShape = {
  kind: 'object',
  fields: { name: { kind: 'string', maxLength: 100, description: 'Name of the preset' } },
};
const patchBody = {
  description: 'A JSON merge patch (RFC 7396) of nested settings; null takes a value back',
  mediaTypes: ['application/merge-patch+json', 'application/json'],
  maxBytes: 262_144,
  shape: null,
} as const;
const JSON_ONLY = ['application/json'] as const;
const CHANGES: readonly ErrorCode[] = [
  'AP_SERVICE_UNKNOWN',
  'AP_BODY_INVALID',
  'AP_BODY_TOO_LARGE',
  'AP_CONFIG_STALE_VERSION',
  'AP_CONFIG_INVALID',
  'AP_CONFIG_REFUSED',
  'AP_CONFIG_STORE_UNAVAILABLE',
  'AP_ORDER_REFUSED',
  'AP_CROSS_SITE',
];
const READS: readonly ErrorCode[] = ['AP_SERVICE_UNKNOWN', 'AP_CONFIG_STORE_UNAVAILABLE'];
const CONDITIONAL =
  'With `If-Match` it is made only while that version is the newest: 412 names the one that is. The answer says what each instance made of it within 2 s.';
const tag = 'Configuration';

/** Every call under /config. */
export const configurationOperations: {
  readonly [Id in ConfigurationOperationId]: Operation<
    ConfigurationOperationTypes[Id]['query'],
    ConfigurationOperationTypes[Id]['answer']
  >;
} = {
  getConfig: {
    method: 'GET',
    path: '/api/v1/config',
    tag,
    summary: 'The effective settings, each with the layer it came from',
    description:
      'Default < preset < file < environment < fleet version < override of the instance. The ETag is the version, for If-Match. Without `instance` the environments of instances are left out.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: { service, instance: maybe(name('One instance; default: what all have in common')) },
    },
    answer: shapes.configuration,
    mediaTypes: JSON_ONLY,
    problems: ['AP_SERVICE_UNKNOWN'],
  },
  getConfigSchema: {
    method: 'GET',
    path: '/api/v1/config/schema',
    tag,
    summary: 'The settings as JSON Schema (2020-12)',
    scope: 'read',
    query: { kind: 'object', fields: {} },
    answer: null,
    mediaTypes: JSON_ONLY,
    problems: [],
  },
  patchConfig: {
    method: 'PATCH',
    path: '/api/v1/config',
    tag,
    summary: 'Changes settings of the fleet, or of one instance',
    description: `\`If-Match\` is required. Every live instance is asked first; one that refuses stops it. ${CONDITIONAL}`,
    scope: 'admin',
    query: {
      kind: 'object',
      fields: { service, instance: maybe(name('Overrides the values in this instance alone')), note },
    },
    body: patchBody,
    answer: shapes.configChange,
    mediaTypes: JSON_ONLY,
    problems: [...CHANGES, 'AP_CONFIG_VERSION_REQUIRED'],
  },
  validateConfig: {
    method: 'POST',
    path: '/api/v1/config/validate',
    tag,
    summary: 'What a patch would change, with errors and warnings, on every instance; changes nothing',
    scope: 'read',
    query: {
      kind: 'object',
      fields: { service, instance: maybe(name('As an override of this instance alone')) },
    },
    body: patchBody,
    answer: shapes.configCheck,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE', 'AP_CROSS_SITE'],
  },
  listConfigVersions: {
    method: 'GET',
    path: '/api/v1/config/versions',
    tag,
    summary: 'The versions, newest first',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        limit: maybe({ kind: 'integer', min: 1, max: 200, description: 'Rows in an answer; default 50' } as const),
        cursor: maybe({ kind: 'string', maxLength: 4096, description: 'Where the page starts' } as const),
      },
    },
    answer: shapes.configVersionList,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_PAGE_CURSOR_INVALID'],
  },
  getConfigVersion: {
    method: 'GET',
    path: '/api/v1/config/versions/{n}',
    tag,
    summary: 'One version with all it sets',
    scope: 'read',
    params: version,
    query: { kind: 'object', fields: { service } },
    answer: shapes.configVersion,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_CONFIG_VERSION_UNKNOWN'],
  },
  diffConfigVersions: {
    method: 'GET',
    path: '/api/v1/config/versions/{n}/diff',
    tag,
    summary: 'What differs between two versions',
    scope: 'read',
    params: versionOrNone,
    query: {
      kind: 'object',
      fields: {
        service,
        to: maybe({ kind: 'integer', min: 0, max: 2_147_483_647, description: 'Default: the newest' } as const),
      },
    },
    answer: shapes.configVersionDiff,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_CONFIG_VERSION_UNKNOWN'],
  },
  restoreConfigVersion: {
    method: 'POST',
    path: '/api/v1/config/versions/{n}/restore',
    tag,
    summary: 'A new version with the values of an old one',
    description: CONDITIONAL,
    scope: 'admin',
    params: versionOrNone,
    query: { kind: 'object', fields: { service, note, dryRun } },
    answer: shapes.configChange,
    mediaTypes: JSON_ONLY,
    problems: [...CHANGES, 'AP_CONFIG_VERSION_UNKNOWN'],
  },
  getConfigHistory: {
    method: 'GET',
    path: '/api/v1/config/history',
    tag,
    summary: 'What versions did to one setting, newest first',
    description: 'Of the versions that are kept: what was changed before the oldest of them is not known any more.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        setting: { kind: 'string', maxLength: 200, description: 'A setting, as "monitoring.maxRoutes"' },
        limit: maybe({ kind: 'integer', min: 1, max: 200, description: 'Versions in an answer; default 20' } as const),
      },
    },
    answer: shapes.configSettingHistory,
    mediaTypes: JSON_ONLY,
    problems: READS,
  },
  listConfigPresets: {
    method: 'GET',
    path: '/api/v1/config/presets',
    tag,
    summary: "The presets, built in and the team's own, each value with its reason",
    scope: 'read',
    query: { kind: 'object', fields: { service } },
    answer: shapes.configPresetList,
    mediaTypes: JSON_ONLY,
    problems: READS,
  },
  putConfigPreset: {
    method: 'PUT',
    path: '/api/v1/config/presets/{name}',
    tag,
    summary: "Keeps a preset of the team's own; applies nothing",
    scope: 'admin',
    params: presetName,
    query: { kind: 'object', fields: { service } },
    body: {
      description: 'What the preset sets, and why',
      mediaTypes: ['application/json'],
      maxBytes: 262_144,
      shape: shapes.configPresetDraft,
    },
    answer: shapes.configPreset,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE', 'AP_CONFIG_PRESET_INVALID', 'AP_CROSS_SITE'],
  },
  deleteConfigPreset: {
    method: 'DELETE',
    path: '/api/v1/config/presets/{name}',
    tag,
    summary: "Removes a preset of the team's own; what it has set stays",
    scope: 'admin',
    params: presetName,
    query: { kind: 'object', fields: { service } },
    answer: shapes.configPresetList,
    mediaTypes: JSON_ONLY,
    problems: [...READS, 'AP_CONFIG_PRESET_UNKNOWN', 'AP_CROSS_SITE'],
  },
  applyConfigPreset: {
    method: 'POST',
    path: '/api/v1/config/presets/{name}/apply',
    tag,
    summary: 'Puts a preset under everything else that is set, as a new version',
    description: `Values that take no effect because something stands over them are listed as \`masked\`. ${CONDITIONAL}`,
    scope: 'admin',
    params: presetName,
    query: {
      kind: 'object',
      fields: {
        service,
        note,
        dryRun,
        clearOverrides: maybe({
          kind: 'boolean',
          description: "Also takes back what fleet and instances set over the preset's values",
        } as const),
      },
    },
    answer: shapes.configChange,
    mediaTypes: JSON_ONLY,
    problems: [...CHANGES, 'AP_CONFIG_PRESET_UNKNOWN'],
  },
  exportConfig: {
    method: 'GET',
    path: '/api/v1/config/export',
    tag,
    summary: 'Every setting as a document to keep, or to import elsewhere; YAML with comments',
    scope: 'read',
    query: { kind: 'object', fields: { service } },
    answer: null,
    mediaTypes: ['application/yaml', 'application/json'],
    problems: ['AP_SERVICE_UNKNOWN'],
  },
  importConfig: {
    method: 'POST',
    path: '/api/v1/config/import',
    tag,
    summary: 'Makes the effective values those of a document',
    description: `Settings that this release does not know are kept and reported. ${CONDITIONAL}`,
    scope: 'admin',
    query: { kind: 'object', fields: { service, note, dryRun } },
    body: {
      description: 'What GET /config/export answers',
      mediaTypes: ['application/yaml', 'application/json'],
      maxBytes: 1_048_576,
      shape: null,
    },
    answer: shapes.configChange,
    mediaTypes: JSON_ONLY,
    problems: [...CHANGES, 'AP_CONFIG_IMPORT_INVALID'],
  },
  listConfigInstances: {
    method: 'GET',
    path: '/api/v1/config/instances',
    tag,
    summary: 'The version in force in each instance, what waits for a restart, and what went wrong',
    scope: 'read',
    query: { kind: 'object', fields: { service } },
    answer: shapes.configInstanceList,
    mediaTypes: JSON_ONLY,
    problems: ['AP_SERVICE_UNKNOWN'],
  },
};
