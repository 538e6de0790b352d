import { readFile } from 'node:fs/promises';
import type { Client } from '../../client.ts';
import { registry } from '../../config/registry.ts';
import type {
  ConfigChange,
  ConfigCheck,
  ConfigDifference,
  EffectiveSetting,
  SettingValue,
} from '../../contract/configuration.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { askControlPlane, urlFlag } from '../ask-control-plane.ts';
import { type Command, exitCodes, type Terminal, table, UsageError } from '../command.ts';

/** What one way of using `autopilot config` is told. */
interface Use {
  readonly client: Client;
  readonly operands: readonly string[];
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly selection: { readonly service?: string };
  readonly note: { readonly note?: string };
  readonly out: Terminal['out'];
}

/** What can be done, with the flags that each takes beside --url and --service, and at most so many operands; null: any number. */
const accepted = {
  get: { flags: ['instance'], operands: 1 },
  set: { flags: ['instance', 'note', 'dry-run'], operands: null },
  try: { flags: ['instance', 'note'], operands: null },
  search: { flags: ['note'], operands: 1 },
  validate: { flags: ['instance'], operands: null },
  diff: { flags: [], operands: 2 },
  history: { flags: [], operands: 1 },
  restore: { flags: ['note', 'dry-run'], operands: 1 },
  export: { flags: ['format'], operands: 0 },
  import: { flags: ['format', 'note', 'dry-run'], operands: 1 },
  preset: { flags: ['note', 'dry-run', 'clear-overrides'], operands: 1 },
} as const satisfies Readonly<Record<string, { readonly flags: readonly string[]; readonly operands: number | null }>>;

