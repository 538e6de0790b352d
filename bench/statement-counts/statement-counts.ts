import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { DatabaseCollector } from '../../packages/autopilot/src/observe/database-collector.ts';
import { ObservedDatabase } from '../../packages/autopilot/src/postgres/observed-database.ts';
import { migrate } from '../../packages/autopilot/src/storage/migrate.ts';
import { PostgresDatabaseHistory } from '../../packages/autopilot/src/storage/postgres/postgres-database-history.ts';
import { random } from '../../test/support/random.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';

const COLLECT_MS = 15_000;
const TABLES = 100;
/** Statements that come again and again. */
const STEADY = 40;
const settings = { collect: true, collectMs: COLLECT_MS, tablesMs: 60_000, sizesMs: 900_000, plansPerMinute: 0 };

/**
 * Whether what is kept of statements is what was sent: through a reset of pg_stat_statements and a restart of server and control plane,
 * and in a storm of statements that are forgotten before they are read. The server is real, and so is what is kept; minutes pass as fast
 * as they can, with a minute's readings in each.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-counts-'));
  await chmod(directory, 0o755); // As root the server runs under another account.
  try {
    const steady = await throughRestarts(directory, quick ? 48 : 240);
    log(`reset and restart: sent ${steady.sent}, seen ${steady.seen}, estimated unseen ${Math.round(steady.unseen)}`);
    const storms: Totals[] = [];
    for (const turns of quick ? [5] : [40, 10, 5]) {
      const storm = await throughStorm(directory, turns);
      log(`storm of ${turns} readings: sent ${storm.sent}, seen ${storm.seen}, estimated ${Math.round(storm.unseen)}`);
      storms.push(storm);
    }
    const error = Math.abs(1 - steady.seen / steady.sent);
    const bounds = storms.every(({ sent, seen, unseen }) => seen + unseen >= sent * 0.99);
    const excess = Math.max(...storms.map(({ sent, seen, unseen }) => (seen + unseen) / sent - 1));
    return {
      rows: [steady, ...storms].map(rowOf),
      goals: [
        {
          goal: 'what is kept is within 1 % of what was sent, across a reset and a restart',
          measured: percent(error),
          met: error <= 0.01,
        },
        {
          goal: 'in a storm, what was seen and what is reported as unseen are together no less than what was sent',
          measured: bounds
            ? `at most ${percent(excess)} more`
            : storms.map(({ sent, seen, unseen }) => percent((seen + unseen) / sent)).join(', '),
          met: bounds,
        },
      ],
      notes: [
        `Read every ${COLLECT_MS / 1000} s; the reset falls between two readings, and what was sent since the last one is lost.`,
        'Storm: 10,000 statements that differ, one to three times each, beside 40 steady ones, where the server has 1,000 places.',
      ],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Calls as the driver counted them, and as they were kept. */
interface Totals {
  readonly what: string;
  readonly sent: number;
  readonly seen: number;
  readonly unseen: number;
}

