import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { BEST_CASE, type Estimate, predictLoad } from '../capacity-model.ts';
import { type LoadReport, passed, type StressReport } from '../load-report.ts';
import type { LoadResult } from '../result.ts';
import { parseThreshold } from '../threshold.ts';
import { chart } from './chart.ts';
import { escapeHtml } from './escape.ts';
import { count, duration, megabytes, percentage } from './figures.ts';

/**
 * A report as one HTML file: no script, nothing loaded from anywhere, charts as SVG within. Everything that came from a plan or a
 * target is escaped.
 */
export function htmlReport(report: LoadReport): string {
  const { kind, result, stress } = report;
  const sections = [
    verdictSection(report),
    stress === null ? '' : stressSection(stress),
    figuresSection(report),
    chartsSection(report),
    errorsSection(result),
    stepsSection(result),
    generatorSection(report),
  ];
  const title = `${result.name}: ${kind} test`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="quiet">${escapeHtml(result.target)}, ${escapeHtml(new Date(result.startedAt).toISOString())}, run ${escapeHtml(result.runId)}</p>
${sections.filter((section) => section !== '').join('\n')}
</body>
</html>
`;
}

function verdictSection(report: LoadReport): string {
  const { kind, result, drift, spike, untried } = report;
  const notes = [
    ...(kind === 'stress' || result.stop === null
      ? []
      : [`The run was ended before its time: ${result.stop.message}.`]),
    ...(kind === 'stress' ? [] : result.invalidReasons).map((reason) => `Not valid: ${reason}`),
    ...(drift?.reasons ?? []),
    ...(drift?.verdict === 'steady' ? ['Nothing drifted over the run.'] : []),
    ...(spike === null
      ? []
      : [
          `In the burst p95 went from ${duration(spike.before.p95Ms)} to ${duration(spike.during.p95Ms)}, with ${percentage(spike.during.errorRatio)} failed; ${
            spike.recoveredAfterMs === null
              ? 'it was not as before until the run ended'
              : `${duration(spike.recoveredAfterMs)} after its end all was as before`
          }.`,
        ]),
    ...(untried.length === 0 ? [] : [`No request was sent of: ${untried.join(', ')}.`]),
  ];
  const good = passed(report);
  const thresholds = kind === 'stress' ? [] : result.thresholds;
  return `<section><p class="verdict ${good ? 'good' : 'bad'}">${good ? 'Passed' : 'Not passed'}</p>
${list(notes)}
${
  thresholds.length === 0
    ? ''
    : table(
        ['Threshold', 'Measured', ''],
        thresholds.map(({ threshold, value, met }) => [threshold, valueText(threshold, value), met ? 'met' : 'missed']),
      )
}</section>`;
}

function valueText(text: string, value: number | null): string {
  if (value === null) return '-';
  const figure = parseThreshold(text)?.figure;
  if (figure === 'errorRatio') return percentage(value);
  return figure === 'ratePerSecond' || figure === 'dropped' ? count(value) : duration(value);
}

function stressSection({
  unit,
  objective,
  state,
  knee,
  broke,
  reason,
  steps,
  capacity,
  saturated,
}: StressReport): string {
  const found =
    state === 'found'
      ? `The knee is at ${count(knee ?? 0)} ${unit}: ${count(broke ?? 0)} missed the objective.`
      : `The knee was not found. ${reason ?? ''} ${knee === null ? '' : `The highest level that met the objective: ${count(knee)} ${unit}.`}`;
  const measured = steps
    .filter(({ concurrency }) => concurrency > 0)
    .toSorted((a, b) => a.concurrency - b.concurrency)
    .map(({ concurrency, ratePerSecond }) => ({ x: concurrency, y: ratePerSecond }));
  const most = Math.max(1, ...measured.map(({ x }) => x));
  const curve =
    capacity.state === 'fitted'
      ? Array.from({ length: 101 }, (_, at) => {
          const x = 1 + (at / 100) * (most - 1);
          return { x, y: predictLoad(capacity, x).ratePerSecond };
        })
      : [];
  const model =
    capacity.state === 'fitted'
      ? `At most ${count(capacity.peakPerSecond.value)} a second (90 % interval: ${count(capacity.peakPerSecond.low)} to ${count(capacity.peakPerSecond.high)})${
          capacity.peakConcurrency === null ? '' : `, with ${count(capacity.peakConcurrency)} requests at once`
        }; contention ${percentage(capacity.sigma.value)}, coherence ${percentage(capacity.kappa.value)}.`
      : `No capacity model: ${capacity.reason}`;
  return `<section><h2>Where it breaks</h2>
${list([`Objective: ${objective.join(', ')}.`, found, saturated, model])}
${chart({
  title: 'Requests done a second by requests at once',
  lines: [
    { name: 'measured', points: measured, dots: true },
    { name: 'model', points: curve },
  ],
  x: count,
  y: count,
})}
${table(
  [unit, 'Outcome', 'Done a second', 'p50', 'p95', 'p99', 'Failed', 'At once'],
  steps.map((step) => [
    count(step.level),
    step.stopped === null ? step.outcome : `${step.outcome}: ${step.stopped}`,
    count(step.ratePerSecond),
    duration(step.p50Ms),
    duration(step.p95Ms),
    duration(step.p99Ms),
    percentage(step.errorRatio),
    count(step.concurrency),
  ]),
)}
${expectedTable(capacity)}</section>`;
}

function expectedTable(capacity: StressReport['capacity']): string {
  const predictions = capacity.state === 'fitted' ? (capacity.predictions ?? []) : [];
  if (predictions.length === 0) return '';
  const within = ({ value, low, high }: Estimate, written: (value: number) => string): string =>
    `${written(value)} (${written(low)} to ${written(high)})`;
  return `<h3>What the model expects</h3>
${table(
  ['At once', 'Instances', 'Done a second (90 %)', 'Response time (90 %)'],
  predictions.map(({ concurrency, instances, ratePerSecond, responseMs }) => [
    count(concurrency),
    count(instances),
    within(ratePerSecond, count),
    within(responseMs, duration),
  ]),
)}
<p class="quiet">${escapeHtml(BEST_CASE)}</p>`;
}

function figuresSection({ result, little }: LoadReport): string {
  const { measured, warmupMs, steady } = result;
  const { response, service } = measured;
  const law =
    little.state === 'not-judged'
      ? little.reason
      : `${count(little.underWay)} were under way at once, ${count(little.expected)} follow from rate and time: it ${little.state}.`;
  return `<section><h2>Figures</h2>
${table(
  ['', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'Mean', 'Longest'],
  [
    ['Response time', ...quantiles(response)],
    ['Service time', ...quantiles(service)],
  ],
)}
${list([
  `${count(measured.requests)} requests in ${duration(measured.durationMs)} after a warm-up of ${duration(warmupMs)}: ${count(measured.done)} done (${count(measured.ratePerSecond)} a second), ${count(measured.failed)} failed, ${count(measured.timedOut)} timed out, ${count(measured.unfinished)} cut off, ${count(measured.dropped)} arrivals never sent.`,
  steady.state === 'steady'
    ? `Steady from ${duration(steady.fromMs)} on.`
    : `${steady.state === 'unsteady' ? 'Not steady' : 'Whether it was steady is not judged'}: ${steady.reason}.`,
  `Little’s law: ${law}`,
])}</section>`;
}

function quantiles(summary: LoadResult['measured']['response']): string[] {
  const { p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, meanMs, maxMs } = summary;
  return [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, meanMs, maxMs].map(duration);
}

function chartsSection({ result, vitals }: LoadReport): string {
  const { windows, measured, warmupMs, thresholds } = result;
  const whole = windows.filter((window) => window.durationMs > 0);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;
  const limits = thresholds.flatMap(({ threshold }) => {
    const parsed = parseThreshold(threshold);
    const isLatency = parsed !== null && parsed.step === null && /^p\d/.test(parsed.figure);
    return isLatency ? [{ y: parsed.limit, name: threshold }] : [];
  });
  const perSecond = (field: 'done' | 'failed' | 'timedOut'): { x: number; y: number }[] =>
    whole.map((window) => ({ x: window.fromMs, y: (1000 * window[field]) / window.durationMs }));
  const histogram = ExponentialHistogram.decode(Buffer.from(measured.response.histogram, 'base64'));
  const nines = [0, 0.5, 0.9, 0.99, 0.999, 0.9999].filter((q) => q === 0 || histogram.count * (1 - q) >= 1);
  const curve = Array.from({ length: 121 }, (_, at) => {
    const x = (at / 120) * Math.max(1, Math.log10(Math.max(10, histogram.count)));
    const value = histogram.quantile(1 - 10 ** -x);
    return { x, y: Number.isFinite(value) ? value : null };
  });
  const charts = [
    chart({
      title: 'Response time',
      lines: (['p50Ms', 'p95Ms', 'p99Ms'] as const).map((field) => ({
        name: field.slice(0, -2),
        points: whole.map((window) => ({ x: window.fromMs, y: window.response[field] })),
      })),
      x: seconds,
      y: duration,
      limits,
    }),
    chart({
      title: 'Requests a second',
      lines: [
        { name: 'done', points: perSecond('done') },
        { name: 'failed', points: perSecond('failed') },
        { name: 'timed out', points: perSecond('timedOut') },
      ],
      x: seconds,
      y: count,
    }),
    chart({
      title: 'Response time by percentile',
      lines: [{ name: 'response time', points: curve }],
      x: (value) => `${Number((100 * (1 - 10 ** -value)).toFixed(3))} %`,
      ticks: nines.map((q) => ({
        x: q === 0 ? 0 : -Math.log10(1 - q),
        text: q === 0 ? '0' : `${Number((100 * q).toFixed(3))} %`,
      })),
      y: duration,
    }),
  ];
  const resources = [
    ['cpuCores', 'Processor of the target, in cores', count],
    ['rssBytes', 'Memory of the target', megabytes],
    ['eventLoopDelayMs', 'Event-loop delay of the target', duration],
    ['databaseConnections', 'Database connections of the target in use', count],
  ] as const;
  for (const [field, title, y] of resources) {
    const points = vitals.flatMap((sample) => {
      const value = sample[field];
      return value === undefined ? [] : [{ x: sample.atMs - warmupMs, y: value }];
    });
    if (points.length > 1) charts.push(chart({ title, lines: [{ name: title, points }], x: seconds, y }));
  }
  return `<section><h2>Over time</h2>${charts.join('\n')}</section>`;
}

function errorsSection({ steps }: LoadResult): string {
  const rows = steps.flatMap(({ name, errors, timedOut }) => [
    ...errors.map(({ kind, count: times }) => [name, kind, times] as const),
    ...(timedOut > 0 ? [[name, 'timed out', timedOut] as const] : []),
  ]);
  if (rows.length === 0) return '<section><h2>Errors</h2><p>None.</p></section>';
  const sorted = rows.toSorted(([, , a], [, , b]) => b - a);
  return `<section><h2>Errors</h2>${table(
    ['Step', 'Kind', 'Times'],
    sorted.map(([name, kind, times]) => [name, kind, count(times)]),
  )}</section>`;
}

function stepsSection({ steps }: LoadResult): string {
  return `<section><h2>Steps</h2>${table(
    ['Step', 'Requests', 'Failed', 'Timed out', 'p50', 'p95', 'p99', 'Longest'],
    steps.map(({ name, requests, failed, timedOut, response }) => [
      name,
      count(requests),
      count(failed),
      count(timedOut),
      duration(response.p50Ms),
      duration(response.p95Ms),
      duration(response.p99Ms),
      duration(response.maxMs),
    ]),
  )}</section>`;
}

function generatorSection({ result: { generator, seed } }: LoadReport): string {
  const { workers, machines, slip, loopDelay, utilization } = generator;
  return `<section><h2>The generator</h2>${list([
    `${count(workers)} ${workers === 1 ? 'worker' : 'workers'} on ${count(machines)} ${machines === 1 ? 'machine' : 'machines'}, seed ${seed}.`,
    `Requests were taken up ${duration(slip.p99Ms)} late at p99, timers were ${duration(loopDelay.p99Ms)} late, the busiest worker was busy ${percentage(utilization)} of the time.`,
  ])}</section>`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table></div>`;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2330;--quiet:#5d6778;--line:#d9dee7;--s0:#1668c7;--s1:#b3541e;--s2:#7a2fb0}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf2;--quiet:#9aa5b8;--line:#39414f;--s0:#6fb1ff;--s1:#f0a06c;--s2:#cf9bf5}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:56rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.quiet,.tick{color:var(--quiet);fill:var(--quiet)}
.verdict{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;border:1px solid;font-weight:600}.good{color:#197a3e}.bad{color:#c0332b}
@media(prefers-color-scheme:dark){.good{color:#66d08e}.bad{color:#ff8f87}}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid var(--line)}th:first-child,td:first-child{text-align:left}
figure{margin:1rem 0}figcaption{font-weight:600}svg{width:100%;height:auto}.tick{font-size:11px}.grid{stroke:var(--line)}
.line{fill:none;stroke-width:1.8}.limit{stroke:var(--quiet);stroke-dasharray:5 4}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.dot{fill:none;stroke-width:2}
.key{font-weight:400;margin-left:.8rem}.key::before{content:"";display:inline-block;width:.9em;height:.25em;margin-right:.3em;vertical-align:middle}
.k0::before{background:var(--s0)}.k1::before{background:var(--s1)}.k2::before{background:var(--s2)}
`;
