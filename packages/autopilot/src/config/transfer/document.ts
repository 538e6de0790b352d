import { Document, isMap, isScalar, type Pair } from 'yaml';
import type { ConfigContent, Configuration, SettingValue, SettingValues } from '../../contract/configuration.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { effectiveOf, noLayers } from '../layers.ts';
import { flatPatch, nested } from '../merge-patch.ts';
import { registry } from '../registry.ts';
import { sameValue } from '../setting.ts';
import { parseUntrusted } from './parse-document.ts';

/** What is written into an export, and asked of an import. */
const EXPORT_FORMAT = 'teamflow-autopilot/config';
/** Goes up when a document of before could not be read any more. */
const EXPORT_VERSION = 1;

/** What an import says. */
export interface ImportedDocument {
  readonly settings: SettingValues;
  /** Overrides, of the instances that it names. */
  readonly instances: Readonly<Record<string, SettingValues>>;
}

const MAX_INSTANCES = 1_000;
const MAX_NAME_LENGTH = 256;

/**
 * Every setting with the value that all instances have in common, and the overrides. No setting holds a secret, so
 * there is none in it. YAML carries each setting's description as a comment.
 */
export function exportDocument(configuration: Configuration, content: ConfigContent, asYaml: boolean): string {
  // Of a later release, and kept: exported too, so that moving a configuration loses nothing.
  const unknown = Object.fromEntries(Object.entries(content.fleet).filter(([key]) => !registry.has(key)));
  const exported = {
    format: EXPORT_FORMAT,
    formatVersion: EXPORT_VERSION,
    service: configuration.service,
    version: configuration.version,
    settings: merged(configuration.values, nested(unknown)),
    instances: Object.fromEntries(Object.entries(content.instances).map(([name, values]) => [name, nested(values)])),
  };
  if (!asYaml) return `${JSON.stringify(exported, null, 2)}\n`;
  const document = new Document(exported);
  document.commentBefore =
    ' Settings of TeamFlow Autopilot: what all instances have in common, then overrides of single instances.\n Import with: autopilot config import <this file>, or POST /api/v1/config/import';
  const settings = document.get('settings');
  if (isMap(settings)) for (const group of settings.items) commentGroup(group);
  return document.toString({ lineWidth: 120 });
}

function commentGroup({ key: group, value }: Pair): void {
  if (!isScalar(group) || !isMap(value)) return;
  for (const { key } of value.items) {
    if (!isScalar(key)) continue;
    const declaration = registry.get(`${String(group.value)}.${String(key.value)}`);
    if (declaration === undefined) continue;
    const range = 'unit' in declaration ? ` ${declaration.min} to ${declaration.max} ${declaration.unit}.` : '';
    key.commentBefore = ` ${declaration.description}${range} Default ${JSON.stringify(declaration.default)}.`;
  }
}

function merged(
  a: Readonly<Record<string, Readonly<Record<string, SettingValue>>>>,
  b: Readonly<Record<string, Readonly<Record<string, SettingValue>>>>,
): Readonly<Record<string, Readonly<Record<string, SettingValue>>>> {
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((group) => [group, { ...a[group], ...b[group] }]),
  );
}

/** @throws AutopilotError AP_CONFIG_IMPORT_INVALID, AP_BODY_INVALID naming what is no setting's value */
export function readImport(text: string, format: 'json' | 'yaml'): ImportedDocument {
  const document = parseUntrusted(text, format);
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw refused('It is no object.');
  const {
    format: named,
    formatVersion,
    settings = {},
    instances = {},
    ...rest
  } = document as Readonly<Record<string, unknown>>; // an object, as looked at above
  if (named !== EXPORT_FORMAT) throw refused(`Its format must be "${EXPORT_FORMAT}", but is ${shown(named)}.`);
  if (formatVersion !== EXPORT_VERSION) {
    throw refused(`Its formatVersion is ${shown(formatVersion)}; this release reads ${EXPORT_VERSION}.`);
  }
  const unknown = Object.keys(rest).filter((name) => !['service', 'version'].includes(name));
  if (unknown.length > 0)
    throw refused(`It has parts that are not known: ${unknown.slice(0, 10).map(shown).join(', ')}.`);
  if (typeof instances !== 'object' || instances === null || Array.isArray(instances)) {
    throw refused('Its instances are no object.');
  }
  const named_ = Object.entries(instances);
  if (named_.length > MAX_INSTANCES)
    throw refused(`It names ${named_.length} instances; ${MAX_INSTANCES} are the most.`);
  const overrides = named_.map(([name, values]: [string, unknown]) => {
    if (name === '' || name.length > MAX_NAME_LENGTH || name === '__proto__') {
      throw refused(`${shown(name.slice(0, 100))} can't be the name of an instance.`);
    }
    return [name, flatPatch(values, []).set] as const;
  });
  return { settings: valuesOf(settings), instances: Object.fromEntries(overrides) };
}

/** null stands for the application's own value: settings that can be that keep it as a value. */
function valuesOf(settings: unknown): SettingValues {
  const { set, remove } = flatPatch(settings, []);
  return { ...set, ...Object.fromEntries(remove.map((key) => [key, null])) };
}

/**
 * A content whose effective values are those of a document: the fleet sets what would otherwise be another value, and
 * nothing that comes out the same without it.
 */
export function importValues(
  content: ConfigContent,
  { settings, instances }: ImportedDocument,
  file: SettingValues,
  environments: readonly SettingValues[],
): ConfigContent {
  const under = effectiveOf({ ...noLayers, preset: content.preset?.values ?? {}, file }).provenance;
  const fleet: Record<string, SettingValue> = { ...content.fleet };
  for (const [key, value] of Object.entries(settings)) {
    const found = under.get(key);
    const isSaid = environments.some((environment) => Object.hasOwn(environment, key));
    if (value === null || (found !== undefined && !isSaid && sameValue(found.value, value))) delete fleet[key];
    else fleet[key] = value;
  }
  return { ...content, fleet, instances: { ...content.instances, ...instances } };
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? 'missing';
}

function refused(message: string): AutopilotError {
  return new AutopilotError('AP_CONFIG_IMPORT_INVALID', `The document is not taken. ${message}`, {
    remedy: 'Nothing was changed. GET /api/v1/config/export answers a document that is taken.',
  });
}
