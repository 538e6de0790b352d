import { fitCapacity } from './capacity-model.ts';
import { DEFAULT_CEILINGS } from './check-plan.ts';
import { type KneeSearch, type LevelOutcome, searchKnee } from './knee-search.ts';
import type { LittleReport, LoadReport, LoadTestKind, StressReport, StressStep } from './load-report.ts';
import type { AbortLimits, LoadPlan, Step } from './plan.ts';
import type { LoadResult } from './result.ts';
import { type LoadProgress, type RunLoadOptions, runLoad, runPart, type TestPart } from './run-load.ts';
import { openProfileOf, usersOf } from './schedule.ts';
import type { TargetVitals } from './shared-state.ts';
import { judgeDrift, type VitalsSample } from './soak.ts';
import { judgeSpike, spikeLoad } from './spike.ts';
import { parseThreshold } from './threshold.ts';

/** What a test of any kind is given beside its plan. */
export interface LoadTestOptions extends RunLoadOptions {
  /**
   * Of a stress test: what must hold, as thresholds; default: those of the plan, or where it has none p99 under 200 ms, and one request
   * in a thousand that fails.
   */
  readonly objective?: readonly string[];
  /** Of a stress test: how close the knee is found; default 0.03. */
  readonly tolerance?: number;
  /** Of a stress test: how long a level is looked at; default 10 s. */
  readonly stepMs?: number;
  /** Of a stress test: the longest it may take; default 5 min. */
  readonly mostMs?: number;
  /** Of a spike: how many times the usual load; default 5. */
  readonly spikeFactor?: number;
  /** What the target has of each of its vitals, to say what is at its end first. */
  readonly capacities?: TargetVitals;
  /** Called when a level of a stress test is over. */
  readonly onStep?: (step: StressStep) => void;
}

const DEFAULT_OBJECTIVE: readonly string[] = ['p99 < 200', 'errorRatio < 0.1 %'];

const DEFAULT_STEP_MS = 10_000;
const DEFAULT_TOLERANCE = 0.03;
const DEFAULT_MOST_MS = 5 * 60_000;
const SMOKE_MS = 5000;
/** Of a level's time: until its figures count. */
const WARMUP_SHARE = 0.2;
/** A level this many times over its objective's latency is ended at once. */
const HOPELESS = 5;
/** Between two levels, for what one has left behind. */
const REST_MS = 500;
const MOST_VITALS = 1200;
const FEWEST_SAMPLES = 5;
/** What Little's law may be off, for what is looked at once a second. */
const LITTLE_MARGIN = 0.25;
/** A resource used this far is at its limit. */
const SATURATED = 0.85;

/**
 * Runs a test of a kind. A stress test is run by one machine.
 * @throws as runLoad() does
 */
export async function runLoadTest(
  kind: LoadTestKind,
  plan: LoadPlan,
  options: LoadTestOptions = {},
): Promise<LoadReport> {
  if (kind === 'stress') {
    const { machine: _, startAt: __, ...alone } = options;
    return await stressTest(plan, alone);
  }
  const chosen = planOfKind(kind, plan, options);
  const watch = new Watch(options.onProgress);
  const result = await runLoad(chosen, { ...options, onProgress: watch.note });
  return {
    format: 1,
    kind,
    result,
    vitals: watch.vitals,
    little: watch.little(result),
    drift: kind === 'soak' ? judgeDrift(result, watch.vitals) : null,
    spike: kind === 'spike' ? judgeSpike(result) : null,
    stress: null,
    untried: untriedOf(chosen, result),
  };
}

/** The plan as a test of this kind runs it; of `stress`: its lowest level. */
export function planOfKind(kind: LoadTestKind, plan: LoadPlan, { spikeFactor = 5 }: LoadTestOptions = {}): LoadPlan {
  const { thresholds = [] } = plan;
  switch (kind) {
    case 'smoke': {
      const judged = thresholds.some((text) => parseThreshold(text)?.figure === 'errorRatio');
      return {
        ...plan,
        load: { kind: 'users', stages: [{ durationMs: SMOKE_MS, users: 1 }] },
        warmupMs: 0,
        flows: plan.flows.map((flow) => ({ ...flow, steps: flow.steps.map(withoutPause) })),
        thresholds: judged ? thresholds : [...thresholds, 'errorRatio <= 0'],
      };
    }
    case 'spike':
      return { ...plan, load: spikeLoad(plan, spikeFactor) };
    case 'load':
    case 'soak':
    case 'stress':
      return plan;
  }
}

function withoutPause(step: Step): Step {
  const { thinkMs: _, ...rest } = step;
  return rest;
}

