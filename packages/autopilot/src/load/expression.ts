import type { DataValue } from './plan.ts';
import type { Random } from './random.ts';

/**
 * Expressions in templates, `${...}`; `$${` is a plain "${".
 *
 *   name, name.field, name[0]   a value taken from a response, or a field of a data source's row
 *   user, iteration, run, origin   the user's number from 0, the iteration's, the run's id, the target's origin
 *   int(1, 9)  float(0, 1)  uuid()  words(5)    drawn from the iteration's own random numbers
 *   pick("a", "b")  pick(list).field            one of several, or one of a list's values
 *   now()  date(7)              the time, and the day so many days ahead, as RFC 3339 has them
 *   number(x)  raw(x)           a text as number; a value that goes into a path without percent-encoding
 *
 * A template renders to undefined when a value it needs is missing.
 */
export interface ExpressionContext {
  readonly random: Random;
  readonly userIndex: number;
  readonly iteration: number;
  readonly runId: string;
  readonly origin: string;
  /** Values taken so far, by slot. */
  readonly slots: readonly unknown[];
  /** The row of a data source that belongs to this iteration. */
  row(source: number): DataValue;
}

/** What names mean where a template stands. */
export class Scope {
  readonly #slots: Map<string, number>;
  readonly #sources: ReadonlyMap<string, number>;
  /** Names that steps before have taken. */
  readonly #visible: Set<string>;

  /** `sources`: numbers of the data sources by name. */
  constructor(sources: ReadonlyMap<string, number>, parent?: Scope) {
    this.#sources = sources;
    this.#slots = parent === undefined ? new Map<string, number>() : parent.#slots;
    this.#visible = new Set(parent === undefined ? [] : parent.#visible);
  }

  /** A scope that begins with what this one has; what it declares is not seen here. Slots are shared. */
  child(): Scope {
    return new Scope(this.#sources, this);
  }

  /** The slot of a name that a step takes; visible to templates compiled from now on. */
  declare(name: string): number {
    this.#visible.add(name);
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    this.#slots.set(name, this.#slots.size);
    return this.#slots.size - 1;
  }

  slotOf(name: string): number | undefined {
    return this.#visible.has(name) ? this.#slots.get(name) : undefined;
  }

  sourceOf(name: string): number | undefined {
    return this.#sources.get(name);
  }

  get slotCount(): number {
    return this.#slots.size;
  }

  get names(): readonly string[] {
    return [...this.#visible, ...this.#sources.keys(), 'user', 'iteration', 'run', 'origin'];
  }
}

/** A mistake in an expression. */
export class ExpressionError extends Error {
  override readonly name: string = 'ExpressionError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** A compiled expression; undefined: a value it needs is missing. */
export type Evaluate = (context: ExpressionContext) => unknown;

/** A piece of a template: fixed text, or an expression and whether it is to stay as it is in a path. */
export type TemplatePart = string | { readonly evaluate: Evaluate; readonly raw: boolean };

/** @throws ExpressionError */
export function compileTemplate(text: string, scope: Scope): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const parser = new ExpressionParser(text, at + 2, scope);
      const part = parser.parse();
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(part);
      at = parser.at;
    } else {
      literal += text.charAt(at++);
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/** A value as it stands in a text: strings as they are, the rest as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}

type Argument = Evaluate;
interface FunctionDefinition {
  readonly arguments: readonly [min: number, max: number];
  readonly evaluate: (values: readonly unknown[], context: ExpressionContext) => unknown;
}

const VOCABULARY =
  'account agenda backlog board budget campaign client contract customer deadline delivery design draft estimate feature feedback forecast handover invoice launch meeting metric migration milestone onboarding order partner plan priority project proposal quarter release report request review roadmap schedule scope sprint status summary support task team ticket timeline update vendor workshop'.split(
    ' ',
  );

function hex(random: Random): string {
  return random.nextUint32().toString(16).padStart(8, '0');
}

const functions: Readonly<Record<string, FunctionDefinition>> = {
  int: { arguments: [2, 2], evaluate: ([min, max], { random }) => random.integer(Number(min), Number(max)) },
  float: {
    arguments: [2, 2],
    evaluate: ([min, max], { random }) => Number(min) + random.next() * (Number(max) - Number(min)),
  },
  pick: {
    arguments: [1, 1000],
    evaluate: (values, { random }) => {
      const [only] = values;
      const choices: readonly unknown[] = values.length === 1 && Array.isArray(only) ? only : values;
      return choices[random.integer(0, choices.length - 1)];
    },
  },
  uuid: {
    arguments: [0, 0],
    evaluate: (_, { random }) => {
      const digits = hex(random) + hex(random) + hex(random) + hex(random);
      const variant = '89ab'.charAt(random.integer(0, 3));
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
    },
  },
  words: {
    arguments: [1, 1],
    evaluate: ([count], { random }) =>
      Array.from(
        { length: Math.min(10_000, Number(count)) },
        () => VOCABULARY[random.integer(0, VOCABULARY.length - 1)],
      ).join(' '),
  },
  now: { arguments: [0, 0], evaluate: () => new Date().toISOString() },
  date: {
    arguments: [1, 1],
    evaluate: ([days]) => new Date(Date.now() + Number(days) * 86_400_000).toISOString().slice(0, 10),
  },
  number: { arguments: [1, 1], evaluate: ([value]) => (Number.isNaN(Number(value)) ? undefined : Number(value)) },
  raw: { arguments: [1, 1], evaluate: ([value]) => value },
};

class ExpressionParser {
  readonly #text: string;
  readonly #scope: Scope;
  at: number;

  constructor(text: string, at: number, scope: Scope) {
    this.#text = text;
    this.at = at;
    this.#scope = scope;
  }

  parse(): { evaluate: Evaluate; raw: boolean } {
    const raw = /^\s*raw\s*\(/.test(this.#text.slice(this.at));
    const evaluate = this.#expression();
    if (!this.#take('}')) {
      throw this.#error(
        this.at >= this.#text.length ? 'it has no closing "}"' : `"${this.#text.charAt(this.at)}" is not expected here`,
      );
    }
    return { evaluate, raw };
  }

  #expression(): Argument {
    const number = this.#match(/-?\d+(?:\.\d+)?/y);
    if (number !== undefined) {
      const value = Number(number);
      return () => value;
    }
    const string = this.#match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y);
    if (string !== undefined) {
      const value = string.slice(1, -1).replaceAll(/\\(.)/g, '$1');
      return () => value;
    }
    const name = this.#match(/[A-Za-z_]\w*/y);
    if (name === undefined) throw this.#error('a name, a number, a text in quotes or a call is expected');
    return this.#path(this.#take('(') ? this.#call(name) : this.#base(name));
  }

