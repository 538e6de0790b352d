import type { ConfigKeeper } from '../config/config-keeper.ts';
import { orderLayers } from '../config/config-keeper.ts';
import { differencesOf } from '../config/content.ts';
import type { ConfigOrderLayers } from '../config/last-good.ts';
import { effectiveOf, emptyContent, layersOf, unknownKeys } from '../config/layers.ts';
import { registry, settingsOf } from '../config/registry.ts';
import { troubleWith } from '../config/setting.ts';
import { judgeSettings, type LiveFacts } from '../config/validate/rules.ts';
import type {
  ConfigCause,
  ConfigChange,
  ConfigCheck,
  ConfigContent,
  ConfigDifference,
  ConfigFinding,
  ConfigLayer,
  InstanceVerdict,
  SettingValue,
  SettingValues,
} from '../contract/configuration.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { staleVersion } from '../storage/config-refusals.ts';
import type { ConfigurationActuator } from './configuration-actuator.ts';
import type { Orders } from './orders.ts';

/** The live instances of a service, as a change needs them. */
export interface LiveInstances {
  /** With what their own environments set. */
  environments(service: string): readonly { readonly instance: string; readonly environment: SettingValues }[];
  /** Asks each whether it would take this; never rejects. */
  check(service: string, layersFor: (instance: string) => ConfigOrderLayers): Promise<readonly InstanceVerdict[]>;
  /** What each made of the newest version. */
  settled(service: string): Promise<readonly InstanceVerdict[]>;
}

/** What a {@link ConfigurationDesk} is made with. */
export interface ConfigurationDeskOptions {
  readonly keeper: ConfigKeeper;
  readonly orders: Orders;
  readonly actuator: ConfigurationActuator;
  readonly instances: LiveInstances;
  readonly file: () => SettingValues;
  /** Asked at each check; never rejects. */
  readonly facts: (service: string) => Promise<LiveFacts>;
}

/** A change that somebody asks for. */
export interface Proposal {
  readonly service: string;
  /** null: whichever is the newest. */
  readonly ifVersion: number | null;
  readonly author: string;
  readonly note: string;
  readonly cause: ConfigCause;
  readonly restored?: number;
  /** What it makes of the content of now. */
  readonly revise: (content: ConfigContent) => ConfigContent;
}

/** Where changes of configurations are handed in: looked at from all sides, asked of every instance, and only then made. */
export class ConfigurationDesk {
  readonly #options: ConfigurationDeskOptions;

  constructor(options: ConfigurationDeskOptions) {
    this.#options = options;
  }

  /** What a proposal would do; changes nothing. @throws AutopilotError AP_CONFIG_STORE_UNAVAILABLE */
  async check(proposal: Proposal): Promise<ConfigCheck> {
    const { version, before, after } = await this.#revised(proposal);
    return await this.#judged(proposal.service, version, before, after);
  }

  /**
   * Makes a new version, unless nothing differs, and waits (2 s at most) for the instances to take it.
   * @throws AutopilotError AP_CONFIG_STALE_VERSION, AP_CONFIG_INVALID, AP_CONFIG_REFUSED, AP_CONFIG_STORE_UNAVAILABLE,
   * AP_ORDER_REFUSED
   */
  async change(proposal: Proposal): Promise<ConfigChange> {
    const { keeper, orders, actuator, instances } = this.#options;
    const { service, author, note, cause, restored = null } = proposal;
    const { version, before, after, check } = await this.#allowed(proposal);
    const { differences, warnings, unknown, masked } = check;
    // A preset applied again may set nothing new and still be what was applied last.
    if (differences.length === 0 && before.preset?.name === after.preset?.name) {
      return { version: null, differences, warnings, instances: [], unknown, masked };
    }
    const keys = [...new Set(differences.map(({ key }) => key))];
    const subject = keys.length <= 3 ? keys.join(', ') : `${keys.length} settings`;
    const { content: _, ...head } = await keeper.asked(() =>
      orders.carryOut(
        {
          kind: 'configuration',
          service,
          subject: subject === '' ? `preset ${after.preset?.name ?? ''}` : subject,
          author,
          origin: 'person',
          ifVersion: version,
          before,
          after,
          note,
          cause,
          restored,
        },
        actuator,
      ),
    );
    return { version: head, differences, warnings, instances: await instances.settled(service), unknown, masked };
  }

