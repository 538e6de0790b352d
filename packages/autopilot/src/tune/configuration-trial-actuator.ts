import type { ConfigKeeper } from '../config/config-keeper.ts';
import { differencesOf } from '../config/content.ts';
import { emptyContent } from '../config/layers.ts';
import type { ConfigDifference } from '../contract/configuration.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import { withoutChanges } from './configuration-actuator.ts';
import type { Actuator, Change } from './orders.ts';

/** Settings of a service, of all instances or of one, that are tried: kept only when they help. */
export interface ConfigurationTrialChange extends Change {
  readonly kind: 'configuration-trial';
  readonly differences: readonly ConfigDifference[];
  readonly note: string;
}

const RACES = 5;

/**
 * Changes settings for a trial: by value, not by version, as the time before is measured first and others may change something else
 * meanwhile. A value that somebody has changed since is left as it is.
 */
export class ConfigurationTrialActuator implements Actuator<ConfigurationTrialChange, void> {
  readonly kind = 'configuration-trial';
  readonly #keeper: ConfigKeeper;

  constructor(keeper: ConfigKeeper) {
    this.#keeper = keeper;
  }

  describe({ differences, note }: ConfigurationTrialChange): JsonValue {
    return json({ differences, note });
  }

  plan({ differences }: ConfigurationTrialChange): Promise<JsonValue> {
    return Promise.resolve(json({ differences }));
  }

  async apply({ service, differences, note, author }: ConfigurationTrialChange, id: string): Promise<void> {
    await this.#change(service, differences.map(reversed), { author, note, trial: id });
  }

  async undo(undo: JsonValue, { service, subject, id }: Trial): Promise<void> {
    const { differences } = undo as unknown as Pick<ConfigurationTrialChange, 'differences'>; // plan() wrote it
    await this.#change(service, differences, {
      author: 'autopilot',
      note: `Takes back ${subject}`,
      trial: `${id}/undo`,
    });
  }

  /** On or off for a while, to be compared; done already is well done. */
  async flip({ service, subject, id, change }: Trial, isOn: boolean): Promise<void> {
    const { differences } = change as unknown as Pick<ConfigurationTrialChange, 'differences'>; // describe() wrote it
    await this.#change(service, isOn ? differences.map(reversed) : differences, {
      author: 'autopilot',
      note: `${isOn ? 'On again' : 'Off for a while'}, to be compared: ${subject}`,
      trial: `${id}/flip`,
    });
  }

  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    const made = await this.#keeper.asked((store) => store.madeBy(trial.service, trial.id));
    return made === null ? 'absent' : 'applied';
  }

  /** Gives each value that is still what `differences` end with what they begin with. */
  async #change(
    service: string,
    differences: readonly ConfigDifference[],
    { author, note, trial }: { readonly author: string; readonly note: string; readonly trial: string },
  ): Promise<void> {
    for (let race = 1; ; race++) {
      const newest = await this.#keeper.newest(service);
      const now = newest?.content ?? emptyContent;
      const content = withoutChanges(now, now.preset, differences);
      if (differencesOf(now, content).length === 0) return;
      try {
        await this.#keeper.commit(service, newest?.version ?? 0, {
          author,
          note,
          cause: 'trial',
          restored: null,
          trial,
          content,
        });
        return;
      } catch (error) {
        // Somebody else was faster: look again at what is there now.
        const isStale = error instanceof Error && 'code' in error && error.code === 'AP_CONFIG_STALE_VERSION';
        if (race === RACES || !isStale) throw error;
      }
    }
  }
}

function reversed({ before, after, ...where }: ConfigDifference): ConfigDifference {
  return {
    ...where,
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
  };
}

function json(value: unknown): JsonValue {
  // Differences are JSON, which their types say by name only.
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