const uses: Readonly<Record<keyof typeof accepted, (use: Use) => Promise<number>>> = {
  get: async ({ client, operands: [key], selection, values, out }) => {
    const { instance } = values;
    const configuration = await client.getConfig({ ...selection, ...(instance === undefined ? {} : { instance }) });
    const settings = Object.entries(configuration.settings).flatMap(([group, several]) =>
      Object.entries(several).map(([name, setting]) => [`${group}.${name}`, setting] as const),
    );
    const wanted = settings.filter(([name]) => key === undefined || name === key || name.startsWith(`${key}.`));
    if (key !== undefined && wanted.length === 0) throw noSetting(key);
    const [only] = wanted;
    if (only !== undefined && only[0] === key) explain(only[0], only[1], out);
    else
      for (const line of table(wanted.map(([name, one]) => [name, `${shown(one.value)}  (${one.layer})`]))) out(line);
    for (const note of configuration.notes) out(note);
    return exitCodes.ok;
  },
  set: async ({ client, operands, selection, values, note, out }) => {
    const patch = patchOf(operands);
    const { instance } = values;
    const chosen = { ...selection, ...(instance === undefined ? {} : { instance }) };
    if (values['dry-run'] === 'true') return checked(await client.validateConfig(patch, chosen), out);
    const { version } = await client.getConfig(selection);
    return changed(await client.patchConfig(patch, { ...chosen, ...note, ifVersion: version }), out);
  },
  try: async ({ client, operands, selection, values, note, out }) => {
    const { instance } = values;
    const chosen = { ...selection, ...(instance === undefined ? {} : { instance }) };
    const { id, subject, reason } = await client.trySettings(patchOf(operands), { ...chosen, ...note });
    out(`Trial ${id}: ${subject}. ${reason}`);
    out(`It is kept only when it helps. See: autopilot tune status ${id}`);
    return exitCodes.ok;
  },
  search: async ({ client, operands: [key], selection, note, out }) => {
    if (key === undefined) throw new UsageError('search needs the name of a setting.', 'See: autopilot config get');
    const { id, subject, reason } = await client.trySettings({}, { ...selection, ...note, search: key });
    out(`Trial ${id}: ${subject}. ${reason}`);
    out('When it has ended the next value is tried, until none is better. See: autopilot tune status');
    return exitCodes.ok;
  },
  validate: async ({ client, operands, selection, values, out }) => {
    const { instance } = values;
    const chosen = { ...selection, ...(instance === undefined ? {} : { instance }) };
    return checked(await client.validateConfig(patchOf(operands), chosen), out);
  },
  diff: async ({ client, operands: [from, to], selection, out }) => {
    if (from === undefined) throw new UsageError('diff needs a version.', 'Write: autopilot config diff 3 [7]');
    const query = to === undefined ? selection : { ...selection, to: versionOf(to) };
    const diff = await client.diffConfigVersions(versionOf(from), query);
    tell(diff.differences, out);
    return exitCodes.ok;
  },
  history: async ({ client, operands: [key], selection, out }) => {
    if (key !== undefined) {
      if (!registry.has(key)) throw noSetting(key);
      const { changes } = await client.getConfigHistory({ ...selection, setting: key });
      if (changes.length === 0) out('It has never been changed, as far as versions are kept.');
      const rows = changes.map(({ version, at, author, note, layer, instance, before, after }) => [
        String(version),
        `${at}  ${author}  ${sides(before, after)}  (${instance ?? layer})${note === '' ? '' : `: ${note}`}`,
      ]);
      for (const line of table(rows)) out(line);
      return exitCodes.ok;
    }
    const { versions } = await client.listConfigVersions({ ...selection, limit: 50 });
    if (versions.length === 0) out('Nothing has been changed yet.');
    else {
      const rows = versions.map(({ version, at, author, cause, note }) => [
        String(version),
        `${at}  ${author}  ${cause}${note === '' ? '' : `: ${note}`}`,
      ]);
      for (const line of table(rows)) out(line);
    }
    return exitCodes.ok;
  },
  restore: async ({ client, operands: [version], selection, values, note, out }) => {
    if (version === undefined) throw new UsageError('restore needs a version.', 'Write: autopilot config restore 3');
    if (values['dry-run'] === 'true')
      return checked(await client.checkConfigRestore(versionOf(version), selection), out);
    return changed(await client.restoreConfigVersion(versionOf(version), { ...selection, ...note }), out);
  },
  export: async ({ client, selection, values, out }) => {
    out((await client.exportConfig(formatOf(values['format'] ?? 'yaml'), selection)).trimEnd());
    return exitCodes.ok;
  },
  import: async ({ client, operands: [path], selection, values, note, out }) => {
    if (path === undefined)
      throw new UsageError('import needs a file.', 'Write: autopilot config import settings.yaml');
    const format = formatOf(values['format'] ?? (path.endsWith('.json') ? 'json' : 'yaml'));
    const document = { format, text: await textOf(path) };
    if (values['dry-run'] === 'true') return checked(await client.checkConfigImport(document, selection), out);
    return changed(await client.importConfig(document, { ...selection, ...note }), out);
  },
  preset: async ({ client, operands: [name], selection, values, note, out }) => {
    if (name === undefined) {
      const { presets, applied } = await client.listConfigPresets(selection);
      const rows = presets.map((one) => [`${one.name}${one.name === applied ? ' (applied)' : ''}`, one.description]);
      for (const line of table(rows)) out(line);
      return exitCodes.ok;
    }
    const query = { ...selection, ...(values['clear-overrides'] === 'true' ? { clearOverrides: true } : {}) };
    if (values['dry-run'] === 'true') return checked(await client.checkConfigPreset(name, query), out);
    return changed(await client.applyConfigPreset(name, { ...query, ...note }), out);
  },
};

