import type { SeriesWindow, Window } from '../../packages/autopilot/src/contract/series.ts';
import { createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import type { ControlChannel, UpMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';

/** What the control plane's answers cost with an hour of a service in memory whose 1,000 routes are all called every second. */

const TOKEN = 'a-token-for-benchmarks-0123456789abcdef';
const ROUTES = 1000;
const STATEMENTS = 1000;
const DOCUMENT_GOAL_MS = 100;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const seconds = quick ? 600 : 3600;
  const rounds = quick ? 5 : 20;
  const clock = new FakeClock(1_700_000_000_000);
  const plane = await createControlPlane({ port: 0, token: TOKEN, clock, maxFactBytes: 1024 ** 3 });
  try {
    const agent = linkedAgent((channel) => plane.accept(channel));
    const templates = Array.from({ length: 20 }, (_, i) => seriesOfSecond(i));
    const compactions: Cost[] = [];
    let second = 0;
    const next = async (): Promise<Cost> => {
      const window: Window = {
        start: clock.now(),
        durationMs: 1000,
        series: templates[second++ % templates.length] ?? [],
        overflow: {},
      };
      clock.advance(1000);
      const cost = await costOf(() => agent([window]));
      // As the control plane's own timer does, which runs on the wall clock, slower than this loop.
      compactions.push(await costOf(() => plane.compact()));
      return cost;
    };
    log(`filling ${seconds} s of ${ROUTES} routes and ${STATEMENTS} statements`);
    const appends: Cost[] = [];
    for (let filled = 0; filled < seconds; filled++) appends.push(await next());
    const rows: BenchRow[] = [
      { call: 'take one window of 1 s', ...meanOf(appends), kilobytes: null },
      { call: 'merge and drop, once a second', ...meanOf(compactions), kilobytes: null },
    ];
    const ask = async (path: string): Promise<Cost & { bytes: number }> => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      let bytes = 0;
      const cost = await costOf(async () => {
        const response = await plane.handler(new Request(`http://x/api/v1/performance/${path}`, { headers }));
        const text = await response.text();
        if (response.status !== 200) throw new Error(`${path}: ${text}`);
        bytes = text.length;
      });
      return { ...cost, bytes };
    };
    const measured = new Map<string, number>();
    for (const path of [
      'dashboard?minutes=1',
      'dashboard?minutes=5',
      'dashboard?minutes=15',
      'dashboard?minutes=60',
      'health',
      'routes',
      'routes?sort=p99Ms',
      'metrics?kind=route',
      `metrics?kind=route&route=${encodeURIComponent('GET /r/7')}`,
      'metrics?kind=runtime',
    ]) {
      const costs: Cost[] = [];
      let bytes = 0;
      for (let round = 0; round < rounds; round++) {
        // A second later nothing is answered from the second before.
        await next();
        const answer = await ask(path);
        costs.push(answer);
        bytes = answer.bytes;
      }
      const again = await ask(path);
      const cost = medianOf(costs);
      measured.set(path, cost['CPU ms']);
      rows.push({ call: path, ...cost, 'CPU ms again': again.cpuMs, kilobytes: bytes / 1000 });
    }
    const usual = measured.get('dashboard?minutes=5') ?? Number.NaN;
    const longest = measured.get('dashboard?minutes=60') ?? Number.NaN;
    const megabytes = plane.factBytes / 1e6;
    rows.push({ call: 'memory of the facts', 'CPU ms': null, ms: null, kilobytes: megabytes * 1000 });
    return {
      rows,
      goals: [
        {
          goal: `the dashboard of five minutes well under ${DOCUMENT_GOAL_MS} ms`,
          measured: `${usual.toFixed(1)} ms of CPU`,
          met: usual < DOCUMENT_GOAL_MS / 2,
        },
        {
          goal: `the dashboard of an hour under ${DOCUMENT_GOAL_MS} ms`,
          measured: `${longest.toFixed(1)} ms of CPU`,
          met: longest < DOCUMENT_GOAL_MS,
        },
      ],
      notes: [
        `${seconds} s of one instance; each of ${ROUTES} routes and ${STATEMENTS} statements called in every second; medians of ${rounds} rounds.`,
        'From the request to the end of its text, handler only, without the network: CPU time of its thread, which other load on the machine does not change, and elapsed time. "again": a second caller within the same second.',
        `Facts: ${megabytes.toFixed(1)} MB as the store counts them.`,
      ],
    };
  } finally {
    await plane.close();
  }
}

