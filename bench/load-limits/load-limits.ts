import { loadavg } from 'node:os';
import { runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import { planFor, startTarget } from '../load-aborts/start-target.ts';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';

/** Whether a load test holds many connections and stays small: 5,000 open ones, ten minutes at a steady rate. */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  for (const part of [measureConnections, measureSoak]) {
    const found = await part(quick, log);
    rows.push(...found.rows);
    goals.push(...found.goals);
  }
  return {
    rows,
    goals,
    notes: [
      'Resident memory is that of the process that runs the generator, all of its threads included.',
      `Load average of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? '?'}.`,
    ],
  };
}

interface Part {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
}

async function measureConnections(quick: boolean, log: (line: string) => void): Promise<Part> {
  const users = quick ? 1000 : 5000;
  log(`load-limits: ${users} open connections`);
  await using target = await startTarget('none', '1e9');
  const before = process.memoryUsage().rss;
  let most = 0;
  let openedAt = 0;
  const seconds = quick ? 5 : 20;
  const load = {
    kind: 'users',
    stages: [{ durationMs: 1000 * seconds, users }],
    thinkMs: { minMs: 2000, maxMs: 6000 },
  } as const;
  const result = await runLoad(planFor(target.url, load, {}), {
    onProgress: () => {
      most = Math.max(most, process.memoryUsage().rss);
      void target.report().then(({ connections }) => {
        openedAt = Math.max(openedAt, connections);
      });
    },
  });
  const { done, failed, timedOut, response } = result.measured;
  return {
    rows: [
      {
        case: `${users} users, each with a connection, for ${seconds} s`,
        'connections seen by the target': openedAt,
        done,
        'failed or timed out': failed + timedOut,
        'p99 ms': response.p99Ms,
        'memory MB': (most - before) / 1e6,
      },
    ],
    goals: [
      {
        goal: `${users} open connections without a failure`,
        measured: `${openedAt} open at once, ${failed + timedOut} of ${done} requests failed`,
        met: openedAt >= users && failed + timedOut === 0 && done > users,
      },
    ],
  };
}

async function measureSoak(quick: boolean, log: (line: string) => void): Promise<Part> {
  const minutes = quick ? 0.5 : 10;
  const rate = 2000;
  log(`load-limits: ${rate} requests a second for ${minutes} minutes`);
  await using target = await startTarget('none', '1e9');
  const samples: number[] = [];
  const load = {
    kind: 'arrivals',
    users: 50,
    stages: [{ durationMs: 60_000 * minutes, ratePerSecond: rate }],
  } as const;
  const result = await runLoad(planFor(target.url, load, { errorRatio: 1, waitMs: 30_000 }), {
    onProgress: () => samples.push(process.memoryUsage().rss / 1e6),
  });
  // The first fifth fills heaps and caches; what counts is whether the rest still grows.
  const rest = samples.slice(Math.ceil(samples.length / 5));
  const third = Math.floor(rest.length / 3);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const grown = mean(rest.slice(-third)) - mean(rest.slice(0, third));
  return {
    rows: [
      {
        case: `${rate}/s for ${minutes} minutes`,
        done: result.measured.done,
        'failed or timed out': result.measured.failed + result.measured.timedOut,
        'memory MB, first third': mean(rest.slice(0, third)),
        'memory MB, last third': mean(rest.slice(-third)),
      },
    ],
    goals: [
      {
        goal: `memory flat over ${minutes} minutes`,
        measured: `${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MB from the first third to the last`,
        met: grown < 5,
      },
    ],
  };
}
