import { AutopilotError } from '../kernel/errors.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import {
  type EncodedHistogram,
  type GeneratorReport,
  type LatencySummary,
  type LoadResult,
  latencySummary,
  type PartResult,
  type StepResult,
  type WindowResult,
} from './result.ts';
import { PartSum, StepSum } from './result-builder.ts';
import { constantFromMs } from './schedule.ts';
import { invalidReasonsOf } from './self-check.ts';
import { findSteadyState } from './steady-state.ts';
import { judgeThresholds } from './threshold.ts';

/**
 * The result of a plan that several machines ran together, each its share: the histograms are merged, so that the
 * percentiles are those of all requests. Valid when the whole and each part are.
 * @throws AutopilotError AP_LOAD_RESULTS_DIFFER for results of different plans
 */
export function mergeLoadResults(results: readonly LoadResult[]): LoadResult {
  const [first, ...others] = results;
  if (first === undefined) throw differ('there is none');
  for (const other of others) {
    for (const field of ['format', 'name', 'target', 'seed', 'warmupMs', 'runId'] as const) {
      if (other[field] !== first[field]) throw differ(`their ${field} is ${first[field]} and ${other[field]}`);
    }
    if (JSON.stringify(other.load) !== JSON.stringify(first.load)) throw differ('their load differs');
  }
  const measured = mergeParts(results.map((result) => result.measured));
  const steps = mergeSteps(results);
  const generator = mergeGenerators(results.map((result) => result.generator));
  const windows = mergeWindows(results);
  const stops = results.flatMap(({ stop }) => (stop === null ? [] : [stop]));
  const stop = stops.toSorted((a, b) => a.atMs - b.atMs)[0] ?? null;
  const invalidReasons = [
    ...invalidReasonsOf(generator, measured),
    ...results.flatMap((result, at) =>
      result.invalidReasons.map((reason) => `Machine ${at + 1} of ${results.length}: ${reason}`),
    ),
  ];
  return {
    ...first,
    startedAt: Math.min(...results.map(({ startedAt }) => startedAt)),
    state: stop === null ? 'completed' : stop.reason === 'requested' ? 'stopped' : 'aborted',
    stop,
    valid: invalidReasons.length === 0,
    invalidReasons,
    prepare: mergeParts(results.map(({ prepare }) => prepare)),
    warmup: mergeParts(results.map(({ warmup }) => warmup)),
    measured,
    after: mergeParts(results.map(({ after }) => after)),
    steps,
    windows,
    steady: findSteadyState(
      windows.map(({ fromMs, durationMs, done, response }) => ({ fromMs, durationMs, done, p50Ms: response.p50Ms })),
      Math.max(0, constantFromMs(first.load) - first.warmupMs),
    ),
    thresholds: judgeThresholds(
      first.thresholds.map(({ threshold }) => threshold),
      measured,
      steps,
    ),
    generator,
  };
}

function differ(reason: string): AutopilotError {
  return new AutopilotError('AP_LOAD_RESULTS_DIFFER', `These results are not of one test: ${reason}.`, {
    remedy: 'Merge the results of machines that ran one plan with one run id.',
  });
}

function decode(histogram: EncodedHistogram): ExponentialHistogram {
  return ExponentialHistogram.decode(Buffer.from(histogram, 'base64'));
}

function mergeParts(parts: readonly PartResult[]): PartResult {
  const sum = new PartSum();
  for (const part of parts) addTo(sum, part);
  return sum.part(Math.max(0, ...parts.map(({ durationMs }) => durationMs)));
}

function addTo(sum: PartSum, part: PartResult | WindowResult | StepResult): void {
  if ('iterations' in part) {
    sum.iterations += part.iterations;
    sum.dropped += part.dropped;
  }
  sum.add(part);
  sum.response.merge(decode(part.response.histogram));
  if ('service' in part) sum.service.merge(decode(part.service.histogram));
}

function mergeSteps(results: readonly LoadResult[]): StepResult[] {
  const sums = new Map<string, StepSum>();
  for (const step of results.flatMap(({ steps }) => steps)) {
    const sum = sums.get(step.name) ?? new StepSum();
    sums.set(step.name, sum);
    addTo(sum, step);
    for (const { kind, count } of step.errors) sum.fail(kind, count);
  }
  return [...sums].map(([name, sum]) => sum.step(name));
}

/** As wide as the widest: each result has merged its own by whole powers of two. */
function mergeWindows(results: readonly LoadResult[]): WindowResult[] {
  const width = Math.max(1, ...results.flatMap(({ windows }) => windows.map(({ durationMs }) => durationMs)));
  const sums = new Map<number, { sum: PartSum; fromMs: number; untilMs: number }>();
  for (const window of results.flatMap(({ windows }) => windows)) {
    const number = Math.floor(window.fromMs / width);
    const untilMs = window.fromMs + window.durationMs;
    const known = sums.get(number) ?? { sum: new PartSum(), fromMs: window.fromMs, untilMs };
    known.fromMs = Math.min(known.fromMs, window.fromMs);
    known.untilMs = Math.max(known.untilMs, untilMs);
    sums.set(number, known);
    addTo(known.sum, window);
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([, { sum, fromMs, untilMs }]) => ({
      fromMs,
      durationMs: untilMs - fromMs,
      iterations: sum.iterations,
      dropped: sum.dropped,
      ...sum.requestCounts,
      response: latencySummary(sum.response),
    }));
}

function mergeGenerators(reports: readonly GeneratorReport[]): GeneratorReport {
  const merged = (of: (report: GeneratorReport) => LatencySummary): LatencySummary => {
    const histogram = new ExponentialHistogram();
    for (const report of reports) histogram.merge(decode(of(report).histogram));
    return latencySummary(histogram);
  };
  const sum = (of: (report: GeneratorReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    workers: sum(({ workers }) => workers),
    machines: sum(({ machines }) => machines),
    slip: merged(({ slip }) => slip),
    loopDelay: merged(({ loopDelay }) => loopDelay),
    utilization: Math.max(...reports.map(({ utilization }) => utilization)),
    iterationsFailed: sum(({ iterationsFailed }) => iterationsFailed),
    iterationsCut: sum(({ iterationsCut }) => iterationsCut),
  };
}
