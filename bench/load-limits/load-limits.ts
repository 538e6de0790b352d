import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortLimits, LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import { type RunLoadOptions, runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import type { StopReason } from '../../packages/autopilot/src/load/shared-state.ts';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';

/**
 * Whether a load test stops before it hurts, holds many connections, and stays small: 50 tries of each safeguard with the
 * times that the target itself saw, 5,000 open connections, ten minutes at a steady rate.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  for (const part of [measureAborts, measureConnections, measureSoak]) {
    const found = await part(quick, log);
    rows.push(...found.rows);
    goals.push(...found.goals);
  }
  return {
    rows,
    goals,
    notes: [
      'From the limit crossed to the last request received, by the clock of the target process; the crossing is when the limit is true of the last second, not when the trouble begins.',
      'Resident memory is that of the process that runs the generator, all of its threads included.',
      `Load average of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? '?'}.`,
    ],
  };
}

interface Part {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
}

/** What the target says of itself; see target.ts. */
interface TargetReport {
  readonly connections: number;
  readonly requests: number;
  /** From the trouble's beginning to the last request; null: there was no trouble. */
  readonly lastAfterMs: number | null;
  readonly troubled: boolean;
}

interface Target extends AsyncDisposable {
  readonly url: string;
  report(): Promise<TargetReport>;
  onTrouble(listener: () => void): void;
}

async function startTarget(...mode: readonly string[]): Promise<Target> {
  const child: ChildProcess = fork(new URL('./target.ts', import.meta.url), mode, { execArgv: ['-C', 'source'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the target sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async report() {
      const answered = new Promise<TargetReport>((resolve) => {
        const listener = (message: unknown): void => {
          if (message === 'trouble') return;
          child.off('message', listener);
          resolve(message as TargetReport); // what it answers
        };
        child.on('message', listener);
      });
      child.send('report');
      return answered;
    },
    onTrouble(listener) {
      child.on('message', (message) => {
        if (message === 'trouble') listener();
      });
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

interface Safeguard {
  readonly reason: StopReason;
  readonly name: string;
  readonly mode: string;
  readonly abort: AbortLimits;
  /** From the trouble's beginning until the limit is crossed. */
  readonly crossedAfterMs: number;
  readonly options?: (troubled: () => boolean) => RunLoadOptions;
}

const vitals = (
  name: 'eventLoopDelayMs' | 'cpuCores' | 'rssBytes' | 'databaseConnections',
  reason: StopReason,
): Safeguard => ({
  reason,
  name,
  mode: 'none',
  abort: { [name]: 50 },
  crossedAfterMs: 0,
  options: (troubled) => ({ probe: () => Promise.resolve({ [name]: troubled() ? 100 : 1 }) }),
});

const safeguards: readonly Safeguard[] = [
  {
    reason: 'error-ratio',
    name: 'error ratio over 50 %',
    mode: 'fail',
    abort: { errorRatio: 0.5 },
    crossedAfterMs: 500,
  },
  { reason: 'latency', name: 'p95 over 200 ms', mode: 'slow', abort: { p95Ms: 200 }, crossedAfterMs: 200 },
  {
    reason: 'latency',
    name: 'p99 over 200 ms, no answer at all',
    mode: 'hang',
    abort: { p99Ms: 200 },
    crossedAfterMs: 200,
  },
  // 50 users are busy after 250 ms, and the first arrival that waits has waited enough 300 ms later.
  { reason: 'rate-unreachable', name: 'rate out of reach', mode: 'hang', abort: { waitMs: 300 }, crossedAfterMs: 550 },
  vitals('eventLoopDelayMs', 'event-loop-delay'),
  vitals('cpuCores', 'cpu'),
  vitals('rssBytes', 'memory'),
  vitals('databaseConnections', 'database-connections'),
  { reason: 'requested', name: 'stop button', mode: 'none', abort: {}, crossedAfterMs: 0 },
];

function planFor(url: string, load: LoadPlan['load'], abort: AbortLimits): LoadPlan {
  return {
    name: 'limits',
    target: url,
    load,
    flows: [{ name: 'hello', steps: [{ name: 'hello', path: '/', expect: { status: 200 } }] }],
    abort,
  };
}

async function measureAborts(quick: boolean, log: (line: string) => void): Promise<Part> {
  const tries = quick ? 2 : 50;
  const rows: BenchRow[] = [];
  let worst = 0;
  let wrong = 0;
  for (const { reason, name, mode, abort, crossedAfterMs, options } of safeguards) {
    log(`load-limits: ${name}, ${tries} tries`);
    const times: number[] = [];
    for (let attempt = 0; attempt < tries; attempt++) {
      await using target = await startTarget(mode, '500');
      let troubled = false;
      const button = new AbortController();
      target.onTrouble(() => {
        troubled = true;
        if (reason === 'requested') button.abort();
      });
      const load = { kind: 'arrivals', users: 50, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] } as const;
      const result = await runLoad(planFor(target.url, load, abort), {
        signal: button.signal,
        ...options?.(() => troubled),
      });
      if (result.stop?.reason !== reason) wrong++;
      await sleep(200);
      const { lastAfterMs } = await target.report();
      times.push(Math.max(0, (lastAfterMs ?? Number.POSITIVE_INFINITY) - crossedAfterMs));
    }
    times.sort((a, b) => a - b);
    worst = Math.max(worst, times.at(-1) ?? 0);
    rows.push({
      case: `abort: ${name}`,
      tries,
      'median ms': times[Math.floor(times.length / 2)] ?? null,
      'longest ms': times.at(-1) ?? null,
    });
  }
  const goal = {
    goal: `at most 1 s from a limit crossed to the last request, in ${tries} tries of each safeguard`,
    measured: `${worst.toFixed(0)} ms at most${wrong === 0 ? '' : `; ${wrong} ended for another reason`}`,
    met: worst <= 1000 && wrong === 0,
  };
  return { rows, goals: [goal] };
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
