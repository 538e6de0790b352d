import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  compareLoadResults,
  type LoadPlan,
  type LoadResult,
  runLoad,
  runLoadTest,
  type Verdict,
} from '@teamflow/autopilot/load';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';

/**
 * Whether verdicts are right: the knee of a queue whose capacity is known, found unattended; and whether a comparison finds no
 * difference where there is none, and one of 10 % where there is one, of real pairs and of many put together from their seconds.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const knees = await measureKnees(quick, log);
  const pairs = await measureComparisons(quick, log);
  return {
    rows: [...knees.rows, ...pairs.rows],
    goals: [...knees.goals, ...pairs.goals],
    notes: [
      'The queue serves one request every so many ms by a clock, so its capacity is exact; arrivals come evenly, so its knee is its capacity.',
      'Resampled: each side 20 seconds, drawn in blocks of 5 from all runs of its kind. Runs that the generator calls invalid are done again.',
    ],
  };
}

interface Part {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
}

interface Server extends AsyncDisposable {
  readonly url: string;
}

async function startServer(...mode: readonly string[]): Promise<Server> {
  const child = fork(new URL('./slow-server.ts', import.meta.url), mode, { execArgv: ['-C', 'source'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the server sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function planFor(target: string, load: LoadPlan['load'], warmupMs = 0): LoadPlan {
  return {
    name: 'verdicts',
    target,
    load,
    warmupMs,
    flows: [{ name: 'ok', steps: [{ name: 'ok', path: '/' }] }],
    abort: { errorRatio: 1, waitMs: 60_000 },
  };
}

async function measureKnees(quick: boolean, log: (line: string) => void): Promise<Part> {
  const rows: BenchRow[] = [];
  let worst = 0;
  let slowest = 0;
  let unfound = 0;
  for (const serviceMs of quick ? [8] : [20, 8, 3]) {
    const capacity = 1000 / serviceMs;
    log(`load-verdicts: the knee of a queue that can do ${capacity.toFixed(0)} a second`);
    await using server = await startServer('queue', String(serviceMs));
    const load = {
      kind: 'arrivals',
      users: 200,
      stages: [{ durationMs: 10_000, ratePerSecond: capacity / 6 }],
    } as const;
    const { stress } = await runLoadTest('stress', planFor(server.url, load), quick ? { stepMs: 5000 } : {});
    const knee = stress?.knee ?? null;
    const off = knee === null ? Number.NaN : knee / capacity - 1;
    if (stress?.state !== 'found') unfound++;
    worst = Math.max(worst, Number.isNaN(off) ? 1 : Math.abs(off));
    slowest = Math.max(slowest, stress?.tookMs ?? Number.POSITIVE_INFINITY);
    rows.push({
      case: `knee of a queue, ${serviceMs} ms a request`,
      'capacity/s': capacity,
      'knee/s': knee,
      'off by %': 100 * off,
      levels: stress?.steps.length ?? 0,
      'took s': (stress?.tookMs ?? 0) / 1000,
    });
  }
  return {
    rows,
    goals: [
      {
        goal: 'the knee of a queue with a known capacity within 5 %, unattended, in under 5 minutes',
        measured: `off by ${(100 * worst).toFixed(1)} % at most, ${(slowest / 1000).toFixed(0)} s at most${unfound === 0 ? '' : `, ${unfound} not found`}`,
        met: worst <= 0.05 && slowest < 300_000 && unfound === 0,
      },
    ],
  };
}

const BASE_MS = 12;
const PLANTED = 1.1;
const MOST_TRIES = 3;

async function measureComparisons(quick: boolean, log: (line: string) => void): Promise<Part> {
  const [pairs, seconds, resampled] = quick ? [2, 12, 30] : [20, 20, 1000];
  const runOnce = async (factor: number, seed: number): Promise<LoadResult> => {
    for (let tries = 1; ; tries++) {
      await using server = await startServer('random', String(factor * BASE_MS), String(seed * 10 + tries));
      const stages = [{ durationMs: 1000 * (seconds + 2), ratePerSecond: 300 }];
      const load = { kind: 'arrivals', spacing: 'poisson', users: 100, stages } as const;
      const result = await runLoad({ ...planFor(server.url, load, 2000), seed });
      if (result.valid || tries >= MOST_TRIES) return result;
    }
  };
  const before: LoadResult[] = [];
  const same: LoadResult[] = [];
  const slower: LoadResult[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    log(`load-verdicts: pair ${pair + 1} of ${pairs}`);
    before.push(await runOnce(1, 3 * pair + 1));
    same.push(await runOnce(1, 3 * pair + 2));
    slower.push(await runOnce(PLANTED, 3 * pair + 3));
  }
  const usable = [...before, ...same, ...slower].filter(({ valid }) => valid).length;
  const all = 3 * pairs;
  const real = (others: readonly LoadResult[]): Verdict[] =>
    before.map((one, at) => compareLoadResults([one], others.slice(at, at + 1)).verdict);
  log(`load-verdicts: ${resampled} pairs put together from them`);
  const pool = [...before, ...same];
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const drawn = (from: readonly LoadResult[]): LoadResult => {
    const windows: LoadResult['windows'][number][] = [];
    while (windows.length < 20) {
      // Seconds of the measured part that are whole.
      const usual = (from[below(from.length)]?.windows ?? []).filter(
        ({ fromMs, durationMs }) => fromMs >= 0 && durationMs >= 1000,
      );
      const start = below(Math.max(1, usual.length - 5));
      windows.push(...usual.slice(start, start + 5));
    }
    const [first] = from;
    if (first === undefined) throw new Error('There is no run.');
    return {
      ...first,
      valid: true,
      invalidReasons: [],
      // The seconds were chosen already.
      steady: { state: 'not-judged', reason: 'It is put together.' },
      windows: windows.map((window, at) => ({ ...window, fromMs: 1000 * at })),
    };
  };
  const made = (others: readonly LoadResult[]): Verdict[] =>
    Array.from({ length: resampled }, () => compareLoadResults([drawn(pool)], [drawn(others)]).verdict);
  const share = (verdicts: readonly Verdict[], wanted: Verdict): number =>
    verdicts.filter((one) => one === wanted).length / verdicts.length;
  const figures = [
    { what: `${pairs} real pairs of 2 x ${seconds} s, nothing changed`, right: share(real(same), 'no-difference') },
    { what: `${resampled} resampled pairs, nothing changed`, right: share(made(pool), 'no-difference') },
    { what: `${pairs} real pairs, 10 % slower`, right: share(real(slower), 'worse') },
    { what: `${resampled} resampled pairs, 10 % slower`, right: share(made(slower), 'worse') },
  ];
  return {
    rows: figures.map(({ what, right }) => ({
      case: what,
      'right %': 100 * right,
      'valid runs': `${usable} of ${all}`,
    })),
    goals: figures.map(({ what, right }) => ({
      goal: `${what}: the right verdict in at least 95 %`,
      measured: `${(100 * right).toFixed(1)} %`,
      met: right >= 0.95,
    })),
  };
}
