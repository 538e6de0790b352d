import { compileTemplate, type ExpressionContext, Scope, textOf } from './expression.ts';
import type { Wanted } from './http1-parser.ts';
import { followJsonPath, type JsonPath, parseJsonPath } from './json-path.ts';
import type { DataSource, DataValue, Flow, LoadPlan, Step, TakeSource, ThinkTime } from './plan.ts';
import { mistakesAt, type Place } from './plan-error.ts';
import type { Random } from './random.ts';
import { type RequestFrame, RequestTemplate, renderParts } from './request-template.ts';
import type { Received } from './transport.ts';

/** A plan made ready to be run: templates parsed, names resolved to numbers. */
export interface CompiledPlan {
  /** Names of the steps as they are counted; a compiled step's `row` points into it. */
  readonly stepNames: readonly string[];
  readonly prepare: Script | undefined;
  readonly flows: readonly Script[];
  readonly finish: Script | undefined;
  /** A flow by its share of the weights. */
  chooseFlow(random: Random): Script;
  readonly sources: readonly CompiledSource[];
  readonly slotCount: number;
}

/** Steps one after the other, and those that take away what they made. */
export interface Script {
  readonly steps: readonly CompiledStep[];
  readonly cleanUp: readonly CompiledStep[];
}

/** Rows, and which of them an iteration sees. */
export interface CompiledSource {
  readonly rows: readonly DataValue[];
  readonly pick: 'user' | 'sequence' | 'random';
}

/** One step made ready. */
export interface CompiledStep {
  readonly name: string;
  /** Where it is counted. */
  readonly row: number;
  readonly template: RequestTemplate;
  readonly wanted: Wanted;
  readonly chance: number;
  readonly think: ((random: Random) => number) | undefined;
  /**
   * Checks a response and takes values from it into `slots`. What is wrong with it, as a failure's kind; undefined: nothing.
   * `cookie` looks into the user's cookies, those of this response included.
   */
  judge(
    response: Received,
    context: ExpressionContext,
    slots: unknown[],
    cookie: (name: string) => string | undefined,
  ): string | undefined;
}

/** Told of each mistake; compilation goes on, so that all are found at once. */
export type OnMistake = (place: Place, thrown: unknown) => void;

/**
 * Compiles a plan whose data is already read.
 * Without `onMistake` the first mistake is thrown: ExpressionError, RenderError or SyntaxError.
 */
export function compilePlan(plan: LoadPlan, frame: Omit<RequestFrame, 'headers'>, onMistake?: OnMistake): CompiledPlan {
  const stepNames: string[] = [];
  const sourceNames = new Map<string, number>();
  const sources = Object.entries(plan.data ?? {}).map(([name, source], at) => {
    sourceNames.set(name, at);
    return compileSource(source);
  });
  const redirects = (plan.http?.maxRedirects ?? 0) > 0;
  const compiler = new StepCompiler({ ...frame, headers: plan.headers ?? {} }, stepNames, redirects, onMistake);
  const shared = new Scope(sourceNames);
  const script = (place: Place, steps: readonly Step[], cleanUp: readonly Step[], scope: Scope): Script => ({
    steps: compiler.list([...place, 'steps'], steps, scope),
    cleanUp: compiler.list([...place, 'cleanUp'], cleanUp, scope),
  });
  // What prepare takes, all flows and finish may use; what a flow takes is its own.
  const prepare =
    plan.prepare === undefined ? undefined : { steps: compiler.list(['prepare'], plan.prepare, shared), cleanUp: [] };
  const flows = plan.flows.map((flow, at) => script(['flows', at], flow.steps, flow.cleanUp ?? [], shared.child()));
  const finish =
    plan.finish === undefined
      ? undefined
      : { steps: compiler.list(['finish'], plan.finish, shared.child()), cleanUp: [] };
  return {
    stepNames,
    prepare,
    flows,
    finish,
    chooseFlow: chooser(plan.flows, flows),
    sources,
    slotCount: shared.slotCount,
  };
}

function compileSource(source: DataSource): CompiledSource {
  return { rows: source.rows ?? [], pick: source.pick ?? 'sequence' };
}

function chooser(flows: readonly Flow[], scripts: readonly Script[]): (random: Random) => Script {
  const [only] = scripts;
  if (only === undefined) throw new RangeError('A plan needs at least one flow.');
  if (scripts.length === 1) return () => only;
  let sum = 0;
  const bounds = flows.map(({ weight }) => (sum += weight ?? 1));
  return (random) => {
    const drawn = random.next() * sum;
    return scripts[bounds.findIndex((bound) => drawn < bound)] ?? only;
  };
}

class StepCompiler {
  readonly #frame: RequestFrame;
  readonly #names: string[];
  /** Whether every response is asked for its Location. */
  readonly #redirects: boolean;
  readonly #onMistake: OnMistake | undefined;

  constructor(frame: RequestFrame, names: string[], redirects: boolean, onMistake: OnMistake | undefined) {
    this.#frame = frame;
    this.#names = names;
    this.#redirects = redirects;
    this.#onMistake = onMistake;
  }

