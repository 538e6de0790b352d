import * as z from 'zod';
import type { Shape } from '../contract/shape.ts';
import { nearestName } from '../kernel/nearest-name.ts';

/** The zod schema of a shape: what is not named is refused. */
export function validatorOf(shape: Shape): z.ZodType {
  switch (shape.kind) {
    case 'string': {
      if (shape.values !== undefined) return z.enum(shape.values);
      if (shape.format === 'time') return z.iso.datetime({ offset: true });
      const text = shape.maxLength === undefined ? z.string() : z.string().max(shape.maxLength);
      // No text of PostgreSQL can hold it: a look for it would fail, as if the database were at fault.
      return text.refine((value) => !value.includes('\0'), 'a zero byte is in no text');
    }
    case 'number':
    case 'integer': {
      let number = shape.kind === 'integer' ? z.int() : z.number();
      if (shape.min !== undefined) number = number.min(shape.min);
      if (shape.max !== undefined) number = number.max(shape.max);
      return number;
    }
    case 'boolean':
      return z.boolean();
    case 'value':
      return z.union([z.boolean(), z.number(), z.string(), z.null(), z.array(z.string())]);
    case 'array': {
      const array = z.array(validatorOf(shape.of));
      return shape.maxItems === undefined ? array : array.max(shape.maxItems);
    }
    case 'map':
      return z.record(z.string(), validatorOf(shape.of));
    case 'nullable':
      return z.nullable(validatorOf(shape.of));
    case 'optional':
      return z.optional(validatorOf(shape.of));
    case 'tagged':
      return z.union(shape.cases.map(validatorOf));
    case 'object':
      return z.strictObject(
        Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, validatorOf(field)])),
      );
  }
}

/** What is wrong with a value that a validator refused, a sentence each. `written` is the value as the caller wrote it. */
export function sentencesOf(error: z.ZodError, written: (path: readonly PropertyKey[]) => unknown): readonly string[] {
  return error.issues.map((issue) => sentenceOf(issue, written(issue.path)));
}

function sentenceOf(issue: z.core.$ZodIssue, value: unknown): string {
  const name = issue.path.map(String).join('.');
  if (value === undefined && issue.code !== 'unrecognized_keys') return `${name} is missing`;
  const is = `${name} is ${JSON.stringify(value)?.slice(0, 100)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `${is}, which is no ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const nearest = typeof value === 'string' ? nearestName(value, values) : null;
      const meant = nearest === null ? '' : `; "${nearest}" was probably meant`;
      return `${is}, which is none of ${values.join(', ')}${meant}`;
    }
    case 'too_big':
      return `${is}; at most ${issue.maximum}${unitOf(issue.origin)} is allowed`;
    case 'too_small':
      return `${is}; at least ${issue.minimum}${unitOf(issue.origin)} is allowed`;
    case 'invalid_format':
      return `${is}, which is no time as in RFC 3339, such as 2026-01-31T12:00:00Z`;
    default:
      return `${is}: ${issue.message}`;
  }
}

const typeNames: Readonly<Record<string, string>> = { int: 'whole number', number: 'number', array: 'list' };

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '';
}
