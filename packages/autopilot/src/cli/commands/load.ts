import { readFile, writeFile } from 'node:fs/promises';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { compareLoadResults } from '../../load/compare-results.ts';
import { type LoadReport, type LoadTestKind, loadTestKinds, passed } from '../../load/load-report.ts';
import { type LoadTestOptions, runLoadTest } from '../../load/load-test.ts';
import { mergeLoadReports } from '../../load/merge-reports.ts';
import type { LoadPlan } from '../../load/plan.ts';
import { LoadPlanError } from '../../load/plan-error.ts';
import { planSchema } from '../../load/plan-schema.ts';
import { readPlan } from '../../load/read-plan.ts';
import { parseLoadReport } from '../../load/read-report.ts';
import { htmlReport } from '../../load/report/html-report.ts';
import { junitReport } from '../../load/report/junit-report.ts';
import { comparisonLines, progressLine, reportLines, stepLine } from '../../load/report/text-report.ts';
import { LOOPBACK_TARGETS, parseTargetRule, type TargetRule } from '../../load/target.ts';
import { parseThreshold, THRESHOLD_REMEDY } from '../../load/threshold.ts';
import { type Command, exitCodes, type Terminal, UsageError } from '../command.ts';
import { record } from './load-record.ts';

interface Use {
  readonly operands: readonly string[];
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
}

const uses: Readonly<Record<string, (use: Use) => Promise<number>>> = {
  run: (use) => {
    const kind = kindOf(use.values['kind'] ?? 'load');
    return run(kind, use);
  },
  knee: (use) => run('stress', use),
  compare: async ({ operands: [before, after, ...more], values, terminal }) => {
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UsageError(
        'compare needs two sides.',
        'Write: autopilot load compare before.json after.json; several files of a side are separated by commas.',
      );
    }
    const sides = [];
    for (const side of [before, after]) {
      const reports = await Promise.all(side.split(',').map(reportFrom));
      sides.push(reports.map(({ result }) => result));
    }
    const margin = values['margin'] === undefined ? undefined : numberOf('margin', values['margin'], 0, 10);
    const comparison = compareLoadResults(sides[0] ?? [], sides[1] ?? [], margin === undefined ? {} : { margin });
    for (const line of comparisonLines(comparison)) terminal.out(line);
    await write(values['json'], JSON.stringify(comparison));
    return comparison.verdict === 'better' || comparison.verdict === 'no-difference' ? exitCodes.ok : exitCodes.failed;
  },
  report: async ({ operands: [path, ...more], values, terminal }) => {
    if (path === undefined || more.length > 0) {
      throw new UsageError('report needs one file.', 'Write: autopilot load report run.json --html run.html');
    }
    const report = await reportFrom(path);
    for (const line of reportLines(report)) terminal.out(line);
    await writeAll(report, { ...values, json: undefined });
    return passed(report) ? exitCodes.ok : exitCodes.failed;
  },
  merge: async ({ operands, values, terminal }) => {
    if (operands.length < 2) {
      throw new UsageError(
        'merge needs the reports of two machines or more.',
        'Write: autopilot load merge one.json two.json --json all.json',
      );
    }
    const report = mergeLoadReports(await Promise.all(operands.map(reportFrom)));
    for (const line of reportLines(report)) terminal.out(line);
    await writeAll(report, values);
    return passed(report) ? exitCodes.ok : exitCodes.failed;
  },
  record: ({ values, terminal }) => record(values, terminal),
  schema: async ({ terminal }) => {
    terminal.out(JSON.stringify(planSchema, null, 2));
    return await Promise.resolve(exitCodes.ok);
  },
};

