import { availableParallelism } from 'node:os';
import { poolAdvice } from '../../packages/autopilot/src/advise/pool-advice.ts';
import { predictPool } from '../../packages/autopilot/src/advise/pool-model.ts';
import { startServer } from '../databases/bench-database.ts';
import { type BenchFindings, type BenchGoal, type BenchOptions, type BenchRow, median } from '../result.ts';
import { type Ask, closedRun, openRun, type PoolRun } from './measured-pool.ts';
import { teamflowPool } from './teamflow-pool.ts';

/** Sizes, and the mean time that a caller keeps a connection there: so that each is asked several hundred times a second. */
const SIZES = [
  { size: 2, useMs: 3, durationMs: 20_000 },
  { size: 4, useMs: 5, durationMs: 13_000 },
  { size: 6, useMs: 7, durationMs: 12_000 },
  { size: 10, useMs: 10, durationMs: 12_000 },
  { size: 16, useMs: 15, durationMs: 12_000 },
] as const;
const LOADS = [0.6, 0.7, 0.8] as const;
const MOST_ROOM = 90;
const MOST_STEPS = 6;
const MOST_IDLE = 0.2;

const sleepFor =
  (meanMs: number): Ask =>
  (pool, exponential) =>
    pool.query('SELECT pg_sleep($1)', [exponential(meanMs) / 1_000]);
const count: Ask = (pool) => pool.query('SELECT count(*) FROM generate_series(1, 20000)');

/** Work that clients ask for again and again. */
interface Work {
  readonly name: string;
  readonly clients: number;
  readonly thinkMs: number;
  readonly ask: Ask;
  readonly sizes: readonly number[];
  /** How long a step of the walk is: advice needs a thousand callers. */
  readonly stepMs: number;
  /** What is known of the server's processors. */
  readonly cores: number | null;
}

const WORKS: readonly Work[] = [
  {
    name: 'work for the processors',
    clients: 24,
    thinkMs: 0,
    ask: count,
    sizes: [1, 2, 3, 4, 6, 10, 16],
    stepMs: 4_000,
    cores: availableParallelism(),
  },
  {
    name: 'waiting, as for disks',
    clients: 30,
    thinkMs: 60,
    ask: sleepFor(12),
    sizes: [2, 4, 6, 8, 12, 16],
    stepMs: 10_000,
    cores: null,
  },
];

