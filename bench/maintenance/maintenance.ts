import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { random } from '../../test/support/random.ts';
import { startServe } from '../../test/support/serve-process.ts';
import { until } from '../../test/support/until.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';
import { type Interruption, interruptions } from './interruptions.ts';

const TOKEN = 'a-token-for-benchmarks-0123456789abcdef';
const CALLERS = 8;
const EVERY_MS = 5_000;
/** In the order that evens out what drifts. */
const ORDER = ['none', 'automatic', 'automatic', 'none'] as const;
type Arm = (typeof ORDER)[number];
const MOST_DEAD = 0.1;
const MOST_SLOWER = 1.05;

/** A table that is updated all the time, and how it is asked. */
interface Scale {
  readonly rows: number;
  readonly updatesPerSecond: number;
  readonly turns: number;
  readonly turnMs: number;
}

/**
 * Whether automatic maintenance keeps a table in order that autovacuum neglects, and what that costs those who work with it: the same
 * updates and look-ups in turns without and with it, on a server that writes to its disk as in earnest. Then, what is left of a job whose
 * vacuum, server or control plane was killed midway.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const scale: Scale = quick
    ? { rows: 50_000, updatesPerSecond: 250, turns: 2, turnMs: 25_000 }
    : { rows: 200_000, updatesPerSecond: 400, turns: 10, turnMs: 60_000 };
  const directory = await mkdtemp(join(tmpdir(), 'bench-maintenance-'));
  await chmod(directory, 0o755); // As root the server runs under another account.
  try {
    const turns = await inTurns(join(directory, 'turns'), scale, log);
    const ends = await interruptions(join(directory, 'ends'), log);
    return findings(scale, turns, ends);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What one turn showed. */
interface Turn {
  readonly arm: Arm;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
  /** The largest share of dead rows that was seen. */
  readonly mostDead: number;
  readonly vacuums: number;
}

async function inTurns(directory: string, scale: Scale, log: BenchOptions['log']): Promise<readonly Turn[]> {
  await using server = await startEmbeddedPostgres({
    dataDirectory: directory,
    databases: ['observed', 'history'],
    // Neglect. Checkpoints come when they come, but not more often for one arm than for the other.
    settings: { autovacuum: 'off', checkpoint_timeout: '30s', max_wal_size: '4GB' },
  });
  await using stack = new AsyncDisposableStack();
  const pool = new pg.Pool({ connectionString: server.url('observed'), max: CALLERS + 1 });
  stack.defer(() => pool.end());
  // The state is indexed: no update is a HOT one, which would clean up behind itself.
  await pool.query(`CREATE TABLE task (id int PRIMARY KEY, state int NOT NULL, filler text NOT NULL);
    INSERT INTO task SELECT i, i % 1000, repeat('x', 100) FROM generate_series(1, ${scale.rows}) i;
    CREATE INDEX ON task (state)`);
  await pool.query('VACUUM ANALYZE task');
  const serve = stack.use(
    await startServe({
      AUTOPILOT_TOKEN: TOKEN,
      DATABASE_URL: server.url('observed'),
      AUTOPILOT_DATABASE_URL: server.url('history'),
      // The table is a small one, so that a turn sees it come several times: it looks more often in proportion.
      AUTOPILOT__MAINTENANCE__EVERY_MS: String(EVERY_MS),
    }),
  );
  const client = createClient({ baseUrl: serve.address, token: () => TOKEN });
  await turnOn(client, false);
  await work(pool, scale, 5_000, random(1));
  const turns: Turn[] = [];
  for (let at = 0; at < scale.turns; at++) {
    const arm = ORDER[at % ORDER.length] ?? 'none';
    // Each begins with a table in order, and with the same to do for the disk.
    await pool.query('VACUUM ANALYZE task');
    await pool.query('CHECKPOINT');
    const before = await vacuumsOf(pool);
    await turnOn(client, arm === 'automatic');
    const turn = await work(pool, scale, scale.turnMs, random(at + 2));
    await turnOn(client, false);
    await idle(client);
    const vacuums = (await vacuumsOf(pool)) - before;
    turns.push({ arm, ...turn, vacuums });
    log(
      `maintenance: ${arm}: p95 ${turn.p95Ms.toFixed(2)} ms, at most ${percent(turn.mostDead)} dead, ${vacuums} vacuums`,
    );
  }
  return turns;
}