/** `autopilot load`: load tests from the command line. */
export const load: Command = {
  summary: 'test a service under load: run, find where it breaks, compare, report',
  description: [
    '  run plan                    runs a plan (.yaml, .json, .ts); --kind says what is to be found out\n  knee plan                   where the service breaks, under --objective\n  compare before after        whether two runs really differ (files written by --json)\n  report file                 shows what --json wrote; makes --html or --junit of it\n  merge file file ...         one report of those of several machines that ran one plan with --machine\n  record                      a plan of what a control plane has observed: routes, mix and shape, no data of anybody\n  schema                      the JSON Schema of plans, for editors',
    'Only this machine is tested unless --allow names another origin. Ctrl-C ends a test at once, and what was measured is reported.',
    'Exit codes: 0 passed, 1 a threshold was missed, the run was ended or is not valid, or a comparison says worse; 2 used wrongly, or the plan has mistakes; 3 the target does not answer.',
  ],
  operands: `<${Object.keys(uses).join('|')}> ...`,
  flags: {
    kind: { value: loadTestKinds.join('|'), description: 'What is to be found out; default load' },
    target: { value: 'origin', description: "Instead of the plan's" },
    allow: {
      value: 'origins',
      description: 'May be tested as well: "https://staging.example.com", "http://name:*=10.1.0.0/16"; by ";"',
      environment: 'AUTOPILOT_LOAD_TARGETS',
    },
    rate: {
      value: 'number',
      description: "Arrivals a second, instead of the plan's load (with --users: at most so many at once)",
    },
    users: { value: 'number', description: "Users, instead of the plan's load" },
    duration: { value: 'seconds', description: 'With --rate or --users; default 60' },
    threshold: { value: 'conditions', description: 'Beside those of the plan: "p99 < 200; errorRatio < 0.1 %"' },
    objective: {
      value: 'conditions',
      description: 'Of knee; default: the thresholds of the plan, or "p99 < 200; errorRatio < 0.1 %"',
    },
    tolerance: { value: 'ratio', description: 'Of knee: how close; default 0.03' },
    step: { value: 'seconds', description: 'Of knee: how long each load is held; default 10' },
    workers: { value: 'number', description: 'Threads that send; default by the cores there are' },
    seed: { value: 'number', description: 'Decides every random choice' },
    machine: {
      value: 'n/of',
      description: 'Of several that run one plan together, with as many --workers each: which one this is, as 1/3',
    },
    'run-id': { value: 'text', description: 'With --machine: the same on all of them' },
    'start-at': { value: 'time', description: 'With --machine: when all begin, as 2026-01-31T12:00:00Z' },
    json: { value: 'file', description: 'Writes the report, for compare and report' },
    html: { value: 'file', description: 'Writes the report as one page with charts' },
    junit: { value: 'file', description: 'Writes what was met and missed, for CI' },
    url: {
      value: 'address',
      description: 'Of record: the control plane; default http://127.0.0.1:3001',
      environment: 'AUTOPILOT_URL',
    },
    service: { value: 'name', description: 'Of record: which service', environment: 'AUTOPILOT_SERVICE' },
    minutes: { value: 'number', description: 'Of record: how far to look back; default 15' },
    values: { value: 'lists', description: 'Of record: what stands for parameters, "taskId=1,2; projectId=7"' },
    out: { value: 'file', description: 'Of record: where the plan is written; default: here' },
    margin: { value: 'ratio', description: 'Of compare: changes within it are none; default 0.03' },
  },
  run: async (values, terminal, [name, ...operands]) => {
    const use = name !== undefined && Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (use === undefined) {
      const nearest = name === undefined ? null : nearestName(name, Object.keys(uses));
      throw new UsageError(
        name === undefined ? 'It is not said what to do.' : `${JSON.stringify(name)} is nothing that can be done.`,
        nearest === null ? 'See: autopilot load --help' : `"${nearest}" was probably meant.`,
      );
    }
    try {
      return await use({ operands, values, terminal });
    } catch (error) {
      if (error instanceof LoadPlanError) {
        terminal.error(error.message);
        return exitCodes.usage;
      }
      if (error instanceof AutopilotError && error.code === 'AP_LOAD_TARGET_REFUSED') {
        terminal.error(`${error.message} ${error.remedy ?? ''}`);
        return exitCodes.usage;
      }
      throw error;
    }
  },
};

/** Machines of one test. */
const MOST_MACHINES = 100;
/** How often a terminal that keeps every line is told. */
const TELL_EVERY_MS = 10_000;

async function run(kind: LoadTestKind, { operands: [path, ...more], values, terminal }: Use): Promise<number> {
  if (path === undefined || more.length > 0) {
    throw new UsageError('One plan is needed.', 'Write: autopilot load run plan.yaml');
  }
  const plan = planFrom(path, values);
  const together = togetherFrom(values, kind);
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once('SIGINT', onInterrupt);
  let toldMs = Number.NEGATIVE_INFINITY;
  try {
    const { objective, tolerance, step, workers } = values;
    const report = await runLoadTest(kind, plan, {
      targets: [...LOOPBACK_TARGETS, ...rulesOf(values['allow'])],
      signal: stop.signal,
      ...together,
      ...(objective === undefined ? {} : { objective: conditionsOf('objective', objective) }),
      ...(tolerance === undefined ? {} : { tolerance: numberOf('tolerance', tolerance, 0.001, 1) }),
      ...(step === undefined ? {} : { stepMs: 1000 * numberOf('step', step, 1, 600) }),
      ...(workers === undefined ? {} : { workers: numberOf('workers', workers, 1, 64) }),
      onProgress: (progress) => {
        const line = progressLine(progress);
        if (terminal.status !== undefined) terminal.status(line);
        else if (performance.now() - toldMs >= TELL_EVERY_MS) {
          toldMs = performance.now();
          terminal.error(line);
        }
      },
      onStep: (one) => {
        terminal.status?.('');
        terminal.error(stepLine(one));
      },
    });
    terminal.status?.('');
    for (const line of reportLines(report)) terminal.out(line);
    await writeAll(report, values);
    if (report.result.stop?.reason === 'preparation') return exitCodes.unreachable;
    return passed(report) ? exitCodes.ok : exitCodes.failed;
  } finally {
    process.off('SIGINT', onInterrupt);
    terminal.status?.('');
  }
}

