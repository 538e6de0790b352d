import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadReport, runLoadTest } from '@teamflow/autopilot/load';
import { everyday, withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { startTeamFlow } from '../../tools/teamflow-process.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';
import { signedIn } from '../users/signed-in.ts';

const USERS = 100;
const POOL_MAX = 10;
const STEP_MS = 18_000;
/** From the highest knee to the lowest, of the lowest. */
const MOST_SPREAD = 0.1;

/**
 * Whether unattended searches for TeamFlow's knee agree: an everyday mix without pauses, its pool of connections fixed, under
 * the objective that is the default (p99 under 200 ms, one failure in a thousand).
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const state = await mkdtemp(join(tmpdir(), 'teamflow-knee-'));
  try {
    log('teamflow-knee: starting TeamFlow');
    await using teamflow = await startTeamFlow(state, {
      TEAMFLOW_TRUSTED_PROXIES: '127.0.0.1',
      AUTOPILOT__DATABASE__POOL_MAX: String(POOL_MAX),
    });
    const common = await signedIn(teamflow, state, USERS);
    const found: LoadReport[] = [];
    for (let attempt = 1; attempt <= (quick ? 2 : 3); attempt++) {
      log(`teamflow-knee: search ${attempt}`);
      const plan = {
        ...common,
        name: 'everyday',
        load: { kind: 'arrivals', users: USERS, stages: [{ durationMs: 10_000, ratePerSecond: 16 }] },
        flows: withoutPauses(everyday),
        // The objective decides.
        abort: { errorRatio: 0.5, waitMs: 5000 },
      } as const;
      found.push(
        await runLoadTest('stress', plan, {
          stepMs: quick ? 5000 : STEP_MS,
          onStep: ({ level, outcome, p99Ms }) =>
            log(`teamflow-knee: ${level.toFixed(1)} journeys a second ${outcome}, p99 ${p99Ms?.toFixed(0) ?? '-'} ms`),
        }),
      );
    }
    return findings(found);
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

function findings(found: readonly LoadReport[]): BenchFindings {
  const rows = found.map(({ stress, result }, at): BenchRow => {
    const { ratePerSecond, response } = result.measured;
    return {
      case: `search ${at + 1}`,
      'knee, journeys/s': stress?.knee ?? null,
      'requests/s there': ratePerSecond,
      'p99 ms there': response.p99Ms,
      levels: stress?.steps.length ?? null,
      'took s': (stress?.tookMs ?? 0) / 1000,
      state: stress?.state ?? null,
    };
  });
  const knees = found.map(({ stress }) => (stress?.state === 'found' ? (stress.knee ?? Number.NaN) : Number.NaN));
  const spread = Math.max(...knees) / Math.min(...knees) - 1;
  const slowestMs = Math.max(...found.map(({ stress }) => stress?.tookMs ?? Number.POSITIVE_INFINITY));
  return {
    rows,
    goals: [
      {
        goal: `${found.length} unattended searches for TeamFlow's knee agree within ${100 * MOST_SPREAD} %, each in under 5 minutes`,
        measured: Number.isNaN(spread)
          ? 'one of them found none'
          : `${Math.min(...knees).toFixed(1)} to ${Math.max(...knees).toFixed(1)} journeys a second (${(100 * spread).toFixed(1)} %), ${(slowestMs / 1000).toFixed(0)} s at most`,
        met: spread <= MOST_SPREAD && slowestMs < 300_000,
      },
    ],
    notes: [
      `TeamFlow with small sample data and ${POOL_MAX} connections, its autopilot on; PostgreSQL and the generator share its machine. ${USERS} users are signed in before.`,
      'Everyday journeys of about 2.5 requests, without pauses, arriving evenly.',
    ],
  };
}
