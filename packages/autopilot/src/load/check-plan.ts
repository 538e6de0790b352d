import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { needsVitals } from './abort-watch.ts';
import { compilePlan } from './compiled-plan.ts';
import { ExpressionError } from './expression.ts';
import type { LoadPlan, Step, ThinkTime } from './plan.ts';
import { LoadPlanError, MistakeAt, placeText } from './plan-error.ts';
import { planSchema } from './plan-schema.ts';
import { MANAGED_HEADERS, RenderError } from './request-template.ts';
import { durationMsOf, openProfileOf, usersOf } from './schedule.ts';
import { checkSchema, type SchemaMistake } from './schema-check.ts';
import { originOf } from './target.ts';
import { parseThreshold, THRESHOLD_REMEDY } from './threshold.ts';

/** The most that a plan may ask for. */
export interface LoadCeilings {
  readonly maxUsers: number;
  readonly maxRatePerSecond: number;
  readonly maxDurationMs: number;
}

/** What is allowed where nobody has set other ceilings. */
export const DEFAULT_CEILINGS: LoadCeilings = {
  maxUsers: 10_000,
  maxRatePerSecond: 50_000,
  maxDurationMs: 60 * 60 * 1000,
};

/** What a check rests on beside the plan. */
export interface PlanCheckOptions {
  readonly ceilings?: Partial<LoadCeilings>;
  /** Whether the run will hear of the target's vitals; without, a plan with limits on them is refused. Default true. */
  readonly hasProbe?: boolean;
  /** Names the plan in messages: its file. */
  readonly source?: string;
  /** The line of a place, where the plan came from a text. */
  readonly lineOf?: (place: readonly (string | number)[]) => number | null;
  /** Mistakes found before. */
  readonly mistakes?: readonly SchemaMistake[];
}

/**
 * Answers a plan that can be run: of the right form, within the ceilings, with every expression and path readable.
 * @throws LoadPlanError with everything that is wrong
 */
export function checkPlan(given: unknown, options: PlanCheckOptions = {}): LoadPlan {
  const mistakes: SchemaMistake[] = [...(options.mistakes ?? []), ...checkSchema(given, planSchema)];
  // The rest relies on the form being right.
  if (mistakes.length === 0) {
    const plan = given as LoadPlan; // `as`: it passed the schema
    const collect = new Collector(mistakes);
    checkTarget(plan, collect);
    checkLoad(plan, { ...DEFAULT_CEILINGS, ...options.ceilings }, collect);
    checkHttp(plan, collect);
    checkData(plan, collect);
    checkSteps(plan, collect);
    checkThresholds(plan, collect);
    if (options.hasProbe === false && needsVitals(plan.abort)) {
      collect.add(
        ['abort'],
        "It limits the target's own figures, and nothing here reads them.",
        'Give a probe, or leave eventLoopDelayMs, cpuCores, rssBytes and databaseConnections out.',
      );
    }
    if (mistakes.length === 0) checkCompiled(plan, collect);
    if (mistakes.length === 0) return plan;
  }
  const { lineOf } = options;
  throw new LoadPlanError(
    options.source ?? 'plan',
    mistakes.map(({ place, message, remedy }) => ({
      place: placeText(place),
      line: lineOf === undefined ? null : lineOf(place),
      message,
      remedy,
    })),
  );
}

class Collector {
  readonly #mistakes: SchemaMistake[];

  constructor(mistakes: SchemaMistake[]) {
    this.#mistakes = mistakes;
  }

  add(place: readonly (string | number)[], message: string, remedy: string): void {
    this.#mistakes.push({ place, message, remedy });
  }
}

function checkTarget({ target }: LoadPlan, collect: Collector): void {
  try {
    originOf(target);
  } catch (thrown) {
    const remedy = thrown instanceof AutopilotError ? thrown.remedy : undefined;
    collect.add(['target'], messageOf(thrown).replace('No load test was started: ', ''), remedy ?? 'Name an origin.');
  }
}

