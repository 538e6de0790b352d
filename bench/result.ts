import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** A figure of a benchmark, as it is printed and kept. */
export type Figure = number | string | null;

/** One row of a benchmark's table; the first column names the row. */
export type BenchRow = Readonly<Record<string, Figure>>;

/** A goal and whether the run met it. */
export interface BenchGoal {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What a benchmark found. */
export interface BenchFindings {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
  /** How it was measured, and what limits the figures. */
  readonly notes: readonly string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
}

/** The document kept in bench/results/. */
export interface BenchResult extends BenchFindings {
  readonly name: string;
  readonly machine: Machine;
  readonly commit: string;
  readonly date: string;
}

/** What every benchmark script exports as `run`. `quick` asks for the shortest run that still says something. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  };
}

/** The commit measured, with `+` when the working tree differs from it. */
export function commit(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
    );
  } catch {
    return 'unknown';
  }
}

/** Half of the values are under it; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? upper)) / 2 : upper;
}
