import type { ObjectShape, Shape } from '../contract/shape.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { sentencesOf, validatorOf } from './shape-validator.ts';

/** Reads the parameters of one operation. */
export type QueryParser = (search: URLSearchParams) => Readonly<Record<string, unknown>>;

/**
 * Makes the parser of a shape. Texts become what the shape says: numbers, true and false, lists with commas.
 * The parser throws AutopilotError AP_PARAMETER_UNKNOWN or AP_PARAMETER_INVALID, naming every parameter at fault.
 */
export function queryParserOf(shape: ObjectShape): QueryParser {
  const validator = validatorOf(shape);
  const names = Object.keys(shape.fields);
  return (search) => {
    const written: Record<string, string> = {};
    const unknown: string[] = [];
    const trouble: string[] = [];
    for (const [name, value] of search) {
      if (!Object.hasOwn(shape.fields, name)) unknown.push(name);
      else if (Object.hasOwn(written, name)) trouble.push(`${name} is given twice`);
      else if (value === '') trouble.push(`${name} is empty: leave it out, or give it a value`);
      else written[name] = value;
    }
    if (unknown.length > 0) throw unknownParameters(unknown, names);
    const parsed: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(written)) parsed[name] = coerced(value, shape.fields[name]);
    if (trouble.length === 0) {
      const result = validator.safeParse(parsed);
      if (result.success) return parsed;
      trouble.push(...sentencesOf(result.error, (path) => written[String(path[0])]));
    }
    throw new AutopilotError('AP_PARAMETER_INVALID', `${trouble.join('; ')}.`, {
      remedy: 'Correct the parameters named; /api/v1/docs lists what each call takes.',
    });
  };
}

function unknownParameters(unknown: readonly string[], names: readonly string[]): AutopilotError {
  const listed = [...new Set(unknown)].slice(0, 10).map((name) => {
    const nearest = nearestName(name, names);
    const shown = JSON.stringify(name.slice(0, 100));
    return nearest === null ? shown : `${shown} ("${nearest}" was probably meant)`;
  });
  const takes = names.length === 0 ? 'This call takes no parameters' : `This call takes ${names.join(', ')}`;
  return new AutopilotError('AP_PARAMETER_UNKNOWN', `Not known here: ${listed.join(', ')}.`, { remedy: `${takes}.` });
}

/** A text that can't be what the shape wants is left as it is, for the validator to refuse. */
function coerced(value: string, shape: Shape | undefined): unknown {
  switch (shape?.kind) {
    case 'optional':
    case 'nullable':
      return coerced(value, shape.of);
    case 'number':
    case 'integer':
      return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : value;
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'array':
      return value.split(',').map((item) => coerced(item, shape.of));
    default:
      return value;
  }
}
