import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchFindings, type BenchOptions, median } from '../result.ts';

/**
 * What process.nextTick costs in a process that has been idle for some full collections, with and without what the
 * autopilot does about it when it starts. Both kinds take turns, each in a process of its own.
 */

const run_ = promisify(execFile);

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rounds = quick ? 3 : 15;
  log(`next-tick: ${rounds} processes of each kind`);
  const times = { left: [] as number[], kept: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['left', 'kept'] as const) times[kind].push(await start(kind));
  }
  const left = median(times.left);
  const kept = median(times.kept);
  return {
    rows: [
      { process: 'as Node leaves it', 'ns a call': Math.round(left) },
      { process: 'with the autopilot', 'ns a call': Math.round(kept) },
    ],
    goals: [
      { goal: 'no slower after idle collections', measured: `${(kept / left).toFixed(2)} x`, met: kept < left / 2 },
    ],
    notes: ['Least of 20 batches of 20,000 calls in each process, median over the processes.'],
  };
}

async function start(kind: string): Promise<number> {
  const { stdout } = await run_(process.execPath, [
    '-C',
    'source',
    '--expose-gc',
    join(import.meta.dirname, 'process.ts'),
    kind,
  ]);
  return Number(stdout);
}
