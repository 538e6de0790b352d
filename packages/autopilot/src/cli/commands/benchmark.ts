import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../client.ts';
import type { Benchmark, BenchmarkComparison, BenchmarkMeasure } from '../../contract/benchmarks.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { askControlPlane, urlFlag } from '../ask-control-plane.ts';
import { type Command, exitCodes, type Terminal, table, UsageError } from '../command.ts';

type Values = Readonly<Record<string, string | undefined>>;
type Use = (client: Client, operands: readonly string[], values: Values, terminal: Terminal) => Promise<number>;

const ASK_EVERY_MS = 500;

const uses: Readonly<Record<string, Use>> = {
  run: async (client, _operands, values, terminal) => {
    const least = values['at-least'];
    if (least !== undefined && !(Number(least) > 0)) {
      throw new UsageError(`--at-least is ${JSON.stringify(least)}.`, 'It is a score, as 80.');
    }
    const { id } = await client.startBenchmark(about(values));
    let benchmark = await client.getBenchmark(id);
    const onInterrupt = (): void => void client.stopBenchmark(id).catch(() => undefined);
    process.once('SIGINT', onInterrupt);
    try {
      while (benchmark.state === 'running') {
        terminal.status?.(`${Math.round(100 * benchmark.progress)} %  ${benchmark.doing ?? 'starting'}`);
        await delay(ASK_EVERY_MS);
        benchmark = await client.getBenchmark(id);
      }
    } finally {
      process.off('SIGINT', onInterrupt);
      terminal.status?.('');
    }
    for (const line of benchmarkLines(benchmark)) terminal.out(line);
    await write(values['json'], benchmark);
    if (benchmark.state !== 'done' || benchmark.score === null) return exitCodes.failed;
    return least === undefined || benchmark.score >= Number(least) ? exitCodes.ok : exitCodes.failed;
  },
  show: async (client, [id], values, terminal) => {
    const benchmark =
      id === undefined ? (await client.getBenchmarks(about(values))).latest : await client.getBenchmark(id);
    if (benchmark === null) {
      terminal.error('None was measured yet: autopilot benchmark run');
      return exitCodes.failed;
    }
    for (const line of benchmarkLines(benchmark)) terminal.out(line);
    await write(values['json'], benchmark);
    return exitCodes.ok;
  },
  list: async (client, _operands, values, { out }) => {
    const { benchmarks } = await client.getBenchmarks({ ...about(values), limit: 50 });
    const rows = benchmarks.map(({ id, startedAt, state, score, suite, author }) => [
      id,
      `${startedAt}  ${state}  ${score === null ? 'no score' : score.toFixed(1)}  suite ${suite}, by ${author}`,
    ]);
    for (const line of rows.length === 0 ? ['None was measured yet.'] : table(rows)) out(line);
    return exitCodes.ok;
  },
  compare: async (client, [before, after, ...more], _values, terminal) => {
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UsageError('compare needs two ids.', 'Write: autopilot benchmark compare <before> <after>; see list.');
    }
    const comparison = await client.compareBenchmarks(after, before);
    for (const line of comparisonLines(comparison)) terminal.out(line);
    return comparison.verdict === 'better' || comparison.verdict === 'no-difference' ? exitCodes.ok : exitCodes.failed;
  },
  stop: async (client, [id], _values, { out }) => {
    if (id === undefined) throw new UsageError('stop needs an id.', 'See: autopilot benchmark list');
    const { state } = await client.stopBenchmark(id);
    out(`${id}: ${state}`);
    return exitCodes.ok;
  },
};

/** `autopilot benchmark`: a fixed suite over runtime, compression, database and API, through a control plane. */
export const benchmark: Command = {
  summary: 'measure runtime, compression, database and API by a fixed suite, with a score',
  description: [
    '  run                         measures, for about half a minute, and prints the score with all that it is made of\n  show [id]                   the latest, or one of before\n  list                        those there are\n  compare before after        what differs, by their ids\n  stop id                     ends one',
    'It asks a control plane, with the token in AUTOPILOT_TOKEN; run and stop need the scope operate. It refuses to run while the machine is busy or the service has requests of its own.',
    'Exit codes: 0 done; 1 refused, not valid, stopped, under --at-least, or a comparison says anything but better or no difference; 2 used wrongly; 3 the control plane does not answer.',
  ],
  operands: `<${Object.keys(uses).join('|')}> ...`,
  flags: {
    url: urlFlag,
    service: { value: 'name', description: 'Which service', environment: 'AUTOPILOT_SERVICE' },
    'at-least': { value: 'score', description: 'Of run: a lower score is a failure, for CI' },
    json: { value: 'file', description: 'Of run and show: writes all of it' },
  },
  run: async (values, terminal, [name = 'run', ...operands]) => {
    const use = Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (use === undefined) {
      const nearest = nearestName(name, Object.keys(uses));
      throw new UsageError(
        `${JSON.stringify(name)} is nothing that can be done.`,
        nearest === null ? `Write one of ${Object.keys(uses).join(', ')}.` : `"${nearest}" was probably meant.`,
      );
    }
    return await askControlPlane(values['url'], terminal, (client) => use(client, operands, values, terminal));
  },
};

function about({ service }: Values): { readonly service?: string } {
  return service === undefined ? {} : { service };
}

function benchmarkLines({ id, state, reason, score, suite, target, report }: Benchmark): readonly string[] {
  const head = `${id}: ${state}, ${score === null ? 'no score' : `score ${score.toFixed(1)}`} (suite ${suite}, ${target})`;
  if (report === null) return [head, ...(reason === null ? [] : [reason])];
  const { parts, composition, invalidReasons, machine } = report;
  return [
    head,
    ...invalidReasons.map((one) => `Not valid: ${one}`),
    composition,
    `${machine.processor}, ${machine.cores} cores, ${machine.platform}, Node.js ${machine.node}${machine.database === null ? '' : `, PostgreSQL ${machine.database}`}`,
    '',
    ...parts.flatMap((part) => [
      part.score === null ? `${part.id}: left out. ${part.leftOut ?? ''}` : `${part.id}: ${part.score.toFixed(1)}`,
      ...(part.score === null ? [] : table(part.measures.map(rowOf))),
    ]),
  ];
}

function rowOf({ description, value, unit, score, rounds, leftOut }: BenchmarkMeasure): string[] {
  if (value === null) return [`  ${description}`, `left out: ${leftOut ?? ''}`];
  const range = `${short(Math.min(...rounds))} to ${short(Math.max(...rounds))}`;
  return [`  ${description}`, `${short(value)} ${unit} (${range})  ${score === null ? '' : score.toFixed(1)}`];
}

function comparisonLines({ verdict, reasons, figures }: BenchmarkComparison): readonly string[] {
  const rows = figures.map((figure) => [
    `${figure.part} ${figure.measure}`,
    `${short(figure.before)} -> ${short(figure.after)} ${figure.unit}, x ${figure.change.toFixed(2)} (${figure.low.toFixed(2)} to ${figure.high.toFixed(2)})  ${figure.verdict}`,
  ]);
  return [verdict, ...reasons, ...table(rows)];
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

async function write(path: string | undefined, value: Benchmark): Promise<void> {
  if (path === undefined) return;
  try {
    await writeFile(path, JSON.stringify(value));
  } catch (cause) {
    throw new AutopilotError('AP_FILE_UNWRITABLE', `${path} can't be written: ${messageOf(cause)}.`, { cause });
  }
}
