import type { Random } from './random.ts';

/**
 * A way into a JSON value: `items[0].id`, `items[-1].id` (from the end), `items[*].id` (one of them, drawn at random),
 * `items[].id` (a list: that of every one), `["odd key"].id`; a leading `$` or `$.` may be written. Little more than the
 * subset of JSONPath that names one value.
 */
export type JsonPath = readonly (string | number | typeof ANY | typeof EVERY)[];

const ANY: unique symbol = Symbol('any element');
const EVERY: unique symbol = Symbol('every element');

/** @throws SyntaxError saying where the path stops making sense. */
export function parseJsonPath(text: string): JsonPath {
  const path: JsonPath[number][] = [];
  let rest = text.replace(/^\$\.?/, '');
  let first = true;
  while (rest !== '') {
    const match =
      /^\[(-?\d+)\]/.exec(rest) ??
      /^\[(\*?)\]/.exec(rest) ??
      /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest) ??
      (first ? /^([^.[\]"\s]+)/ : /^\.([^.[\]"\s]+)/).exec(rest);
    const part = match?.[1];
    if (match === null || part === undefined) {
      throw new SyntaxError(`The JSON path "${text}" can't be read from "${rest}" on.`);
    }
    if (match[0] === '[*]') path.push(ANY);
    else if (match[0] === '[]') path.push(EVERY);
    else if (match[0].startsWith('["')) path.push(part.replaceAll(/\\(.)/g, '$1'));
    else path.push(match[0].startsWith('[') ? Number(part) : part);
    rest = rest.slice(match[0].length);
    first = false;
  }
  return path;
}

/** The value the path leads to; undefined when there is none. */
export function followJsonPath(path: JsonPath, value: unknown, random: Random): unknown {
  let at = value;
  for (const [depth, part] of path.entries()) {
    if (part === EVERY) {
      if (!Array.isArray(at)) return undefined;
      const rest = path.slice(depth + 1);
      return at.map((item: unknown) => followJsonPath(rest, item, random)).filter((found) => found !== undefined);
    }
    if (part === ANY) {
      if (!Array.isArray(at) || at.length === 0) return undefined;
      at = at[random.integer(0, at.length - 1)];
    } else if (typeof part === 'number') {
      if (!Array.isArray(at)) return undefined;
      at = at.at(part);
    } else {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
      at = (at as Readonly<Record<string, unknown>>)[part]; // `as`: an object that has this property, as just asked
    }
  }
  return at;
}
