import type { SettingValues } from '../contract/configuration.ts';
import type { ConfigOrder, ConfigOrderLayers } from './last-good.ts';
import { effectiveOf } from './layers.ts';
import { LiveSettings } from './live-settings.ts';
import type { Reader } from './setting.ts';

/** What an {@link InstanceConfig} is made with. */
export interface InstanceConfigOptions {
  /** What this process's own environment sets. */
  readonly environment: SettingValues;
  /** AUTOPILOT_SAFE_MODE=1: the defaults alone. */
  readonly safeMode: boolean;
  /** Which half of the autopilot it is; absent: both. */
  readonly reader?: Reader;
  /** What it starts with while nobody has been asked; null: the environment alone. */
  readonly initial: ConfigOrder | null;
  /** Keeps what has come into force, for the next start. */
  readonly keep?: (order: ConfigOrder) => void;
}

/** How an instance stands, as it tells the control plane. */
export interface InstanceConfigState {
  /** In force here; 0: none. */
  readonly version: number;
  readonly revision: string;
  readonly environment: SettingValues;
  readonly safeMode: boolean;
  readonly pendingRestart: readonly string[];
  /** Why the newest is not in force, or which of its values could not be used; null: all is well. */
  readonly error: string | null;
}

/** What an instance would make of other layers. */
export interface InstanceConfigCheck {
  /** null: it would take them. */
  readonly refusal: string | null;
  readonly pendingRestart: readonly string[];
}

const nothing: ConfigOrder = { version: 0, revision: '', layers: { preset: {}, file: {}, fleet: {}, instance: {} } };

/** The configuration of one process: starts with the last good one, takes new ones whole or not at all. */
export class InstanceConfig {
  readonly settings: LiveSettings;
  readonly #options: InstanceConfigOptions;
  #order: ConfigOrder;
  #pendingRestart: readonly string[] = [];
  #error: string | null = null;

  constructor(options: InstanceConfigOptions) {
    this.#options = options;
    this.#order = options.initial ?? nothing;
    const { values, trouble } = this.#effective(this.#order.layers);
    this.settings = new LiveSettings(values, options.reader);
    this.#error = sentences(trouble);
  }

  get state(): InstanceConfigState {
    const { environment, safeMode } = this.#options;
    const { version, revision } = this.#order;
    return { version, revision, environment, safeMode, pendingRestart: this.#pendingRestart, error: this.#error };
  }

  /** Puts `order` in force, or says in `state` why the one before stays. Never throws. */
  take(order: ConfigOrder): void {
    if (order.revision === this.#order.revision && this.#error === null) return;
    const { values, trouble } = this.#effective(order.layers);
    const swap = this.settings.swap(values);
    if (swap.state === 'refused') {
      this.#error = `Version ${order.version} is not in force here: ${swap.reason}`;
      return;
    }
    const isNew = order.revision !== this.#order.revision;
    this.#order = order;
    this.#pendingRestart = swap.pendingRestart;
    this.#error = sentences(trouble);
    if (isNew) this.#options.keep?.(order);
  }

  /** Whether take() would take these layers. Values that can't be used already do not count against them. */
  check(layers: ConfigOrderLayers): InstanceConfigCheck {
    const { values, trouble } = this.#effective(layers);
    const known = new Set(this.#effective(this.#order.layers).trouble);
    const wrong = trouble.filter((one) => !known.has(one));
    const { refusal, pendingRestart } = this.settings.check(values);
    return { refusal: sentences(wrong) ?? refusal, pendingRestart };
  }

  #effective(layers: ConfigOrderLayers): ReturnType<typeof effectiveOf> {
    const { environment, safeMode } = this.#options;
    return effectiveOf({ ...layers, environment }, safeMode);
  }
}

function sentences(trouble: readonly string[]): string | null {
  return trouble.length === 0 ? null : `${trouble.join('; ')}.`;
}
