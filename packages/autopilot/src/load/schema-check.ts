import { nearestName } from '../kernel/nearest-name.ts';

/**
 * Checks a value against a JSON Schema, for the few keywords that `planSchema` uses, with messages for people: a general
 * validator names schema paths, and of a union says only that nothing fitted.
 */
export interface SchemaNode {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  /** False, or what every other field must be. */
  readonly additionalProperties?: false | SchemaNode;
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly (string | number)[];
  readonly const?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly anyOf?: readonly SchemaNode[];
  /** "#/$defs/name" */
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
}

/** What is wrong, where, and what to do. */
export interface SchemaMistake {
  readonly place: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

/** All mistakes; empty: the value is as the schema says. */
export function checkSchema(value: unknown, schema: SchemaNode): SchemaMistake[] {
  return check(value, schema, [], schema.$defs ?? {});
}

type Definitions = Readonly<Record<string, SchemaNode>>;
type Place = readonly (string | number)[];

function check(value: unknown, schema: SchemaNode, place: Place, defs: Definitions): SchemaMistake[] {
  if (schema.$ref !== undefined) {
    const target = defs[schema.$ref.replace('#/$defs/', '')];
    return target === undefined ? [] : check(value, target, place, defs);
  }
  if (schema.anyOf !== undefined) return checkAny(value, schema.anyOf, place, defs);
  const wrong = (message: string, remedy: string): SchemaMistake[] => [{ place, message, remedy }];
  if (schema.const !== undefined && value !== schema.const) {
    return wrong(`${show(value)} is not "${schema.const}".`, `Write "${schema.const}".`);
  }
  if (schema.enum !== undefined && !schema.enum.some((allowed) => allowed === value)) {
    return wrong(`${show(value)} is not allowed.`, suggestion(wordOf(value), schema.enum.map(String)));
  }
  if (schema.type !== undefined && !isOfType(value, schema.type)) {
    return wrong(
      `${value === undefined ? 'it is missing' : show(value)}; it must be ${article(schema.type)}.`,
      schema.description === undefined ? `Write ${article(schema.type)}.` : `It means: ${schema.description}.`,
    );
  }
  if (typeof value === 'number') return checkNumber(value, schema, wrong);
  if (typeof value === 'string') return checkText(value, schema, wrong);
  if (Array.isArray(value)) return checkItems(value, schema, place, defs);
  if (typeof value === 'object' && value !== null) return checkFields({ ...value }, schema, place, defs);
  return [];
}

type Wrong = (message: string, remedy: string) => SchemaMistake[];

function checkNumber(value: number, { minimum, exclusiveMinimum, maximum }: SchemaNode, wrong: Wrong): SchemaMistake[] {
  if (minimum !== undefined && value < minimum)
    return wrong(`${value} is under ${minimum}.`, `Write at least ${minimum}.`);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return wrong(`${value} is not over ${exclusiveMinimum}.`, `Write more than ${exclusiveMinimum}.`);
  if (maximum !== undefined && value > maximum)
    return wrong(`${value} is over ${maximum}.`, `Write at most ${maximum}.`);
  return [];
}

function checkText(value: string, { minLength, maxLength }: SchemaNode, wrong: Wrong): SchemaMistake[] {
  if (minLength !== undefined && value.length < minLength) return wrong('It is empty.', 'Write something.');
  if (maxLength !== undefined && value.length > maxLength)
    return wrong(`It has ${value.length} characters.`, `Write at most ${maxLength}.`);
  return [];
}

function checkItems(value: readonly unknown[], schema: SchemaNode, place: Place, defs: Definitions): SchemaMistake[] {
  const { items, minItems, maxItems } = schema;
  if (minItems !== undefined && value.length < minItems)
    return [{ place, message: `It has ${value.length} entries.`, remedy: `Write at least ${minItems}.` }];
  if (maxItems !== undefined && value.length > maxItems)
    return [{ place, message: `It has ${value.length} entries.`, remedy: `Write at most ${maxItems}.` }];
  return items === undefined ? [] : value.flatMap((item, at) => check(item, items, [...place, at], defs));
}

function checkFields(
  value: Readonly<Record<string, unknown>>,
  schema: SchemaNode,
  place: Place,
  defs: Definitions,
): SchemaMistake[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const mistakes: SchemaMistake[] = [];
  for (const name of required) {
    if (value[name] !== undefined) continue;
    const meaning = properties[name]?.description;
    mistakes.push({
      place,
      message: `"${name}" is missing.`,
      remedy: meaning === undefined ? `Add "${name}".` : `Add "${name}": ${meaning}.`,
    });
  }
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) mistakes.push(...check(field, known, [...place, name], defs));
    else if (additionalProperties === false) {
      mistakes.push({
        place: [...place, name],
        message: `"${name}" is not known here.`,
        remedy: suggestion(name, Object.keys(properties)),
      });
    } else if (additionalProperties !== undefined) {
      mistakes.push(...check(field, additionalProperties, [...place, name], defs));
    }
  }
  return mistakes;
}

