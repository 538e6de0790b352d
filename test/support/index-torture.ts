import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Trial } from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { IndexActuator, type IndexChange } from '../../packages/autopilot/src/tune/index-actuator.ts';
import { MaintenanceActuator } from '../../packages/autopilot/src/tune/maintenance-actuator.ts';
import { Orders } from '../../packages/autopilot/src/tune/orders.ts';
import { ValuesActuator, type ValuesChange } from '../../packages/autopilot/src/tune/values-actuator.ts';
import { canaryHolds, settingsActuator } from './canary-torture.ts';
import { until } from './until.ts';

/** What rounds of killing came to. */
export interface IndexTorture {
  readonly rounds: number;
  /** In how many the server was killed, too. */
  readonly serverKills: number;
  /** Kills that left an order half done, by its state. */
  readonly left: Readonly<Record<string, number>>;
  /** Kills that left an index half built or half dropped. */
  readonly halfIndexes: number;
}

const index = (name: string, keys: string): IndexChange['create'][number] => ({
  schema: 'public',
  name,
  ddl: `CREATE INDEX CONCURRENTLY "${name}" ON "public"."task" (${keys})`,
});

/** Two indexes come and one goes, so that there are steps enough to be killed at. */
export const tried: IndexChange = {
  kind: 'indexes',
  service: 'orders',
  subject: 'Two indexes for one',
  author: 'ann',
  origin: 'person',
  database: 'main',
  create: [index('task_board', '"board", "id" DESC'), index('task_title', 'lower("title")')],
  drop: [index('task_old', '"state"')],
};
/** Two settings that are written one after the other, or given back. */
export function settingsTried(isSet: boolean): ValuesChange {
  const { service, author, origin, database } = tried;
  const values = Object.entries(SETTINGS).map(([name, [value]]) => ({ name, value: isSet ? value : null }));
  const head = { service, author, origin, database, subject: 'Two settings' };
  return { kind: 'server-settings', ...head, place: { kind: 'system' }, values };
}
/** As they are set, and as pg_settings tells them then and else. */
const SETTINGS: Readonly<Record<string, readonly [set: string, told: string, else_: string]>> = {
  checkpoint_completion_target: ['0.7', '0.7', '0.9'],
  checkpoint_warning: ['45s', '45', '30'],
};
const BEFORE = ['task_old'];
const AFTER = ['task_board', 'task_title'];

/** A trial of it as it is proposed. */
export function indexTrial(id: string): Trial {
  const { service, kind, subject, author, origin, database, create, drop } = tried;
  const change = JSON.parse(JSON.stringify({ database, create, drop })) as Trial['change']; // texts
  const head = { id, service, kind, subject, author, origin, state: 'proposed', reason: '', change } as const;
  return { ...head, undo: null, scope: 'database main', about: null, at: '', updatedAt: '' };
}

const LIFE_MS = 350;
/** The server is killed in every so many rounds. */
const SERVER_EVERY = 7;
/** Builds of a table this small are over before they are interrupted: in every so many rounds one is kept waiting. */
const HALF_EVERY = 6;
const LONG_MS = 120_000;
/** Of a process of its own that was killed the server hears at once. */
const NOTICED_MS = 10_000;

/**
 * Kills a process that builds and drops indexes, vacuums and writes settings, at random points, and the server under it now and then. After each
 * death what was left open is healed, and looked at: no index is half there, none is there that the journal does not know of,
 * no setting is half set, one of the application is with one instance or with all as the journal says, no order is stuck.
 */
export async function tortureIndexes(url: string, rounds: number, random: () => number): Promise<IndexTorture> {
  await within(url, (client) =>
    client.query(`DROP TABLE IF EXISTS task; TRUNCATE autopilot.trials CASCADE; TRUNCATE autopilot.config_versions CASCADE;
      CREATE TABLE task (id int PRIMARY KEY, board int NOT NULL, title text NOT NULL, state int NOT NULL);
      INSERT INTO task SELECT i, i % 500, 'task ' || i, i % 5 FROM generate_series(1, 20000) i;
      CREATE INDEX task_old ON task (state)`),
  );
  const journal = new PostgresJournal(url);
  const canary = settingsActuator(url);
  const actuators = [
    new IndexActuator(() => url),
    new MaintenanceActuator(() => url),
    new ValuesActuator('server-settings', () => url),
    canary.actuator,
  ];
  const orders = new Orders({ journal, actuators, guards: [], onTrouble: () => {} });
  const left: Record<string, number> = {};
  let [halfIndexes, serverKills] = [0, 0];
  let next: ChildProcess | null = builder(url);
  try {
    for (let round = 1; round <= rounds; round++) {
      const child = next;
      if (child === null) throw new TypeError('There is one for every round.');
      next = round < rounds ? builder(url) : null;
      child.stdin?.write('go\n');
      if (child.stdout !== null) await once(child.stdout, 'data');
      await sleep(random() * LIFE_MS);
      const noticed = round % SERVER_EVERY === 0 ? await killServer(url) : null;
      // Either both are killed at once, or the builder lives on while its server starts anew, and settles what it can.
      const livesOn = noticed !== null && round % (2 * SERVER_EVERY) === 0;
      // What it was at when its server was killed may keep it from beginning anything else.
      if (noticed === null && round % HALF_EVERY === 0) await killedHalfway(url, child);
      else if (!livesOn) await end(child);
      if (noticed !== null && (await noticed())) serverKills++;
      await until(LONG_MS, () => reachable(url), Boolean);
      if (livesOn) {
        await sleep(random() * LIFE_MS);
        await end(child);
      }
      for (const { state } of await journal.open()) left[state] = (left[state] ?? 0) + 1;
      halfIndexes += (await indexesOf(url)).some(({ whole }) => !whole) ? 1 : 0;
      await until(
        LONG_MS,
        async () => {
          await orders.heal(0);
          return await journal.open();
        },
        (open) => open.every(({ state }) => state === 'proposed' || state === 'watching'),
      );
      await settingsHold(url, round);
      await canaryHolds(canary.keeper, journal, orders, round);
      const [open, ...others] = await journal.open();
      assert.deepEqual(others, [], `round ${round}: two trials of one scope are open`);
      await holds(url, round, open?.state === 'watching' ? AFTER : BEFORE);
      if (open?.state === 'proposed') await journal.write({ ...open, state: 'reverted' }, 'proposed');
      else if (open !== undefined) await orders.revert(open, 'Enough.');
      await holds(url, round, BEFORE);
      assert.deepEqual(await journal.open(), []);
    }
    return { rounds, serverKills, left, halfIndexes };
  } finally {
    if (next !== null) await end(next);
    await canary.close();
    await journal.close();
  }
}