function rowOf({ what, sent, seen, unseen }: Totals): BenchRow {
  return {
    what,
    sent,
    seen,
    'not seen': percent(1 - seen / sent),
    'reported as unseen': percent(unseen / (seen + unseen)),
  };
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(2)} %`;
}

async function throughRestarts(directory: string, turns: number): Promise<Totals> {
  const data = join(directory, 'steady');
  const clock = new FakeClock(1_700_000_000_000);
  let sent = 0;
  {
    await using world = await open(data, 5_000, clock);
    await prepare(world);
    await world.collector.turn();
    for (let turn = 0; turn < turns / 2; turn++) {
      sent += await world.steady(100);
      if (turn === Math.floor(turns / 4)) sent += await world.send('SELECT pg_stat_statements_reset()');
      sent += await world.steady(100);
      await world.read();
    }
  }
  await using world = await open(data, 5_000, clock);
  for (let turn = 0; turn < turns / 2; turn++) {
    sent += await world.steady(200);
    await world.read();
  }
  return { what: `${turns} readings, a reset and a restart`, sent, ...(await world.kept()) };
}

async function throughStorm(directory: string, turns: number): Promise<Totals> {
  const clock = new FakeClock(1_700_000_000_000);
  await using world = await open(join(directory, `storm-${turns}`), 1_000, clock);
  await prepare(world);
  await world.collector.turn();
  const next = random(1);
  let sent = 0;
  for (let at = 0; at < 10_000; at++) {
    const text = `SELECT id${' + 1'.repeat(Math.floor(at / TABLES))} FROM work_${at % TABLES}`;
    for (let time = 1 + Math.floor(3 * next()); time > 0; time--) sent += await world.send(text);
    if (at % 10 === 0) sent += await world.steady(2);
    if (at % Math.ceil(10_000 / turns) === 0) await world.read();
  }
  await world.read();
  return { what: `10,000 statements within ${turns} readings`, sent, ...(await world.kept()) };
}

interface World extends AsyncDisposable {
  readonly client: pg.Client;
  readonly collector: DatabaseCollector;
  /** Answers 1. */
  readonly send: (text: string) => Promise<number>;
  /** Sends so many of the steady ones; answers how many. */
  readonly steady: (calls: number) => Promise<number>;
  /** The time of a reading comes. */
  readonly read: () => Promise<void>;
  /** Hands on what was read; what there is of all. */
  readonly kept: () => Promise<{ readonly seen: number; readonly unseen: number }>;
}

/** A server on what is in `data`, what watches it, and who sends. */
async function open(data: string, places: number, clock: FakeClock): Promise<World> {
  const server: EmbeddedPostgres = await startEmbeddedPostgres({
    dataDirectory: data,
    durable: false,
    databases: ['observed', 'history'],
    settings: { jit: 'off', autovacuum: 'off', 'pg_stat_statements.max': String(places) },
  });
  const client = new pg.Client({ connectionString: server.url('observed') });
  await client.connect();
  const history = new PostgresDatabaseHistory(server.url('history'));
  const observed = new ObservedDatabase(server.url('observed'), { maxConnections: 1 });
  const collector = new DatabaseCollector({
    name: 'main',
    database: () => observed,
    history,
    clock,
    settings: () => settings,
  });
  const read = async (): Promise<void> => {
    clock.advance(COLLECT_MS);
    await collector.turn();
    if (collector.status.trouble !== null) throw new Error(collector.status.trouble);
  };
  const send = async (text: string): Promise<number> => {
    await client.query(text);
    return 1;
  };
  let at = 0;
  return {
    client,
    collector,
    send,
    read,
    steady: async (calls) => {
      for (let call = 0; call < calls; call++) await send(`SELECT name FROM work_${at++ % STEADY} WHERE id = 1`);
      return calls;
    },
    kept: async () => {
      for (let turn = 0; turn < 5; turn++) await read();
      const samples = await history.samples('main', 0, clock.now() + 1);
      const sum = (name: string): number => samples.reduce((all, { values }) => all + (values[name] ?? 0), 0);
      return { seen: sum('calls'), unseen: sum('unseenCalls') };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client.end(), observed.close(), history.close()]);
      await server.stop('fast');
    },
  };
}

/** Nothing of it is counted: counting begins with the first reading. */
async function prepare({ client }: World): Promise<void> {
  const { host, port, user } = client;
  const history = new pg.Client({ host, port, ...(user === undefined ? {} : { user }), database: 'history' });
  await history.connect();
  await migrate(history);
  await history.end();
  await client.query('CREATE EXTENSION pg_stat_statements');
  for (let at = 0; at < TABLES; at++) {
    await client.query(
      `CREATE TABLE work_${at} (id int PRIMARY KEY, name text); INSERT INTO work_${at} VALUES (1, 'a')`,
    );
  }
}
