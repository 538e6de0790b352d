import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Measure } from '../../packages/autopilot/src/contract/measures.ts';
import { QueryEngine } from '../../packages/autopilot/src/query/query-engine.ts';
import type { SteppedRange, TimeRange } from '../../packages/autopilot/src/query/time-range.ts';
import { type BenchOptions, median } from '../result.ts';
import { FIFTY_ROUTES, type Findings, quantile, timed } from './findings.ts';
import type { WriterOrder } from './fleet-writer.ts';
import { NaiveStore } from './naive.ts';
import { DAY, HOUR, MINUTE, type Rhythm, type SimulatedService, Simulation } from './simulation.ts';
import { Workload } from './workload.ts';

const JOINED = { complete: true, notes: [] } as const;
const ASKED: readonly Measure[] = ['p99Ms', 'requestRate'];
const P99_24_H = 'p99 of each of 50 routes, 24 h';
const P99_90_D = 'p99 of each of 50 routes, 90 d';
const CHART_24_H = 'chart of all routes, 24 h by 5 min';
const CHART_90_D = 'chart of all routes, 90 d by 6 h';

/** In ms, whatever the number of instances. */
const limits: Readonly<Record<string, number>> = {
  [P99_24_H]: 50,
  [CHART_24_H]: 50,
  [P99_90_D]: 200,
  [CHART_90_D]: 200,
};

function lasting(now: number, spanMs: number): TimeRange {
  return { from: now - spanMs, to: now, ...JOINED };
}

function stepped(now: number, spanMs: number, stepMs: number, resolutionMs: number): SteppedRange {
  const from = Math.floor((now - spanMs) / stepMs) * stepMs;
  return { from, to: Math.ceil(now / stepMs) * stepMs, stepMs, resolutionMs, ...JOINED };
}

type Questions = Readonly<Record<string, () => Promise<unknown>>>;

function questionsAbout(engine: QueryEngine, service: string, end: number): Questions {
  const subject = { service, family: 'route' as const };
  const route = 'GET /api/v1/resource-3/:id';
  const day = stepped(end, DAY, 5 * MINUTE, MINUTE);
  const ninety = stepped(end, 90 * DAY, 6 * HOUR, HOUR);
  return {
    'p99 of each of 50 routes, 1 h': () => engine.top(subject, lasting(end, HOUR), 'p99Ms', 50),
    [P99_24_H]: () => engine.top(subject, lasting(end, DAY), 'p99Ms', 50),
    [P99_90_D]: () => engine.top(subject, lasting(end, 90 * DAY), 'p99Ms', 50),
    'chart of all routes, 1 h by 10 s': () => engine.frame(subject, null, stepped(end, HOUR, 10_000, 10_000), ASKED),
    [CHART_24_H]: () => engine.frame(subject, null, day, ASKED),
    'chart of one route, 24 h by 5 min': () => engine.frame(subject, route, day, ASKED),
    'chart of one route, 7 d by 1 h': () => engine.frame(subject, route, stepped(end, 7 * DAY, HOUR, HOUR), ASKED),
    [CHART_90_D]: () => engine.frame(subject, null, ninety, ASKED),
    'chart of one route, 90 d by 6 h': () => engine.frame(subject, route, ninety, ASKED),
    'chart of one instance, 24 h by 5 min': () =>
      engine.frame({ ...subject, instance: 'instance-1' }, null, day, ASKED),
  };
}

/**
 * How a service's windows come so that its history is as dense as it would be, from fewer of them: a merged minute or hour is the same
 * whether it was made of six windows or of one. With 50 instances they take turns.
 */
function service(name: string, instances: number, end: number, quick: boolean): SimulatedService {
  const lastDay = end - 25 * HOUR;
  const few = instances <= 4;
  const past: Rhythm = few
    ? { everyMs: quick ? 12 * HOUR : 4 * HOUR, durationMs: 10 * MINUTE }
    : { everyMs: 50 * HOUR, durationMs: 10 * MINUTE };
  const day: Rhythm = { everyMs: few && !quick ? MINUTE : 10 * MINUTE, durationMs: MINUTE };
  const recentMs = few ? 2 * HOUR : 20 * MINUTE;
  return {
    name,
    instances,
    workload: new Workload(FIFTY_ROUTES, 200, instances),
    rhythm: (at) => {
      if (at >= end - recentMs) return { everyMs: 10_000, durationMs: 10_000 };
      return at >= lastDay ? day : past;
    },
  };
}

/** Answers over 90 days of history: of a service of 4 instances, of one of 50, and while 1,000 instances write. */
export async function measureAnswers(findings: Findings, options: BenchOptions): Promise<void> {
  const { quick, log } = options;
  await using simulation = await Simulation.open({ durable: false });
  // Not at a full hour: the edges of a range are part of the price.
  const end = simulation.now + 91 * DAY + 15 * HOUR + 25 * MINUTE + 40_000;
  const lastDay = end - 25 * HOUR;
  const services = [service('four', 4, end, quick), ...(quick ? [] : [service('fifty', 50, end, quick)])];
  log('90 days of history');
  await simulation.run(services, Math.floor(lastDay / DAY) * DAY, DAY);
  await simulation.run(services, Math.ceil(lastDay / HOUR) * HOUR, HOUR);
  log('the last day');
  await simulation.run(services, end, 5 * MINUTE);
  const engine = new QueryEngine(simulation.store);
  const naive = new NaiveStore(simulation);
  log(`${simulation.appended} windows; the naive forms`);
  await naive.create();
  const dayFrom = Math.floor((end - DAY) / MINUTE) * MINUTE;
  await naive.copy('four', ['route'], dayFrom, Math.floor(end / MINUTE) * MINUTE, MINUTE);
  await naive.copy('four', ['route'], Math.floor((end - 90 * DAY) / HOUR) * HOUR, dayFrom, HOUR);
  await naive.settle();
  for (const { name, instances } of services) {
    log(`asking about ${instances} instances`);
    await ask(findings, questionsAbout(engine, name, end), instances, quick ? 10 : 20);
    if (instances === 4) await compare(findings, naive, engine, name, end, quick ? 2 : 3);
  }
  await askBusy(findings, simulation, engine, services.at(-1) ?? service('', 1, end, quick), end, options);
}

