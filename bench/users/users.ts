import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@teamflow/autopilot/client';
import { type Flow, type LoadPlan, type LoadReport, runLoadTest } from '@teamflow/autopilot/load';
import { everyday } from '../../apps/teamflow/load/journeys.ts';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';
import { signedIn } from './signed-in.ts';

const USERS = 1000;
const THINK_MS = 5000;
const MOST_P95_MS = 200;
const MOST_RSS_BYTES = 512 * 1024 * 1024;

/**
 * TeamFlow with medium sample data, its autopilot on, and 1,000 signed-in users who think five seconds between two requests; then
 * five times the usual arrivals, and back. Ten minutes; quick: one.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const state = await mkdtemp(join(tmpdir(), 'teamflow-users-'));
  try {
    log('users: starting TeamFlow with medium data');
    await using teamflow = await startTeamFlow(state, {
      TEAMFLOW_DATA: 'medium',
      TEAMFLOW_TRUSTED_PROXIES: '127.0.0.1',
    });
    log(`users: signing ${USERS} in`);
    const common = {
      ...(await signedIn(teamflow, state, USERS)),
      abort: { errorRatio: 0.5, waitMs: 60_000 },
    };

    const [warmupMs, minutes] = quick ? [20_000, 1] : [60_000, 10];
    log(`users: ${minutes} minutes`);
    const users = await measured(teamflow, 'load', log, {
      ...common,
      name: `${USERS} users, ${THINK_MS / 1000} s of think time`,
      load: {
        kind: 'users',
        // They come one after the other: a thousand at one instant are no ordinary day.
        stages: [
          { durationMs: warmupMs, users: 1, toUsers: USERS },
          { durationMs: 60_000 * minutes, users: USERS },
        ],
        thinkMs: { minMs: 0.5 * THINK_MS, maxMs: 1.5 * THINK_MS },
      },
      warmupMs,
      flows: everyday.map(thinking),
    });
    const [partMs, rate] = quick ? [15_000, 10] : [40_000, 10];
    log('users: five times the usual, and back');
    const spike = await measured(teamflow, 'spike', log, {
      ...common,
      name: `${rate} journeys a second, five times that for ${partMs / 2000} s`,
      load: {
        kind: 'arrivals',
        spacing: 'poisson',
        users: USERS,
        stages: [{ durationMs: 2.5 * partMs + 10_000, ratePerSecond: rate }],
        spikes: [{ atMs: partMs + 10_000, durationMs: partMs / 2, ratePerSecond: 5 * rate }],
      },
      warmupMs: 10_000,
      flows: everyday,
    });
    return findings(users, spike);
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Measured {
  readonly report: LoadReport;
  /** The most that TeamFlow's own process took. */
  readonly rssBytes: number;
  readonly name: string;
}

async function measured(
  { controlPlaneUrl, token }: TeamFlowProcess,
  kind: 'load' | 'spike',
  log: (line: string) => void,
  given: LoadPlan,
): Promise<Measured> {
  const from = new Date().toISOString();
  let saidAt = 0;
  const report = await runLoadTest(kind, given, {
    onProgress: ({ phase, elapsedMs, requests, p95Ms, failed, timedOut }) => {
      if (performance.now() - saidAt < 15_000) return;
      saidAt = performance.now();
      log(
        `users: ${phase} ${(elapsedMs / 1000).toFixed(0)} s, ${requests} requests, p95 ${p95Ms?.toFixed(0) ?? '-'} ms, ${failed + timedOut} failed`,
      );
    },
  });
  const client = createClient({ baseUrl: controlPlaneUrl, token: () => token });
  const { frame } = await client.getMetrics({ service: 'teamflow', kind: 'runtime', measure: ['rssBytes'], from });
  const levels = (frame.columns['rssBytes'] ?? []).filter((value) => value !== null);
  return { report, rssBytes: Math.max(...levels), name: given.name };
}

/** The flow with the users' pause after each of its requests. */
function thinking(flow: Flow): Flow {
  const thinkMs = { minMs: 0.5 * THINK_MS, maxMs: 1.5 * THINK_MS };
  return { ...flow, steps: flow.steps.map((step) => ({ ...step, thinkMs })) };
}

function findings(users: Measured, spike: Measured): BenchFindings {
  const rows: BenchRow[] = [users, spike].map(({ report: { result }, rssBytes, name }) => ({
    case: name,
    'requests/s': result.measured.ratePerSecond,
    'p50 ms': result.measured.response.p50Ms,
    'p95 ms': result.measured.response.p95Ms,
    'p99 ms': result.measured.response.p99Ms,
    failed: result.measured.failed + result.measured.timedOut,
    'memory MB': rssBytes / 1024 / 1024,
    valid: result.valid ? 'yes' : `no: ${result.invalidReasons.join(' ')}`,
  }));
  const { measured: all, valid, state } = users.report.result;
  const burst = spike.report.spike;
  for (const [name, part] of Object.entries({ before: burst?.before, during: burst?.during, after: burst?.after })) {
    rows.push({
      case: `burst, ${name}`,
      'requests/s': part?.ratePerSecond ?? null,
      'p50 ms': part?.p50Ms ?? null,
      'p95 ms': part?.p95Ms ?? null,
      'p99 ms': part?.p99Ms ?? null,
    });
  }
  const p95Ms = all.response.p95Ms ?? Number.POSITIVE_INFINITY;
  const failed = all.failed + all.timedOut;
  const back = burst?.recoveredAfterMs ?? null;
  const spikeFailed = spike.report.result.measured.failed + spike.report.result.measured.timedOut;
  return {
    rows,
    goals: [
      {
        goal: `${USERS} users with ${THINK_MS / 1000} s of think time: p95 under ${MOST_P95_MS} ms`,
        measured: `${p95Ms.toFixed(0)} ms${valid ? '' : ' (the generator was late: not valid)'}${state === 'completed' ? '' : ` (${state})`}`,
        met: p95Ms < MOST_P95_MS && valid && state === 'completed',
      },
      {
        goal: 'no error',
        measured: `${failed} of ${all.requests} requests`,
        met: failed === 0 && state === 'completed',
      },
      {
        goal: "TeamFlow's own memory under 512 MB",
        measured: `${(users.rssBytes / 1024 / 1024).toFixed(0)} MB at most`,
        met: users.rssBytes < MOST_RSS_BYTES,
      },
      {
        goal: 'a spike of 5 x, and back as before',
        measured: `${back === null ? 'never as before again' : `as before after ${(back / 1000).toFixed(1)} s`}, ${spikeFailed} failed`,
        met: back !== null && spikeFailed === 0,
      },
    ],
    notes: [
      'TeamFlow, its autopilot, PostgreSQL and the generator share the machine.',
      'Users think from half of the time to one and a half, after every request; signing in comes before, and is no part of the figures.',
    ],
  };
}
