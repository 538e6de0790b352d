import type { SettingValue } from './configuration.ts';

/**
 * Shapes: the plain-data description of what goes over the wire. One table of shapes drives validation, OpenAPI,
 * command-line help and forms; no validator is loaded to read it, so it is safe for agents and browsers.
 * `ShapeOf<T>` ties a shape to its TypeScript type: a field missing from the shape, or of another kind, does not compile.
 */
export type Shape =
  | StringShape
  | NumberShape
  | BooleanShape
  | ArrayShape
  | ObjectShape
  | MapShape
  | NullableShape
  | OptionalShape
  | TaggedShape
  | ValueShape;

interface Described {
  readonly description?: string;
}

export interface StringShape extends Described {
  readonly kind: 'string';
  /** The values allowed; absent: any. */
  readonly values?: readonly string[];
  readonly maxLength?: number;
  /** `time`: RFC 3339 in UTC. */
  readonly format?: 'time';
}

export interface NumberShape extends Described {
  readonly kind: 'number' | 'integer';
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
}

export interface BooleanShape extends Described {
  readonly kind: 'boolean';
}

export interface ArrayShape extends Described {
  readonly kind: 'array';
  readonly of: Shape;
  readonly maxItems?: number;
}

/** Fields not named are refused in what comes in. */
export interface ObjectShape extends Described {
  readonly kind: 'object';
  /** Its name in OpenAPI's components. */
  readonly name?: string;
  readonly fields: Readonly<Record<string, Shape>>;
}

/** An object with any names and values of one shape. */
export interface MapShape extends Described {
  readonly kind: 'map';
  readonly of: Shape;
}

export interface NullableShape extends Described {
  readonly kind: 'nullable';
  readonly of: Shape;
}

/** A field that may be left out. */
export interface OptionalShape extends Described {
  readonly kind: 'optional';
  readonly of: Shape;
}

/** One of several objects, told apart by the value of one field. */
export interface TaggedShape extends Described {
  readonly kind: 'tagged';
  readonly by: string;
  readonly cases: readonly ObjectShape[];
}

/** What a setting can be: true or false, a number, a text, a list of texts, or null. */
export interface ValueShape extends Described {
  readonly kind: 'value';
}

/** The shape a value of type T has. */
export type ShapeOf<T> = [SettingValue] extends [T]
  ? ValueShape
  : [T] extends [string]
    ? StringShape
    : [T] extends [number]
      ? NumberShape
      : [T] extends [boolean]
        ? BooleanShape
        : null extends T
          ? { readonly kind: 'nullable'; readonly of: ShapeOf<Exclude<T, null>>; readonly description?: string }
          : T extends readonly (infer Item)[]
            ? {
                readonly kind: 'array';
                readonly of: ShapeOf<Item>;
                readonly description?: string;
                readonly maxItems?: number;
              }
            : string extends keyof T
              ? { readonly kind: 'map'; readonly of: ShapeOf<T[keyof T]>; readonly description?: string }
              : {
                  readonly kind: 'object';
                  readonly fields: FieldsOf<T>;
                  readonly description?: string;
                  readonly name?: string;
                };

export type FieldsOf<T> = {
  readonly [K in keyof T]-?: undefined extends T[K]
    ? { readonly kind: 'optional'; readonly of: ShapeOf<Exclude<T[K], undefined>>; readonly description?: string }
    : ShapeOf<T[K]>;
};

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/**
 * The JSON Schema of a shape. Named objects become references; `define` receives each of them once per name.
 */
export function toJsonSchema(shape: Shape, define?: (name: string, schema: JsonSchema) => void): JsonSchema {
  const described = shape.description === undefined ? {} : { description: shape.description };
  switch (shape.kind) {
    case 'string':
      return {
        type: 'string',
        ...described,
        ...(shape.values === undefined ? {} : { enum: shape.values }),
        ...(shape.maxLength === undefined ? {} : { maxLength: shape.maxLength }),
        ...(shape.format === 'time' ? { format: 'date-time' } : {}),
      };
    case 'number':
    case 'integer':
      return {
        type: shape.kind,
        ...described,
        ...(shape.min === undefined ? {} : { minimum: shape.min }),
        ...(shape.max === undefined ? {} : { maximum: shape.max }),
        ...(shape.unit === undefined ? {} : { 'x-unit': shape.unit }),
      };
    case 'boolean':
      return { type: 'boolean', ...described };
    case 'value':
      return { type: ['boolean', 'number', 'string', 'array', 'null'], items: { type: 'string' }, ...described };
    case 'array':
      return {
        type: 'array',
        ...described,
        items: toJsonSchema(shape.of, define),
        ...(shape.maxItems === undefined ? {} : { maxItems: shape.maxItems }),
      };
    case 'map':
      return { type: 'object', ...described, additionalProperties: toJsonSchema(shape.of, define) };
    case 'nullable':
      return { ...described, anyOf: [toJsonSchema(shape.of, define), { type: 'null' }] };
    case 'optional':
      return { ...toJsonSchema(shape.of, define), ...described };
    case 'tagged':
      return { ...described, oneOf: shape.cases.map((one) => toJsonSchema(one, define)) };
    case 'object': {
      const schema: JsonSchema = {
        type: 'object',
        ...described,
        properties: Object.fromEntries(
          Object.entries(shape.fields).map(([name, field]) => [name, toJsonSchema(field, define)]),
        ),
        required: Object.entries(shape.fields)
          .filter(([, field]) => field.kind !== 'optional')
          .map(([name]) => name),
        additionalProperties: false,
      };
      if (define === undefined || shape.name === undefined) return schema;
      define(shape.name, schema);
      return { $ref: `#/components/schemas/${shape.name}` };
    }
  }
}

/** Whether nothing says as much as an empty object would: every field may be left out. */
export function allowsNothing(shape: Shape | null): boolean {
  return shape?.kind === 'object' && Object.values(shape.fields).every(({ kind }) => kind === 'optional');
}
