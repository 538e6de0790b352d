import type { ConfigKeeper } from '../config/config-keeper.ts';
import { differencesOf, layerOf, withLayer } from '../config/content.ts';
import { emptyContent } from '../config/layers.ts';
import { sameValue } from '../config/setting.ts';
import type {
  ConfigCause,
  ConfigContent,
  ConfigDifference,
  ConfigVersion,
  SettingValues,
} from '../contract/configuration.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import type { Actuator, Change } from './orders.ts';

/** A new version of a service's configuration. */
export interface ConfigurationChange extends Change {
  readonly kind: 'configuration';
  /** The version that it changes; another being the newest refuses it. */
  readonly ifVersion: number;
  readonly before: ConfigContent;
  readonly after: ConfigContent;
  readonly note: string;
  readonly cause: ConfigCause;
  readonly restored: number | null;
}

/** What is written in the journal to take a change back. */
interface Undo {
  /** The version before. */
  readonly version: number;
  readonly preset: ConfigContent['preset'];
  readonly differences: readonly ConfigDifference[];
}

const RACES = 5;

/** Changes configurations: the first actuator, and the only way to a new version. */
export class ConfigurationActuator implements Actuator<ConfigurationChange, ConfigVersion> {
  readonly kind = 'configuration';
  readonly #keeper: ConfigKeeper;

  constructor(keeper: ConfigKeeper) {
    this.#keeper = keeper;
  }

  describe({ ifVersion, before, after, cause }: ConfigurationChange): JsonValue {
    return json({ version: ifVersion + 1, cause, differences: differencesOf(before, after) });
  }

  plan({ ifVersion, before, after }: ConfigurationChange): Promise<JsonValue> {
    const undo: Undo = { version: ifVersion, preset: before.preset, differences: differencesOf(before, after) };
    return Promise.resolve(json(undo));
  }

  apply(change: ConfigurationChange, id: string): Promise<ConfigVersion> {
    const { service, ifVersion, author, note, cause, restored, after } = change;
    return this.#keeper.commit(service, ifVersion, { author, note, cause, restored, trial: id, content: after });
  }

  /** Gives back each value that is still what the order made it; what was changed after it stays. */
  async undo(undo: JsonValue, trial: Trial): Promise<void> {
    const { preset, differences } = undo as unknown as Undo; // plan() wrote it
    for (let race = 1; ; race++) {
      const newest = await this.#keeper.newest(trial.service);
      const now = newest?.content ?? emptyContent;
      const content = withoutChanges(now, preset, differences);
      if (differencesOf(now, content).length === 0) return;
      try {
        await this.#keeper.commit(trial.service, newest?.version ?? 0, {
          author: 'autopilot',
          note: `Takes back ${trial.subject}`,
          cause: 'trial',
          restored: null,
          trial: `${trial.id}/undo`,
          content,
        });
        return;
      } catch (error) {
        // Somebody else was faster: look again at what is there now.
        if (
          race === RACES ||
          !(error instanceof Error && 'code' in error && error.code === 'AP_CONFIG_STALE_VERSION')
        ) {
          throw error;
        }
      }
    }
  }

  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    const made = await this.#keeper.asked((store) => store.madeBy(trial.service, trial.id));
    return made === null ? 'absent' : 'applied';
  }
}

/** Each value that is still what `differences` end with is what they begin with. */
export function withoutChanges(
  now: ConfigContent,
  preset: ConfigContent['preset'],
  differences: readonly ConfigDifference[],
): ConfigContent {
  let content = now;
  if (differences.some(({ layer }) => layer === 'preset')) content = { ...content, preset };
  for (const { key, layer, instance = null, before, after } of differences) {
    if (layer === 'preset') continue;
    const values: SettingValues = layerOf(content, instance);
    if (!sameValue(values[key], after)) continue;
    const others = Object.fromEntries(Object.entries(values).filter(([name]) => name !== key));
    content = withLayer(content, instance, before === undefined ? others : { ...others, [key]: before });
  }
  return content;
}

function json(value: unknown): JsonValue {
  // Contents are JSON, which their types say by name only.
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