function checkLoad({ load, warmupMs = 0 }: LoadPlan, ceilings: LoadCeilings, collect: Collector): void {
  const durationMs = durationMsOf(load);
  const users = usersOf(load);
  if (warmupMs >= durationMs) {
    collect.add(
      ['warmupMs'],
      `The warm-up of ${warmupMs} ms leaves nothing of a load of ${durationMs} ms to measure.`,
      'Shorten the warm-up or lengthen the load.',
    );
  }
  if (durationMs > ceilings.maxDurationMs) over('duration', durationMs, ceilings.maxDurationMs, 'ms', collect);
  if (users > ceilings.maxUsers) over('number of users', users, ceilings.maxUsers, 'users', collect);
  if (load.kind === 'users') {
    if (users === 0) collect.add(['load', 'stages'], 'No stage has a user.', 'Give a stage at least one user.');
    checkThink(['load', 'thinkMs'], load.thinkMs, collect);
    return;
  }
  const profile = openProfileOf(load);
  if (profile.peakPerSecond > ceilings.maxRatePerSecond) {
    over('rate', profile.peakPerSecond, ceilings.maxRatePerSecond, 'iterations a second', collect);
  }
  if (profile.total < 1) {
    collect.add(
      ['load'],
      `The plan asks for ${profile.total} iterations in ${durationMs} ms.`,
      'Ask for at least one: a higher rate, or a longer stage.',
    );
  }
  if (load.kind !== 'arrivals') return;
  load.spikes?.forEach((spike, at) => {
    if (spike.atMs + spike.durationMs > durationMs) {
      collect.add(
        ['load', 'spikes', at],
        `The spike lasts until ${spike.atMs + spike.durationMs} ms, the stages end at ${durationMs} ms.`,
        'Let it end with the stages.',
      );
    }
  });
}

function over(what: string, asked: number, ceiling: number, unit: string, collect: Collector): void {
  collect.add(
    ['load'],
    `Its ${what} of ${asked} ${unit} is over the ceiling of ${ceiling}.`,
    'Ask for less, or have an administrator raise the ceiling.',
  );
}

function checkThink(place: readonly (string | number)[], think: ThinkTime | undefined, collect: Collector): void {
  if (typeof think !== 'object' || !('minMs' in think) || think.minMs <= think.maxMs) return;
  collect.add(place, `minMs ${think.minMs} is over maxMs ${think.maxMs}.`, 'Exchange them.');
}

function checkHttp({ http = {}, headers = {} }: LoadPlan, collect: Collector): void {
  if (http.version === 2 && http.keepAlive === false) {
    collect.add(['http', 'keepAlive'], 'HTTP/2 keeps its connections.', 'Leave keepAlive out, or take version 1.');
  }
  checkHeaders(['headers'], headers, collect);
}

