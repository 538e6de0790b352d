import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildLibrary } from '../../tools/build.ts';
import { type BenchFindings, type BenchOptions, median } from '../result.ts';

/**
 * What the agent adds to the start of an application that has imported fastify and pg, up to where it listens: its
 * modules as published, the plugin's routes, and starting the control plane as a child. Both kinds of start take turns,
 * each in a process of its own.
 */

const run_ = promisify(execFile);
const root = join(import.meta.dirname, '../..');

interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rounds = quick ? 5 : 40;
  log('startup: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  const starts = { without: [] as Start[], with: [] as Start[] };
  // The first of each reads the files from the disk.
  for (const kind of ['without', 'with'] as const) await start(kind);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) log(`startup: round ${round + 1} of ${rounds}`);
    const order = round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
    for (const kind of order) starts[kind].push(await start(kind));
  }
  const added = (pick: (start: Start) => number): number[] =>
    starts.with.map((start, round) => pick(start) - pick(starts.without[round] ?? start));
  const wall = added(({ wallMs }) => wallMs);
  const cpu = added(({ cpuMs }) => cpuMs);
  return {
    rows: [
      row('without the autopilot', starts.without),
      row('with the autopilot', starts.with),
      {
        start: 'added',
        'wall ms': rounded(median(wall)),
        'CPU ms': rounded(median(cpu)),
        'wall ms, middle half': middle(wall),
      },
    ],
    goals: [{ goal: 'adds at most 25 ms', measured: `${median(wall).toFixed(1)} ms`, met: median(wall) <= 25 }],
    notes: [
      `${rounds} rounds, one start of each kind a round, in turning order; medians, of the difference within a round for "added".`,
      'Counted from where fastify and pg are imported to where the application listens, the start of the control plane as a child included.',
    ],
  };
}

async function start(kind: 'with' | 'without'): Promise<Start> {
  const { stdout } = await run_(process.execPath, ['-C', 'source', join(import.meta.dirname, 'application.ts'), kind], {
    cwd: root,
    env: { ...process.env, AUTOPILOT_PORT: '0' },
  });
  // The control plane writes to the same pipe.
  const [said = ''] = /\{"wallMs".*?\}/.exec(stdout) ?? [];
  return JSON.parse(said) as Start; // `as`: what application.ts prints
}

function row(start: string, starts: readonly Start[]): BenchFindings['rows'][number] {
  const wall = starts.map(({ wallMs }) => wallMs);
  return {
    start,
    'wall ms': rounded(median(wall)),
    'CPU ms': rounded(median(starts.map(({ cpuMs }) => cpuMs))),
    'wall ms, middle half': middle(wall),
  };
}

function middle(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): string => (sorted[Math.floor(q * sorted.length)] ?? Number.NaN).toFixed(1);
  return `${at(0.25)} to ${at(0.75)}`;
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
