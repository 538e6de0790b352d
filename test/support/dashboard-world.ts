import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../../apps/teamflow/server/start/built-pages.ts';
import type { SeriesWindow, Window } from '../../packages/autopilot/src/contract/series.ts';
import { type ControlPlane, createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ConfiguredAgent } from './configured-agent.ts';
import { TOKEN } from './control-world.ts';
import { gaugeOf, histogramOf, routeOf, seriesOf, windowOf } from './windows.ts';

/** A control plane with the built dashboard, and an hour behind it of two instances that reported. */
export interface DashboardWorld extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly token: string;
  /** web-1 and web-2, whose settings are real ones. */
  readonly agents: readonly ConfiguredAgent[];
}

const WINDOW_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Nobody reported for four minutes, twenty-four minutes ago. */
const GAP = { from: 28 * 60_000, to: 24 * 60_000 };
/** The second instance came with the second release, eight minutes ago. */
const SECOND_MS = 8 * 60_000;

/** Starts it on a free port; the link is in the same process, what agents say over it is made up, all behind it is real. */
export async function dashboardWorld(watch: Readonly<Record<string, string>> = {}): Promise<DashboardWorld> {
  await buildDashboard();
  const plane = await createControlPlane({ port: 0, token: TOKEN, clock: systemClock, watch });
  const now = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS;
  const instances = [
    { instance: 'web-1', release: '1.4.0', since: HOUR_MS, slower: 1 },
    { instance: 'web-2', release: '1.5.0', since: SECOND_MS, slower: 1.6 },
  ];
  const agents: ConfiguredAgent[] = [];
  const timers: NodeJS.Timeout[] = [];
  for (const { instance, release, since, slower } of instances) {
    const agent = new ConfiguredAgent();
    plane.accept(agent.channel);
    agent.say({
      kind: 'hello',
      protocol: 1,
      origin: { service: 'orders', instance, release },
      pid: 4711,
      startedAt: now - since,
      databases: ['main'],
    });
    const windows: Window[] = [];
    for (let start = now - since; start < now; start += WINDOW_MS) {
      const age = now - start;
      if (age <= GAP.from && age > GAP.to) continue;
      windows.push(windowAt(start, WINDOW_MS, slower));
    }
    await agent.windows(windows, [
      { id: 'a1b2', database: 'main', text: 'select * from orders where customer_id = ?' },
    ]);
    agents.push(agent);
    let next = now;
    timers.push(
      setInterval(() => {
        const second = Math.floor(Date.now() / 1000) * 1000;
        for (; next < second; next += 1000) void agent.windows([windowAt(next, 1000, slower)]);
      }, 250),
    );
  }
  return {
    plane,
    token: TOKEN,
    agents,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const agent of agents) agent.close();
      await plane.close();
    },
  };
}