/** Token of RFC 9110, 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkHeaders(
  place: readonly (string | number)[],
  headers: Readonly<Record<string, string>>,
  collect: Collector,
): void {
  for (const name of Object.keys(headers)) {
    if (!HEADER_NAME.test(name)) {
      collect.add([...place, name], `"${name}" is no header name.`, 'Use letters, digits and hyphens.');
    } else if (MANAGED_HEADERS.has(name.toLowerCase())) {
      collect.add([...place, name], `"${name}" is set by the generator itself.`, 'Leave it out.');
    }
  }
}

const VALUE_NAME = /^[A-Za-z_]\w*$/;
const TAKEN_NAMES: ReadonlySet<string> = new Set(['user', 'iteration', 'run', 'origin']);

function checkName(place: readonly (string | number)[], name: string, collect: Collector): void {
  if (!VALUE_NAME.test(name)) {
    collect.add(place, `"${name}" can't be used in an expression.`, 'Use letters, digits and underscores.');
  } else if (TAKEN_NAMES.has(name)) {
    collect.add(place, `"${name}" means something already.`, `Choose another than ${[...TAKEN_NAMES].join(', ')}.`);
  }
}

function checkData({ data = {} }: LoadPlan, collect: Collector): void {
  for (const [name, source] of Object.entries(data)) {
    checkName(['data', name], name, collect);
    if (source.rows === undefined) {
      collect.add(
        ['data', name],
        source.file === undefined ? 'It has neither a file nor rows.' : `Its file ${source.file} has not been read.`,
        source.file === undefined ? 'Add file or rows.' : 'Read the plan with readPlan(), or give the rows.',
      );
    } else if (source.rows.length === 0) {
      collect.add(['data', name], 'It has no row.', 'Give it at least one.');
    }
  }
}

function checkSteps(plan: LoadPlan, collect: Collector): void {
  const sources = new Set(Object.keys(plan.data ?? {}));
  const each = (place: readonly (string | number)[], steps: readonly Step[] = []): void => {
    steps.forEach((step, at) => checkStep([...place, at], step, sources, collect));
  };
  each(['prepare'], plan.prepare);
  plan.flows.forEach((flow, at) => {
    each(['flows', at, 'steps'], flow.steps);
    each(['flows', at, 'cleanUp'], flow.cleanUp);
  });
  each(['finish'], plan.finish);
}

function checkThresholds({ thresholds = [], prepare = [], flows, finish = [] }: LoadPlan, collect: Collector): void {
  const steps = [...prepare, ...flows.flatMap(({ steps, cleanUp = [] }) => [...steps, ...cleanUp]), ...finish];
  thresholds.forEach((text, at) => {
    const threshold = parseThreshold(text);
    if (threshold === null) {
      collect.add(['thresholds', at], `"${text}" can't be judged.`, THRESHOLD_REMEDY);
    } else if (threshold.step !== null && !steps.some(({ name }) => name === threshold.step)) {
      const nearest = nearestName(
        threshold.step,
        steps.map(({ name }) => name),
      );
      collect.add(
        ['thresholds', at],
        `No step is called "${threshold.step}".`,
        nearest === null ? 'Name a step of the plan.' : `"${nearest}" was probably meant.`,
      );
    }
  });
}

function checkStep(
  place: readonly (string | number)[],
  step: Step,
  sources: ReadonlySet<string>,
  collect: Collector,
): void {
  checkHeaders([...place, 'headers'], step.headers ?? {}, collect);
  checkThink([...place, 'thinkMs'], step.thinkMs, collect);
  if (step.body !== undefined) {
    const { json, text, form } = step.body;
    const kinds = [json, text, form].filter((kind) => kind !== undefined).length;
    if (kinds !== 1) {
      collect.add([...place, 'body'], `It has ${kinds} of json, text and form.`, 'Write exactly one of them.');
    }
    if (step.method === undefined || step.method === 'GET' || step.method === 'HEAD') {
      collect.add([...place, 'body'], `A ${step.method ?? 'GET'} has no body.`, 'Set method, for example to POST.');
    }
  }
  for (const [name, source] of Object.entries(step.take ?? {})) {
    checkName([...place, 'take', name], name, collect);
    if (sources.has(name)) {
      collect.add(
        [...place, 'take', name],
        `"${name}" is a data source as well.`,
        'Choose another name for one of them.',
      );
    }
    const kinds = [source.json, source.header, source.cookie].filter((kind) => kind !== undefined).length;
    if (kinds !== 1) {
      collect.add(
        [...place, 'take', name],
        `It has ${kinds} of json, header and cookie.`,
        'Write exactly one of them.',
      );
    }
  }
}

/** Compiles the plan as a worker would, to find what can't be. */
function checkCompiled(plan: LoadPlan, collect: Collector): void {
  const frame = { version: plan.http?.version ?? 1, secure: false, keepAlive: true, authority: 'target', runId: 'run' };
  const shared = new Set<string>();
  compilePlan(plan, frame, (place, thrown) => {
    const cause = thrown instanceof MistakeAt ? thrown.cause : thrown;
    let at = thrown instanceof MistakeAt ? thrown.place : place;
    const [part, name] = at.slice(-2);
    // A header of the plan is compiled with every step and is one mistake.
    const own = Object.keys(plan.headers ?? {}).find((header) => part === 'headers' && header.toLowerCase() === name);
    if (own !== undefined && cause instanceof Error && cause.message.includes(plan.headers?.[own] ?? '\0')) {
      if (shared.has(own)) return;
      shared.add(own);
      at = ['headers', own];
    }
    if (cause instanceof ExpressionError) collect.add(at, cause.message, cause.remedy);
    else if (cause instanceof RenderError) collect.add(at, `It can't be sent: ${cause.message}.`, 'Correct the step.');
    else if (cause instanceof SyntaxError) {
      collect.add(at, cause.message, 'Write it as items[0].id, items[-1].id or items[*].id.');
    } else throw cause;
  });
}