/** Steps up until the service breaks, then halves the distance. */
async function stressTest(plan: LoadPlan, options: Omit<LoadTestOptions, 'machine' | 'startAt'>): Promise<LoadReport> {
  const { tolerance = DEFAULT_TOLERANCE, stepMs = DEFAULT_STEP_MS, signal } = options;
  const { thresholds = [] } = plan;
  const objective = options.objective ?? (thresholds.length > 0 ? thresholds : DEFAULT_OBJECTIVE);
  const ceilings = { ...DEFAULT_CEILINGS, ...options.ceilings };
  const closed = plan.load.kind === 'users';
  const began = performance.now();
  const steps: StressStep[] = [];
  const vitals: VitalsSample[] = [];
  let best: { readonly result: LoadResult; readonly watch: Watch } | undefined;
  let over: string | null = null;
  /** Who has signed in for one level need not do so again for the next. */
  const sessions: TestPart['sessions'] = new Map();

  const measure = async (level: number, coarse: boolean): Promise<LevelOutcome> => {
    if (steps.length > 0) await pause(REST_MS, signal);
    const watch = new Watch(options.onProgress);
    const given = levelPlan(plan, level, coarse ? stepMs / 2 : stepMs, objective);
    const atMs = performance.now() - began;
    const result = await runPart(given, { ...options, onProgress: watch.note }, { sessions, farewell: false });
    const outcome = outcomeOf(result);
    if (result.stop !== null && ['requested', 'preparation', 'vitals-missing'].includes(result.stop.reason)) {
      over = result.stop.message;
    }
    for (const sample of watch.vitals) vitals.push({ ...sample, atMs: atMs + sample.atMs });
    const step = stepOf(level, outcome, result, watch);
    steps.push(step);
    options.onStep?.(step);
    if (outcome === 'met' || best === undefined) best = { result, watch };
    return outcome;
  };
  const search = await searchKnee(
    {
      from: closed ? usersOf(plan.load) : startingRate(plan),
      most: closed ? ceilings.maxUsers : ceilings.maxRatePerSecond,
      fewest: 1,
      tolerance,
      whole: closed,
      ended: () => {
        if (signal?.aborted === true) return 'The test was stopped by request.';
        if (over !== null) return `A level could not be measured: ${over}.`;
        const limitMs = options.mostMs ?? DEFAULT_MOST_MS;
        return performance.now() - began < limitMs ? null : `The test took the ${limitMs / 1000} s that it may.`;
      },
    },
    measure,
  );
  await sayGoodbye(plan, options, sessions);
  // One level was measured at least, or an error was thrown.
  if (best === undefined) throw new Error('A stress test measured nothing.');
  return {
    format: 1,
    kind: 'stress',
    result: best.result,
    vitals,
    little: best.watch.little(best.result),
    drift: null,
    spike: null,
    stress: stressReport(search, steps, {
      unit: closed ? 'users' : 'arrivals a second',
      objective,
      tookMs: performance.now() - began,
      capacities: options.capacities ?? {},
    }),
    untried: untriedOf(plan, best.result),
  };
}

/** Does what the plan has for the end, once for every user that was prepared, unless the test was stopped. */
async function sayGoodbye(plan: LoadPlan, options: LoadTestOptions, sessions: TestPart['sessions']): Promise<void> {
  if (plan.finish === undefined || sessions.size === 0 || options.signal?.aborted === true) return;
  const { load } = plan;
  const all: LoadPlan['load'] =
    load.kind === 'users' ? { ...load, stages: [{ durationMs: 1000, users: sessions.size }] } : load;
  await runPart({ ...plan, load: all, warmupMs: 0 }, options, { sessions, farewell: true });
}

/** One level of the plan, held for a time, with the objective as its thresholds. */
function levelPlan(plan: LoadPlan, level: number, durationMs: number, objective: readonly string[]): LoadPlan {
  const { load } = plan;
  const latency = objective.flatMap((text) => {
    const threshold = parseThreshold(text);
    const isLatency = threshold !== null && !['errorRatio', 'ratePerSecond', 'dropped'].includes(threshold.figure);
    return isLatency && threshold.operator.startsWith('<') ? [threshold.limit] : [];
  });
  const hopelessMs = HOPELESS * Math.max(...latency, 0);
  const given: AbortLimits = plan.abort ?? {};
  const abort =
    hopelessMs === 0 ? given : { ...given, p95Ms: Math.min(given.p95Ms ?? Number.POSITIVE_INFINITY, hopelessMs) };
  return {
    ...plan,
    abort,
    thresholds: objective,
    warmupMs: WARMUP_SHARE * durationMs,
    load:
      load.kind === 'users'
        ? { ...load, stages: [{ durationMs, users: level }] }
        : {
            kind: 'arrivals',
            users: load.users,
            stages: [{ durationMs, ratePerSecond: level }],
            spacing: load.spacing ?? (load.kind === 'replay' ? 'poisson' : 'even'),
            ...(load.maxWaiting === undefined ? {} : { maxWaiting: load.maxWaiting }),
          },
  };
}

function startingRate({ load }: LoadPlan): number {
  if (load.kind === 'users') return 1;
  const profile = openProfileOf(load);
  return Math.max(1, (1000 * profile.total) / profile.durationMs);
}

function outcomeOf(result: LoadResult): LevelOutcome {
  if (result.state !== 'completed' || result.measured.dropped > 0) return 'missed';
  // A generator that was late makes response times longer, never shorter: what is met in spite of it is met.
  if (result.thresholds.every(({ met }) => met)) return 'met';
  return result.valid ? 'missed' : 'unclear';
}

