import { arch, cpus, hostname, platform, release, totalmem } from 'node:os';
import process from 'node:process';
import type { BenchmarkReport } from '../contract/benchmarks.ts';
import { LOAD_MARK_HEADER } from '../contract/load-tests.ts';
import { messageOf } from '../kernel/errors.ts';
import { type LoadPlan, runLoad } from '../load/load.ts';
import { measureDatabase } from '../postgres/database-rounds.ts';
import type { BenchmarkOrder, BenchmarkProgress } from './benchmark-protocol.ts';
import { machineUse, othersBusyRatio } from './machine-use.ts';
import { processorRounds } from './processor-rounds.ts';
import { type Rounds, scoreParts } from './score-parts.ts';
import { API_USERS, DATABASE_CONNECTIONS, ROUNDS, SUITE_VERSION } from './suite.ts';

/** In rounds' times of the API: until its figures count, and of each round. */
const API_WARMUP = 20;
const API_ROUND = 10;
/** A longest figure's time in the database is four rounds' and a commit's. */
const SHARES = { processor: 0.3, database: 0.6 } as const;

/**
 * Runs the suite: what the processor alone decides first, then the database, the API last, which is the only part that loads the
 * service. A part that can't be measured is left out, with the reason; the rest stands.
 */
export async function runBenchmark(
  order: BenchmarkOrder,
  onProgress: (progress: BenchmarkProgress) => void,
): Promise<BenchmarkReport> {
  const began = performance.now();
  const rounds = new Map<string, Rounds>();
  const leftOut = new Map<string, string>();
  const invalidReasons: string[] = [];

  const from = machineUse();
  await measureProcessor(order.roundMs, rounds, onProgress);
  const others = othersBusyRatio(from, machineUse());
  if (others > order.maxBusyRatio) {
    invalidReasons.push(
      `Others took ${percent(others)} of the machine while it was measured; at most ${percent(order.maxBusyRatio)} may be (benchmark.maxBusyRatio).`,
    );
  }

  let database: string | null = null;
  onProgress({ progress: SHARES.processor, part: 'database' });
  if (order.databaseUrl === null) leftOut.set('database', 'No database is watched.');
  else {
    try {
      const found = await measureDatabase({
        url: order.databaseUrl,
        commitUrl: order.commitUrl,
        rounds: ROUNDS,
        roundMs: order.roundMs,
        connections: DATABASE_CONNECTIONS,
        onRound: (done) =>
          onProgress({
            progress: SHARES.processor + (SHARES.database - SHARES.processor) * (done / ROUNDS),
            part: 'database',
          }),
      });
      database = found.version;
      for (const [id, values] of found.rounds) rounds.set(`database/${id}`, values);
    } catch (error) {
      leftOut.set('database', `It can't be measured: ${messageOf(error)}`);
    }
  }

  onProgress({ progress: SHARES.database, part: 'api' });
  if (order.target === null) {
    leftOut.set(
      'api',
      'There is no service that may be asked: this control plane belongs to no application, and load.targets names none.',
    );
  } else {
    const api = await measureApi(order, order.target, onProgress);
    if (api.leftOut !== null) leftOut.set('api', api.leftOut);
    invalidReasons.push(...api.invalidReasons);
    rounds.set('api/requests', api.requests);
    rounds.set('api/p95', api.p95);
  }
  return {
    suite: SUITE_VERSION,
    ...scoreParts({ rounds, leftOut }),
    invalidReasons,
    machine: {
      host: hostname(),
      platform: `${platform()} ${release()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.versions.node,
      database,
      releases: order.releases,
    },
    othersBusyRatio: others,
    tookMs: performance.now() - began,
  };
}

async function measureProcessor(
  roundMs: number,
  rounds: Map<string, Rounds>,
  onProgress: (progress: BenchmarkProgress) => void,
): Promise<void> {
  const work = [...processorRounds()].flatMap(([id, round]) => {
    const values: number[] = [];
    if (round !== null) return [{ id, round, values }];
    rounds.set(id, { leftOut: 'This runtime has no such coding.' });
    return [];
  });
  // What is compiled while it runs for the first time is no round.
  for (const { round } of work) await round(roundMs / 2);
  for (let at = 0; at < ROUNDS; at++) {
    onProgress({ progress: (SHARES.processor * at) / ROUNDS, part: at < ROUNDS / 2 ? 'runtime' : 'compression' });
    for (const { round, values } of work) {
      values.push(await round(roundMs));
      // Messages and timers have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  for (const { id, values } of work) rounds.set(id, values);
}

interface ApiRounds {
  readonly requests: readonly number[];
  readonly p95: readonly number[];
  readonly leftOut: string | null;
  readonly invalidReasons: readonly string[];
}

async function measureApi(
  { runId, mark, roundMs }: BenchmarkOrder,
  { origin, path, rules }: NonNullable<BenchmarkOrder['target']>,
  onProgress: (progress: BenchmarkProgress) => void,
): Promise<ApiRounds> {
  const warmupMs = API_WARMUP * roundMs;
  const durationMs = warmupMs + ROUNDS * API_ROUND * roundMs;
  const plan: LoadPlan = {
    name: 'benchmark',
    target: origin,
    load: { kind: 'users', stages: [{ durationMs, users: API_USERS }] },
    warmupMs,
    headers: { [LOAD_MARK_HEADER]: mark },
    flows: [{ name: 'api', steps: [{ name: 'api', path: path.replaceAll('${', '%24%7B') }] }],
    abort: { errorRatio: 0.05 },
  };
  const nothing = (reason: string): ApiRounds => ({ requests: [], p95: [], leftOut: reason, invalidReasons: [] });
  try {
    const result = await runLoad(plan, {
      targets: rules,
      runId,
      workers: 1,
      onProgress: ({ elapsedMs }) =>
        onProgress({
          progress: SHARES.database + (1 - SHARES.database) * Math.min(1, elapsedMs / durationMs),
          part: 'api',
        }),
    });
    if (result.stop !== null) return nothing(`GET ${path}: ${result.stop.message}`);
    const { errorRatio } = result.measured;
    if (errorRatio !== null && errorRatio > 0) {
      const kinds = result.steps.flatMap(({ errors }) => errors.map(({ kind }) => kind));
      return nothing(
        `GET ${path} failed in ${percent(errorRatio)} of the cases: ${kinds.join(', ')}. benchmark.path sets another path.`,
      );
    }
    const measured = result.windows.filter(({ fromMs, done }) => fromMs >= 0 && done > 0);
    const whole = measured.filter((window) => window.durationMs >= 1000);
    const windows = whole.length > 0 ? whole : measured;
    return {
      requests: windows.map((window) => (1000 * window.done) / window.durationMs),
      p95: windows.flatMap(({ response }) => response.p95Ms ?? []),
      leftOut: null,
      // Closed users without a pause keep the generator as busy as it can be: being busy is no fault of it here.
      invalidReasons: [],
    };
  } catch (error) {
    return nothing(`GET ${path} can't be measured: ${messageOf(error)}`);
  }
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.01 ? 2 : 0)} %`;
}