/**
 * How well the queueing model foretells the mean wait for a connection, on a real pool and server, and whether the size that
 * is advised does as well as the best found by trying them all: from a small pool for two kinds of work, from a large one for a real TeamFlow.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  await using server = await startServer(18);
  const url = server.server.url('postgres');
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  const errors: number[] = [];
  for (const { size, useMs, durationMs } of quick ? SIZES.slice(1, 3) : SIZES) {
    for (const load of quick ? LOADS.slice(1, 2) : LOADS) {
      const rate = await rateFor(url, size, useMs, load);
      log(`pool: ${size} connections, ${Math.round(100 * load)} % in use`);
      const found = await openRun(url, size, rate, quick ? 4_000 : durationMs, sleepFor(useMs));
      const { waitMeanMs, utilization } = predictPool(found, size);
      const error = Math.abs((waitMeanMs ?? Number.POSITIVE_INFINITY) / found.waitMeanMs - 1);
      errors.push(error);
      rows.push({
        run: `${size} connections, ${Math.round(100 * load)} %`,
        callers: found.acquired,
        'in use %': 100 * utilization,
        'use ms': found.useMs,
        variation: found.useVariation,
        'wait ms': found.waitMeanMs,
        'foretold ms': waitMeanMs,
        'off by %': 100 * error,
      });
    }
  }
  const worst = Math.max(...errors);
  goals.push({
    goal: `the mean wait is foretold within 25 % in each of ${errors.length} runs`,
    measured: `${(100 * worst).toFixed(1)} % off at worst, ${(100 * median(errors)).toFixed(1)} % in the median`,
    met: worst <= 0.25,
  });
  for (const work of WORKS) {
    const { advised, throughputs } = await walk(url, work, quick, log);
    for (const [size, perSecond] of throughputs)
      rows.push({
        run: `${work.name}, ${size}`,
        'calls/s': perSecond,
        advised: size === advised ? 'advised' : '',
      });
    const best = Math.max(...throughputs.values());
    const reached = (throughputs.get(advised) ?? 0) / best;
    goals.push({
      goal: `${work.name}: the advised size does within 3 % of the best`,
      measured: `${(100 * reached).toFixed(1)} % of the best with ${advised} connections`,
      met: reached >= 0.97,
    });
  }
  const { advised, sizes } = await teamflowPool(quick, log);
  for (const { size, requestsPerSecond, idleRatio } of sizes)
    rows.push({
      run: `TeamFlow's mix, ${size}`,
      'calls/s': requestsPerSecond,
      'idle %': 100 * idleRatio,
      advised: size === advised ? 'advised' : '',
    });
  const most = Math.max(...sizes.map(({ requestsPerSecond }) => requestsPerSecond));
  const chosen = sizes.find(({ size }) => size === advised);
  const reached = (chosen?.requestsPerSecond ?? 0) / most;
  const idle = chosen?.idleRatio ?? 1;
  goals.push(
    {
      goal: "TeamFlow's mix: the advised size does within 3 % of the best",
      measured: `${(100 * reached).toFixed(1)} % of the best with ${advised} connections`,
      met: reached >= 0.97,
    },
    {
      goal: "TeamFlow's mix: at most 20 % of the advised size is idle on average",
      measured: `${(100 * idle).toFixed(1)} %`,
      met: idle <= MOST_IDLE,
    },
  );
  return {
    rows,
    goals,
    notes: [
      'Callers come as a Poisson process; each keeps a connection for an exponential time (pg_sleep). What is foretold rests on the rate, the mean use and its variation of the same run, as the agent measures them.',
      'The walk begins with the smallest size and follows the advice until it says leave; then all sizes are tried in turns, three times, and the median counts.',
      "TeamFlow's mix: a whole TeamFlow with its sample data, 16 users who ask again as soon as they are answered; its overload protection is off, since what is turned away asks no database. `calls/s` are requests there, and its pool is resized while it runs.",
    ],
  };
}

/** Callers a second that keep so large a part of the pool in use; a sleep takes a little longer than it was asked to. */
async function rateFor(url: string, size: number, useMs: number, load: number): Promise<number> {
  const trial = await closedRun(url, size, Math.max(1, Math.round(size * load)), 0, 1_500, sleepFor(useMs));
  return (load * size * 1_000) / trial.useMs;
}

async function walk(
  url: string,
  { name, clients, thinkMs, ask, sizes, stepMs, cores }: Work,
  quick: boolean,
  log: (line: string) => void,
): Promise<{ readonly advised: number; readonly throughputs: ReadonlyMap<number, number> }> {
  const runAt = (size: number, durationMs: number): Promise<PoolRun> =>
    closedRun(url, size, clients, thinkMs, durationMs, ask);
  let size = sizes[0] ?? 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { action, advised, reasons } = poolAdvice(await runAt(size, stepMs), { room: MOST_ROOM, cores });
    log(`pool: ${name}: ${action} ${size} -> ${advised}: ${reasons.join(' ')}`);
    if (action === 'leave') break;
    size = advised;
  }
  const tried = new Map([...new Set([...sizes, size])].toSorted((a, b) => a - b).map((one) => [one, [] as number[]]));
  for (let turn = 0; turn < (quick ? 1 : 3); turn++)
    for (const [one, found] of tried) found.push((await runAt(one, quick ? 1_000 : 3_000)).perSecond);
  return { advised: size, throughputs: new Map(Array.from(tried, ([one, found]) => [one, median(found)])) };
}