async function ask(findings: Findings, questions: Questions, instances: number, rounds: number): Promise<void> {
  for (const [question, act] of Object.entries(questions)) {
    const times: number[] = [];
    for (let round = -3; round < rounds; round++) {
      const ms = await timed(act);
      if (round >= 0) times.push(ms);
    }
    report(findings, question, `${instances} instances`, times, instances === 4);
  }
}

/** The limits are those of a service of 4 instances; of 50, and beside the work of others, figures are given. */
function report(
  findings: Findings,
  question: string,
  of: string,
  times: readonly number[],
  isLimited: boolean = false,
): void {
  findings.rows.push({
    figure: `${question}, ${of}`,
    value: median(times),
    p95: quantile(times, 0.95),
    unit: 'ms',
  });
  const limit = limits[question];
  if (limit === undefined || !isLimited) return;
  findings.goals.push({
    goal: `${question}, ${of}, in at most ${limit} ms`,
    measured: `median ${median(times).toFixed(0)} ms, p95 ${quantile(times, 0.95).toFixed(0)} ms`,
    met: median(times) <= limit,
  });
}

/** The two p99 questions, each asked of the store and of both naive forms in turn; they must agree. */
async function compare(
  findings: Findings,
  naive: NaiveStore,
  engine: QueryEngine,
  name: string,
  end: number,
  rounds: number,
): Promise<void> {
  for (const [question, spanMs] of [
    [P99_24_H, DAY],
    [P99_90_D, 90 * DAY],
  ] as const) {
    const range = lasting(end, spanMs);
    const ours: number[] = [];
    const theirs = { 'jsonb rows': [] as number[], 'histogram rows': [] as number[] };
    for (let round = 0; round < rounds; round++) {
      let told: ReadonlyMap<string, number | null> = new Map();
      const before = performance.now();
      const rows = await engine.top({ service: name, family: 'route' }, range, 'p99Ms', 50);
      ours.push(performance.now() - before);
      told = new Map(rows.map(({ series, value }) => [series.key, value]));
      for (const form of ['jsonb rows', 'histogram rows'] as const) {
        const started = performance.now();
        const naively = await naive.p99(form, name, range.from, range.to);
        theirs[form].push(performance.now() - started);
        refuseDisagreement(told, naively, form);
      }
    }
    for (const form of ['jsonb rows', 'histogram rows'] as const) {
      findings.rows.push({
        figure: `${question}, 4 instances, naive ${form}`,
        value: median(theirs[form]),
        p95: quantile(theirs[form], 0.95),
        unit: 'ms',
        'times as much': median(theirs[form]) / median(ours),
      });
    }
  }
}

/** A fast answer that is another one would be none. Naive rows are cut at whole minutes or hours, hence a wider bound than a bucket. */
function refuseDisagreement(
  ours: ReadonlyMap<string, number | null>,
  naive: ReadonlyMap<string, number>,
  form: string,
): void {
  for (const [route, value] of ours) {
    const other = naive.get(route);
    if (value === null || other === undefined || Math.abs(other / value - 1) > 0.1)
      throw new Error(`The p99 of ${route} is ${value} ms by the store and ${other} ms by ${form}.`);
  }
}

/** The same questions while a fleet writes, and while compaction merges what it wrote. */
async function askBusy(
  findings: Findings,
  simulation: Simulation,
  engine: QueryEngine,
  { name, instances }: SimulatedService,
  end: number,
  { quick, log }: BenchOptions,
): Promise<void> {
  const fleet = quick ? 100 : 1000;
  log(`asking while ${fleet} instances write`);
  const order: WriterOrder = {
    url: simulation.url,
    now: end,
    services: fleet / 50,
    fleet,
    start: Math.floor((end - 2 * MINUTE) / MINUTE) * MINUTE,
    rounds: 3,
    everyMs: 10_000,
  };
  const worker = new Worker(new URL('./fleet-writer.ts', import.meta.url), { workerData: order });
  let writing = true;
  const done = once(worker, 'exit').finally(() => {
    writing = false;
  });
  const questions = Object.entries(questionsAbout(engine, name, end)).filter(([question]) => question in limits);
  const times = new Map(questions.map(([question]) => [question, [] as number[]]));
  const askAll = async (): Promise<void> => {
    for (const [question, act] of questions) times.get(question)?.push(await timed(act));
  };
  while (writing) await askAll();
  await done;
  const tell = (what: string): void => {
    for (const [question, list] of times) {
      report(findings, question, `${instances} instances, ${what}`, list);
      list.length = 0;
    }
  };
  tell(`while ${fleet} others write`);
  log('asking while compaction merges that');
  simulation.clock.advance(2 * MINUTE);
  let merging = true;
  const merge = async (): Promise<void> => {
    while ((await simulation.store.compact(simulation.now)).merged > 0);
    merging = false;
  };
  const merged = merge();
  while (merging) await askAll();
  await merged;
  tell(`while the process that answers merges the windows of ${fleet} others`);
}
