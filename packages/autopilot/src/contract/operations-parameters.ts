import { measures } from './measures.ts';
import type { ArrayShape, NumberShape, Shape, StringShape } from './shape.ts';

/** The parameters that several calls take. */

/** A parameter that may be left out. */
export type Optional<Of extends Shape> = { readonly kind: 'optional'; readonly of: Of };

/** Makes a parameter one that may be left out. */
export const optional = <Of extends Shape>(of: Of): Optional<Of> => ({ kind: 'optional', of });

/** A name of something that is measured. */
export const name = (description: string): { kind: 'string'; maxLength: number; description: string } => ({
  kind: 'string',
  maxLength: 512,
  description,
});

export const service: Optional<StringShape> = optional(
  name('The service; default: the one of the application that is asked through'),
);
export const instance: Optional<StringShape> = optional(name('One instance of the service; default: all, merged'));
export const release: Optional<StringShape> = optional(name('One release of the service; default: all, merged'));
export const compare: Optional<NumberShape> = optional({
  kind: 'integer',
  min: 1000,
  max: 63_072_000_000,
  unit: 'ms',
  description:
    'Adds `baseline`: the same from so much earlier, 86400000 for the day before, 604800000 for the week before. Rounded up to a whole number of steps',
} as const);
export const database: Optional<StringShape> = optional(name('One database of the service; default: all'));
/** Where a range begins. */
export const from = (lookBack: string): Optional<StringShape> =>
  optional({
    kind: 'string',
    format: 'time',
    description: `Start of the range, RFC 3339; default ${lookBack} before its end`,
  });
export const to: Optional<StringShape> = optional({
  kind: 'string',
  format: 'time',
  description: 'End of the range, RFC 3339; default now',
} as const);
export const cursor: Optional<StringShape> = optional({
  kind: 'string',
  maxLength: 4096,
  description: 'Where the page starts: `page.next` or `page.previous` of an answer before',
} as const);
export const limit: Optional<NumberShape> = optional({
  kind: 'integer',
  min: 1,
  max: 200,
  description: 'Rows in an answer; default 50',
} as const);

/** Names of measures. */
export const measureList: ArrayShape & { of: Shape & { kind: 'string' } } = {
  kind: 'array',
  of: { kind: 'string', values: Object.keys(measures) },
  maxItems: 64,
  description: 'Names of measures, separated by commas; default: every measure of the family',
};
