import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';
import { variants } from './variants.ts';

/**
 * What watching costs a request: CPU time of the server process a request, and requests a second, beside the peers.
 * Every variant has a process of its own that lives through the run; each round measures each of them once, in an order
 * that turns from round to round, and a row is the median over rounds of the ratio to that round's bare Fastify.
 */

const run_ = promisify(execFile);

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

interface Sample {
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const [rounds, seconds] = quick ? [3, 1] : [12, 3];
  const names = Object.keys(variants);
  const servers = new Map<string, Server>();
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]));
  try {
    for (const name of names) servers.set(name, await start(name));
    for (const server of servers.values()) await measure(server, quick ? 1 : 4);
    for (let round = 0; round < rounds; round++) {
      log(`overhead: round ${round + 1} of ${rounds}`);
      for (let turn = 0; turn < names.length; turn++) {
        const name = names[(round + turn) % names.length] ?? '';
        const server = servers.get(name);
        if (server !== undefined) samples.get(name)?.push(await measure(server, seconds));
      }
    }
  } finally {
    for (const { child } of servers.values()) child.disconnect();
  }
  return findings(samples, rounds, seconds);
}

async function start(name: string): Promise<Server> {
  const child = fork(new URL('./server.ts', import.meta.url), [name], {
    execArgv: ['-C', 'source'],
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

function findings(samples: ReadonlyMap<string, readonly Sample[]>, rounds: number, seconds: number): BenchFindings {
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
    ],
    notes: [
      `${rounds} rounds of ${seconds} s each, wrk with one thread and 32 connections, all on one machine; medians of ratios to bare Fastify in the same round.`,
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
