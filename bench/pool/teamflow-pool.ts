import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { runLoad } from '@teamflow/autopilot/load';
import { everyday, teamflow as plan, withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { sampleMembers } from '../../apps/teamflow/load/sample-members.ts';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import { type BenchOptions, median } from '../result.ts';

const USERS = 16;
const STARTED_WITH = 16;
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16] as const;
const MOST_STEPS = 5;
const LONGEST_MS = 20 * 60_000;

/** What a size of TeamFlow's pool did under its mix. */
export interface TeamFlowSize {
  readonly size: number;
  readonly requestsPerSecond: number;
  /** Open connections that nobody used, of `size`, on average. */
  readonly idleRatio: number;
}

/** Where the advice led to, and what all sizes did. */
export interface TeamFlowPool {
  readonly advised: number;
  readonly sizes: readonly TeamFlowSize[];
}

/**
 * The pool of a real TeamFlow under its mix of an ordinary day, asked again as soon as it has answered: follows the advice of its
 * autopilot from a large pool until that says leave, then tries all sizes in turns, changed while it runs.
 */
export async function teamflowPool(quick: boolean, log: BenchOptions['log']): Promise<TeamFlowPool> {
  const state = await mkdtemp(join(tmpdir(), 'bench-pool-'));
  try {
    const advised = await followAdvice(state, quick, log);
    await using teamflow = await start(state, {});
    await using load = await drive(teamflow, state);
    const client = clientOf(teamflow);
    await sleep(quick ? 5_000 : 20_000);
    const tried = [...new Set<number>([...SIZES, advised])].toSorted((a, b) => a - b);
    const found = new Map<number, TeamFlowSize[]>(tried.map((size) => [size, []]));
    for (let turn = 0; turn < (quick ? 1 : 3); turn++) {
      for (const size of turn % 2 === 0 ? tried : tried.toReversed()) {
        await resize(client, size);
        // A smaller pool shrinks as its connections are given back.
        await sleep(2_000);
        const one = { size, ...(await load.during(quick ? 3_000 : 8_000)), idleRatio: (await idleOf(client)) / size };
        found.get(size)?.push(one);
      }
    }
    return { advised, sizes: Array.from(found.values(), inTheMiddle) };
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Each step in a process of its own: what is told of a pool is of five minutes. */
async function followAdvice(state: string, quick: boolean, log: BenchOptions['log']): Promise<number> {
  let size = STARTED_WITH;
  for (let step = 0; step < (quick ? 2 : MOST_STEPS); step++) {
    await using teamflow = await start(state, { AUTOPILOT__DATABASE__POOL_MAX: String(size) });
    await using load = await drive(teamflow, state);
    await load.during(quick ? 15_000 : 60_000);
    const { poolAdvice } = await clientOf(teamflow).getDatabaseConnections();
    // Its background jobs have a pool of their own.
    const [advice] = poolAdvice.toSorted((a, b) => b.ratePerSecond - a.ratePerSecond);
    if (advice === undefined) throw new Error('TeamFlow tells of no pool.');
    log(`pool: TeamFlow: ${advice.action} ${advice.size} -> ${advice.advised}: ${advice.reasons.join(' ')}`);
    if (advice.action === 'leave') break;
    size = advice.advised;
  }
  return size;
}

async function start(state: string, variables: Readonly<Record<string, string>>): Promise<TeamFlowProcess> {
  return await startTeamFlow(state, {
    TEAMFLOW_TRUSTED_PROXIES: '127.0.0.1',
    // What is turned away asks the database nothing, and would be counted as fast.
    AUTOPILOT__OVERLOAD__ENABLED: 'false',
    ...variables,
  });
}

interface Load extends AsyncDisposable {
  /** Lets it go on for so long. @throws when it has ended */
  during(durationMs: number): Promise<Pick<TeamFlowSize, 'requestsPerSecond'>>;
}

async function drive({ url, administrator }: TeamFlowProcess, state: string): Promise<Load> {
  const kept = await readFile(join(state, 'sample-member'), 'utf8');
  const [, memberPassword = ''] = /^password: (.+)$/m.exec(kept) ?? [];
  const members = await sampleMembers({ url, ...administrator, memberPassword, count: USERS });
  const over = new AbortController();
  let last = { elapsedMs: 0, requests: 0 };
  const running = runLoad(
    {
      ...plan,
      name: 'pool',
      target: url,
      data: { members: { rows: members.map((member) => ({ ...member })), pick: 'user' } },
      load: { kind: 'users', stages: [{ durationMs: LONGEST_MS, users: members.length }] },
      flows: withoutPauses(everyday),
      abort: { errorRatio: 0.5, waitMs: 60_000 },
    },
    { signal: over.signal, onProgress: ({ elapsedMs, requests }) => void (last = { elapsedMs, requests }) },
  );
  const ended = running.then(
    ({ state: how }) => `it was ${how}`,
    (error: unknown) => String(error),
  );
  return {
    async during(durationMs) {
      const before = last;
      const how = await Promise.race([ended, sleep(durationMs)]);
      if (how !== undefined) throw new Error(`The load ended: ${how}.`);
      const took = last.elapsedMs - before.elapsedMs;
      return { requestsPerSecond: took > 0 ? (1_000 * (last.requests - before.requests)) / took : Number.NaN };
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}

async function resize(client: Client, poolMax: number): Promise<void> {
  const { version } = await client.getConfig();
  await client.patchConfig({ database: { poolMax } }, { ifVersion: version, note: 'bench' });
}

/** Idle connections of the pool that is asked most, on average over the last seconds. */
async function idleOf(client: Client): Promise<number> {
  const { poolAdvice } = await client.getDatabaseConnections();
  const [busiest] = poolAdvice.toSorted((a, b) => b.ratePerSecond - a.ratePerSecond);
  const { frame } = await client.getMetrics({
    kind: 'pool',
    measure: ['poolIdle'],
    from: new Date(Date.now() - 7_000).toISOString(),
    step: 1_000,
    ...(busiest === undefined ? {} : { pool: busiest.pool }),
  });
  const levels = (frame.columns['poolIdle'] ?? []).filter((value) => value !== null);
  return levels.reduce((sum, value) => sum + value, 0) / levels.length;
}

function inTheMiddle(turns: readonly TeamFlowSize[]): TeamFlowSize {
  const of = (value: (turn: TeamFlowSize) => number): number => median(turns.map(value));
  return {
    size: turns[0]?.size ?? Number.NaN,
    requestsPerSecond: of(({ requestsPerSecond }) => requestsPerSecond),
    idleRatio: of(({ idleRatio }) => idleRatio),
  };
}

function clientOf({ controlPlaneUrl, token }: TeamFlowProcess): Client {
  return createClient({ baseUrl: controlPlaneUrl, token: () => token });
}