/** Updates and look-ups at a steady rate, whatever the answers take; times count from when a call was due. */
async function work(
  pool: pg.Pool,
  { rows, updatesPerSecond }: Scale,
  durationMs: number,
  next: () => number,
): Promise<Omit<Turn, 'arm' | 'vacuums'>> {
  const times: number[] = [];
  const start = performance.now();
  const meanMs = (1_000 * CALLERS) / (2 * updatesPerSecond);
  const caller = async (): Promise<void> => {
    for (let due = start; due < start + durationMs; due += -meanMs * Math.log(1 - next())) {
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      // A timer that comes late is none of the server's doing; a caller that is late itself has to wait.
      const from = early > 0 ? performance.now() : due;
      const id = 1 + Math.floor(rows * next());
      if (next() < 0.5) await pool.query('UPDATE task SET state = $2 WHERE id = $1', [id, Math.floor(1_000 * next())]);
      else await pool.query('SELECT state, filler FROM task WHERE id = $1', [id]);
      times.push(performance.now() - from);
    }
  };
  const over = new AbortController();
  const dead = watchDead(pool, over.signal);
  await Promise.all(Array.from({ length: CALLERS }, caller));
  over.abort();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), calls: times.length, mostDead: await dead };
}

/** The largest share of dead rows, looked at each second, as the server counts them. */
async function watchDead(pool: pg.Pool, over: AbortSignal): Promise<number> {
  let most = 0;
  while (!over.aborted) {
    const { rows } = await pool.query<{ share: number }>(
      `SELECT n_dead_tup / greatest(1, n_dead_tup + n_live_tup)::float8 AS share FROM pg_stat_user_tables WHERE relname = 'task'`,
    );
    most = Math.max(most, rows[0]?.share ?? 0);
    await sleep(1_000, undefined, { signal: over }).catch(() => {});
  }
  return most;
}

async function turnOn(client: Client, automatic: boolean): Promise<void> {
  // At first its schema is still to be made.
  await until(60_000, async () => {
    const { version } = await client.getConfig();
    await client.patchConfig({ maintenance: { automatic } }, { ifVersion: version, note: 'bench' });
  });
}

/** Until what was begun has ended. */
async function idle(client: Client): Promise<void> {
  while ((await client.getDatabaseMaintenance()).jobs.some(({ state }) => state === 'running')) await sleep(200);
}

async function vacuumsOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT vacuum_count::int AS count FROM pg_stat_user_tables WHERE relname = 'task'`,
  );
  return rows[0]?.count ?? 0;
}

function findings(scale: Scale, turns: readonly Turn[], ends: readonly Interruption[]): BenchFindings {
  const of = (arm: Arm): readonly Turn[] => turns.filter((turn) => turn.arm === arm);
  const rowOf = (arm: Arm): BenchRow => {
    const all = of(arm);
    return {
      case: arm === 'none' ? 'without maintenance' : 'automatic maintenance',
      'p50 ms': median(all.map(({ p50Ms }) => p50Ms)),
      'p95 ms': median(all.map(({ p95Ms }) => p95Ms)),
      'p99 ms': median(all.map(({ p99Ms }) => p99Ms)),
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      'dead at most': percent(Math.max(...all.map(({ mostDead }) => mostDead))),
      vacuums: all.reduce((sum, { vacuums }) => sum + vacuums, 0),
    };
  };
  const [none, automatic] = [of('none'), of('automatic')];
  // Neighbours in time, so that what drifts is in both.
  const ratios = automatic.map(({ p95Ms }, at) => p95Ms / (none[at]?.p95Ms ?? Number.NaN));
  const ratio = median(ratios);
  const dead = Math.max(...automatic.map(({ mostDead }) => mostDead));
  const stuck = ends.filter(({ next }) => next !== 'done');
  return {
    rows: [
      rowOf('none'),
      rowOf('automatic'),
      ...ends.map(({ killed, order, next }) => ({ case: `${killed} killed midway`, order, 'next job': next })),
    ],
    goals: [
      {
        goal: `a table that autovacuum neglects is kept under ${percent(MOST_DEAD)} dead rows`,
        measured: `at most ${percent(dead)}, without ${percent(Math.max(...none.map(({ mostDead }) => mostDead)))}`,
        met: dead < MOST_DEAD,
      },
      {
        goal: 'p95 of those who work with it within 5 % of without',
        measured: `${ratio.toFixed(3)} x in the median of ${ratios.length} pairs (${ratios.map((one) => one.toFixed(2)).join(', ')})`,
        met: ratio <= MOST_SLOWER,
      },
      {
        goal: 'no job is stuck after its vacuum, its server or its control plane was killed midway',
        measured:
          stuck.length === 0 ? `${ends.length} of ${ends.length} closed` : stuck.map(({ killed }) => killed).join(', '),
        met: stuck.length === 0,
      },
    ],
    notes: [
      `${scale.rows} rows, ${scale.updatesPerSecond} updates of an indexed column and as many look-ups a second by ${CALLERS} callers, in ${scale.turns} turns of ${scale.turnMs / 1_000} s; autovacuum off, fsync on, vacuum_cost_delay as by default (2 ms), maintenance.everyMs ${EVERY_MS / 1_000} s.`,
      'Driver, server and control plane share the machine. Dead rows as the server counts them, looked at each second.',
    ],
  };
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}