/** `autopilot config`: looks at settings and changes them, through the API of a control plane. */
export const config: Command = {
  summary: 'look at settings and change them in every instance',
  description: [
    '  get [key or group]          the values, each with the layer it came from',
    '  set key=value ...           changes them as one version; key=null takes a value back',
    '  try key=value ...           changes them for a trial: kept only when routes take less time with them',
    '  search key                  a better value of a number, from the one of now outwards, by trials one after the other',
    '  validate key=value ...      what that would do; changes nothing',
    '  history [key]               the versions, or those that changed one setting',
    '  diff version [version]      what differs, by default from the newest',
    '  restore version             its values again, as a new version; 0: as before the first',
    '  export, import file         every setting as a document',
    '  preset [name]               the presets, or applies one',
    'The token comes by the environment alone: AUTOPILOT_TOKEN.\nExit codes: 0 ok, 1 refused or not valid, 2 used wrongly, 3 the control plane does not answer.',
  ],
  operands: `<${Object.keys(uses).join('|')}> ...`,
  flags: {
    url: urlFlag,
    service: { value: 'name', description: 'Of which service', environment: 'AUTOPILOT_SERVICE' },
    instance: { value: 'name', description: 'Of one instance: its values, or an override for it alone' },
    note: { value: 'text', description: 'Kept with the version' },
    format: { value: 'yaml|json', description: 'Of an export or import' },
    'dry-run': { value: null, description: 'Says what set, restore, preset or import would do, and does nothing' },
    'clear-overrides': { value: null, description: "Takes back what was set over the preset's values" },
  },
  run: async (values, terminal, [name, ...operands]) => {
    if (!isUse(name)) {
      const nearest = name === undefined ? null : nearestName(name, Object.keys(uses));
      throw new UsageError(
        name === undefined ? 'It is not said what to do.' : `${JSON.stringify(name)} is nothing that can be done.`,
        nearest === null ? `Write one of ${Object.keys(uses).join(', ')}.` : `"${nearest}" was probably meant.`,
      );
    }
    refuseSurplus(name, operands, values);
    const { service, note } = values;
    return await askControlPlane(values['url'], terminal, (client) =>
      uses[name]({
        client,
        operands,
        values,
        selection: service === undefined ? {} : { service },
        note: note === undefined ? {} : { note },
        out: terminal.out,
      }),
    );
  },
};

function isUse(name: string | undefined): name is keyof typeof accepted {
  return name !== undefined && Object.hasOwn(accepted, name);
}

/** What would be passed over might be what matters: a --dry-run, say. */
function refuseSurplus(name: keyof typeof accepted, operands: readonly string[], values: Use['values']): void {
  const { flags, operands: most }: { readonly flags: readonly string[]; readonly operands: number | null } =
    accepted[name];
  const surplus = Object.keys(config.flags).find(
    (flag) => !['url', 'service', ...flags].includes(flag) && values[flag] !== undefined,
  );
  const taken = flags.length === 0 ? 'It takes no flags but --url and --service.' : `It takes --${flags.join(', --')}.`;
  if (surplus !== undefined) throw new UsageError(`config ${name} takes no --${surplus}.`, taken);
  const over = most === null ? undefined : operands[most];
  if (over !== undefined)
    throw new UsageError(
      `config ${name} can't do anything with ${JSON.stringify(over)}.`,
      'See: autopilot config --help',
    );
}

function patchOf(operands: readonly string[]): Readonly<Record<string, Readonly<Record<string, SettingValue>>>> {
  if (operands.length === 0) throw new UsageError('There is nothing to set.', 'Write: monitoring.maxRoutes=500');
  const patch: Record<string, Record<string, SettingValue>> = {};
  for (const operand of operands) {
    const at = operand.indexOf('=');
    const key = operand.slice(0, Math.max(0, at));
    const [group = '', name] = key.split('.');
    if (name === undefined)
      throw new UsageError(`${JSON.stringify(operand)} sets nothing.`, 'Write: monitoring.maxRoutes=500');
    if (!registry.has(key)) throw noSetting(key);
    const ofGroup = (patch[group] ??= {});
    ofGroup[name] = valueOf(key, operand.slice(at + 1));
  }
  return patch;
}

