import type { ConfigPatch } from '@teamflow/autopilot/client';
import type { Configuration, EffectiveSetting, SettingValue } from '@teamflow/autopilot/contract';

/** A setting with its key, as "monitoring.maxRoutes". */
export interface SettingEntry {
  readonly key: string;
  readonly group: string;
  readonly name: string;
  readonly setting: EffectiveSetting;
}

/** Every setting, in the order of the answer: by group. */
export function entriesOf({ settings }: Pick<Configuration, 'settings'>): readonly SettingEntry[] {
  return Object.entries(settings).flatMap(([group, several]) =>
    Object.entries(several).map(([name, setting]) => ({ key: `${group}.${name}`, group, name, setting })),
  );
}

/** What a field holds: a value to set, or a text that can not be one. `null` takes the value of the layer back. */
export type DraftValue =
  | { readonly state: 'usable'; readonly value: SettingValue }
  | { readonly state: 'unusable'; readonly text: string; readonly trouble: string };

/** Changes that are not made yet, and the version that was on the screen when they were begun. */
export interface Draft {
  readonly base: number;
  readonly values: ReadonlyMap<string, DraftValue>;
}

/** The draft with one more change, or another one of the same setting; `value` null: without a change of it. */
export function withChange(draft: Draft | null, version: number, key: string, value: DraftValue | null): Draft | null {
  const values = new Map(draft?.values);
  if (value === null) values.delete(key);
  else values.set(key, value);
  return values.size === 0 ? null : { base: draft?.base ?? version, values };
}

/** The draft without changes of settings that are not `known`: of another release, before this page was loaded. */
export function keptOf(draft: Draft | null, known: { has(key: string): boolean }): Draft | null {
  const values = new Map([...(draft?.values ?? [])].filter(([key]) => known.has(key)));
  return draft === null || values.size === 0 ? null : { base: draft.base, values };
}

/** What the API is sent: nested, with what can be used. */
export function patchOf({ values }: Draft): ConfigPatch {
  const patch: Record<string, Record<string, SettingValue>> = {};
  for (const [key, one] of values) {
    if (one.state === 'unusable') continue;
    const [group = '', name = ''] = key.split('.');
    const ofGroup = (patch[group] ??= {});
    ofGroup[name] = one.value;
  }
  return patch;
}

/** Whether every change can be sent. */
export function isUsable({ values }: Draft): boolean {
  return [...values.values()].every(({ state }) => state === 'usable');
}

/** What a text is as a value of the setting. The control plane judges the rest: what fits together, what instances say. */
export function readText(setting: EffectiveSetting, text: string): DraftValue {
  const unusable = (trouble: string): DraftValue => ({ state: 'unusable', text, trouble });
  switch (setting.kind) {
    case 'integer':
    case 'number': {
      const written = text.replaceAll(/[\s_,]/g, '');
      if (written === '') {
        return setting.default === null
          ? { state: 'usable', value: null }
          : unusable('A number is needed; Take back leaves it to the layers below.');
      }
      const value = Number(written);
      if (!Number.isFinite(value)) return unusable(`${text} is no number.`);
      if (setting.kind === 'integer' && !Number.isSafeInteger(value)) return unusable(`${text} is no whole number.`);
      const { min = -Infinity, max = Infinity } = setting;
      return value < min || value > max
        ? unusable(`It must be from ${grouped(min)} to ${grouped(max)}.`)
        : { state: 'usable', value };
    }
    case 'boolean':
      return { state: 'usable', value: text === 'true' };
    case 'texts':
      return { state: 'usable', value: text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])) };
    case 'choice':
    case 'text':
      return { state: 'usable', value: text };
  }
}

/** A value as the text of its field. */
export function fieldText(value: SettingValue): string {
  if (value === null) return '';
  return Array.isArray(value) ? value.join('\n') : String(value);
}

/** A value as it is read: "600,000 ms", "on", "left to the application". */
export function valueText(value: SettingValue | undefined, unit?: string): string {
  if (value === undefined) return 'not set';
  if (value === null) return 'left to the application';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number')
    return unit === undefined || unit === 'ratio' ? grouped(value) : `${grouped(value)} ${unit}`;
  if (typeof value === 'string') return value === '' ? '(empty)' : value;
  return value.length === 0 ? '(none)' : value.join(', ');
}

const MINUTE_MS = 60_000;

/** A large number in words: "10 min", "16 MB", "0.1 %"; null where the number says it already. */
export function valueHint(value: SettingValue, unit: string | undefined): string | null {
  if (typeof value !== 'number') return null;
  if (unit === 'ratio') return `${trimmed(value * 100)} %`;
  if (unit === 'ms' && value >= 1_000) {
    if (value >= 60 * MINUTE_MS) return `${trimmed(value / (60 * MINUTE_MS))} h`;
    return value >= MINUTE_MS ? `${trimmed(value / MINUTE_MS)} min` : `${trimmed(value / 1_000)} s`;
  }
  // Memory is counted in powers of two where settings do so.
  if (unit === 'bytes' && value >= 1_024 && value % 1_024 === 0) {
    return value >= 1_048_576 ? `${trimmed(value / 1_048_576)} MiB` : `${trimmed(value / 1_024)} KiB`;
  }
  return null;
}

/** When a new value takes effect, in a few words. */
export function applyText(apply: SettingEntry['setting']['apply']): string {
  switch (apply) {
    case 'live':
      return 'at once';
    case 'new-connections':
      return 'for new connections';
    case 'restart':
      return 'after a restart';
  }
}

function grouped(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: 6 });
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(4)));
}

export function countOf(changes: number): string {
  return changes === 1 ? '1 change' : `${changes} changes`;
}
