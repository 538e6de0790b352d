import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Client, createClient } from '@teamflow/autopilot/client';
import type { Dashboard } from '@teamflow/autopilot/contract';
import { type LoadResult, runLoad } from '@teamflow/autopilot/load';
import { everyday, teamflow as plan, withoutPauses } from '../apps/teamflow/load/journeys.ts';
import { sampleMembers } from '../apps/teamflow/load/sample-members.ts';
import { startTeamFlow } from './teamflow-process.ts';

/**
 * `npm run demo [-- --minutes 4] [--rate 60]`: starts TeamFlow in a directory of its own with a database as a young application has it
 * (keys and no other index), drives it with a realistic mix of calls, and lets the autopilot find, try, prove and keep what
 * helps; at the end a table of before and after, and what the dashboard shows.
 */

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '4' }, rate: { type: 'string', default: '60' } },
});
const minutes = numberOf('--minutes', values.minutes, 1, 60);
const rate = numberOf('--rate', values.rate, 1, 1000);

/** As many as may sign in from one address. */
const USERS = 8;
/** What a journey of an ordinary day asks for on average. */
const REQUESTS_A_JOURNEY = 2.7;
/** The time that "before" is taken from, but for its first seconds: no change is made yet. */
const BEFORE_MS = 25_000;
const SETTLING_MS = 5_000;
/** The time that "after" is taken from; nothing new is begun in it, so that what is tried comes to its end. */
const AFTER_MS = 60_000;
/** What comes of it has to be at most so much of what was. */
const GOAL = 1 / 3;

/**
 * What is hurried, and all that is: how long trials look, and how soon it is advised again. Ordinary ones measure ten minutes before
 * and at least half an hour after a change, in blocks of ten seconds and a hundred calls. The verdict is found as ever.
 */
const hurried: Readonly<Record<string, string>> = {
  TEAMFLOW_INDEXES: 'neglected',
  AUTOPILOT__OPTIMIZATION__INDEXES: 'automatic',
  AUTOPILOT__OPTIMIZATION__ADVISE_MS: '10000',
  AUTOPILOT__OPTIMIZATION__SAMPLE_MS: '1000',
  AUTOPILOT__OPTIMIZATION__BLOCK_CALLS: '10',
  AUTOPILOT__OPTIMIZATION__BASELINE_MS: '15000',
  AUTOPILOT__OPTIMIZATION__TRIAL_MIN_MS: '15000',
  AUTOPILOT__OPTIMIZATION__TRIAL_MAX_MS: '60000',
};

const state = await mkdtemp(join(tmpdir(), 'teamflow-demo-'));
try {
  await demonstrate();
} finally {
  await rm(state, { recursive: true, force: true });
}

async function demonstrate(): Promise<void> {
  console.log('Starting TeamFlow with sample data and no index but keys ...');
  await using teamflow = await startTeamFlow(state, hurried);
  // An interrupted demo must not leave servers behind.
  process.once('SIGINT', () => {
    void teamflow[Symbol.asyncDispose]().then(() => process.exit(130));
  });
  console.log(`Ready after ${(teamflow.readyMs / 1000).toFixed(1)} s. Watch it live:`);
  console.log(`  ${teamflow.controlPlaneUrl}/autopilot/   token ${teamflow.token}`);
  console.log(`  ${teamflow.url}/   ${teamflow.administrator.email}, password ${teamflow.administrator.password}\n`);
  console.log(
    'Trials are hurried by settings: 15 s before and at least 15 s after a change, blocks of 1 s and 10 calls, advice every 10 s. Nothing else is.\n',
  );
  const client = createClient({ baseUrl: teamflow.controlPlaneUrl, token: () => teamflow.token });
  // Properties, as the compiler follows no variable into a callback.
  const told: { before: Promise<Look> | null; stopping: Promise<void> | null } = { before: null, stopping: null };
  const said = new Map<string, number>();
  const telling = setInterval(() => void tell(client, said).catch(() => {}), 2_000);
  const result = await drive(teamflow, (elapsedMs) => {
    if (elapsedMs >= BEFORE_MS) told.before ??= look(client, BEFORE_MS - SETTLING_MS);
    if (elapsedMs < minutes * 60_000 - AFTER_MS || told.stopping !== null) return;
    console.log('\n  The last minute: what is tried comes to its end, nothing new is begun (optimization.stopped).\n');
    told.stopping = stopTuning(client).catch((error: unknown) =>
      console.error(`It could not be stopped: ${String(error)}`),
    );
  });
  clearInterval(telling);
  // The last second's window closes, travels and is taken.
  await sleep(2_500);
  await tell(client, said);
  const after = await look(client, AFTER_MS);
  print(after.dashboard, result);
  if (told.before !== null) compare(await told.before, after);
  await ledger(client);
}

