import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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

type Kind = 'without' | 'with';

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rounds = quick ? 5 : 40;
  log('startup: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  const cache = await mkdtemp(join(tmpdir(), 'bench-startup-'));
  const bare = await measure(null, rounds, log);
  const cached = await measure(cache, rounds, log);
  await rm(cache, { recursive: true, force: true });
  return {
    rows: [
      row('without the autopilot', bare.without),
      row('with the autopilot', bare.with),
      added('added', bare),
      row("without it, with Node's compile cache", cached.without),
      row("with it, with Node's compile cache", cached.with),
      added("added, with Node's compile cache", cached),
    ],
    goals: [goal('adds at most 25 ms', bare), goal("adds at most 25 ms with Node's compile cache", cached)],
    notes: [
      `${rounds} rounds, one start of each kind a round, in turning order; medians, of the difference within a round for "added".`,
      'Counted from where fastify and pg are imported to where the application listens, the start of the control plane as a child included.',
      "Node's compile cache (NODE_COMPILE_CACHE, or module.enableCompileCache()) keeps compiled code between starts; an application has it or not, for all of its modules.",
    ],
  };
}

interface Starts {
  readonly without: Start[];
  readonly with: Start[];
}

/** `cache`: a directory for Node's compile cache; null: none. */
async function measure(cache: string | null, rounds: number, log: (line: string) => void): Promise<Starts> {
  const starts: Starts = { without: [], with: [] };
  // The first of each reads the files from the disk, and fills the cache.
  for (const kind of ['without', 'with'] as const) await start(kind, cache);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0)
      log(`startup: ${cache === null ? 'no cache' : 'compile cache'}, round ${round + 1} of ${rounds}`);
    const order = round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
    for (const kind of order) starts[kind].push(await start(kind, cache));
  }
  return starts;
}

async function start(kind: Kind, cache: string | null): Promise<Start> {
  const { stdout } = await run_(process.execPath, ['-C', 'source', join(import.meta.dirname, 'application.ts'), kind], {
    cwd: root,
    env: { ...process.env, AUTOPILOT_PORT: '0', NODE_COMPILE_CACHE: cache ?? undefined },
  });
  // The control plane writes to the same pipe.
  const [said = ''] = /\{"wallMs".*?\}/.exec(stdout) ?? [];
  return JSON.parse(said) as Start; // `as`: what application.ts prints
}

function differences(starts: Starts, pick: (start: Start) => number): number[] {
  return starts.with.map((start, round) => pick(start) - pick(starts.without[round] ?? start));
}

function added(label: string, starts: Starts): BenchFindings['rows'][number] {
  const wall = differences(starts, ({ wallMs }) => wallMs);
  const cpu = differences(starts, ({ cpuMs }) => cpuMs);
  return {
    start: label,
    'wall ms': rounded(median(wall)),
    'CPU ms': rounded(median(cpu)),
    'wall ms, middle half': middle(wall),
  };
}

function goal(text: string, starts: Starts): BenchFindings['goals'][number] {
  const wall = median(differences(starts, ({ wallMs }) => wallMs));
  return { goal: text, measured: `${wall.toFixed(1)} ms`, met: wall <= 25 };
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
