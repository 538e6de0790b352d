import type { SettingValue, SettingValues } from '../contract/configuration.ts';
import { AutopilotError } from '../kernel/errors.ts';

const MAX_KEYS = 2_000;
const NAME = /^[a-z][a-zA-Z0-9]{0,63}$/;

/** What a patch sets and takes away, by key. */
export interface FlatPatch {
  readonly set: SettingValues;
  readonly remove: readonly string[];
}

/**
 * Reads a JSON merge patch (RFC 7396) of nested settings: `{"monitoring": {"maxRoutes": 50, "maxTenants": null}}`; null
 * takes a value back. A whole group may be null: `known` says which keys it then takes back.
 * @throws AutopilotError AP_BODY_INVALID
 */
export function flatPatch(patch: unknown, known: readonly string[]): FlatPatch {
  const set: Record<string, SettingValue> = {};
  const remove: string[] = [];
  let keys = 0;
  for (const [group, part] of entriesOf(patch, 'The patch')) {
    nameChecked(group);
    if (part === null) {
      remove.push(...known.filter((key) => key.startsWith(`${group}.`)));
      continue;
    }
    for (const [name, value] of entriesOf(part, `The group ${JSON.stringify(group)}`)) {
      nameChecked(name);
      if (++keys > MAX_KEYS) throw invalid(`The patch names more than ${MAX_KEYS} settings.`);
      const key = `${group}.${name}`;
      if (value === null) remove.push(key);
      else set[key] = settingValue(key, value);
    }
  }
  return { set, remove };
}

/** `values` with a patch applied. */
export function patched(values: SettingValues, { set, remove }: FlatPatch): SettingValues {
  const kept = Object.entries(values).filter(([key]) => !remove.includes(key));
  return { ...Object.fromEntries(kept), ...set };
}

/** Values by key as nested groups. */
export function nested(values: SettingValues): Readonly<Record<string, Readonly<Record<string, SettingValue>>>> {
  const groups: Record<string, Record<string, SettingValue>> = {};
  for (const [key, value] of Object.entries(values)) {
    const [group = '', name = ''] = key.split('.');
    const settings = (groups[group] ??= {});
    settings[name] = value;
  }
  return groups;
}

function entriesOf(value: unknown, what: string): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} must be an object of settings, but is ${JSON.stringify(value)?.slice(0, 100)}.`);
  }
  return Object.entries(value);
}

/** Also what keeps "__proto__" and the like out: settings begin with a letter and have no underscore. */
function nameChecked(name: string): void {
  if (!NAME.test(name) || name === 'constructor') {
    throw invalid(`${JSON.stringify(name.slice(0, 100))} can't be the name of a setting or of a group.`);
  }
}

/** The kind only: whether the setting allows the value is asked later, for all of them at once. */
function settingValue(key: string, value: unknown): SettingValue {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (Array.isArray(value)) {
    const texts: readonly unknown[] = value;
    if (texts.length <= 1_000 && texts.every((item) => typeof item === 'string')) return texts;
  }
  throw invalid(`${key} is ${JSON.stringify(value)?.slice(0, 100)}, which no setting can be.`);
}

function invalid(message: string): AutopilotError {
  return new AutopilotError('AP_BODY_INVALID', message, {
    remedy: 'Send nested settings as GET /api/v1/config answers them in `values`: {"monitoring": {"maxRoutes": 500}}.',
  });
}
