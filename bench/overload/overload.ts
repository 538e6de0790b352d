import { fork } from 'node:child_process';
import { once } from 'node:events';
import { runLoad } from '../../packages/autopilot/src/load/load.ts';
import type { LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import type { LoadResult } from '../../packages/autopilot/src/load/result.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';

/**
 * What is left of a service that is asked for three times as much as it can do: goodput (answers with 200 within a second) with
 * the overload guard and without, beside the best that it does, and how soon health answers meanwhile.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const seconds = quick ? 5 : 20;
  const factors = quick ? [1, 3] : [0.5, 0.8, 1, 1.5, 2, 3];
  const rows: BenchRow[] = [];
  const goodputs = new Map<string, Map<number, Measured>>();
  for (const guard of ['on', 'off'] as const) {
    const measured = new Map<number, Measured>();
    goodputs.set(guard, measured);
    await using server = await startServer(guard);
    log(`overload: guard ${guard}, what it can do`);
    const capacity = await capacityOf(server.url, quick ? 3 : 10);
    for (const factor of factors) {
      log(`overload: guard ${guard}, ${factor} x ${capacity.toFixed(0)} a second`);
      const found = await measure(server.url, capacity * factor, seconds);
      measured.set(factor, found);
      rows.push({
        case: `guard ${guard}, ${factor} x capacity`,
        'asked /s': capacity * factor,
        'goodput /s': found.goodput,
        'refused /s': found.refused,
        'late or lost /s': found.late,
        'p99 of the good ms': found.p99Ms,
        'health p99 ms': found.healthP99Ms,
        'health max ms': found.healthMaxMs,
        valid: found.valid ? 'yes' : 'no',
      });
    }
  }
  const guarded = goodputs.get('on') ?? new Map<number, Measured>();
  const best = Math.max(...Array.from(guarded.values(), ({ goodput }) => goodput));
  const worst = guarded.get(3);
  const ratio = (worst?.goodput ?? 0) / best;
  const healthMs = worst?.healthP99Ms ?? Number.POSITIVE_INFINITY;
  return {
    rows,
    goals: [
      {
        goal: 'goodput at 3 x capacity at least 80 % of the best',
        measured: `${(100 * ratio).toFixed(1)} %`,
        met: ratio >= 0.8,
      },
      {
        goal: 'health answers in under 100 ms at 3 x capacity',
        measured: `p99 ${healthMs.toFixed(1)} ms, max ${(worst?.healthMaxMs ?? 0).toFixed(1)} ms`,
        met: healthMs < 100,
      },
    ],
    notes: [
      `One process; each request takes ${WORK_MS} ms of its event loop in two turns. Capacity: answers a second to 16 users without pause.`,
      'Good: 200 within a second of being sent. Open load, at even distances, over as many connections as it takes; health is asked 20 times a second by a generator of its own.',
      'The generators share the machine with the server: on two cores each has one, and refusing costs the kernel of the server’s core too.',
    ],
  };
}

const WORK_MS = 2;
const DEADLINE_MS = 1_000;
const HEALTH_PER_SECOND = 20;

interface Server extends AsyncDisposable {
  readonly url: string;
}

async function startServer(guard: 'on' | 'off'): Promise<Server> {
  const child = fork(new URL('./server.ts', import.meta.url), [guard, String(WORK_MS)], {
    execArgv: ['-C', 'source'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the server sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function planOf(url: string, path: string, load: LoadPlan['load'], warmupMs: number): LoadPlan {
  return {
    name: path,
    target: url,
    load,
    warmupMs,
    http: { timeoutMs: DEADLINE_MS },
    flows: [{ name: path, steps: [{ name: path, path, expect: { status: 200 } }] }],
    // What fails is what is measured.
    abort: { errorRatio: 1, waitMs: 60_000 },
  };
}

async function capacityOf(url: string, seconds: number): Promise<number> {
  const load = { kind: 'users', stages: [{ durationMs: seconds * 1000, users: 16 }] } as const;
  const { measured } = await runLoad(planOf(url, '/work', load, 1_000), { workers: 1 });
  return measured.ratePerSecond;
}

interface Measured {
  readonly goodput: number;
  readonly refused: number;
  readonly late: number;
  readonly p99Ms: number | null;
  readonly healthP99Ms: number | null;
  readonly healthMaxMs: number | null;
  readonly valid: boolean;
}

async function measure(url: string, ratePerSecond: number, seconds: number): Promise<Measured> {
  const at = (rate: number, users: number): LoadPlan['load'] => ({
    kind: 'arrivals',
    stages: [{ durationMs: seconds * 1000, ratePerSecond: rate }],
    users,
  });
  // The start of a load is no steady state: the guard needs a moment to see it.
  const warmupMs = 2_000;
  const [work, health]: readonly LoadResult[] = await Promise.all([
    runLoad(planOf(url, '/work', at(ratePerSecond, Math.ceil(ratePerSecond * 1.5)), warmupMs), { workers: 1 }),
    runLoad(planOf(url, '/livez', at(HEALTH_PER_SECOND, 20), warmupMs), { workers: 1 }),
  ]);
  if (work === undefined || health === undefined) throw new Error('both runs have a result');
  const { measured } = work;
  const perSecond = (count: number): number => (count * 1000) / measured.durationMs;
  return {
    goodput: measured.ratePerSecond,
    refused: perSecond(measured.failed),
    late: perSecond(measured.timedOut + measured.dropped + measured.unfinished),
    p99Ms: work.steps[0]?.service.p99Ms ?? null,
    healthP99Ms: health.measured.response.p99Ms,
    healthMaxMs: health.measured.response.maxMs,
    valid: work.valid && health.valid,
  };
}
