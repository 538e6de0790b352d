/** Who may use a data directory, and what a crash or a stranger may have left in it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import { leakCheck } from '../support/leak-check.ts';
import { holdPostgres, nothingRunsOn } from '../support/postgres-process.ts';

leakCheck(after);

const root = mkdtempSync(join(tmpdir(), 'embedded-directory-'));
const dataDirectory = join(root, 'data');
const options = { dataDirectory, durable: false } as const;

before(async () => {
  const server = await startEmbeddedPostgres(options);
  await server.stop();
});
after(() => {
  rmSync(root, { recursive: true, force: true });
});

async function startsAndStops(): Promise<void> {
  const server = await startEmbeddedPostgres(options);
  await server.stop();
}

describe('never two servers on one directory', () => {
  test('a second start in the same process fails at once, naming the pids', async () => {
    const server = await startEmbeddedPostgres(options);
    try {
      const startedMs = performance.now();
      await assert.rejects(startEmbeddedPostgres(options), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'AP_EMBEDDED_DIRECTORY_IN_USE');
        assert.match(
          error.message,
          new RegExp(`this process ${process.pid} and its PostgreSQL server ${server.pid}\\b`),
        );
        return true;
      });
      assert.ok(performance.now() - startedMs < 1_000);
    } finally {
      await server.stop();
    }
  });

  test('so does one in another process', async (t) => {
    const server = await startEmbeddedPostgres(options);
    const outcome = await holdPostgres({ scope: t, orders: { options } }).outcome;
    await server.stop();
    assert.ok(outcome?.state === 'failed', JSON.stringify(outcome));
    assert.equal(outcome.code, 'AP_EMBEDDED_DIRECTORY_IN_USE');
    assert.match(outcome.message, new RegExp(`process ${process.pid} and its PostgreSQL server ${server.pid}\\b`));
    assert.ok(outcome.tookMs < 1_000, `${outcome.tookMs} ms`);
  });

  test('of several that start at the same time on an empty directory, one wins', async (t) => {
    for (let round = 0; round < 3; round++) {
      const dataDirectory = join(root, `race-${round}`);
      const holders = [1, 2, 3].map(() =>
        holdPostgres({ scope: t, orders: { options: { ...options, dataDirectory } } }),
      );
      const outcomes = await Promise.all(holders.map((holder) => holder.outcome));
      const states = outcomes.map((outcome) => (outcome?.state === 'failed' ? outcome.code : outcome?.state));
      assert.deepEqual(
        states.toSorted((a = '', b = '') => (a < b ? -1 : 1)),
        ['AP_EMBEDDED_DIRECTORY_IN_USE', 'AP_EMBEDDED_DIRECTORY_IN_USE', 'ready'],
        JSON.stringify(outcomes),
      );
      await Promise.all(holders.map((holder) => holder.terminate()));
    }
  });

  test('a server that was started by hand is respected too', async () => {
    const server = await startEmbeddedPostgres(options);
    // Taking our lock away is what a start without us looks like.
    renameSync(join(dataDirectory, 'autopilot.lock'), join(root, 'lock'));
    try {
      await assert.rejects(startEmbeddedPostgres(options), {
        code: 'AP_EMBEDDED_DIRECTORY_IN_USE',
        message: new RegExp(`PostgreSQL server ${server.pid}\\b`),
      });
    } finally {
      await server.stop();
    }
    await startsAndStops();
  });
});

describe('a former server that is going away', () => {
  test('is waited for, after a kill -9 of its process', async (t) => {
    const holder = holdPostgres({ scope: t, orders: { options, writes: true } });
    assert.equal((await holder.outcome)?.state, 'ready');
    await holder.kill();
    await startsAndStops();
  });

  test('is waited for, while its process stops it', async (t) => {
    const holder = holdPostgres({ scope: t, orders: { options, writes: true } });
    assert.equal((await holder.outcome)?.state, 'ready');
    await delay(100);
    const gone = holder.terminate();
    await delay(5);
    await startsAndStops();
    await gone;
  });
});

describe('a stale postmaster.pid', () => {
  const strangers: ChildProcess[] = [];
  after(async () => {
    for (const stranger of strangers) {
      stranger.kill();
      await once(stranger, 'exit');
    }
  });
  const file = (pid: number): string =>
    `${pid}\n${dataDirectory}\n1790000000\n5432\n/tmp/autopilot-pg-abcdef\n\n   123456       789\nready   \n`;

  for (const [whose, pid] of [
    ['of nobody', () => 4_194_000],
    [
      'of a stranger',
      () => {
        const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
        strangers.push(stranger);
        return stranger.pid ?? 0;
      },
    ],
    ['of ourselves', () => process.pid],
    ['of the first process', () => 1],
  ] as const) {
    test(`with the pid ${whose} is no hindrance`, async () => {
      writeFileSync(join(dataDirectory, 'postmaster.pid'), file(pid()), { mode: 0o600 });
      await startsAndStops();
    });
  }

  test("with the pid of another directory's server is no hindrance, and that server lives on", async () => {
    const other = await startEmbeddedPostgres({ ...options, dataDirectory: join(root, 'other') });
    writeFileSync(join(dataDirectory, 'postmaster.pid'), file(other.pid), { mode: 0o600 });
    await startsAndStops();
    assert.ok(process.kill(other.pid, 0));
    await other.stop();
  });

  test('that holds nonsense is told', async () => {
    writeFileSync(join(dataDirectory, 'postmaster.pid'), 'nonsense\n', { mode: 0o600 });
    await assert.rejects(startEmbeddedPostgres(options), /bogus data in lock file "postmaster.pid"/);
    rmSync(join(dataDirectory, 'postmaster.pid'));
  });
});

describe('an interrupted initialisation', () => {
  const directory = join(root, 'interrupted');
  const unfinished = join(directory, 'autopilot.initdb');
  // The first eight bytes of pg_control are the system's identifier, made by initdb.
  const identifier = (): Buffer =>
    readFileSync(join(existsSync(join(directory, 'global')) ? directory : unfinished, 'global/pg_control')).subarray(
      0,
      8,
    );
  const starts = async (): Promise<void> => {
    const server = await startEmbeddedPostgres({ ...options, dataDirectory: directory });
    await server.stop();
    assert.equal(existsSync(unfinished), false);
    assert.equal(existsSync(join(directory, 'autopilot.initialised')), false);
    rmSync(directory, { recursive: true });
  };

  test('that was not complete is thrown away', async () => {
    mkdirSync(join(unfinished, 'base/1'), { recursive: true });
    writeFileSync(join(unfinished, 'PG_VERSION'), '18\n');
    writeFileSync(join(directory, 'autopilot.lock'), '');
    await starts();
  });

  test('that was complete is moved into place from where it stopped', async () => {
    for (const moved of [0, 1, 7, 100]) {
      cpSync(dataDirectory, directory, { recursive: true });
      mkdirSync(unfinished);
      writeFileSync(join(unfinished, 'autopilot.initialised'), '');
      const entries = readdirSync(directory).filter((name) => !name.startsWith('autopilot.') && name !== 'PG_VERSION');
      for (const name of ['PG_VERSION', ...entries.slice(moved)])
        renameSync(join(directory, name), join(unfinished, name));
      const began = identifier();
      const server = await startEmbeddedPostgres({ ...options, dataDirectory: directory });
      await server.stop();
      assert.deepEqual(identifier(), began, 'the same cluster, not a new one');
      await starts();
    }
  });

  test('whose last step was left is cleaned up', async () => {
    cpSync(dataDirectory, directory, { recursive: true });
    mkdirSync(unfinished);
    await starts();
  });
});

describe('a directory that is not for us', () => {
  test('is left alone when it holds other files', async () => {
    const directory = join(root, 'photos');
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    writeFileSync(join(directory, 'holiday.jpg'), 'sun');
    await assert.rejects(startEmbeddedPostgres({ ...options, dataDirectory: directory }), {
      code: 'AP_EMBEDDED_DIRECTORY_UNUSABLE',
      message: /holds other files \(holiday\.jpg\)/,
    });
    assert.deepEqual(readdirSync(directory), ['holiday.jpg']);
    assert.equal(statSync(directory).mode & 0o777, 0o755);
    await assert.rejects(startEmbeddedPostgres({ ...options, dataDirectory: join(directory, 'holiday.jpg') }), {
      code: 'AP_EMBEDDED_DIRECTORY_UNUSABLE',
    });
  });

  test('is left alone when it is a cluster without its version', async () => {
    const directory = join(root, 'broken');
    cpSync(dataDirectory, directory, { recursive: true });
    rmSync(join(directory, 'PG_VERSION'));
    await assert.rejects(
      startEmbeddedPostgres({ ...options, dataDirectory: directory }),
      /without PG_VERSION: it is left alone/,
    );
    assert.ok(existsSync(join(directory, 'base/1')));
  });

  test('is explained when another major version wrote it', async () => {
    const path = join(dataDirectory, 'PG_VERSION');
    const written = readFileSync(path, 'utf8');
    writeFileSync(path, '17\n');
    await assert.rejects(startEmbeddedPostgres(options), (error: Error & { code?: string; remedy?: string }) => {
      assert.equal(error.code, 'AP_EMBEDDED_MAJOR_VERSION');
      assert.match(error.message, /written by PostgreSQL 17, and this is PostgreSQL 18/);
      assert.match(error.remedy ?? '', /pg_dump/);
      return true;
    });
    writeFileSync(path, written);
    await startsAndStops();
  });
});

test('nothing is left running', async () => {
  await nothingRunsOn(root, 5_000);
});
