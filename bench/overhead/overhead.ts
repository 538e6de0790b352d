import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import { buildLibrary } from '../../tools/build.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';
import { variants } from './variants.ts';

/**
 * What watching costs a request: CPU time of the server process a request, and requests a second, beside the peers.
 *
 * Each variant runs beside a bare Fastify of its own and nothing else: slices of a second in the order A B B A, because
 * a machine's pace drifts. Of each process the best slice counts, because other work on the machine, and on its host,
 * only adds. After some rounds both processes are started anew, because each has a luck of its own in how its code and
 * heap come to lie; a row is the median over these pairs. A server has a processor to itself, the load generator
 * shares the other one with whatever the variant runs beside it.
 *
 * The processes run the built package, as customers do. From sources it would cost more: what strips their types is
 * WebAssembly, whose memory grows, and from then on V8 checks each access to each typed array of the process.
 */

const run_ = promisify(execFile);
const root = join(import.meta.dirname, '../..');

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

interface Sample {
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

/** What the slices of one pair of processes gave: the least of each, because whatever else a machine does only adds. */
interface Pair {
  readonly bare: Sample;
  readonly variant: Sample;
}

const GENERATIONS = 3;
/** Of what has a goal, and of what says how far the figures can be trusted. */
const GENERATIONS_OF_GOALS = 6;
const withGoals: ReadonlySet<string> = new Set(['again', 'tracking', 'context', 'layers', 'otelMetrics']);
/** Even, so that each of the two is first as often. */
const ROUNDS_EACH = 4;
const WARM_UP_S = 2;
const SLICE_S = 1;
const SERVER_CPU = '0';
const OTHER_CPU = '1';

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const generations = quick ? 1 : GENERATIONS_OF_GOALS;
  const names = Object.keys(variants).filter((name) => name !== 'bare');
  const pairs = new Map<string, Pair[]>(names.map((name) => [name, []]));
  log('overhead: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  const isPinned = await canPin();
  // Where the agents keep history, as an application's database is.
  const directory = await mkdtemp(join(tmpdir(), 'bench-overhead-'));
  await using database = await startEmbeddedPostgres({ dataDirectory: directory });
  for (let generation = 0; generation < generations; generation++) {
    const taken = generation < GENERATIONS ? names : names.filter((name) => withGoals.has(name));
    for (const name of taken) {
      log(`overhead: ${name}, processes ${generation + 1} of ${generations}`);
      const pair = await measurePair(name, database.url('postgres'), isPinned);
      if (pair !== null) pairs.get(name)?.push(pair);
    }
  }
  await database.stop('fast');
  await rm(directory, { recursive: true, force: true });
  return findings(pairs, isPinned);
}

async function measurePair(name: string, databaseUrl: string, isPinned: boolean): Promise<Pair | null> {
  const servers: Server[] = [];
  try {
    for (const variant of ['bare', name]) servers.push(await start(variant, databaseUrl, isPinned));
    const [bare, variant] = servers;
    if (bare === undefined || variant === undefined) return null;
    for (const server of servers) await measure(server, WARM_UP_S, isPinned);
    const samples = new Map<Server, Sample[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < ROUNDS_EACH; round++) {
      for (const server of round % 2 === 0 ? [bare, variant] : [variant, bare]) {
        samples.get(server)?.push(await measure(server, SLICE_S, isPinned));
      }
    }
    return { bare: bestOf(samples.get(bare) ?? []), variant: bestOf(samples.get(variant) ?? []) };
  } finally {
    for (const { child } of servers) child.disconnect();
    await Promise.all(servers.map(({ child }) => once(child, 'exit')));
  }
}

function bestOf(samples: readonly Sample[]): Sample {
  return {
    cpuUs: Math.min(...samples.map(({ cpuUs: spent }) => spent)),
    requestsPerSecond: Math.max(...samples.map(({ requestsPerSecond }) => requestsPerSecond)),
  };
}

/** Whether processes can be given processors: Linux with util-linux, and two of them. */
async function canPin(): Promise<boolean> {
  if (availableParallelism() < 2) return false;
  return await run_('taskset', ['-c', OTHER_CPU, 'true']).then(
    () => true,
    () => false,
  );
}

async function start(name: string, databaseUrl: string, isPinned: boolean): Promise<Server> {
  const child = fork(new URL('./server.ts', import.meta.url), [name], {
    // Not inherited: '@teamflow/autopilot' means the built package here.
    execArgv: [],
    env: { ...process.env, AUTOPILOT_DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // Before it starts a process of its own, which stays on that processor; then the server moves.
  if (isPinned) await run_('taskset', ['-acp', OTHER_CPU, String(child.pid)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what server.ts sends first
  if (isPinned) await run_('taskset', ['-acp', SERVER_CPU, String(child.pid)]);
  return { child, url: `http://127.0.0.1:${port}/` };
}

async function cpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]; // `as`: what server.ts answers
  return usage.user + usage.system;
}

async function measure({ child, url }: Server, seconds: number, isPinned: boolean): Promise<Sample> {
  // What is left to clear up after the start or the last turn is nobody's request.
  await sleep(100);
  const before = await cpuUs(child);
  const load = ['wrk', '-t1', '-c32', `-d${seconds}s`, url];
  const [program = '', ...flags] = isPinned ? ['taskset', '-c', OTHER_CPU, ...load] : load;
  const { stdout } = await run_(program, flags);
  const spent = (await cpuUs(child)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Non-2xx/.test(stdout)) throw new Error(`wrk did not get its answers:\n${stdout}`);
  return { cpuUs: spent / requests, requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]) };
}

function findings(pairs: ReadonlyMap<string, readonly Pair[]>, isPinned: boolean): BenchFindings {
  const of = (name: string): readonly Pair[] => pairs.get(name) ?? [];
  const ratios = (name: string, pick: (sample: Sample) => number): number[] =>
    of(name).map(({ bare, variant }) => pick(variant) / pick(bare));
  const cpuRatio = (name: string): number => median(ratios(name, (sample) => sample.cpuUs));
  const addedUs = (name: string): number => median(of(name).map(({ bare, variant }) => variant.cpuUs - bare.cpuUs));
  const bare = median([...pairs.values()].flat().map((pair) => pair.bare.cpuUs));
  const rows = [...pairs.keys()].map((name): BenchRow => {
    const sorted = ratios(name, (sample) => sample.cpuUs).toSorted((a, b) => a - b);
    return {
      variant: variants[name]?.label ?? name,
      'CPU us': rounded(median(of(name).map(({ variant }) => variant.cpuUs)), 2),
      'added us': rounded(addedUs(name), 2),
      'CPU ratio': rounded(cpuRatio(name), 3),
      'ratios of the pairs': `${at(sorted, 0).toFixed(3)} to ${at(sorted, 1).toFixed(3)}`,
      'req/s ratio': rounded(median(ratios(name, (sample) => sample.requestsPerSecond)), 3),
    };
  });
  const share = addedUs('tracking') / addedUs('otelMetrics');
  return {
    rows: [
      { variant: variants['bare']?.label ?? 'bare', 'CPU us': rounded(bare, 2), 'added us': 0, 'CPU ratio': 1 },
      ...rows,
    ],
    goals: [
      {
        goal: 'tracking at most 1.05 x bare CPU',
        measured: cpuRatio('tracking').toFixed(3),
        met: cpuRatio('tracking') <= 1.05,
      },
      {
        goal: 'with request context at most 1.08 x',
        measured: cpuRatio('context').toFixed(3),
        met: cpuRatio('context') <= 1.08,
      },
      {
        goal: "tracking adds at most 1/20 of OpenTelemetry's metrics",
        measured: `1/${(1 / share).toFixed(0)}`,
        met: share <= 1 / 20,
      },
      {
        goal: 'all layers at most 1.25 x',
        measured: cpuRatio('layers').toFixed(3),
        met: cpuRatio('layers') <= 1.25,
      },
    ],
    notes: [
      `${of('tracking').length * ROUNDS_EACH} rounds of ${SLICE_S} s for each variant that has a goal (${of('security').length * ROUNDS_EACH} for the others) and for a bare Fastify beside it, both started anew after every ${ROUNDS_EACH}; wrk with one thread and 32 connections, all on one machine; the least of each process, medians over the pairs.`,
      isPinned
        ? 'The server under load has a processor to itself; wrk, the control plane and PostgreSQL share the other.'
        : 'The processes run where the system puts them: taskset or a second processor is missing.',
      'The rows "... and" switch one layer on beside tracking with context: what they add to that row is the share of the layer.',
      'The autopilot runs as shipped: windows drained every second, sent to a control plane in a child process, runtime recorders on.',
      'The row A/A says how much of a difference is noise.',
    ],
  };
}

function at(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
