import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import type { LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import type { LoadResult } from '../../packages/autopilot/src/load/result.ts';
import { runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import { type BenchFindings, type BenchGoal, type BenchOptions, type BenchRow, median } from '../result.ts';
import { autocannon, hey, type PeerRun, wrk } from './peers.ts';
import { rampTruthMs, type ServerReport, scheduleMs, stallTruthMs } from './truth.ts';

/**
 * Whether the load generator tells the truth, and how fast it is. Against servers that stand still or get slower by a
 * schedule of their own its p99 is compared with what that schedule makes users wait; against a bare node:http server
 * its highest rate with that of wrk, in turns.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const correctness = await measureCorrectness(quick, log);
  const speed = await measureSpeed(quick, log);
  return {
    rows: [...correctness.rows, ...speed.rows],
    goals: [...correctness.goals, ...speed.goals],
    notes: [
      'Truth: a first-come-first-served queue with the stalls and the service time that the server itself measured; no generator has a part in it.',
      `A run that the generator itself calls invalid (it was late, because the machine was busy with other things) is done again, up to ${MOST_TRIES} times; "tries" says how often.`,
      'wrk, hey and autocannon without a rate ask as fast as they are answered; autocannon with a rate corrects by guessing what was left out.',
      'Rates are of one server process on one core, generators in turns; "of wrk" is the median over rounds of the ratio to the wrk run of the same round.',
      `wrk and hey are those of Debian (apt-get install wrk hey); empty: not installed. Load average of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? '?'}.`,
    ],
  };
}

interface Server extends AsyncDisposable {
  readonly url: string;
  report(): Promise<ServerReport>;
}

async function startServer(...mode: readonly string[]): Promise<Server> {
  const child: ChildProcess = fork(new URL('./stalled-server.ts', import.meta.url), mode, {
    execArgv: ['-C', 'source'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the server sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async report() {
      child.send('report');
      const [report] = (await once(child, 'message')) as [ServerReport]; // `as`: what it answers
      return report;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function planFor(url: string, load: LoadPlan['load'], warmupMs = 0): LoadPlan {
  return {
    name: 'bench',
    target: url,
    load,
    warmupMs,
    // With its checks on, as users run it.
    flows: [{ name: 'hello', steps: [{ name: 'hello', path: '/', expect: { status: 200, includes: 'hello' } }] }],
    abort: { errorRatio: 1, waitMs: 30_000 },
  };
}

interface Case {
  readonly name: string;
  readonly mode: readonly string[];
  readonly truth: (report: ServerReport, rate: number) => number;
  /** Rate and connections. */
  readonly loads: readonly (readonly [rate: number, connections: number])[];
  /** Numbers of connections that other generators are asked with as well, at 1,000 a second. */
  readonly beside: readonly number[];
}

/** The rate that has other generators beside it. */
const PEER_RATE = 1000;

const stallLoads = [
  [200, 10],
  [PEER_RATE, 10],
  [PEER_RATE, 50],
  [PEER_RATE, 200],
  [4000, 50],
] as const;

const ramp = (maxDelayMs: number, rate: number, connections: number): Case => ({
  name: `slower and slower, up to ${maxDelayMs} ms`,
  mode: ['ramp', String(maxDelayMs)],
  truth: (report) => rampTruthMs(report, 0.99),
  loads: [[rate, connections]],
  beside: [connections],
});

const cases: readonly Case[] = [
  {
    name: 'one stall of 1 s',
    mode: ['stall', '1', '1000'],
    truth: (report, rate) => stallTruthMs(report, rate, 0.99),
    loads: stallLoads,
    beside: [10, 50, 200],
  },
  {
    name: 'ten stalls of 100 ms',
    mode: ['stall', '10', '100'],
    truth: (report, rate) => stallTruthMs(report, rate, 0.99),
    loads: stallLoads,
    beside: [50],
  },
  // Twice the connections that the slowest moment takes.
  ramp(500, 200, 200),
  ramp(250, 1000, 500),
  ramp(200, 2000, 800),
];

/** Runs of one load until the generator calls one valid. */
const MOST_TRIES = 5;

interface Part {
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
}

async function measureCorrectness(quick: boolean, log: (line: string) => void): Promise<Part> {
  const rows: BenchRow[] = [];
  const seconds = scheduleMs / 1000;
  let worst = 0;
  let unanswered = 0;
  for (const { name, mode, truth, loads, beside } of cases) {
    for (const [rate, connections] of quick ? loads.slice(-1) : loads) {
      log(`load: ${name}, ${rate} a second over ${connections} connections`);
      await using server = await startServer(...mode);
      const stages = [{ durationMs: scheduleMs, ratePerSecond: rate }];
      const plan = planFor(server.url, { kind: 'arrivals', users: connections, stages });
      let tries = 1;
      let { measured, valid } = await runLoad(plan);
      let truthMs = truth(await server.report(), rate);
      for (; !valid && tries < (quick ? 2 : MOST_TRIES); tries++) {
        ({ measured, valid } = await runLoad(plan));
        truthMs = truth(await server.report(), rate);
      }
      const p99Ms = measured.response.p99Ms ?? Number.NaN;
      const off = p99Ms / truthMs - 1;
      if (valid) worst = Math.max(worst, Math.abs(off));
      else unanswered++;
      const peers: Record<string, number | null> = {};
      if (!quick && rate === PEER_RATE && beside.includes(connections)) {
        const asked: PeerRun = { url: server.url, connections, seconds };
        for (const [peer, ask] of [
          ['wrk', wrk],
          ['hey', hey],
          ['autocannon', autocannon],
          ['autocannon -R', (run: PeerRun) => autocannon({ ...run, rate })],
        ] as const) {
          peers[`${peer} p99 ms`] = (await ask(asked))?.p99Ms ?? null;
          // The next one meets the schedule from its beginning.
          await server.report();
        }
      }
      rows.push({
        case: `${name}, ${rate}/s, ${connections} connections`,
        'truth p99 ms': truthMs,
        'p99 ms': p99Ms,
        'off by %': 100 * off,
        valid: valid ? 'yes' : 'no',
        tries,
        ...peers,
      });
    }
  }
  const goal: BenchGoal = {
    goal: 'p99 within 5 % of the truth at every rate and number of connections',
    measured: `off by ${(100 * worst).toFixed(1)} % at most${unanswered === 0 ? '' : `; ${unanswered} cases without a valid run`}`,
    met: worst <= 0.05 && unanswered === 0,
  };
  return { rows, goals: [goal] };
}

interface Contestant {
  readonly name: string;
  readonly rate: (url: string, connections: number, seconds: number) => Promise<number | null>;
}

const contestants: readonly Contestant[] = [
  {
    name: 'wrk',
    rate: async (url, connections, seconds) => (await wrk({ url, connections, seconds }))?.ratePerSecond ?? null,
  },
  {
    name: 'this generator',
    rate: async (url, users, seconds) => {
      const load = { kind: 'users', stages: [{ durationMs: 1000 * seconds + 1000, users }] } as const;
      // One worker, as wrk has one thread: the server has the other core.
      const result: LoadResult = await runLoad(planFor(url, load, 1000), { workers: 1 });
      return result.measured.ratePerSecond;
    },
  },
  {
    name: 'autocannon',
    rate: async (url, connections, seconds) => (await autocannon({ url, connections, seconds })).ratePerSecond,
  },
];

async function measureSpeed(quick: boolean, log: (line: string) => void): Promise<Part> {
  const [rounds, seconds] = quick ? [3, 2] : [7, 4];
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  await using server = await startServer();
  await wrk({ url: server.url, connections: 50, seconds: 2 });
  for (const connections of quick ? [50] : [10, 50, 200]) {
    const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
    const ratios = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      log(`load: rate over ${connections} connections, round ${round + 1} of ${rounds}`);
      const measured = new Map<string, number>();
      for (let turn = 0; turn < contestants.length; turn++) {
        const contestant = contestants[(round + turn) % contestants.length];
        const rate = await contestant?.rate(server.url, connections, seconds);
        if (contestant !== undefined && typeof rate === 'number') measured.set(contestant.name, rate);
      }
      const reference = measured.get('wrk');
      for (const [name, rate] of measured) {
        rates.get(name)?.push(rate);
        if (reference !== undefined) ratios.get(name)?.push(rate / reference);
      }
    }
    for (const { name } of contestants) {
      const [own, toWrk] = [rates.get(name) ?? [], ratios.get(name) ?? []];
      if (own.length === 0) continue;
      rows.push({
        case: `highest rate, ${connections} connections: ${name}`,
        'requests/s': median(own),
        'of wrk': toWrk.length === 0 ? null : median(toWrk),
        spread: toWrk.length === 0 ? null : `${Math.min(...toWrk).toFixed(2)} to ${Math.max(...toWrk).toFixed(2)}`,
      });
    }
    const ours = median(ratios.get('this generator') ?? []);
    goals.push({
      goal: `at least 0.85 of wrk's rate over ${connections} connections, with histograms and checks on`,
      measured: Number.isNaN(ours) ? 'wrk is not installed' : ours.toFixed(2),
      met: ours >= 0.85,
    });
  }
  return { rows, goals };
}
