import type { ConfigKeeper } from '../../config/config-keeper.ts';
import { differencesOf, withLayer } from '../../config/content.ts';
import { emptyContent } from '../../config/layers.ts';
import { builtInPresets } from '../../config/presets.ts';
import { registry } from '../../config/registry.ts';
import { troubleWith } from '../../config/setting.ts';
import { exportDocument, importValues, readImport } from '../../config/transfer/document.ts';
import { settingsJsonSchema } from '../../config/validate/settings-schema.ts';
import type {
  ConfigContent,
  ConfigPreset,
  ConfigPresetDraft,
  ConfigPresetList,
  ConfigSettingChange,
  Configuration,
  ConfigVersion,
  ConfigVersionHead,
  SettingValues,
} from '../../contract/configuration.ts';
import type { ConfigurationOperationId } from '../../contract/configuration-operations.ts';
import { operations } from '../../contract/operations.ts';
import { hasScope } from '../../contract/principal.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { type KeysetOrder, linkHeader, type Pager } from '../../page/page.ts';
import { noVersion } from '../../storage/config-refusals.ts';
import type { ConfigurationDesk, LiveInstances, Proposal } from '../../tune/configuration-desk.ts';
import type { Answering } from '../handler.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse, textResponse } from '../responses.ts';
import { configurationOf } from './configuration.ts';
import type { StandingInstance } from './configured-instances.ts';
import { patchOf } from './content-patch.ts';

/** What the calls under /config are answered from. */
export interface ConfigurationSources {
  readonly keeper: ConfigKeeper;
  readonly desk: ConfigurationDesk;
  readonly instances: LiveInstances;
  /** How each instance of a service stands, the control plane among them. */
  readonly standing: (service: string) => readonly StandingInstance[];
  readonly file: () => SettingValues;
  /** What is wrong with the file; null: nothing. */
  readonly fileTrouble: () => string | null;
  readonly pager: Pager;
  /** The service that a call is about. @throws AutopilotError AP_SERVICE_UNKNOWN */
  readonly serviceOf: (named: string | undefined) => string;
}

/** Versions in an answer about one setting, unless more are asked for. */
const HISTORY_LENGTH = 20;
const newestFirst: KeysetOrder = { columns: [{ sql: 'version', type: 'bigint' }], direction: 'descending' };

