import type { PoolClient } from 'pg';
import type { Clock } from '../kernel/clock.ts';
import type { CodePlaces } from '../track/code-places.ts';
import type { Sink } from '../track/observation.ts';
import { REPEATED_CALLS, type RequestContext, type RequestScope } from '../track/request-scope.ts';
import type { Statement, StatementRegistry } from '../track/statement-registry.ts';

/** Where the calls on a client are measured to. */
export interface CallMeter {
  readonly sink: Sink;
  readonly clock: Clock;
  readonly context: RequestContext;
  readonly statements: StatementRegistry;
  readonly places: CodePlaces;
  readonly database: string;
}

/** client.query in all of its forms, as it is called and not as its overloads say. */
type Query = (this: PoolClient, ...args: unknown[]) => unknown;

type Callback = (this: unknown, ...args: unknown[]) => unknown;

/**
 * What a query object of its own kind has (pg.Query, pg-cursor, pg-query-stream): the client calls it with each
 * message of the server.
 */
interface Submittable {
  readonly submit: unknown;
  readonly text?: unknown;
  readonly cursor?: { readonly text?: unknown };
}

/** One call under way. */
class Call {
  readonly #meter: CallMeter;
  readonly #statement: Statement;
  readonly #startedAtMs: number;
  readonly scope: RequestScope | undefined;
  #ended = false;

