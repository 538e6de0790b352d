import type { SettingValue } from '../contract/configuration.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { registry } from './registry.ts';
import { type SettingDeclaration, troubleWith } from './setting.ts';

/** What the environment says about settings. */
export interface EnvironmentLayer {
  readonly values: Readonly<Record<string, SettingValue>>;
  /** Values that can't be used, a sentence each; they are left out. */
  readonly errors: readonly string[];
  /** Variables that name no setting of this release: of a later one, or a slip of the pen. */
  readonly unknown: readonly string[];
}

const PREFIX = 'AUTOPILOT__';

/** "compression.minBytes" is AUTOPILOT__COMPRESSION__MIN_BYTES. */
export function variableOf(key: string): string {
  return (
    PREFIX +
    key
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace('.', '__')
      .toUpperCase()
  );
}

/** Reads the variables that begin with AUTOPILOT__. Lists are separated by commas; an empty variable counts as absent. */
export function readEnvironmentLayer(environment: Readonly<Record<string, string | undefined>>): EnvironmentLayer {
  const keys = new Map([...registry.keys()].map((key) => [variableOf(key), key]));
  const values: Record<string, SettingValue> = {};
  const errors: string[] = [];
  const unknown: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '') continue;
    const key = keys.get(variable);
    const declaration = key === undefined ? undefined : registry.get(key);
    if (key === undefined || declaration === undefined) {
      const nearest = nearestName(variable, keys.keys());
      unknown.push(nearest === null ? variable : `${variable} (${nearest} was probably meant)`);
      continue;
    }
    const value = parsed(declaration, text);
    const trouble = troubleWith(declaration, value);
    if (trouble === null) values[key] = value;
    else errors.push(`${variable} ${trouble}`);
  }
  return { values, errors, unknown };
}

/** AUTOPILOT_SAFE_MODE=1: the defaults alone count, for the night something goes wrong. */
export function isSafeMode(environment: Readonly<Record<string, string | undefined>>): boolean {
  const said = environment['AUTOPILOT_SAFE_MODE'];
  return said === '1' || said === 'true';
}

/**
 * The values alone, for a start.
 * @param onUnknown told of variables that name no setting
 * @throws AutopilotError AP_ENVIRONMENT_INVALID naming every variable whose value can't be used
 */
export function environmentValues(
  environment: Readonly<Record<string, string | undefined>>,
  onUnknown: (message: string) => void,
): EnvironmentLayer['values'] {
  const { values, errors, unknown } = readEnvironmentLayer(environment);
  if (errors.length > 0) {
    throw new AutopilotError('AP_ENVIRONMENT_INVALID', `${errors.join('; ')}.`, {
      remedy:
        'Correct the variables named, or leave them out; docs/reference/settings.md lists what each setting takes.',
    });
  }
  if (unknown.length > 0) onUnknown(`No setting of this release is named by ${unknown.join(', ')}.`);
  return values;
}

/** A text that can't be what the setting wants is left as it is, for the check to refuse. */
function parsed(declaration: SettingDeclaration, text: string): SettingValue {
  switch (declaration.kind) {
    case 'integer':
    case 'number':
      return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'texts':
      return text.split(',').map((item) => item.trim());
    case 'choice':
    case 'text':
      return text;
  }
}