/** Answers the calls under /config. */
export function configurationAnswers(sources: ConfigurationSources): Pick<Answering, ConfigurationOperationId> {
  const { keeper, desk, pager, serviceOf } = sources;
  const changed = async (proposal: Proposal): Promise<Response> => {
    const change = await desk.change(proposal);
    return jsonResponse(change, 200, { etag: etagOf(change.version?.version ?? keeper.version(proposal.service)) });
  };
  const answered = async (proposal: Proposal, dryRun: boolean | undefined): Promise<Response> =>
    dryRun === true ? jsonResponse(await desk.check(proposal)) : await changed(proposal);
  return {
    getConfig: async ({ query, principal }) => {
      const canChange = hasScope(principal?.scopes ?? [], operations.patchConfig.scope ?? 'admin');
      const configuration = await read(sources, serviceOf(query.service), query.instance ?? null, canChange);
      return jsonResponse(configuration, 200, { etag: etagOf(configuration.version) });
    },
    getConfigSchema: async () => jsonResponse(settingsJsonSchema()),
    patchConfig: async ({ query, body, ifMatch, principal }) => {
      const service = serviceOf(query.service);
      const ifVersion = basedOn(service, ifMatch);
      if (ifMatch === null) throw versionRequired(keeper.version(service));
      const { instance = null, note = '' } = query;
      const revise = patchOf(bodyOf(body), instance);
      return await changed({ service, ifVersion, author: principal?.id ?? '', note, cause: 'person', revise });
    },
    validateConfig: async ({ query, body, ifMatch, principal }) => {
      const revise = patchOf(bodyOf(body), query.instance ?? null);
      const service = serviceOf(query.service);
      const author = principal?.id ?? '';
      const proposal: Proposal = {
        service,
        ifVersion: basedOn(service, ifMatch),
        author,
        note: '',
        cause: 'person',
        revise,
      };
      return jsonResponse(await desk.check(proposal));
    },
    listConfigVersions: async ({ query, url }) => {
      const service = serviceOf(query.service);
      const { cursor, limit } = query;
      const open = pager.open({ cursor, limit, order: newestFirst, filter: { service } });
      const [edge] = open.from ?? [];
      const backward = !open.orderBy.endsWith(' desc');
      const versions = await keeper.asked((store) =>
        backward
          ? store.list(service, Number(edge) + open.fetch + 1, open.fetch)
          : store.list(service, edge === undefined ? null : Number(edge), open.fetch),
      );
      const rows = backward ? versions.filter(({ version }) => version > Number(edge)).reverse() : versions;
      const { items, page } = open.close(rows, ({ version }: ConfigVersionHead) => [String(version)]);
      return jsonResponse({ service, versions: items, page }, 200, {
        link: linkHeader(url.pathname + url.search, page),
      });
    },
    getConfigVersion: async ({ query, params }) =>
      jsonResponse(await existing(keeper, serviceOf(query.service), Number(params['n']))),
    diffConfigVersions: async ({ query, params }) => {
      const service = serviceOf(query.service);
      const from = Number(params['n']);
      const before = await contentOf(keeper, service, from);
      const to = query.to ?? (await keeper.newest(service))?.version ?? 0;
      const differences = differencesOf(before, await contentOf(keeper, service, to));
      return jsonResponse({ service, from, to, differences });
    },
    restoreConfigVersion: async ({ query, params, ifMatch, principal }) => {
      const service = serviceOf(query.service);
      const number = Number(params['n']);
      const old = await contentOf(keeper, service, number);
      const proposal: Proposal = {
        service,
        ifVersion: basedOn(service, ifMatch),
        author: principal?.id ?? '',
        note: query.note ?? `Restores version ${number}`,
        cause: 'restore',
        restored: number,
        revise: () => old,
      };
      return await answered(proposal, query.dryRun);
    },
    getConfigHistory: async ({ query }) => {
      const service = serviceOf(query.service);
      const { setting, limit = HISTORY_LENGTH } = query;
      const steps = await keeper.asked((store) => store.history(service, setting, limit));
      const changes = steps.flatMap(({ head: { version, at, author, note, cause }, before, after }) =>
        differencesOf(before, after).map((one): ConfigSettingChange => ({ ...one, version, at, author, note, cause })),
      );
      return jsonResponse({ service, setting, changes });
    },
    listConfigPresets: async ({ query }) => jsonResponse(await presetList(keeper, serviceOf(query.service))),
    putConfigPreset: async ({ query, params, body }) => {
      const service = serviceOf(query.service);
      // The body's shape has been looked at.
      const preset = ownPreset(String(params['name']), bodyOf(body) as ConfigPresetDraft);
      await keeper.asked((store) => store.putPreset(service, preset));
      return jsonResponse(preset);
    },
    deleteConfigPreset: async ({ query, params }) => {
      const service = serviceOf(query.service);
      const name = String(params['name']);
      const removed = await keeper.asked((store) => store.removePreset(service, name));
      if (!removed) throw await presetUnknown(keeper, service, name);
      return jsonResponse(await presetList(keeper, service));
    },
    applyConfigPreset: async ({ query, params, ifMatch, principal }) => {
      const service = serviceOf(query.service);
      const name = String(params['name']);
      const preset = (await presetsOf(keeper, service)).find((one) => one.name === name);
      if (preset === undefined) throw await presetUnknown(keeper, service, name);
      const values = Object.fromEntries(preset.settings.map(({ key, value }) => [key, value]));
      const proposal: Proposal = {
        service,
        ifVersion: basedOn(service, ifMatch),
        author: principal?.id ?? '',
        note: query.note ?? `Applies the preset ${name}`,
        cause: 'preset',
        revise: (content) => withPreset(content, name, values, query.clearOverrides ?? false),
      };
      return await answered(proposal, query.dryRun);
    },
    exportConfig: async ({ query, mediaType }) => {
      const service = serviceOf(query.service);
      const configuration = await read(sources, service, null, false);
      const document = exportDocument(configuration, keeper.content(service), mediaType === 'application/yaml');
      const extension = mediaType === 'application/yaml' ? 'yaml' : 'json';
      return textResponse(
        200,
        mediaType === 'application/yaml' ? 'application/yaml; charset=utf-8' : mediaType,
        document,
        {
          'content-disposition': `attachment; filename="autopilot-config.${extension}"`,
        },
      );
    },
    importConfig: async ({ query, body, ifMatch, principal }) => {
      const service = serviceOf(query.service);
      const document = readImport(body?.text ?? '', body?.mediaType === 'application/yaml' ? 'yaml' : 'json');
      const environments = sources.instances.environments(service).map(({ environment }) => environment);
      const proposal: Proposal = {
        service,
        ifVersion: basedOn(service, ifMatch),
        author: principal?.id ?? '',
        note: query.note ?? 'Imported',
        cause: 'import',
        revise: (content) => importValues(content, document, sources.file(), environments),
      };
      return await answered(proposal, query.dryRun);
    },
    listConfigInstances: async ({ query }) => {
      const service = serviceOf(query.service);
      const instances = sources.standing(service).map(({ state }) => state);
      return jsonResponse({ service, version: keeper.version(service), instances });
    },
  };

  /** null: any version will do. */
  function basedOn(service: string, ifMatch: string | null): number | null {
    if (ifMatch === null || ifMatch.trim() === '*') return null;
    const version = newestNamed(ifMatch);
    if (version === null) throw noVersion(service, ifMatch, keeper.version(service));
    return version;
  }

  function bodyOf(body: Parameters<Answering['patchConfig']>[0]['body']): unknown {
    return body === null ? null : jsonOf(body, body.declared);
  }
}

