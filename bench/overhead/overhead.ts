import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import { buildLibrary } from '../../tools/build.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';
import { variants } from './variants.ts';

/**
 * What watching costs a request: CPU time of the server process a request, and requests a second, beside the peers.
 * Every variant has a process of its own; each round measures each of them once, in an order that turns from round to
 * round, and a row is the median over rounds of the ratio to that round's bare Fastify. Slices are short, because a
 * machine's pace drifts, and the processes are started anew once, because one has a luck of its own in how its code
 * and heap come to lie.
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

const GENERATIONS = 2;
const WARM_UP_S = 2;
const SLICE_S = 1;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rounds = quick ? 2 : 6;
  const names = Object.keys(variants);
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]));
  log('overhead: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  // Where the agents keep history, as an application's database is.
  const directory = await mkdtemp(join(tmpdir(), 'bench-overhead-'));
  await using database = await startEmbeddedPostgres({ dataDirectory: directory });
  for (let generation = 0; generation < GENERATIONS; generation++) {
    const servers = new Map<string, Server>();
    try {
      for (const name of names) servers.set(name, await start(name, database.url('postgres')));
      for (const server of servers.values()) await measure(server, WARM_UP_S);
      for (let round = 0; round < rounds; round++) {
        log(`overhead: round ${generation * rounds + round + 1} of ${GENERATIONS * rounds}`);
        for (let turn = 0; turn < names.length; turn++) {
          const name = names[(round + turn) % names.length] ?? '';
          const server = servers.get(name);
          if (server !== undefined) samples.get(name)?.push(await measure(server, SLICE_S));
        }
      }
    } finally {
      for (const { child } of servers.values()) child.disconnect();
      await Promise.all([...servers.values()].map(({ child }) => once(child, 'exit')));
    }
  }
  await database.stop('fast');
  await rm(directory, { recursive: true, force: true });
  return findings(samples, GENERATIONS * rounds);
}

async function start(name: string, databaseUrl: string): Promise<Server> {
  const child = fork(new URL('./server.ts', import.meta.url), [name], {
    // Not inherited: '@teamflow/autopilot' means the built package here.
    execArgv: [],
    env: { ...process.env, AUTOPILOT_DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what server.ts sends first
  return { child, url: `http://127.0.0.1:${port}/` };
}

async function cpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]; // `as`: what server.ts answers
  return usage.user + usage.system;
}

async function measure({ child, url }: Server, seconds: number): Promise<Sample> {
  // What is left to clear up after the start or the last turn is nobody's request.
  await sleep(100);
  const before = await cpuUs(child);
  const { stdout } = await run_('wrk', ['-t1', '-c32', `-d${seconds}s`, url]);
  const spent = (await cpuUs(child)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Non-2xx/.test(stdout)) throw new Error(`wrk did not get its answers:\n${stdout}`);
  return { cpuUs: spent / requests, requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]) };
}

function findings(samples: ReadonlyMap<string, readonly Sample[]>, rounds: number): BenchFindings {
  const of = (name: string): readonly Sample[] => samples.get(name) ?? [];
  const bare = of('bare');
  const ratios = (name: string, pick: (sample: Sample) => number): number[] =>
    of(name).map((sample, round) => pick(sample) / pick(bare[round] ?? sample));
  const cpuRatio = (name: string): number => median(ratios(name, (sample) => sample.cpuUs));
  const addedUs = (name: string): number =>
    median(of(name).map((sample, round) => sample.cpuUs - (bare[round]?.cpuUs ?? 0)));
  const rows = [...samples.keys()].map((name): BenchRow => {
    const sorted = ratios(name, (sample) => sample.cpuUs).toSorted((a, b) => a - b);
    return {
      variant: variants[name]?.label ?? name,
      'CPU us': rounded(median(of(name).map((sample) => sample.cpuUs)), 2),
      'added us': rounded(addedUs(name), 2),
      'CPU ratio': rounded(cpuRatio(name), 3),
      'ratio, middle half': `${at(sorted, 0.25).toFixed(3)} to ${at(sorted, 0.75).toFixed(3)}`,
      'req/s ratio': rounded(median(ratios(name, (sample) => sample.requestsPerSecond)), 3),
    };
  });
  const share = addedUs('tracking') / addedUs('otelMetrics');
  return {
    rows,
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
      `${rounds} rounds of ${SLICE_S} s each, the processes started anew after half of them, wrk with one thread and 32 connections, all on one machine; medians of ratios to bare Fastify in the same round.`,
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
