import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { runLoad } from '@teamflow/autopilot/load';
import pg from 'pg';
import { everyday, teamflow as plan, withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { sampleMembers } from '../../apps/teamflow/load/sample-members.ts';
import { withProgramDatabase } from '../../test/support/program-database.ts';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';
import { changesOfNothing } from './changes-of-nothing.ts';

/**
 * Real trials: a TeamFlow without indexes under an ordinary day's load. First changes that do nothing are judged by its statements
 * (A/A), then what the autopilot recommends is tried through its API, one after the other, each taken back for the next, and what
 * was predicted is compared with what was measured. Unattended; trials are short, by settings.
 */

const hurried: Readonly<Record<string, string>> = {
  TEAMFLOW_INDEXES: 'neglected',
  AUTOPILOT__OPTIMIZATION__INDEXES: 'ask',
  AUTOPILOT__OPTIMIZATION__SAMPLE_MS: '1000',
  AUTOPILOT__OPTIMIZATION__BLOCK_CALLS: '10',
  AUTOPILOT__OPTIMIZATION__BASELINE_MS: '10000',
  AUTOPILOT__OPTIMIZATION__TRIAL_MIN_MS: '12000',
  AUTOPILOT__OPTIMIZATION__TRIAL_MAX_MS: '40000',
};
const USERS = 6;
/** Journeys of 2.7 requests. */
const JOURNEYS_PER_SECOND = 15;
/** Of the whole, with the start of TeamFlow. */
const MOST_MS = 24 * 60_000;
const LONGEST_TRIAL_MS = 150_000;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const wanted = quick ? 2 : 20;
  const startedMs = performance.now();
  const leftMs = (): number => MOST_MS - (performance.now() - startedMs);
  const state = await mkdtemp(join(tmpdir(), 'bench-trials-'));
  try {
    return await withProgramDatabase(async ({ url }) => {
      log('trials: starting TeamFlow without indexes');
      await using teamflow = await startTeamFlow(state, { ...hurried, DATABASE_URL: url });
      log(`trials: ready after ${(teamflow.readyMs / 1000).toFixed(0)} s`);
      const over = new AbortController();
      const driven = drive(teamflow, state, over.signal);
      try {
        await within(url, (client) => client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements'));
        await sleep(10_000);
        const nothing = await changesOfNothing(url, wanted, log);
        const client = createClient({ baseUrl: teamflow.controlPlaneUrl, token: () => teamflow.token });
        const tried = await trials(client, wanted, leftMs, log);
        return findings(wanted, nothing, tried, (performance.now() - startedMs) / 60_000);
      } finally {
        over.abort();
        await driven.catch((error: unknown) => log(`trials: the load ended: ${String(error)}`));
      }
    });
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

/** One trial of a recommendation. */
interface Tried {
  readonly subject: string;
  readonly category: string;
  readonly state: string;
  readonly verdict: string;
  readonly predicted: number;
  readonly low: number;
  readonly high: number;
  /** null: not enough was measured. */
  readonly measured: number | null;
  readonly seconds: number;
}

/** Tries what is recommended, what was tried least first. */
async function trials(
  client: Client,
  wanted: number,
  leftMs: () => number,
  log: BenchOptions['log'],
): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  const turns = new Map<string, number>();
  while (tried.filter(({ measured }) => measured !== null).length < wanted && leftMs() > LONGEST_TRIAL_MS) {
    const { recommendations } = await client.listRecommendations({ service: 'teamflow', fresh: true });
    const open = recommendations.filter(
      ({ verdict, automatic, state }) => verdict === 'change' && automatic && state === 'open',
    );
    const turnsOf = (subject: string): number => turns.get(subject) ?? 0;
    const next = open.toSorted((a, b) => turnsOf(a.change.join()) - turnsOf(b.change.join()))[0];
    if (next === undefined) {
      await sleep(5_000);
      continue;
    }
    turns.set(next.change.join(), turnsOf(next.change.join()) + 1);
    const beganMs = performance.now();
    const { id } = await client.applyRecommendation(next.id, { service: 'teamflow' });
    let trial = await client.getTrial(id);
    while (!['kept', 'reverted', 'refused'].includes(trial.state)) {
      await sleep(1_000);
      trial = await client.getTrial(id);
    }
    const { subject, category, predicted, measured } = trial;
    if (predicted === null) throw new TypeError('Every trial has a prediction.');
    const { effect, low, high } = predicted;
    const seconds = Math.round((performance.now() - beganMs) / 1000);
    tried.push({
      subject,
      category: category ?? '',
      state: trial.state,
      verdict: measured?.verdict ?? 'none',
      predicted: effect,
      low,
      high,
      measured: measured?.effect ?? null,
      seconds,
    });
    log(`trials: ${tried.length}. ${subject}: ${trial.state} after ${seconds} s. ${trial.reason}`);
    // For the next one to find the database as this one did.
    if (trial.state === 'kept') await client.revertTrial(id);
  }
  return tried;
}

function findings(
  wanted: number,
  nothing: Awaited<ReturnType<typeof changesOfNothing>>,
  tried: readonly Tried[],
  minutes: number,
): BenchFindings {
  const wrong = nothing.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  const measured = tried.filter((one) => one.measured !== null);
  const isWithin = ({ low, high, measured: value }: Tried): boolean => value !== null && value >= low && value <= high;
  const within = measured.filter(isWithin).length;
  const rows: BenchRow[] = [
    ...nothing.map(({ statement, verdict, effect, seconds }, at) => ({
      trial: `A/A ${at + 1}: ${statement.replaceAll(/\s+/g, ' ').slice(0, 40)}`,
      verdict,
      predicted: 1,
      from: null,
      to: null,
      measured: effect,
      seconds,
    })),
    ...tried.map((one, at) => ({
      trial: `${at + 1}: ${one.subject}`,
      verdict: `${one.verdict}, ${one.state}`,
      predicted: one.predicted,
      from: one.low,
      to: one.high,
      measured: one.measured,
      seconds: one.seconds,
    })),
  ];
  const kinds = [...new Set(tried.map(({ category }) => category))].join(', ');
  return {
    rows,
    goals: [
      {
        goal: `${wanted} real changes that do nothing: at most one in twenty judged better or worse`,
        measured: `${wrong.length} of ${nothing.length}`,
        met: nothing.length >= wanted && wrong.length <= nothing.length / 20,
      },
      {
        goal: `most of ${wanted} real trials within their interval of 80 %`,
        measured: `${within} of ${measured.length}`,
        met: measured.length >= wanted && within > measured.length / 2,
      },
      { goal: 'ended within 25 minutes', measured: `${minutes.toFixed(1)} min`, met: minutes <= 25 },
    ],
    notes: [
      `TeamFlow with sample data and keys only, ${JOURNEYS_PER_SECOND} journeys a second. Kinds that were tried: ${kinds}.`,
      'Trials are hurried: blocks of 1 s and 10 calls, 10 s before and 12 to 40 s after the change. Ordinary ones take blocks of 10 s and 100 calls.',
      'What was kept is taken back before the next one, so that the same advice comes again; predictions are mended by the trials before them.',
    ],
  };
}

async function drive({ url, administrator }: TeamFlowProcess, state: string, signal: AbortSignal): Promise<void> {
  const kept = await readFile(join(state, 'sample-member'), 'utf8');
  const [, memberPassword = ''] = /^password: (.+)$/m.exec(kept) ?? [];
  const members = await sampleMembers({ url, ...administrator, memberPassword, count: USERS });
  await runLoad(
    {
      ...plan,
      name: 'trials',
      target: url,
      data: { members: { rows: members.map((member) => ({ ...member })), pick: 'user' } },
      load: {
        kind: 'arrivals',
        spacing: 'poisson',
        users: members.length,
        stages: [{ durationMs: MOST_MS, ratePerSecond: JOURNEYS_PER_SECOND }],
      },
      flows: withoutPauses(everyday),
      abort: { errorRatio: 1, waitMs: 60_000 },
    },
    { signal },
  );
}

async function within<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