async function read(
  sources: ConfigurationSources,
  service: string,
  instance: string | null,
  canChange: boolean,
): Promise<Configuration> {
  const { keeper } = sources;
  const order = keeper.order(service, instance ?? '');
  const standing =
    instance === null ? undefined : sources.standing(service).find(({ state }) => state.instance === instance);
  const notes: string[] = [];
  if (keeper.trouble !== null) {
    notes.push(
      `The database can't be asked, so this is what was known last, and nothing can be changed: ${keeper.trouble}`,
    );
  }
  if (!keeper.durable) notes.push('There is no database: versions end with the control plane.');
  const fileTrouble = sources.fileTrouble();
  if (fileTrouble !== null) notes.push(fileTrouble);
  if (instance !== null && standing === undefined) {
    notes.push(`${instance} is not linked, so what its own environment sets is not known.`);
  }
  return configurationOf({
    service,
    instance,
    version: order?.version ?? 0,
    preset: keeper.content(service).preset?.name ?? null,
    layers: order?.layers ?? { preset: {}, file: sources.file(), fleet: {}, instance: {} },
    environment: standing?.environment ?? {},
    safeMode: standing?.state.safeMode ?? false,
    canChange,
    notes,
  });
}

/** Makes a content from the one of now and a patch. Settings that are not known are refused, but can be taken away. */
function withPreset(content: ConfigContent, name: string, values: SettingValues, clear: boolean): ConfigContent {
  const under = { ...content, preset: { name, values } };
  if (!clear) return under;
  const without = (layer: SettingValues): SettingValues =>
    Object.fromEntries(Object.entries(layer).filter(([key]) => !Object.hasOwn(values, key)));
  let cleared = withLayer(under, null, without(content.fleet));
  for (const [instance, own] of Object.entries(content.instances)) cleared = withLayer(cleared, instance, without(own));
  return cleared;
}