  list(place: Place, steps: readonly Step[], scope: Scope): CompiledStep[] {
    return steps.flatMap((step, at) => {
      try {
        return [this.#step([...place, at], step, scope)];
      } catch (thrown) {
        if (this.#onMistake === undefined) throw thrown;
        this.#onMistake([...place, at], thrown);
        for (const name of Object.keys(step.take ?? {})) scope.declare(name);
        return [];
      }
    });
  }

  #step(place: Place, step: Step, scope: Scope): CompiledStep {
    const template = mistakesAt(place, () => new RequestTemplate(step, this.#frame, scope));
    const checks = mistakesAt([...place, 'expect'], () => compileChecks(step, scope));
    const takes = Object.entries(step.take ?? {}).map(([name, source]) =>
      mistakesAt([...place, 'take', name], () => compileTake(name, source, scope)),
    );
    const needsBody = checks.needsBody || takes.some(({ needsBody }) => needsBody);
    const needsJson = checks.needsJson || takes.some(({ needsBody }) => needsBody);
    const known = this.#names.indexOf(step.name);
    const row = known === -1 ? this.#names.push(step.name) - 1 : known;
    return {
      name: step.name,
      row,
      template,
      wanted: {
        isHead: step.method === 'HEAD',
        body: needsBody,
        headers: this.#redirects || checks.needsHeaders || takes.some(({ needsHeaders }) => needsHeaders),
      },
      chance: step.chance ?? 1,
      think: step.thinkMs === undefined ? undefined : thinker(step.thinkMs),
      judge: (response, context, slots, cookie) => {
        if (!checks.statusOk(response.status)) return `status ${response.status}`;
        if (!needsBody && checks.headers.length === 0 && takes.length === 0) return undefined;
        const body = needsBody ? readBody(response, needsJson) : undefined;
        if (typeof body === 'string') return body;
        const failed = checks.fail(response, body, context);
        if (failed !== undefined) return failed;
        for (const take of takes) {
          const value = take.from(response, body, context, cookie);
          if (value === undefined && !take.optional) return `${take.name} was not there to take`;
          slots[take.slot] = value;
        }
        return undefined;
      },
    };
  }
}

interface Body {
  readonly text: string;
  readonly json: unknown;
}

/** The body, or what is wrong with it. */
function readBody(response: Received, asJson: boolean): Body | string {
  let text: string;
  try {
    text = response.text();
  } catch {
    return 'the body can not be decoded';
  }
  if (!asJson) return { text, json: undefined };
  try {
    const json: unknown = JSON.parse(text);
    return { text, json };
  } catch {
    return 'the body is no JSON';
  }
}

interface Checks {
  readonly needsBody: boolean;
  readonly needsJson: boolean;
  readonly needsHeaders: boolean;
  readonly headers: readonly unknown[];
  statusOk(status: number): boolean;
  fail(response: Received, body: Body | undefined, context: ExpressionContext): string | undefined;
}

function compileChecks({ expect = {} }: Step, scope: Scope): Checks {
  const allowed = expect.status === undefined ? undefined : new Set([expect.status].flat());
  const includes = expect.includes === undefined ? undefined : compileTemplate(expect.includes, scope);
  const json = Object.entries(expect.json ?? {}).map(([path, wanted]) => ({
    text: path,
    path: parseJsonPath(path),
    wanted: typeof wanted === 'string' ? compileTemplate(wanted, scope) : wanted,
  }));
  const headers = Object.entries(expect.headers ?? {}).map(([name, value]) => ({
    name: name.toLowerCase(),
    value: compileTemplate(value, scope),
  }));
  return {
    needsBody: includes !== undefined || json.length > 0,
    needsJson: json.length > 0,
    needsHeaders: headers.length > 0,
    headers,
    statusOk: (status) => (allowed === undefined ? status >= 200 && status < 400 : allowed.has(status)),
    fail: (response, body, context) => {
      if (includes !== undefined && body?.text.includes(renderParts(includes, context, textOf) ?? '\0') !== true) {
        return 'the body does not hold the expected text';
      }
      for (const { text, path, wanted } of json) {
        const found = followJsonPath(path, body?.json, context.random);
        const expected = Array.isArray(wanted) ? renderParts(wanted, context, textOf) : wanted;
        const same = Array.isArray(wanted) && found !== undefined ? textOf(found) === expected : found === expected;
        if (!same) return `${text} is not what was expected`;
      }
      for (const { name, value } of headers) {
        if (response.header(name)?.includes(renderParts(value, context, textOf) ?? '\0') !== true) {
          return `the header ${name} is not what was expected`;
        }
      }
      return undefined;
    },
  };
}

interface Take {
  readonly name: string;
  readonly slot: number;
  readonly optional: boolean;
  readonly needsBody: boolean;
  readonly needsHeaders: boolean;
  from(
    response: Received,
    body: Body | undefined,
    context: ExpressionContext,
    cookie: (name: string) => string | undefined,
  ): unknown;
}

function compileTake(name: string, source: TakeSource, scope: Scope): Take {
  const path: JsonPath | undefined = source.json === undefined ? undefined : parseJsonPath(source.json);
  const { header, cookie: cookieName } = source;
  const slot = scope.declare(name);
  return {
    name,
    slot,
    optional: source.optional ?? false,
    needsBody: path !== undefined,
    needsHeaders: header !== undefined,
    from: (response, body, context, cookie) => {
      if (path !== undefined) return followJsonPath(path, body?.json, context.random);
      if (header !== undefined) return response.header(header.toLowerCase());
      return cookieName === undefined ? undefined : cookie(cookieName);
    },
  };
}

/** Draws think times, in ms. */
export function thinker(time: ThinkTime): (random: Random) => number {
  if (typeof time === 'number') return () => time;
  if ('meanMs' in time) return (random) => Math.min(10 * time.meanMs, time.meanMs * random.exponential());
  return (random) => time.minMs + (time.maxMs - time.minMs) * random.next();
}