  #call(name: string): Evaluate {
    const definition = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (definition === undefined) {
      throw this.#error(`there is no function ${name}()`, `The functions are ${Object.keys(functions).join(', ')}.`);
    }
    const values: Argument[] = [];
    if (!this.#take(')')) {
      do values.push(this.#expression());
      while (this.#take(','));
      if (!this.#take(')')) throw this.#error(`${name}( has no closing ")"`);
    }
    const [min, max] = definition.arguments;
    if (values.length < min || values.length > max) {
      throw this.#error(
        `${name}() was given ${values.length} arguments`,
        `It takes ${min === max ? min : `at least ${min}`}.`,
      );
    }
    return (context) => {
      const evaluated = values.map((value) => value(context));
      return evaluated.includes(undefined) ? undefined : definition.evaluate(evaluated, context);
    };
  }

  /** The fields and elements behind a value. */
  #path(base: Evaluate): Evaluate {
    const keys: (string | number)[] = [];
    for (;;) {
      const field = this.#match(/\.[A-Za-z_]\w*/y);
      const index = field === undefined ? this.#match(/\[\d+\]/y) : undefined;
      if (field !== undefined) keys.push(field.slice(1));
      else if (index !== undefined) keys.push(Number(index.slice(1, -1)));
      else break;
    }
    if (keys.length === 0) return base;
    return (context) => {
      let value = base(context);
      for (const key of keys) {
        if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
        value = (value as Readonly<Record<string | number, unknown>>)[key]; // `as`: it has this property, as just asked
      }
      return value;
    };
  }

  #base(name: string): Evaluate {
    const slot = this.#scope.slotOf(name);
    if (slot !== undefined) return (context) => context.slots[slot];
    const source = this.#scope.sourceOf(name);
    if (source !== undefined) return (context) => context.row(source);
    switch (name) {
      case 'user':
        return (context) => context.userIndex;
      case 'iteration':
        return (context) => context.iteration;
      case 'run':
        return (context) => context.runId;
      case 'origin':
        return (context) => context.origin;
      default:
        throw this.#error(
          `"${name}" has no value here`,
          `Take it in an earlier step or declare it under data. Known here: ${this.#scope.names.join(', ')}.`,
        );
    }
  }

  #match(pattern: RegExp): string | undefined {
    this.#space();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text.charAt(this.at) !== character) return false;
    this.at++;
    return true;
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.at))) this.at++;
  }

  #error(
    reason: string,
    remedy: string = 'Write ${name}, ${name.field} or a call such as ${int(1, 9)}; $${ is a plain "${".',
  ): ExpressionError {
    return new ExpressionError(`The expression in "${this.#text}" can't be used: ${reason}.`, remedy);
  }
}