/** Of several the one that the value comes closest to: where a `const` decides, that one. */
function checkAny(value: unknown, choices: readonly SchemaNode[], place: Place, defs: Definitions): SchemaMistake[] {
  const tag = tagOf(choices, defs);
  if (tag !== undefined && typeof value === 'object' && value !== null) {
    const given: unknown = Object.hasOwn(value, tag.name) ? { ...value }[tag.name as keyof typeof value] : undefined; // `as`: hasOwn just said so
    if (!tag.values.some((allowed) => allowed === given)) {
      return [
        {
          place: given === undefined ? place : [...place, tag.name],
          message: given === undefined ? `"${tag.name}" is missing.` : `${show(given)} is not allowed.`,
          remedy: suggestion(wordOf(given), tag.values),
        },
      ];
    }
    const at = tag.values.indexOf(wordOf(given));
    const choice = choices[at];
    if (choice !== undefined) return check(value, choice, place, defs);
  }
  const results = choices.map((choice) => ({
    choice: resolved(choice, defs),
    mistakes: check(value, choice, place, defs),
  }));
  if (results.some(({ mistakes }) => mistakes.length === 0)) return [];
  const sameType = results.filter(({ choice }) => choice.type !== undefined && isOfType(value, choice.type));
  const closest = sameType.toSorted((a, b) => a.mistakes.length - b.mistakes.length)[0];
  if (closest !== undefined) return closest.mistakes;
  const types = [
    ...new Set(results.flatMap(({ choice }) => (choice.type === undefined ? [] : [article(choice.type)]))),
  ];
  return [{ place, message: `${show(value)} does not fit.`, remedy: `Write ${types.join(' or ')}.` }];
}

/** The field whose constant tells the choices apart. */
function tagOf(choices: readonly SchemaNode[], defs: Definitions): { name: string; values: string[] } | undefined {
  const [first] = choices;
  if (first === undefined) return undefined;
  const name = Object.entries(resolved(first, defs).properties ?? {}).find(([, node]) => node.const !== undefined)?.[0];
  if (name === undefined) return undefined;
  const values = choices.map((choice) => resolved(choice, defs).properties?.[name]?.const);
  return values.includes(undefined) ? undefined : { name, values: values.map(String) };
}

function resolved(schema: SchemaNode, defs: Definitions): SchemaNode {
  return schema.$ref === undefined ? schema : (defs[schema.$ref.replace('#/$defs/', '')] ?? schema);
}

function isOfType(value: unknown, type: NonNullable<SchemaNode['type']>): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'null':
      return value === null;
    case 'string':
    case 'boolean':
      return typeof value === type;
  }
}

function article(type: string): string {
  if (type === 'null') return 'null';
  if (type === 'integer') return 'a whole number';
  if (type === 'string') return 'a text';
  if (type === 'array') return 'a list';
  return `${type === 'object' ? 'an' : 'a'} ${type}`;
}

function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // One that holds itself, or a bigint: a program's mistake, which no file can hold.
    text = `a value of type ${typeof value}`;
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** What was written, to be compared with what is known. */
function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : show(value);
}

/** Names the likely word for a mistyped one, and all that are known. */
function suggestion(given: string, known: readonly string[]): string {
  const near = nearestName(given, known);
  const list = known.length === 0 ? '' : `Known: ${known.join(', ')}.`;
  return near === null ? list || 'Leave it out.' : `Did you mean "${near}"? ${list}`;
}