interface Cost {
  /** Of the thread that runs JavaScript, without those that collect garbage beside it. */
  readonly cpuMs: number;
  readonly ms: number;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const cpu = process.threadCpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.threadCpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, ms };
}

/** Most seconds merge nothing and every sixtieth much: their mean is what it costs. */
function meanOf(costs: readonly Cost[]): { readonly 'CPU ms': number; readonly ms: number } {
  const mean = (of: (cost: Cost) => number): number => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return { 'CPU ms': mean(({ cpuMs }) => cpuMs), ms: mean(({ ms }) => ms) };
}

function medianOf(costs: readonly Cost[]): { readonly 'CPU ms': number; readonly ms: number } {
  return { 'CPU ms': median(costs.map(({ cpuMs }) => cpuMs)), ms: median(costs.map(({ ms }) => ms)) };
}

/** A link in the same process; the function hands windows over and resolves when they were taken. */
function linkedAgent(accept: (channel: ControlChannel) => void): (windows: readonly Window[]) => Promise<void> {
  let toControl: (message: UpMessage) => void = () => {};
  let acknowledged: () => void = () => {};
  accept({
    send: (message) => {
      if (message.kind === 'ack') acknowledged();
      return true;
    },
    onMessage: (listener) => {
      toControl = listener;
    },
    onClose: () => {},
    close: () => {},
  });
  const origin = { service: 'orders', instance: 'one', release: '1' };
  toControl({ kind: 'hello', protocol: 1, origin, pid: 1, startedAt: 1_700_000_000_000, databases: ['main'] });
  let sequence = 0;
  return (windows) =>
    new Promise((resolve) => {
      acknowledged = resolve;
      toControl({ kind: 'windows', sequence: ++sequence, windows, statements: [] });
    });
}

/** Deterministic, so that two runs measure the same. */
function seriesOfSecond(seed: number): SeriesWindow[] {
  let state = seed + 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const durations = (n: number, base: number): Uint8Array => {
    const histogram = new ExponentialHistogram();
    for (let i = 0; i < n; i++) histogram.record(base * (0.5 - Math.log(1 - random())));
    return histogram.encode();
  };
  const level = (value: number): { count: number; sum: number; min: number; max: number } => ({
    count: 1,
    sum: value,
    min: value,
    max: value,
  });
  const routes = Array.from({ length: ROUTES }, (_, i): SeriesWindow => {
    const requests = 1 + Math.floor(random() * 8);
    return {
      family: 'route',
      key: `GET /r/${i}`,
      database: null,
      route: null,
      cells: {
        requests,
        errors: random() < 0.01 ? 1 : 0,
        durationMs: durations(requests, 5 + (i % 90)),
        bytesSent: requests * 2345,
        databaseCalls: requests * 2,
        databaseMs: requests * 3.25,
      },
    };
  });
  const statements = Array.from({ length: STATEMENTS }, (_, i): SeriesWindow => {
    const calls = 1 + Math.floor(random() * 4);
    return {
      family: 'statement',
      key: `s${i}`,
      database: 'main',
      route: null,
      cells: { calls, rows: calls * 10, durationMs: durations(calls, 1 + (i % 20)) },
    };
  });
  const pairs = Array.from(
    { length: STATEMENTS },
    (_, i): SeriesWindow => ({
      family: 'route-statement',
      key: `s${i}`,
      database: null,
      route: `GET /r/${(i * 7) % ROUTES}`,
      cells: { calls: 2, totalMs: 4.5 },
    }),
  );
  const pool: SeriesWindow = {
    family: 'pool',
    key: 'main',
    database: 'main',
    route: null,
    cells: {
      size: level(8),
      idle: level(3),
      waiting: level(0),
      max: level(10),
      acquired: 900,
      waitMs: durations(20, 0.2),
    },
  };
  const runtime: SeriesWindow = {
    family: 'runtime',
    key: 'process',
    database: null,
    route: null,
    cells: {
      eventLoopDelayMs: durations(50, 2),
      eventLoopUtilization: level(0.4),
      cpuUserMs: 410.5,
      cpuSystemMs: 60.25,
      rssBytes: level(2e8),
      heapUsedBytes: level(9e7),
      heapLimitBytes: level(2e9),
      externalBytes: level(1e7),
      gcMs: durations(3, 1),
      activeRequests: level(4),
    },
  };
  return [...routes, ...statements, ...pairs, pool, runtime];
}