  /** The value of a setting in a service, but for overrides of single instances. */
  async valueOf(service: string, key: string): Promise<SettingValue | undefined> {
    const content = (await this.#options.keeper.newest(service))?.content ?? emptyContent;
    const { values } = effectiveOf(layersOf(content, null, this.#options.file(), {}));
    return values[key] ?? registry.get(key)?.default ?? undefined;
  }

  /**
   * What a proposal would change, and what stands over it, when everything allows it; changes nothing.
   * @throws AutopilotError as change() does
   */
  async checked(proposal: Proposal): Promise<Pick<ConfigCheck, 'differences' | 'masked'>> {
    return (await this.#allowed(proposal)).check;
  }

  async #allowed(proposal: Proposal): Promise<{
    readonly version: number;
    readonly before: ConfigContent;
    readonly after: ConfigContent;
    readonly check: ConfigCheck;
  }> {
    const revised = await this.#revised(proposal);
    const check = await this.#judged(proposal.service, revised.version, revised.before, revised.after);
    if (check.errors.length > 0) throw invalid(check.errors);
    const refusing = check.instances.filter(({ state }) => state === 'refused');
    if (refusing.length > 0) throw refused(refusing);
    return { ...revised, check };
  }

  async #revised({ service, ifVersion, revise }: Proposal): Promise<{
    readonly version: number;
    readonly before: ConfigContent;
    readonly after: ConfigContent;
  }> {
    const newest = await this.#options.keeper.newest(service);
    const version = newest?.version ?? 0;
    if (ifVersion !== null && ifVersion !== version) throw staleVersion(service, ifVersion, version);
    const before = newest?.content ?? emptyContent;
    return { version, before, after: revise(before) };
  }

  async #judged(service: string, version: number, before: ConfigContent, after: ConfigContent): Promise<ConfigCheck> {
    const { instances, file, facts } = this.#options;
    const differences = differencesOf(before, after);
    const changed = new Set(differences.map(({ key }) => key));
    const errors: ConfigFinding[] = differences.flatMap(valueTrouble);
    const warnings: ConfigFinding[] = [];
    const live = await facts(service);
    const environments = instances.environments(service);
    const views = [
      layersOf(after, null, file(), {}),
      ...environments.map(({ instance, environment }) => layersOf(after, instance, file(), environment)),
    ];
    for (const layers of views) {
      const found = judgeSettings(settingsOf(effectiveOf(layers).values), live, changed);
      addNew(errors, found.errors);
      addNew(warnings, found.warnings);
    }
    addNew(
      warnings,
      differences.flatMap((one) => absent(one, environments)),
    );
    const verdicts =
      errors.length > 0 || differences.length === 0
        ? []
        : await instances.check(service, (instance) => orderLayers(after, instance, file()));
    for (const { instance, state } of verdicts) {
      if (state !== 'no answer') continue;
      warnings.push({
        keys: [],
        message: `${instance} did not answer within 2 s: it is told of the change when it does.`,
      });
    }
    return {
      valid: errors.length === 0 && verdicts.every(({ state }) => state !== 'refused'),
      version,
      differences,
      errors,
      warnings,
      instances: verdicts,
      unknown: unknownKeys([...changed].map((key) => ({ [key]: null }))),
      masked: [...changed].flatMap((key) => this.#maskOf(key, differences, after, environments)),
    };
  }

  /** What stands over a changed value, so that it has no effect. */
  #maskOf(
    key: string,
    differences: readonly ConfigDifference[],
    after: ConfigContent,
    environments: ReturnType<LiveInstances['environments']>,
  ): ConfigCheck['masked'] {
    const strongest = differences.filter((one) => one.key === key && one.after !== undefined).at(-1);
    if (strongest === undefined || strongest.layer === 'instance') return [];
    const file = this.#options.file();
    const over = (layer: ConfigLayer): boolean => layer !== 'default' && layer !== strongest.layer;
    const common = effectiveOf(layersOf(after, null, file, {})).provenance.get(key)?.layer ?? 'default';
    if (over(common)) return [{ key, by: common }];
    const names = [...new Set([...environments.map(({ instance }) => instance), ...Object.keys(after.instances)])];
    return names.flatMap((instance) => {
      const environment = environments.find((one) => one.instance === instance)?.environment ?? {};
      const layer = effectiveOf(layersOf(after, instance, file, environment)).provenance.get(key)?.layer ?? 'default';
      return over(layer) ? [{ key, by: layer, instance }] : [];
    });
  }
}

/** What is wrong with a value that is new. Keys of a later release can't be judged here. */
function valueTrouble({ key, after }: ConfigDifference): readonly ConfigFinding[] {
  const declaration = registry.get(key);
  if (declaration === undefined || after === undefined) return [];
  const trouble = troubleWith(declaration, after);
  return trouble === null ? [] : [{ keys: [key], message: `${key} ${trouble}.` }];
}

/** An override of an instance that nobody knows now: it may be a slip of the pen. */
function absent(
  { key, instance, after }: ConfigDifference,
  known: ReturnType<LiveInstances['environments']>,
): readonly ConfigFinding[] {
  if (instance === undefined || after === undefined || known.some((one) => one.instance === instance)) return [];
  return [{ keys: [key], message: `${instance} is not linked: it takes what is set for it alone when it is.` }];
}

function addNew(findings: ConfigFinding[], more: readonly ConfigFinding[]): void {
  for (const one of more) if (!findings.some(({ message }) => message === one.message)) findings.push(one);
}

function invalid(errors: readonly ConfigFinding[]): AutopilotError {
  return new AutopilotError('AP_CONFIG_INVALID', errors.map(({ message }) => message).join(' '), {
    remedy: 'Nothing was changed. Correct the values named; GET /api/v1/config/schema says what each setting takes.',
  });
}

function refused(refusing: readonly InstanceVerdict[]): AutopilotError {
  const reasons = refusing.map(({ instance, reason }) => `${instance}: ${reason ?? 'it gave no reason'}`);
  return new AutopilotError(
    'AP_CONFIG_REFUSED',
    `Nothing was changed, because an instance refuses. ${reasons.join(' ')}`,
    {
      remedy: 'Correct the values, or bring the instance to the release of the control plane.',
    },
  );
}