/** The plan of a file, with what flags say in the place of its own. */
function planFrom(path: string, values: Use['values']): LoadPlan {
  const { target, seed, rate, users, threshold } = values;
  const plan = readPlan(path, {
    replace: {
      ...(target === undefined ? {} : { target }),
      ...(seed === undefined ? {} : { seed: numberOf('seed', seed, 0, Number.MAX_SAFE_INTEGER) }),
    },
    hasProbe: false,
  });
  const durationMs = 1000 * numberOf('duration', values['duration'] ?? '60', 1, 86_400);
  const most = users === undefined ? 100 : numberOf('users', users, 1, 1e6);
  const think = plan.load.kind === 'users' ? plan.load.thinkMs : undefined;
  const load: LoadPlan['load'] | undefined =
    rate !== undefined
      ? { kind: 'arrivals', users: most, stages: [{ durationMs, ratePerSecond: numberOf('rate', rate, 0.001, 1e6) }] }
      : users !== undefined
        ? { kind: 'users', stages: [{ durationMs, users: most }], ...(think === undefined ? {} : { thinkMs: think }) }
        : undefined;
  const thresholds = threshold === undefined ? [] : conditionsOf('threshold', threshold);
  return {
    ...plan,
    // A warm-up that was meant for a longer load would leave nothing of it.
    ...(load === undefined ? {} : { load, warmupMs: Math.min(plan.warmupMs ?? 0, durationMs / 5) }),
    ...(thresholds.length === 0 ? {} : { thresholds: [...(plan.thresholds ?? []), ...thresholds] }),
  };
}

/** The longest that machines may wait for each other. */
const MOST_WAIT_MS = 24 * 3_600_000;

/** What machines that run one plan together have in common, and which of them this is. */
function togetherFrom(
  { machine, 'run-id': runId, 'start-at': startAt }: Use['values'],
  kind: LoadTestKind,
): Pick<LoadTestOptions, 'machine' | 'runId' | 'startAt'> {
  if (machine === undefined && runId === undefined && startAt === undefined) return {};
  if (machine === undefined || runId === undefined || startAt === undefined) {
    throw new UsageError(
      '--machine, --run-id and --start-at belong together.',
      'Write on each: autopilot load run plan.yaml --machine 1/3 --run-id night --start-at 2026-01-31T12:00:00Z --json 1.json',
    );
  }
  if (kind === 'stress') {
    throw new UsageError('A stress test is run by one machine.', 'Use --kind load, with the rate that is to be tried.');
  }
  const [, number = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(machine) ?? []).map(Number);
  if (!(number >= 1 && count >= number && count <= MOST_MACHINES)) {
    throw new UsageError(
      `--machine is ${JSON.stringify(machine)}.`,
      `It is a number and how many there are, 1/1 to ${MOST_MACHINES}/${MOST_MACHINES}.`,
    );
  }
  const at = Date.parse(startAt);
  const leftMs = at - Date.now();
  if (!(leftMs > 0 && leftMs <= MOST_WAIT_MS)) {
    throw new UsageError(`--start-at is ${JSON.stringify(startAt)}.`, 'It is a time to come, within a day.');
  }
  return { machine: { index: number - 1, count }, runId, startAt: at };
}

function kindOf(text: string): LoadTestKind {
  const kind = loadTestKinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new UsageError(`${JSON.stringify(text)} is no kind of test.`, `There are ${loadTestKinds.join(', ')}.`);
}

function conditionsOf(flag: string, text: string): readonly string[] {
  const conditions = text.split(';').map((one) => one.trim());
  const wrong = conditions.find((one) => parseThreshold(one) === null);
  if (wrong === undefined) return conditions;
  throw new UsageError(`--${flag}: ${JSON.stringify(wrong)} can't be judged.`, THRESHOLD_REMEDY);
}

function rulesOf(text: string | undefined): readonly TargetRule[] {
  if (text === undefined) return [];
  return text.split(';').map((one) => {
    const rule = parseTargetRule(one);
    if (rule !== null) return rule;
    throw new UsageError(
      `--allow: ${JSON.stringify(one)} names no target.`,
      'Write an origin, as "https://staging.example.com:8443", and behind "=" the ranges that its name may resolve to.',
    );
  });
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`--${flag} is ${JSON.stringify(text)}.`, `It is a number from ${min} to ${max}.`);
}

async function reportFrom(path: string): Promise<LoadReport> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AutopilotError('AP_FILE_UNREADABLE', `${path} can't be read: ${messageOf(cause)}.`, { cause });
  }
  return parseLoadReport(text, path);
}

async function writeAll(report: LoadReport, values: Use['values']): Promise<void> {
  await write(values['json'], JSON.stringify(report));
  await write(values['html'], values['html'] === undefined ? '' : htmlReport(report));
  await write(values['junit'], values['junit'] === undefined ? '' : junitReport(report));
}

async function write(path: string | undefined, text: string): Promise<void> {
  if (path === undefined) return;
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new AutopilotError('AP_FILE_UNWRITABLE', `${path} can't be written: ${messageOf(cause)}.`, { cause });
  }
}
