import { compareLoadResults, type LoadResult, runLoad, type Verdict } from '@teamflow/autopilot/load';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';
import { planFor, startSlowServer } from './start-slow-server.ts';

/**
 * Whether a comparison finds no difference where there is none, and one of 10 % where there is one, of real pairs and of many put
 * together from their seconds.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const { rows, goals } = await measureComparisons(quick, log);
  return {
    rows,
    goals,
    notes: [
      `The server answers after a random time, log-normal with a median of ${BASE_MS} ms; it sleeps and works not. Arrivals are Poisson. Two runs, of different pairs, are made at a time.`,
      'Resampled: each side 20 seconds, drawn in blocks of 5 from all runs of its kind. Runs that the generator calls invalid are done again.',
    ],
  };
}

interface Part {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
}

const BASE_MS = 12;
const PLANTED = 1.1;
const MOST_TRIES = 3;
/** Runs at a time: neither server nor generator has much to do. */
const LANES = 2;

async function measureComparisons(quick: boolean, log: (line: string) => void): Promise<Part> {
  const [pairs, seconds, resampled] = quick ? [2, 12, 30] : [20, 20, 1000];
  const runOnce = async (factor: number, seed: number): Promise<LoadResult> => {
    for (let tries = 1; ; tries++) {
      await using server = await startSlowServer('random', String(factor * BASE_MS), String(seed * 10 + tries));
      const stages = [{ durationMs: 1000 * (seconds + 2), ratePerSecond: 300 }];
      const load = { kind: 'arrivals', spacing: 'poisson', users: 100, stages } as const;
      const result = await runLoad({ ...planFor(server.url, load, 2000), seed });
      if (result.valid || tries >= MOST_TRIES) return result;
    }
  };
  const before: LoadResult[] = [];
  const same: LoadResult[] = [];
  const slower: LoadResult[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let pair = next++; pair < pairs; pair = next++) {
      log(`load-verdicts: pair ${pair + 1} of ${pairs}`);
      // One after the other: two runs of a pair that share their second would share its trouble.
      before[pair] = await runOnce(1, 3 * pair + 1);
      same[pair] = await runOnce(1, 3 * pair + 2);
      slower[pair] = await runOnce(PLANTED, 3 * pair + 3);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
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
