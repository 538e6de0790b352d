import type { SettingValues } from '../contract/configuration.ts';
import { messageOf } from '../kernel/errors.ts';
import { registry, type Settings, settingsOf, valueAt } from './registry.ts';
import { type Reader, type SettingDeclaration, sameValue } from './setting.ts';

/** Where settings are read: `settings.current.compression.minBytes`, a property of a frozen object, each time anew. */
export interface SettingsView {
  readonly current: Settings;
}

/** Something that has to do more than read when a setting changes. */
export interface SettingsConsumer {
  /** Named in the reason when it refuses. */
  readonly name: string;
  /**
   * Makes `next` true; the same values again change nothing. Throws to refuse: whatever it did is then undone by
   * another call with the values from before. Never waits.
   */
  readonly apply: (next: Settings) => void;
  /** Says why it would refuse, without doing anything; null: it would not. For a dry run. */
  readonly check?: (next: Settings) => string | null;
}

/** What became of new values. */
export type Swap =
  /** Nothing differed from what is in force: nobody was told. */
  | { readonly state: 'unchanged'; readonly pendingRestart: readonly string[] }
  | { readonly state: 'applied'; readonly changed: readonly string[]; readonly pendingRestart: readonly string[] }
  /** Everything is as it was before. */
  | { readonly state: 'refused'; readonly reason: string };

/**
 * The settings in force in this process. They change all together: whoever reads sees those from before or those from
 * after, never some of each. A value that needs a restart stays what it was at the start.
 *
 * As Caddy does it (caddyserver.com/docs/architecture): the new is started beside the old, and only when all of it runs
 * is it committed; else the old goes on.
 */
export class LiveSettings implements SettingsView {
  readonly #consumers = new Set<SettingsConsumer>();
  readonly #reader: Reader | null;
  #current: Settings;

  /** `reader`: which half of the autopilot this is; what only the other one reads needs no restart here. */
  constructor(initial: SettingValues = {}, reader: Reader | null = null) {
    this.#reader = reader;
    this.#current = settingsOf(initial);
  }

  get current(): Settings {
    return this.#current;
  }

  /** Applies the settings of now, and each change from now on. @throws what `apply` throws now */
  use(consumer: SettingsConsumer): Disposable {
    consumer.apply(this.#current);
    this.#consumers.add(consumer);
    return {
      [Symbol.dispose]: () => {
        this.#consumers.delete(consumer);
      },
    };
  }

  /** Calls `changed` with the new value when what `read` picks has changed; what it throws refuses the change. */
  watch<T>(name: string, read: (settings: Settings) => T, changed: (value: T) => void): Disposable {
    let last = read(this.#current);
    return this.use({
      name,
      apply: (next) => {
        const value = read(next);
        if (value === last) return;
        // First: when `changed` throws half way, the call that undoes it must not be taken for no change.
        last = value;
        changed(value);
      },
    });
  }

  /** What swap() would answer, as far as consumers can tell without doing it. */
  check(values: SettingValues): { readonly refusal: string | null; readonly pendingRestart: readonly string[] } {
    const { next, pendingRestart } = this.#prepare(values);
    for (const { name, check } of this.#consumers) {
      const reason = check?.(next) ?? null;
      if (reason !== null) return { refusal: `${name} would refuse the change: ${reason}.`, pendingRestart };
    }
    return { refusal: null, pendingRestart };
  }

  /** Puts new values in force, or none of them. Never throws. */
  swap(values: SettingValues): Swap {
    const before = this.#current;
    const { next, changed, pendingRestart } = this.#prepare(values);
    if (changed.length === 0) return { state: 'unchanged', pendingRestart };
    this.#current = next;
    const told: SettingsConsumer[] = [];
    for (const consumer of this.#consumers) {
      told.push(consumer);
      try {
        consumer.apply(next);
      } catch (error) {
        this.#current = before;
        const left = told.reverse().flatMap((one) => undo(one, before));
        const reason = `${consumer.name} refused the change: ${messageOf(error)}.`;
        return { state: 'refused', reason: [reason, ...left].join(' ') };
      }
    }
    return { state: 'applied', changed, pendingRestart };
  }

  #prepare(values: SettingValues): {
    readonly next: Settings;
    readonly changed: readonly string[];
    readonly pendingRestart: readonly string[];
  } {
    const before = this.#current;
    const wanted = settingsOf(values);
    const differing = [...registry.keys()].filter((key) => !sameValue(valueAt(before, key), valueAt(wanted, key)));
    const pendingRestart = differing.filter((key) => this.#isForRestart(registry.get(key)));
    const changed = differing.filter((key) => !pendingRestart.includes(key));
    const kept = Object.fromEntries(pendingRestart.map((key) => [key, valueAt(before, key) ?? null]));
    return { next: settingsOf({ ...values, ...kept }), changed, pendingRestart };
  }

  #isForRestart(declaration: SettingDeclaration | undefined): boolean {
    if (declaration?.apply !== 'restart') return false;
    return this.#reader === null || declaration.on === this.#reader;
  }
}

/** Trouble with going back, as sentences: none, as a rule. */
function undo(consumer: SettingsConsumer, before: Settings): readonly string[] {
  try {
    consumer.apply(before);
    return [];
  } catch (error) {
    return [`${consumer.name} could not go back to the values from before: ${messageOf(error)}.`];
  }
}