/** What the setting's kind makes of a text; what can't be that goes as it is, for the control plane to refuse. */
function valueOf(key: string, text: string): SettingValue {
  if (text === 'null') return null;
  switch (registry.get(key)?.kind) {
    case 'integer':
    case 'number':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'texts':
      return text === '' ? [] : text.split(',');
    default:
      return text;
  }
}

function noSetting(key: string): UsageError {
  const nearest = nearestName(key, registry.keys());
  return new UsageError(
    `No setting is called ${JSON.stringify(key)}.`,
    nearest === null ? 'See: autopilot config get' : `"${nearest}" was probably meant.`,
  );
}

function versionOf(text: string): number {
  if (/^(0|[1-9]\d{0,9})$/.test(text)) return Number(text);
  throw new UsageError(`${JSON.stringify(text)} is no version.`, 'See: autopilot config history');
}

function formatOf(text: string): 'yaml' | 'json' {
  if (text === 'yaml' || text === 'json') return text;
  throw new UsageError(`The format is ${JSON.stringify(text)}.`, 'It is yaml or json.');
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AutopilotError('AP_FILE_UNREADABLE', `${path} can't be read: ${messageOf(cause)}.`, { cause });
  }
}

function explain(key: string, setting: EffectiveSetting, out: Terminal['out']): void {
  const { value, layer, description, unit, min, max, apply, risk, variable, layers } = setting;
  out(`${key} = ${shown(value)}  (${layer})`);
  out(description);
  const rows = [
    ['default', shown(setting.default)],
    ...(unit === undefined ? [] : [['range', `${min} to ${max} ${unit}`]]),
    ...(setting.values === undefined ? [] : [['one of', setting.values.join(', ')]]),
    ['takes effect', apply],
    ['risk', risk],
    ['environment', variable],
    ...layers.map((one) => [one.layer, shown(one.value)]),
  ];
  for (const line of table(rows)) out(line);
}

function checked(
  { valid, differences, errors, warnings, instances, masked, unknown }: ConfigCheck,
  out: Terminal['out'],
): number {
  tell(differences, out);
  for (const { message } of errors) out(`error: ${message}`);
  tellRest({ warnings, instances, masked, unknown }, out);
  return valid ? exitCodes.ok : exitCodes.failed;
}

function changed(change: ConfigChange, out: Terminal['out']): number {
  tell(change.differences, out);
  tellRest(change, out);
  out(change.version === null ? 'No version was made.' : `Version ${change.version.version}.`);
  return exitCodes.ok;
}

function tell(differences: readonly ConfigDifference[], out: Terminal['out']): void {
  if (differences.length === 0) out('Nothing differs.');
  for (const { key, layer, instance, before, after } of differences) {
    out(`${key}  ${sides(before, after)}  (${layer}${instance === undefined ? '' : ` ${instance}`})`);
  }
}

function sides(before: SettingValue | undefined, after: SettingValue | undefined): string {
  const side = (value: SettingValue | undefined): string => (value === undefined ? '(not set)' : shown(value));
  return `${side(before)} -> ${side(after)}`;
}

function tellRest(
  { warnings, instances, masked, unknown }: Pick<ConfigCheck, 'warnings' | 'instances' | 'masked' | 'unknown'>,
  out: Terminal['out'],
): void {
  for (const { message } of warnings) out(`warning: ${message}`);
  for (const { key, by, instance } of masked) {
    out(`no effect: ${key} is set by ${by}${instance === undefined ? '' : ` in ${instance}`}`);
  }
  for (const key of unknown) out(`not known in this release, kept: ${key}`);
  for (const { instance, state, reason, pendingRestart } of instances) {
    const restart = pendingRestart.length === 0 ? '' : `, waits for a restart: ${pendingRestart.join(', ')}`;
    out(`${instance}: ${state}${reason === undefined ? '' : ` (${reason})`}${restart}`);
  }
}

function shown(value: SettingValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