/** A dashboard of the last minute, and database time over the last so many ms, in seconds a second. */
interface Look {
  readonly dashboard: Dashboard;
  readonly databaseBusy: number | null;
}

async function look(client: Client, lengthMs: number): Promise<Look> {
  // The newest second is still on its way.
  const to = Math.floor(Date.now() / 1_000) * 1_000 - 2_000;
  const [dashboard, { frame }] = await Promise.all([
    client.getDashboard({ service: 'teamflow', minutes: 1 }),
    client.getMetrics({
      service: 'teamflow',
      kind: 'statement',
      measure: ['concurrency'],
      from: new Date(to - lengthMs).toISOString(),
      to: new Date(to).toISOString(),
      step: 1_000,
    }),
  ]);
  const busy = (frame.columns['concurrency'] ?? []).filter((value) => value !== null);
  return { dashboard, databaseBusy: busy.length === 0 ? null : busy.reduce((sum, one) => sum + one, 0) / busy.length };
}

async function stopTuning(client: Client): Promise<void> {
  const { version } = await client.getConfig({ service: 'teamflow' });
  await client.patchConfig(
    { optimization: { stopped: true } },
    { service: 'teamflow', ifVersion: version, note: 'demo' },
  );
}

/** Says each new step of each trial. */
async function tell(client: Client, said: Map<string, number>): Promise<void> {
  const { trials } = await client.listTrials({ service: 'teamflow', limit: 20 });
  for (const { id, subject, category } of trials.toReversed()) {
    if (category === null) continue;
    const { steps, change } = await client.getTrial(id);
    const from = said.get(id) ?? 0;
    if (from === 0 && steps.length > 0) {
      console.log(`\n  ${subject}`);
      for (const line of change) console.log(`    ${line}`);
    }
    for (const { text } of steps.slice(from)) console.log(`  ${text}`);
    said.set(id, steps.length);
  }
}

function compare(first: Look, last: Look): void {
  const [before, after] = [first.dashboard, last.dashboard];
  const rows: readonly (readonly [name: string, was: number | null, is: number | null, isGoal: boolean])[] = [
    ['p50 of requests, ms', before.traffic.p50Ms, after.traffic.p50Ms, false],
    ['p95 of requests, ms', before.traffic.p95Ms, after.traffic.p95Ms, true],
    ['p99 of requests, ms', before.traffic.p99Ms, after.traffic.p99Ms, false],
    ['database time a call, ms', before.database.meanMs, after.database.meanMs, false],
    ['total database time, seconds a second', first.databaseBusy, last.databaseBusy, true],
  ];
  console.log(
    `\n${`The first ${BEFORE_MS / 1000} s and the last ${AFTER_MS / 1000} s`.padEnd(54)}    before     after  ratio`,
  );
  for (const [name, was, is, isGoal] of rows) {
    const ratio = was === null || is === null || was === 0 ? null : is / was;
    const verdict = !isGoal || ratio === null ? '' : `  ${ratio <= GOAL ? 'met' : 'MISSED'}: at most a third`;
    console.log(
      `  ${name.padEnd(52)} ${(was?.toFixed(2) ?? '-').padStart(9)} ${(is?.toFixed(2) ?? '-').padStart(9)}   ${ratio?.toFixed(2) ?? '-'}${verdict}`,
    );
  }
}

/** What was predicted and what was measured. */
async function ledger(client: Client): Promise<void> {
  const { trials } = await client.listTrials({ service: 'teamflow', limit: 50 });
  const tried = trials.filter(({ category }) => category !== null);
  console.log(
    `\n${tried.length === 0 ? 'Nothing was tried.' : 'Tried'.padEnd(56)}${tried.length === 0 ? '' : 'state      predicted  measured'}`,
  );
  for (const { subject, state, predicted, measured } of tried) {
    console.log(
      `  ${subject.padEnd(52).slice(0, 52)}  ${state.padEnd(10)} ${percent(predicted?.effect ?? null).padStart(9)} ${percent(measured?.effect ?? null).padStart(9)}`,
    );
  }
}

