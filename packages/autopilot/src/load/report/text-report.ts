import { BEST_CASE, type CapacityModel, type NoCapacityModel } from '../capacity-model.ts';
import type { FigureComparison, LoadComparison } from '../compare-results.ts';
import { type LoadReport, passed, type StressStep } from '../load-report.ts';
import type { LoadProgress } from '../run-load.ts';
import { count, duration, percentage } from './figures.ts';

/** Reports and progress as lines of a terminal. */

const BAR_WIDTH = 20;

/** "[########............] 40 %  24.0 s of 60.0 s  812/s  p50 2.10 ms ..." */
export function progressLine(progress: LoadProgress): string {
  const { phase, elapsedMs, durationMs, ratePerSecond, p50Ms, p95Ms, p99Ms, failed, timedOut, waiting, users } =
    progress;
  const share = Math.min(1, elapsedMs / durationMs);
  const full = Math.round(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
  if (phase === 'preparing') return `${bar} preparing ${count(users)} users`;
  const waits = waiting === 0 ? '' : `  ${count(waiting)} waiting`;
  return `${bar} ${phase}  ${(elapsedMs / 1000).toFixed(0)} of ${(durationMs / 1000).toFixed(0)} s  ${count(ratePerSecond)}/s  p50 ${duration(p50Ms)}  p95 ${duration(p95Ms)}  p99 ${duration(p99Ms)}  ${count(failed + timedOut)} failed${waits}`;
}

/** One load of a stress test, when it is over. */
export function stepLine({ level, outcome, ratePerSecond, p99Ms, errorRatio, stopped }: StressStep): string {
  return `${count(level).padStart(9)}  ${outcome.padEnd(7)} ${count(ratePerSecond)}/s  p99 ${duration(p99Ms)}  failed ${percentage(errorRatio)}${stopped === null ? '' : `  (${stopped})`}`;
}

/** A report in a screenful. */
export function reportLines(report: LoadReport): readonly string[] {
  const { kind, result, drift, spike, stress, untried, little } = report;
  const { measured, steps, thresholds } = result;
  const { response, service } = measured;
  const lines = [
    `${result.name} (${kind}) against ${result.target}: ${passed(report) ? 'passed' : 'not passed'}`,
    `  ${count(measured.requests)} requests in ${duration(measured.durationMs)}: ${count(measured.ratePerSecond)} done a second, ${count(measured.failed)} failed, ${count(measured.timedOut)} timed out, ${count(measured.dropped)} never sent`,
    `  response  p50 ${duration(response.p50Ms)}  p90 ${duration(response.p90Ms)}  p95 ${duration(response.p95Ms)}  p99 ${duration(response.p99Ms)}  longest ${duration(response.maxMs)}`,
    `  service   p50 ${duration(service.p50Ms)}  p90 ${duration(service.p90Ms)}  p95 ${duration(service.p95Ms)}  p99 ${duration(service.p99Ms)}  longest ${duration(service.maxMs)}`,
  ];
  if (little.state !== 'not-judged') {
    lines.push(
      `  Little's law ${little.state}: ${count(little.underWay)} under way, ${count(little.expected)} by rate and time`,
    );
  }
  for (const { name, errors, timedOut } of steps) {
    for (const error of errors) lines.push(`  ${name}: ${error.kind}, ${count(error.count)} times`);
    if (timedOut > 0) lines.push(`  ${name}: timed out, ${count(timedOut)} times`);
  }
  if (untried.length > 0) lines.push(`  no request was sent of: ${untried.join(', ')}`);
  if (kind !== 'stress' && result.stop !== null) lines.push(`  ended before its time: ${result.stop.message}`);
  if (kind !== 'stress') {
    for (const reason of result.invalidReasons) lines.push(`  NOT VALID: ${reason}`);
    for (const { threshold, value, met } of thresholds) {
      const told = value === null ? 'nothing was measured' : `it is ${Number(value.toPrecision(4))}`;
      lines.push(`  ${met ? 'met   ' : 'MISSED'}  ${threshold}  (${told})`);
    }
  }
  for (const reason of drift?.reasons ?? []) lines.push(`  ${reason}`);
  if (drift?.verdict === 'steady') lines.push('  nothing drifted');
  if (spike !== null) {
    const recovered =
      spike.recoveredAfterMs === null ? 'never as before again' : `as before after ${duration(spike.recoveredAfterMs)}`;
    lines.push(
      `  burst: p95 ${duration(spike.before.p95Ms)} before, ${duration(spike.during.p95Ms)} in it, ${duration(spike.after.p95Ms)} after; ${recovered}`,
    );
  }
  if (stress !== null) {
    lines.push(
      stress.state === 'found'
        ? `  knee: ${count(stress.knee ?? 0)} ${stress.unit} (${count(stress.broke ?? 0)} missed ${stress.objective.join(', ')})`
        : `  knee not found: ${stress.reason ?? stress.state}`,
      `  ${stress.saturated}`,
      stress.capacity.state === 'fitted'
        ? `  model: at most ${count(stress.capacity.peakPerSecond.value)}/s (90 %: ${count(stress.capacity.peakPerSecond.low)} to ${count(stress.capacity.peakPerSecond.high)})`
        : `  no capacity model: ${stress.capacity.reason}`,
      ...expectedLines(stress.capacity),
    );
  }
  return lines;
}

/** What the capacity model says of other loads and of more instances. */
function expectedLines(capacity: CapacityModel | NoCapacityModel): readonly string[] {
  const predictions = capacity.state === 'fitted' ? (capacity.predictions ?? []) : [];
  const loads = Map.groupBy(predictions, ({ concurrency }) => concurrency);
  const lines = Array.from(loads, ([concurrency, rows]) => {
    const told = rows.map(
      ({ instances, ratePerSecond, responseMs }) =>
        `${instances} ${instances === 1 ? 'instance' : 'instances'} ${count(ratePerSecond.value)}/s in ${duration(responseMs.value)}`,
    );
    return `  expected of ${count(concurrency)} at once: ${told.join(', ')}`;
  });
  return lines.length === 0 ? [] : [...lines, `  ${BEST_CASE}`];
}

/** Two sides beside each other. */
export function comparisonLines({ verdict, reasons, figures }: LoadComparison): readonly string[] {
  return [
    `Verdict: ${verdict}`,
    ...figures.map(
      ({ figure, before, after, change, low, high, verdict: one }) =>
        `  ${figure.padEnd(10)} ${written(figure, before).padStart(9)} -> ${written(figure, after).padStart(9)}  ${changed(figure, change)} (${changed(figure, low)} to ${changed(figure, high)})  ${one}`,
    ),
    ...reasons.map((reason) => `  ${reason}`),
  ];
}

function written(figure: FigureComparison['figure'], value: number): string {
  return figure === 'errorRatio' ? percentage(value) : duration(value);
}

/** Latencies change by a ratio, error ratios by a difference. */
function changed(figure: FigureComparison['figure'], change: number): string {
  const ratio = figure === 'errorRatio' ? change : change - 1;
  return `${ratio > 0 ? '+' : ''}${(100 * ratio).toFixed(1)} %`;
}
