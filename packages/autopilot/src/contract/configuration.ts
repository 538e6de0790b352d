/** Wire types of everything under /api/v1/config. Settings are named by key: "monitoring.maxRoutes". */

/** What a setting can be set to. */
export type SettingValue = boolean | number | string | null | readonly string[];

/** Some settings by key: what one layer says. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

/** Where a value comes from; each wins over those before it. `safe mode`: AUTOPILOT_SAFE_MODE=1 goes back to the default. */
export type ConfigLayer = 'default' | 'preset' | 'file' | 'environment' | 'fleet' | 'instance' | 'safe mode';

/** Why a version was made. */
export type ConfigCause = 'person' | 'preset' | 'import' | 'restore' | 'trial';

/** What a version holds: everything that is kept in the database, so that restoring one needs no other. */
export interface ConfigContent {
  /** The preset applied last, with its values as they were then. */
  readonly preset: { readonly name: string; readonly values: SettingValues } | null;
  readonly fleet: SettingValues;
  /** Overrides by instance. */
  readonly instances: Readonly<Record<string, SettingValues>>;
}

/** A version without its content. Versions are never changed. */
export interface ConfigVersionHead {
  readonly service: string;
  /** Counts up from 1 in each service. */
  readonly version: number;
  readonly at: string;
  readonly author: string;
  readonly note: string;
  readonly cause: ConfigCause;
  /** Of a restore: the version whose values these are. */
  readonly restored: number | null;
  /** The order in the journal that made it. */
  readonly trial: string;
  /** SHA-256 of the content: equal contents have equal hashes. */
  readonly hash: string;
}

export interface ConfigVersion extends ConfigVersionHead {
  readonly content: ConfigContent;
}

/** One value that differs. A side that is absent: nothing was set there. */
export interface ConfigDifference {
  readonly key: string;
  readonly layer: 'preset' | 'fleet' | 'instance';
  /** Of an override. */
  readonly instance?: string;
  readonly before?: SettingValue;
  readonly after?: SettingValue;
}

/** One setting in GET /config. */
export interface EffectiveSetting {
  readonly value: SettingValue;
  readonly layer: ConfigLayer;
  readonly default: SettingValue;
  readonly kind: 'integer' | 'number' | 'boolean' | 'choice' | 'text' | 'texts';
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  readonly apply: 'live' | 'new-connections' | 'restart';
  readonly risk: 'low' | 'medium' | 'high';
  readonly on: 'agent' | 'control-plane';
  readonly description: string;
  /** The environment variable that sets it. */
  readonly variable: string;
  /** Every layer that says something, the lowest first. */
  readonly layers: readonly { readonly layer: ConfigLayer; readonly value: SettingValue }[];
}

/** GET /config */
export interface Configuration {
  readonly service: string;
  /** Absent: what all instances have in common, without environments and overrides of their own. */
  readonly instance?: string;
  /** 0: nothing has been changed yet. */
  readonly version: number;
  readonly preset: string | null;
  /** Nested as a patch is: values.monitoring.maxRoutes. */
  readonly values: Readonly<Record<string, Readonly<Record<string, SettingValue>>>>;
  readonly settings: Readonly<Record<string, Readonly<Record<string, EffectiveSetting>>>>;
  /** What is set and known to no setting of this release: kept, and without effect. */
  readonly unknown: readonly string[];
  /** Whether the caller has the scope to change it. */
  readonly canChange: boolean;
  readonly notes: readonly string[];
}

/** What an instance made of a change, or would. */
export interface InstanceVerdict {
  readonly instance: string;
  readonly state: 'accepted' | 'applied' | 'refused' | 'no answer';
  readonly reason?: string;
  readonly pendingRestart: readonly string[];
}

/** What is wrong, or odd, with a change. */
export interface ConfigFinding {
  /** The settings it is about. */
  readonly keys: readonly string[];
  readonly message: string;
}

/** POST /config/validate, and what import and preset answer before anything is written. */
export interface ConfigCheck {
  readonly valid: boolean;
  readonly version: number;
  readonly differences: readonly ConfigDifference[];
  readonly errors: readonly ConfigFinding[];
  readonly warnings: readonly ConfigFinding[];
  readonly instances: readonly InstanceVerdict[];
  /** Keys that no setting of this release has. */
  readonly unknown: readonly string[];
  /** Values that take no effect because a layer above says something else. */
  readonly masked: readonly { readonly key: string; readonly by: ConfigLayer; readonly instance?: string }[];
}

/** What a change was answered with; `version` null: nothing differed, so none was made. */
export interface ConfigChange {
  readonly version: ConfigVersionHead | null;
  readonly differences: readonly ConfigDifference[];
  readonly warnings: readonly ConfigFinding[];
  readonly instances: readonly InstanceVerdict[];
  readonly unknown: readonly string[];
  readonly masked: ConfigCheck['masked'];
}

/** GET /config/versions */
export interface ConfigVersionList {
  readonly service: string;
  /** Newest first. */
  readonly versions: readonly ConfigVersionHead[];
  readonly page: { readonly limit: number; readonly next: string | null; readonly previous: string | null };
}

/** GET /config/versions/{n}/diff */
export interface ConfigVersionDiff {
  readonly service: string;
  readonly from: number;
  readonly to: number;
  readonly differences: readonly ConfigDifference[];
}

/** What a version did to one setting: no more than one change of each layer and instance. */
export interface ConfigSettingChange extends ConfigDifference {
  readonly version: number;
  readonly at: string;
  readonly author: string;
  readonly note: string;
  readonly cause: ConfigCause;
}

/** GET /config/history */
export interface ConfigSettingHistory {
  readonly service: string;
  readonly setting: string;
  /** Newest first. */
  readonly changes: readonly ConfigSettingChange[];
}

/** A preset: values with a reason for each. */
export interface ConfigPreset {
  readonly name: string;
  readonly description: string;
  /** false: one of the team's own. */
  readonly builtIn: boolean;
  readonly settings: readonly { readonly key: string; readonly value: SettingValue; readonly because: string }[];
}

/** GET /config/presets */
export interface ConfigPresetList {
  readonly service: string;
  /** The one applied last. */
  readonly applied: string | null;
  readonly presets: readonly ConfigPreset[];
}

/** PUT /config/presets/{name} */
export interface ConfigPresetDraft {
  readonly description: string;
  readonly settings: ConfigPreset['settings'];
}

/** How an instance stands. */
export interface ConfigInstance {
  readonly instance: string;
  readonly role: 'agent' | 'control-plane';
  readonly state: 'live' | 'stalled' | 'gone';
  /** The version in force; null: it has not said, as an agent of an older release never does. */
  readonly version: number | null;
  /** It runs what it should: the newest version, with the file and overrides of now. */
  readonly current: boolean;
  readonly safeMode: boolean;
  /** Settings whose new value waits for a restart. */
  readonly pendingRestart: readonly string[];
  /** Why the newest version is not in force there, or what of it could not be used; null: nothing. */
  readonly error: string | null;
  readonly acknowledgedAt: string | null;
}

/** GET /config/instances */
export interface ConfigInstanceList {
  readonly service: string;
  readonly version: number;
  readonly instances: readonly ConfigInstance[];
}