/** Sends an ordinary day's work as people of the sample data, who begin it whether others have ended or not. */
async function drive(
  { url, administrator }: Awaited<ReturnType<typeof startTeamFlow>>,
  onElapsed: (elapsedMs: number) => void,
): Promise<LoadResult> {
  const kept = await readFile(join(state, 'sample-member'), 'utf8');
  const [, memberPassword = ''] = /^password: (.+)$/m.exec(kept) ?? [];
  const members = await sampleMembers({ url, ...administrator, memberPassword, count: USERS });
  return await runLoad(
    {
      ...plan,
      name: 'demo',
      target: url,
      data: { members: { rows: members.map((member) => ({ ...member })), pick: 'user' } },
      load: {
        kind: 'arrivals',
        spacing: 'poisson',
        users: members.length,
        stages: [{ durationMs: minutes * 60_000, ratePerSecond: rate / REQUESTS_A_JOURNEY }],
      },
      flows: withoutPauses(everyday),
      // It is to be looked at, however it goes.
      abort: { errorRatio: 1, waitMs: 60_000 },
    },
    {
      onProgress: ({ elapsedMs, requests, p95Ms }) => {
        onElapsed(elapsedMs);
        const seconds = Math.round(elapsedMs / 1000);
        if (seconds > 0 && seconds % 10 === 0) {
          console.log(`${String(seconds).padStart(5)} s  ${requests} requests, p95 ${ms(p95Ms).trim()}`);
        }
      },
    },
  );
}

function print(
  { traffic, health, slowestRoutes, slowestQueries, database, runtime }: Dashboard,
  { measured, steps }: LoadResult,
): void {
  const failures = steps.flatMap((step) => step.errors.map(({ kind, count }) => `${count} x ${step.name}: ${kind}`));
  console.log(
    `\nSent: ${measured.requests} requests in ${(measured.durationMs / 1000).toFixed(0)} s, p50 ${ms(measured.response.p50Ms).trim()}, p95 ${ms(measured.response.p95Ms).trim()} (${failures.join(', ') || 'none failed'})`,
  );
  console.log(
    `Seen: ${traffic.requests} requests, errors ${percent(traffic.errorRatio)}, p50 ${ms(traffic.p50Ms)}, p95 ${ms(traffic.p95Ms)}, p99 ${ms(traffic.p99Ms)}, apdex ${traffic.apdex?.toFixed(2) ?? '-'}`,
  );
  console.log(
    `Database: ${database.calls} calls, p95 ${ms(database.p95Ms)}, ${database.busy.toFixed(2)} under way on average`,
  );
  console.log(
    `Process: ${runtime.cpuBusy?.toFixed(2) ?? '-'} cores, event-loop delay p99 ${ms(runtime.eventLoopDelayP99Ms)}, ${megabytes(runtime.rssBytes)} resident`,
  );
  console.log(`\nHealth ${health.score?.toFixed(0) ?? 'unknown'} of 100 (${health.status})`);
  for (const component of health.components) {
    console.log(`  ${component.name.padEnd(10)} ${component.score?.toFixed(0) ?? '-'}`);
    for (const { points, reason } of component.deductions) console.log(`    -${points.toFixed(0)} ${reason}`);
  }
  console.log(
    '\nSlowest routes                                                     requests     p50     p95     p99  time',
  );
  for (const row of slowestRoutes) {
    const name = row.route.replace('/api/v1/organizations/:organizationId', '...');
    console.log(
      `  ${name.padEnd(62).slice(0, 62)} ${String(row.requests).padStart(10)} ${ms(row.p50Ms)} ${ms(row.p95Ms)} ${ms(row.p99Ms)} ${percent(row.timeShare)}`,
    );
  }
  console.log(
    '\nSlowest statements                                                    calls     p50     p95     p99  time',
  );
  for (const row of slowestQueries) {
    const text = row.text.replaceAll(/\s+/g, ' ');
    console.log(
      `  ${text.padEnd(62).slice(0, 62)} ${String(row.calls).padStart(10)} ${ms(row.p50Ms)} ${ms(row.p95Ms)} ${ms(row.p99Ms)} ${percent(row.timeShare)}`,
    );
  }
}

function ms(value: number | null): string {
  return (value === null ? '-' : `${value.toFixed(1)} ms`).padStart(7);
}

function percent(ratio: number | null): string {
  return (ratio === null ? '-' : `${(ratio * 100).toFixed(0)} %`).padStart(5);
}

function megabytes(bytes: number | null): string {
  return bytes === null ? '-' : `${(bytes / 1e6).toFixed(0)} MB`;
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  console.error(`${name} is "${text}"; it must be a number from ${min} to ${max}.`);
  process.exit(2);
}
