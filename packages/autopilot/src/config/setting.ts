import type { SettingValue } from '../contract/configuration.ts';

/**
 * A setting as plain data. Whatever is said about it anywhere (validation, JSON Schema, API, command line, reference
 * pages, forms) is derived from this, so it is written once. Agents load it: nothing here needs a package.
 */
export type SettingDeclaration = NumberSetting | BooleanSetting | ChoiceSetting | TextSetting | TextListSetting;

/**
 * When a new value takes effect: `live` with the next use; `new-connections` for connections opened from then on;
 * `restart` when the process starts again, until then it is shown as pending.
 */
export type ApplyClass = 'live' | 'new-connections' | 'restart';

/** What a wrong value can do: `low` costs some insight or speed, `medium` a part of the service, `high` the service. */
export type Risk = 'low' | 'medium' | 'high';

/** Which half of the autopilot reads it. */
export type Reader = 'agent' | 'control-plane';

interface Described {
  /** A sentence or two: what it decides, and what more or less of it does. */
  readonly description: string;
  readonly risk: Risk;
  readonly apply: ApplyClass;
  readonly on: Reader;
}

export interface NumberSetting extends Described {
  readonly kind: 'integer' | 'number';
  /** null: the application's own value is left alone. */
  readonly default: number | null;
  readonly min: number;
  readonly max: number;
  /** 'ms', 'bytes', 'ratio' (0 to 1), or what is counted: 'routes'. */
  readonly unit: string;
  /** The tuner may move it within these bounds; absent: never. */
  readonly tuner?: { readonly min: number; readonly max: number };
}

export interface BooleanSetting extends Described {
  readonly kind: 'boolean';
  readonly default: boolean;
}

export interface ChoiceSetting extends Described {
  readonly kind: 'choice';
  readonly values: readonly string[];
  readonly default: string;
}

export interface TextSetting extends Described {
  readonly kind: 'text';
  readonly default: string;
  readonly maxLength: number;
}

export interface TextListSetting extends Described {
  readonly kind: 'texts';
  readonly default: readonly string[];
  readonly maxItems: number;
  /** Of each item. */
  readonly maxLength: number;
}

/** The type of a declaration's values. */
export type ValueOf<Declaration> = Declaration extends {
  readonly kind: 'integer' | 'number';
  readonly default: infer D;
}
  ? D extends null
    ? number | null
    : number
  : Declaration extends { readonly kind: 'boolean' }
    ? boolean
    : Declaration extends { readonly kind: 'choice'; readonly values: readonly (infer Value)[] }
      ? Value
      : Declaration extends { readonly kind: 'texts' }
        ? readonly string[]
        : string;

/** What is wrong with a value, as the end of a sentence that begins with the setting's key; null: nothing. */
export function troubleWith(declaration: SettingDeclaration, value: unknown): string | null {
  const is = `is ${JSON.stringify(value)?.slice(0, 100)}`;
  switch (declaration.kind) {
    case 'integer':
    case 'number': {
      if (value === null && declaration.default === null) return null;
      if (typeof value !== 'number' || !Number.isFinite(value)) return `${is}, which is no number`;
      if (declaration.kind === 'integer' && !Number.isSafeInteger(value)) return `${is}, which is no whole number`;
      const { min, max, unit } = declaration;
      return value < min || value > max ? `${is}; it must be from ${min} to ${max} (${unit})` : null;
    }
    case 'boolean':
      return typeof value === 'boolean' ? null : `${is}, which is neither true nor false`;
    case 'choice':
      return typeof value === 'string' && declaration.values.includes(value)
        ? null
        : `${is}, which is none of ${declaration.values.join(', ')}`;
    case 'text':
      return troubleWithText(value, declaration.maxLength, is);
    case 'texts': {
      if (!Array.isArray(value)) return `${is}, which is no list`;
      if (value.length > declaration.maxItems) {
        return `has ${value.length} items; at most ${declaration.maxItems} are allowed`;
      }
      for (const item of value) {
        const trouble = troubleWithText(item, declaration.maxLength, `holds ${JSON.stringify(item)?.slice(0, 100)}`);
        if (trouble !== null) return trouble;
      }
      return null;
    }
  }
}

function troubleWithText(value: unknown, maxLength: number, is: string): string | null {
  if (typeof value !== 'string') return `${is}, which is no text`;
  if (value.length > maxLength) return `has ${value.length} characters; at most ${maxLength} are allowed`;
  // Control characters have no place in a header, a log line or a page.
  return /\p{Cc}/u.test(value) ? `${is}, which holds control characters` : null;
}

export function sameValue(a: SettingValue | undefined, b: SettingValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => item === b[index]);
  }
  return a === b;
}