function builder(url: string): ChildProcess {
  const child = spawn(process.execPath, ['-C', 'source', join(import.meta.dirname, 'index-builder.ts'), url], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  // It may be dead before it has read.
  child.stdin?.on('error', () => {});
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  assert.deepEqual([child.exitCode, child.signalCode], [null, null], 'it ended by itself');
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/** A transaction that is open keeps builds and drops waiting, half done, until the process is killed. */
async function killedHalfway(url: string, child: ChildProcess): Promise<void> {
  await within(url, async (client) => {
    await client.query('BEGIN; UPDATE task SET state = state WHERE id = 1');
    await until(
      LONG_MS,
      () => indexesOf(url),
      (found) => found.some(({ whole }) => !whole),
    );
    await end(child);
    // As the server does by itself within two seconds, when it looks after who has asked. By another connection: a transaction
    // goes on seeing those that it has seen once.
    const left = (): Promise<number> =>
      within(url, async (other) => {
        const { rows } = await other.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'autopilot %' AND datname = current_database()`,
        );
        return rows.length;
      });
    await until(LONG_MS, left, (count) => count === 0);
    await client.query('ROLLBACK');
  });
}

/**
 * As when the kernel kills one of its processes: it starts anew. What it answers with waits until it has noticed: before, it
 * takes connections and answers; then it cuts all of them off. False: the one that was found had just ended.
 */
async function killServer(url: string): Promise<() => Promise<boolean>> {
  const witness = new pg.Client({ connectionString: url });
  witness.on('error', () => {});
  await witness.connect();
  const noticed = new AbortController();
  witness.once('end', () => noticed.abort());
  const pid = await until(
    LONG_MS,
    async () => {
      const { rows } = await witness.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'autopilot %' AND datname = current_database() LIMIT 1`,
      );
      return rows[0]?.pid ?? 0;
    },
    (found) => found !== 0,
  );
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    await witness.end();
    return () => Promise.resolve(false);
  }
  return async () => {
    // One that had ended and was not buried yet can be killed, too, and nobody minds.
    await sleep(NOTICED_MS, null, { signal: noticed.signal }).catch(() => {});
    await witness.end();
    return noticed.signal.aborted;
  };
}

async function reachable(url: string): Promise<boolean> {
  return await within(url, () => Promise.resolve(true)).catch(() => false);
}

async function holds(url: string, round: number, names: readonly string[]): Promise<void> {
  const found = await indexesOf(url);
  assert.deepEqual(
    found,
    names.map((name) => ({ name, whole: true })),
    `round ${round}: the indexes are not what the journal says`,
  );
}

/** Both are set, or none; and what is written is in force. */
async function settingsHold(url: string, round: number): Promise<void> {
  await within(url, async (client) => {
    const { rows } = await client.query<{ name: string; told: string; written: boolean }>(
      `SELECT s.name, s.setting AS told, EXISTS (SELECT FROM pg_file_settings f
         WHERE f.name = s.name AND f.sourcefile LIKE '%/postgresql.auto.conf') AS written
       FROM pg_settings s WHERE s.name = ANY ($1)`,
      [Object.keys(SETTINGS)],
    );
    assert.equal(new Set(rows.map(({ written }) => written)).size, 1, `round ${round}: one setting of two is set`);
    for (const { name, told, written } of rows) {
      assert.equal(told, SETTINGS[name]?.[written ? 1 : 2], `round ${round}: ${name} is not in force as it is written`);
    }
  });
}

async function indexesOf(url: string): Promise<readonly { readonly name: string; readonly whole: boolean }[]> {
  return await within(url, async (client) => {
    const { rows } = await client.query<{ name: string; whole: boolean }>(
      `SELECT c.relname AS name, i.indisvalid AND i.indisready AND i.indislive AS whole
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE t.relname = 'task' AND NOT i.indisprimary ORDER BY 1`,
    );
    return rows;
  });
}

async function within<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