async function presetsOf(keeper: ConfigKeeper, service: string): Promise<readonly ConfigPreset[]> {
  return [...builtInPresets, ...(await keeper.asked((store) => store.presets(service)))];
}

async function presetList(keeper: ConfigKeeper, service: string): Promise<ConfigPresetList> {
  const presets = await presetsOf(keeper, service);
  return { service, applied: keeper.content(service).preset?.name ?? null, presets };
}

/** @throws AutopilotError AP_CONFIG_PRESET_INVALID */
function ownPreset(name: string, { description, settings }: ConfigPresetDraft): ConfigPreset {
  const trouble: string[] = [];
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) trouble.push('a name has small letters, digits and dashes');
  if (builtInPresets.some((one) => one.name === name)) trouble.push(`"${name}" comes with the autopilot`);
  for (const { key, value } of settings) {
    const declaration = registry.get(key);
    const wrong = declaration === undefined ? 'is no setting of this release' : troubleWith(declaration, value);
    if (wrong !== null) trouble.push(`${key} ${wrong}`);
  }
  if (trouble.length > 0) {
    throw new AutopilotError('AP_CONFIG_PRESET_INVALID', `The preset is not kept: ${trouble.join('; ')}.`);
  }
  return { name, description, builtIn: false, settings };
}

async function presetUnknown(keeper: ConfigKeeper, service: string, name: string): Promise<AutopilotError> {
  const names = (await presetsOf(keeper, service)).map((one) => one.name);
  const nearest = nearestName(name, names);
  return new AutopilotError(
    'AP_CONFIG_PRESET_UNKNOWN',
    `${service} has no preset ${JSON.stringify(name.slice(0, 100))}.`,
    {
      remedy: nearest === null ? `There are ${names.join(', ')}.` : `"${nearest}" was probably meant.`,
    },
  );
}

/** What a version sets; 0: nothing, as before the first. @throws AutopilotError AP_CONFIG_VERSION_UNKNOWN */
async function contentOf(keeper: ConfigKeeper, service: string, version: number): Promise<ConfigContent> {
  return version === 0 ? emptyContent : (await existing(keeper, service, version)).content;
}

async function existing(keeper: ConfigKeeper, service: string, version: number): Promise<ConfigVersion> {
  const found = await keeper.asked((store) => store.read(service, version));
  if (found !== null) return found;
  throw new AutopilotError('AP_CONFIG_VERSION_UNKNOWN', `${service} has no version ${version} of its configuration.`, {
    remedy: `The newest is ${keeper.version(service)}; the oldest ones are not kept for ever.`,
  });
}

function etagOf(version: number): string {
  return `"${version}"`;
}

/** Entity tags, of RFC 9110 section 8.8.3, with commas between them. */
const TAGS = /^\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*$/;

/**
 * The newest version that an If-Match names: no older one can be the newest there is. Null: none of its tags is a version.
 * A tag that a proxy on the way has made weak is still the version that it names.
 * @throws AutopilotError AP_CONFIG_VERSION_REQUIRED for what are no tags
 */
function newestNamed(ifMatch: string): number | null {
  if (!TAGS.test(ifMatch)) {
    throw new AutopilotError(
      'AP_CONFIG_VERSION_REQUIRED',
      `If-Match is ${ifMatch.slice(0, 100)}, which is no entity tag.`,
      { remedy: 'Send the ETag of GET /api/v1/config as it came, with its quotes: "12".' },
    );
  }
  const versions = [...ifMatch.matchAll(/"(\d{1,15})"/g)].map(([, digits]) => Number(digits));
  return versions.length === 0 ? null : Math.max(...versions);
}

function versionRequired(newest: number): AutopilotError {
  return new AutopilotError('AP_CONFIG_VERSION_REQUIRED', 'The change does not say which version it is based on.', {
    remedy: `Read GET /api/v1/config and send its ETag, now "${newest}", as If-Match: a change made meanwhile is then not lost.`,
  });
}