/** Builds the dashboard where its sources have changed since the last time, as a start of TeamFlow does. */
async function buildDashboard(): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'autopilot-dashboard-'));
  try {
    const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
    const pages = {
      name: 'dashboard',
      directory: at('packages/dashboard'),
      output: at('packages/autopilot/assets/dashboard'),
      // As server.ts says it: what either has built serves both.
      alsoReads: [
        at('package-lock.json'),
        at('packages/autopilot/src/contract'),
        at('packages/autopilot/src/kernel'),
        at('packages/autopilot/src/client.ts'),
        at('packages/autopilot/src/client-error.ts'),
        at('packages/autopilot/src/client-stream.ts'),
      ],
    };
    await ensureBuilt(pages, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What the requests of one route or tenant took, with what came in. */
function tookOf(family: 'route' | 'tenant', key: string, durationsMs: readonly number[], errors = 0): SeriesWindow {
  const { cells } = routeOf(key, durationsMs, errors);
  return seriesOf(family, key, { ...cells, bytesReceived: durationsMs.length * 300 });
}

/** What a shop does: a day's waves in an hour, slower where it is busier. */
/** What became of answers: by a dictionary, kept from before, and as they were. */
function sentOf(count: number, wave: number): readonly SeriesWindow[] {
  const sent = (key: string, share: number, bytes: number, ratio: number, cpuMs: number): SeriesWindow => {
    const answers = Math.max(1, Math.round(count * share));
    const bytesIn = Math.round(answers * bytes * wave);
    return seriesOf('compression', key, {
      answers,
      bytesIn,
      bytesOut: Math.round(bytesIn * ratio),
      cpuMs: answers * cpuMs,
      ...(ratio < 1 && { addedMs: histogramOf([cpuMs, cpuMs * 2]) }),
    });
  };
  return [
    sent('dcz:3 GET /orders', 0.3, 20_000, 0.012, 0.03),
    sent('zstd:1 GET /orders', 0.2, 20_000, 0.26, 0.05),
    sent('zstd:1:cached GET /orders', 0.1, 20_000, 0.26, 0.002),
    sent('br:5 GET /orders/:id', 0.1, 4_000, 0.3, 0.2),
    sent('too-small GET /orders/:id', 0.2, 300, 1, 0),
    sent('client-cannot POST /orders', 0.1, 2_000, 1, 0),
  ];
}

function windowAt(start: number, durationMs: number, slower: number): Window {
  const wave = 1 + 0.5 * Math.sin(start / 400_000) + 0.2 * Math.sin(start / 47_000);
  const count = Math.max(1, Math.round((wave * 12 * durationMs) / 1000));
  const durations = (base: number, share: number): number[] =>
    Array.from(
      { length: Math.max(1, Math.round(count * share)) },
      (_, i) => base * slower * wave * (0.6 + ((i * 7919 + start / 1000) % 97) / 60),
    );
  const calls = durations(4, 2);
  return windowOf(
    start,
    [
      tookOf('route', 'GET /orders', durations(18, 0.6), wave > 1.5 ? 1 : 0),
      tookOf('route', 'GET /orders/:id', durations(7, 0.3)),
      tookOf('route', 'POST /orders', durations(60, 0.1)),
      tookOf('tenant', 'acme', durations(18, 0.6)),
      tookOf('tenant', 'globex', durations(30, 0.2)),
      seriesOf(
        'statement',
        'a1b2',
        { calls: calls.length, rows: 40, durationMs: histogramOf(calls) },
        { database: 'main' },
      ),
      seriesOf('route-statement', 'a1b2', { calls: calls.length, totalMs: 90 }, { route: 'GET /orders' }),
      seriesOf('job', 'digest', {
        runs: 2,
        failures: wave > 1.5 ? 1 : 0,
        durationMs: histogramOf([20 * wave, 40]),
        waitMs: histogramOf([5, 9]),
        databaseMs: 6,
        databaseCalls: 4,
      }),
      seriesOf(
        'pool',
        'main',
        {
          size: gaugeOf(6),
          idle: gaugeOf(3),
          waiting: gaugeOf(0),
          max: gaugeOf(10),
          acquired: 9,
          waitMs: histogramOf([0.2]),
        },
        { database: 'main' },
      ),
      ...sentOf(count, wave),
      seriesOf('runtime', 'process', {
        eventLoopDelayMs: histogramOf([1, 2, 6 * wave]),
        eventLoopUtilization: gaugeOf(0.2 * wave),
        cpuUserMs: 0.21 * durationMs * wave,
        cpuSystemMs: 0.03 * durationMs,
        rssBytes: gaugeOf(150e6 + 20e6 * wave),
        heapUsedBytes: gaugeOf(60e6 * wave),
        heapLimitBytes: gaugeOf(2e9),
        externalBytes: gaugeOf(5e6),
        gcMs: histogramOf([1.5]),
        activeRequests: gaugeOf(2),
        diskReadBytes: 4 * durationMs,
        diskWriteBytes: 60 * durationMs * wave,
      }),
    ],
    { durationMs },
  );
}