function stepOf(
  level: number,
  outcome: LevelOutcome,
  { measured, thresholds, stop }: LoadResult,
  watch: Watch,
): StressStep {
  const { ratePerSecond, errorRatio, response } = measured;
  return {
    level,
    outcome,
    objective: thresholds,
    stopped: stop?.message ?? null,
    ratePerSecond,
    errorRatio,
    p50Ms: response.p50Ms,
    p95Ms: response.p95Ms,
    p99Ms: response.p99Ms,
    concurrency: (ratePerSecond * (response.meanMs ?? 0)) / 1000,
    vitals: watch.highest(),
  };
}

function stressReport(
  { state, low, high, reason }: KneeSearch,
  steps: readonly StressStep[],
  rest: Pick<StressReport, 'unit' | 'objective' | 'tookMs'> & { readonly capacities: TargetVitals },
): StressReport {
  const { capacities, ...given } = rest;
  const whole = steps.filter(({ stopped, outcome }) => stopped === null && outcome !== 'unclear');
  const broken = steps.findLast(({ level }) => level === high);
  return {
    ...given,
    state,
    knee: low,
    broke: high,
    reason,
    steps,
    capacity: fitCapacity(whole.map(({ concurrency, ratePerSecond }) => ({ concurrency, ratePerSecond }))),
    saturated: saturatedOf(broken, capacities),
  };
}

const RESOURCES: readonly (readonly [keyof TargetVitals, string])[] = [
  ['cpuCores', 'the processor'],
  ['databaseConnections', 'the pool of database connections'],
  ['rssBytes', 'the memory'],
];

function saturatedOf(step: StressStep | undefined, capacities: TargetVitals): string {
  if (step === undefined) return 'Nothing broke, so that nothing was at its limit.';
  const uses = RESOURCES.flatMap(([name, called]) => {
    const used = step.vitals[name];
    const has = capacities[name];
    return used === undefined || has === undefined || has <= 0 ? [] : [{ called, used, has, share: used / has }];
  });
  const [first] = uses.toSorted((a, b) => b.share - a.share);
  if (first === undefined) return "What was at its limit can't be told: nobody read the target's own figures.";
  const share = `${first.called} was used by ${(100 * first.share).toFixed(0)} % (${round(first.used)} of ${round(first.has)})`;
  return first.share >= SATURATED
    ? `Where it broke ${share}.`
    : `None of what was read was at its limit where it broke; nearest to it, ${share}.`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function untriedOf({ flows }: LoadPlan, { steps }: LoadResult): readonly string[] {
  const tried = new Set(steps.filter(({ requests }) => requests > 0).map(({ name }) => name));
  return [...new Set(flows.flatMap((flow) => flow.steps.map(({ name }) => name)))].filter((name) => !tried.has(name));
}

/** Looks on while a run is under way. */
class Watch {
  readonly vitals: VitalsSample[] = [];
  readonly #underWay: number[] = [];
  readonly #tell: ((progress: LoadProgress) => void) | undefined;
  #every = 1;
  #seen = 0;

  constructor(tell: ((progress: LoadProgress) => void) | undefined) {
    this.#tell = tell;
  }

  readonly note = (progress: LoadProgress): void => {
    const { phase, elapsedMs, vitals, underWay, waiting } = progress;
    if (phase === 'measuring') this.#underWay.push(underWay + waiting);
    if (phase !== 'preparing' && Object.keys(vitals).length > 0 && this.#seen++ % this.#every === 0) {
      this.vitals.push({ atMs: elapsedMs, ...vitals });
      if (this.vitals.length > MOST_VITALS) {
        this.#every *= 2;
        this.vitals.splice(0, this.vitals.length, ...this.vitals.filter((_, at) => at % 2 === 0));
      }
    }
    this.#tell?.(progress);
  };

  highest(): TargetVitals {
    const most: Record<string, number> = {};
    for (const { atMs: _, ...sample } of this.vitals) {
      for (const [name, value] of Object.entries(sample)) most[name] = Math.max(most[name] ?? 0, value);
    }
    return most;
  }

  little({ measured, state }: LoadResult): LittleReport {
    const samples = this.#underWay;
    if (state !== 'completed') return { state: 'not-judged', reason: 'The run was ended before its time.' };
    if (samples.length < FEWEST_SAMPLES) {
      return { state: 'not-judged', reason: `What was under way was looked at ${samples.length} times only.` };
    }
    const underWay = samples.reduce((sum, one) => sum + one, 0) / samples.length;
    const expected = (measured.ratePerSecond * (measured.response.meanMs ?? 0)) / 1000;
    // Looked at a few times, a number below ten is mostly chance.
    if (Math.max(underWay, expected) < 10) {
      return { state: 'not-judged', reason: 'Too few requests were under way at once to compare their number.' };
    }
    const off = Math.abs(underWay - expected) / Math.max(underWay, expected);
    return { state: off <= LITTLE_MARGIN ? 'agrees' : 'differs', underWay, expected };
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}