  constructor(meter: CallMeter, text: string) {
    this.#meter = meter;
    this.#startedAtMs = meter.clock.monotonicMs();
    this.#statement = meter.statements.find(meter.database, text, this.#startedAtMs);
    const scope = meter.context.current();
    this.scope = scope;
    const { places } = meter;
    const { id, database } = this.#statement;
    if (scope !== undefined) {
      scope.enterDatabase(this.#startedAtMs);
      if (scope.countSent(this.#statement) === REPEATED_CALLS) places.want(database, id, scope.route);
    }
    places.atStatement(this.#startedAtMs, database, id, scope?.route ?? null, scope ?? null);
  }

  end(rows: number, failed: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    const { clock, sink } = this.#meter;
    const atMs = clock.monotonicMs();
    const { scope } = this;
    if (scope !== undefined) {
      scope.leaveDatabase(atMs);
      scope.countCall();
    }
    const durationMs = atMs - this.#startedAtMs;
    sink.record({
      kind: 'statement',
      atMs,
      statement: this.#statement,
      route: scope?.route ?? null,
      durationMs,
      rows,
      failed,
    });
  }
}

/** A method with all of its overloads as one signature: pg's types name each form, a wrapper hands on whichever it was. */
export function functionOf<F>(object: object, name: string): F {
  // The caller knows pg's method of that name.
  return Reflect.get(object, name) as F;
}

/** Measures every statement on `client` until disposed, which puts its own `query` back. */
export function instrumentClient(client: PoolClient, meter: CallMeter): Disposable {
  // Read like a value, because it is called with the caller's own `this`.
  const original = functionOf<Query>(client, 'query');
  const before = Object.getOwnPropertyDescriptor(client, 'query');
  let active = true;
  function query(this: PoolClient, ...args: unknown[]): unknown {
    return active ? measure(original, this, args, meter) : Reflect.apply(original, this, args);
  }
  Object.defineProperty(client, 'query', { value: query, configurable: true, writable: true, enumerable: false });
  return {
    [Symbol.dispose]: () => {
      active = false;
      // A wrapper that came after ours stays; ours only passes on from now on.
      if (Object.getOwnPropertyDescriptor(client, 'query')?.value !== query) return;
      if (before === undefined) Reflect.deleteProperty(client, 'query');
      else Object.defineProperty(client, 'query', before);
    },
  };
}

/** null: not measured. There is no text, for which pg has its own words, or reading it failed, which pg is to find out. */
function begin(config: unknown, meter: CallMeter): Call | null {
  try {
    const text = textOf(config);
    return text === null ? null : new Call(meter, text);
  } catch {
    return null;
  }
}

function measure(original: Query, client: PoolClient, args: unknown[], meter: CallMeter): unknown {
  const [config] = args;
  const call = begin(config, meter);
  if (call === null) return Reflect.apply(original, client, args);
  try {
    if (isSubmittable(config)) {
      watchSubmittable(config, call);
      return Reflect.apply(original, client, args);
    }
    const at = callbackPosition(args);
    if (at !== -1) return withCallback(original, client, args, at, call, meter);
    const result: unknown = Reflect.apply(original, client, args);
    if (isThenable(result))
      return result.then(
        (found) => succeed(call, found),
        (error) => fail(call, error),
      );
    call.end(0, false);
    return result;
  } catch (error) {
    call.end(0, true);
    throw error;
  }
}

function succeed(call: Call, result: unknown): unknown {
  call.end(rowsOf(result), false);
  return result;
}

function fail(call: Call, error: unknown): never {
  call.end(0, true);
  throw error;
}

/** The callback runs in the context of the call: by itself it would run in that of the connection. */
function withCallback(
  original: Query,
  client: PoolClient,
  args: unknown[],
  at: number,
  call: Call,
  { context }: CallMeter,
): unknown {
  // callbackPosition() found a function there; a callback inside a config object moves to the third place, which wins over it.
  const callback = (at === 0 ? (args[0] as { callback: unknown }).callback : args[at]) as Callback;
  const wrapped = function (this: unknown, ...results: unknown[]): unknown {
    const [error, result] = results;
    call.end(rowsOf(result), error != null);
    return context.run(call.scope, () => Reflect.apply(callback, this, results));
  };
  const replaced = at === 0 ? [args[0], args[1], wrapped] : args.with(at, wrapped);
  return Reflect.apply(original, client, replaced);
}

/** Where pg finds the callback: third, else second, else (0) in the config object; -1: nowhere, it answers a promise. */
function callbackPosition([config, values, callback]: unknown[]): number {
  if (callback) return typeof callback === 'function' ? 2 : -1;
  if (typeof values === 'function') return 1;
  return typeof config === 'object' && config !== null && 'callback' in config && typeof config.callback === 'function'
    ? 0
    : -1;
}

/** null: there is none to be had. A named statement may be sent by its name alone once the connection knows it. */
function textOf(config: unknown): string | null {
  if (typeof config === 'string') return config;
  if (typeof config !== 'object' || config === null) return null;
  const text = stringIn(config, 'text') ?? stringIn(Reflect.get(config, 'cursor'), 'text');
  if (text !== null) return text;
  const name = stringIn(config, 'name');
  return name !== null ? `EXECUTE "${name.replaceAll('"', '""')}"` : null;
}

function stringIn(value: unknown, name: string): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : null;
}

/** Of several statements in one text: all together. */
function rowsOf(result: unknown): number {
  if (Array.isArray(result)) return result.reduce<number>((sum, one) => sum + rowsOf(one), 0);
  return typeof result === 'object' && result !== null && 'rowCount' in result && typeof result.rowCount === 'number'
    ? result.rowCount
    : 0;
}

function isSubmittable(config: unknown): config is Submittable {
  return typeof config === 'object' && config !== null && 'submit' in config && typeof config.submit === 'function';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Listens in on what the client tells the query object, and lets go at its end: when the server is ready for the next
 * statement, or at the first error.
 */
function watchSubmittable(query: Submittable, call: Call): void {
  let rows = 0;
  let affected = 0;
  const restores: (() => void)[] = [];
  const overhear = (name: string, listen: (...args: unknown[]) => void): void => {
    const original: unknown = Reflect.get(query, name);
    if (typeof original !== 'function') return;
    const before = Object.getOwnPropertyDescriptor(query, name);
    const value = function (this: unknown, ...args: unknown[]): unknown {
      listen(...args);
      return Reflect.apply(original, this, args);
    };
    Object.defineProperty(query, name, { value, configurable: true, writable: true, enumerable: false });
    restores.push(() => {
      if (before === undefined) Reflect.deleteProperty(query, name);
      else Object.defineProperty(query, name, before);
    });
  };
  const end = (failed: boolean): void => {
    for (const restore of restores) restore();
    call.end(Math.max(rows, affected), failed);
  };
  overhear('handleDataRow', () => {
    rows++;
  });
  overhear('handleCommandComplete', (message) => {
    affected += affectedRows(message);
  });
  overhear('handleError', () => end(true));
  overhear('handleReadyForQuery', () => end(false));
}

/** "INSERT 0 5", "UPDATE 5": the last number of a command tag. */
function affectedRows(message: unknown): number {
  if (typeof message !== 'object' || message === null || !('text' in message) || typeof message.text !== 'string')
    return 0;
  return Number(/ (\d+)$/.exec(message.text)?.[1] ?? 0);
}
