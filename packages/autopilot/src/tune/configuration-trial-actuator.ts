import type { ConfigKeeper } from '../config/config-keeper.ts';
import { differencesOf } from '../config/content.ts';
import { emptyContent } from '../config/layers.ts';
import { sameValue } from '../config/setting.ts';
import type { ConfigDifference } from '../contract/configuration.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import { withoutChanges } from './configuration-actuator.ts';
import type { Actuator, Change } from './orders.ts';

/** Settings of a service, of all instances or of one, that are tried: kept only when they help. */
export interface ConfigurationTrialChange extends Change {
  readonly kind: 'configuration-trial';
  readonly differences: readonly ConfigDifference[];
  /** What all instances get when it is kept on the one that tries it; absent: it stays where it was tried. */
  readonly promotion?: readonly ConfigDifference[];
  readonly note: string;
}

type Differences = Pick<ConfigurationTrialChange, 'differences' | 'promotion'>;

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

  describe({ differences, promotion, note }: ConfigurationTrialChange): JsonValue {
    return json({ differences, promotion, note });
  }

  plan({ differences, promotion }: ConfigurationTrialChange): Promise<JsonValue> {
    return Promise.resolve(json({ differences, promotion }));
  }

  async apply({ service, differences, note, author }: ConfigurationTrialChange, id: string): Promise<void> {
    await this.#change(service, differences.map(reversed), { author, note, trial: id });
  }

  /** Of the one that tries it, and of all where they were given it: what somebody else has set to the same stays. */
  async undo(undo: JsonValue, { service, subject, id }: Trial): Promise<void> {
    const { differences, promotion = [] } = undo as unknown as Differences; // plan() wrote it
    const isPromoted = promotion.length > 0 && (await this.#hasMade(service, promotionOf(id)));
    await this.#change(service, isPromoted ? [...differences, ...promotion] : differences, {
      author: 'autopilot',
      note: `Takes back ${subject}`,
      trial: `${id}/undo`,
    });
  }

  /** On or off for a while, to be compared; done already is well done. */
  async flip({ service, subject, id, change }: Trial, isOn: boolean): Promise<void> {
    const { differences } = change as unknown as Differences; // describe() wrote it
    await this.#change(service, isOn ? differences.map(reversed) : differences, {
      author: 'autopilot',
      note: `${isOn ? 'On again' : 'Off for a while'}, to be compared: ${subject}`,
      trial: `${id}/flip`,
    });
  }

  /** In one version all get the value and the one loses its own, so that there is no time with neither. */
  async promote({ service, subject, id, change }: Trial): Promise<boolean> {
    const { differences, promotion = [] } = change as unknown as Differences; // describe() wrote it
    if (await this.#hasMade(service, promotionOf(id))) return true;
    const newest = await this.#keeper.newest(service);
    const { fleet } = newest?.content ?? emptyContent;
    if (!promotion.every(({ key, before }) => sameValue(fleet[key], before))) return false;
    await this.#change(service, [...promotion.map(reversed), ...differences], {
      author: 'autopilot',
      note: `For all instances, as it was kept on one: ${subject}`,
      trial: promotionOf(id),
    });
    return true;
  }

  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    return (await this.#hasMade(trial.service, trial.id)) ? 'applied' : 'absent';
  }

  async #hasMade(service: string, order: string): Promise<boolean> {
    return (await this.#keeper.asked((store) => store.madeBy(service, order))) !== null;
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

/** As the version that gives all what was kept on one is marked. */
function promotionOf(id: string): string {
  return `${id}/all`;
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
