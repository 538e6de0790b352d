import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@teamflow/autopilot/client';
import type pg from 'pg';
import type { TeamFlowProcess } from '../../tools/teamflow-process.ts';
import type { StoreDoor } from './store-door.ts';
import { until } from './until.ts';

/** What an outage is made on. */
export interface OutageWorld {
  readonly teamflow: TeamFlowProcess;
  /** The only way of TeamFlow and its control plane to their database. */
  readonly door: StoreDoor;
  /** A way beside the door. */
  readonly pool: pg.Pool;
  /** Of somebody who is signed in. */
  readonly cookie: string;
}

/** What an outage came to. */
export interface OutageReport {
  readonly seconds: number;
  /** Answers by status while the database was away. */
  readonly away: Readonly<Record<string, number>>;
  /** From the return of the database to the first second without a failure. */
  readonly healedMs: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
  /** Resident memory of TeamFlow's process, in bytes: before, at the end of the outage, and when all is well again. */
  readonly residentBefore: number;
  readonly residentAway: number;
  readonly residentAfter: number;
  /** Connections to the database at the end. */
  readonly clients: number;
  /** Longest time within the outage that no stored window covers. */
  readonly longestGapMs: number;
}

const LOOPS = 8;
const HEALING_MS = 30_000;
const HISTORY_MS = 60_000;
/** TeamFlow's pool, its jobs, and the small pools of the autopilot's two halves. */
const MAX_CLIENTS = 40;

/**
 * Takes the database away for so long under load, and looks at what must hold: 503 with Retry-After where the database is
 * needed, liveness and the live dashboard throughout, everything back by itself, nothing left open, no gap in history.
 */
export async function outage({ teamflow, door, pool, cookie }: OutageWorld, seconds: number): Promise<OutageReport> {
  const { url, controlPlaneUrl, token } = teamflow;
  const client = createClient({ baseUrl: controlPlaneUrl, token: () => token });
  const pid = teamflow.child.pid ?? 0;
  const filesBefore = openFiles(pid);
  const counts = new Map<string, number>();
  let stopped = false;
  const ask = async (): Promise<Response> => await fetch(`${url}/api/v1/organizations`, { headers: { cookie } });
  const loops = Array.from({ length: LOOPS }, async () => {
    while (!stopped) {
      const outcome = await ask().then(outcomeOf, outcomeOfFailure);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      await sleep(20);
    }
  });
  await until(
    10_000,
    async () => counts.get('200') ?? 0,
    (count) => count > 20,
  );
  await until(
    20_000,
    async () => (await client.getDashboard({ minutes: 1 })).traffic.requestRate ?? 0,
    (rate) => rate > 0,
  );
  const residentBefore = residentBytes(pid);

  await door.shut();
  const shutAt = Date.now();
  await until(20_000, ask, ({ status }) => status === 503);
  counts.clear();
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    assert.equal((await fetch(`${url}/livez`)).status, 200, 'the process lives');
    const ready = await fetch(`${url}/readyz`);
    assert.equal(ready.status, 503, 'it is not ready');
    await ready.arrayBuffer();
    const { instances, traffic } = await client.getDashboard({ minutes: 1 });
    assert.ok(
      instances.some(({ state }) => state === 'live'),
      'the dashboard shows a live instance',
    );
    assert.ok((traffic.requestRate ?? 0) > 0, 'and what is asked of it');
    await sleep(250);
  }
  const away = Object.fromEntries(counts);
  const residentAway = residentBytes(pid);
  assert.deepEqual(Object.keys(away), ['503'], JSON.stringify(away));
  await door.open();
  const openAt = Date.now();
  await until(HEALING_MS, ask, ({ status }) => status === 200);
  counts.clear();
  await until(
    HEALING_MS,
    async () => {
      counts.clear();
      await sleep(1000);
      return [...counts.keys()];
    },
    (statuses) => statuses.length === 1 && statuses[0] === '200',
  );
  const healedMs = Date.now() - openAt;
  await until(
    HEALING_MS,
    async () => (await fetch(`${url}/readyz`)).status,
    (status) => status === 200,
  );
  stopped = true;
  await Promise.all(loops);

  const longestGapMs = await until(
    HISTORY_MS,
    () => longestGap(pool, shutAt - 1000, openAt),
    (gapMs) => gapMs === 0,
  );
  const { rows } = await pool.query<{ clients: number }>(
    `SELECT count(*)::integer AS clients FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  const clients = rows[0]?.clients ?? 0;
  assert.ok(clients <= MAX_CLIENTS, `${clients} connections`);
  // The load's own keep-alive connections end by themselves.
  const filesAfter = await until(
    20_000,
    async () => openFiles(pid),
    (files) => files <= filesBefore + 2 * LOOPS,
  );
  const residentAfter = residentBytes(pid);
  const resident = { residentBefore, residentAway, residentAfter };
  return { seconds, away, healedMs, filesBefore, filesAfter, ...resident, clients, longestGapMs };
}

/** The status; of a 503 also whether it fails to say when to ask again. */
async function outcomeOf(answer: Response): Promise<string> {
  await answer.arrayBuffer();
  const isSilent = answer.status === 503 && !answer.headers.has('retry-after');
  return isSilent ? '503 without Retry-After' : String(answer.status);
}

function outcomeOfFailure(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return `no answer: ${String(cause ?? error)}`;
}

/** Of a process on this machine. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The longest time of the range that no window in the store covers, of any instance. */
async function longestGap(pool: pg.Pool, from: number, to: number): Promise<number> {
  const { rows } = await pool.query<{ start_ms: string; duration_ms: number }>(
    `SELECT start_ms, duration_ms FROM autopilot.windows WHERE start_ms + duration_ms > $1 AND start_ms < $2 ORDER BY start_ms`,
    [from, to],
  );
  let covered = from;
  let longest = 0;
  for (const { start_ms: start, duration_ms: durationMs } of rows) {
    longest = Math.max(longest, Number(start) - covered);
    covered = Math.max(covered, Number(start) + durationMs);
  }
  return Math.max(longest, to - covered);
}
