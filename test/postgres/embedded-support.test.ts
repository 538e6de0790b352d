/** The test support itself: does the leak check find what is planted, is a failed test's database kept, is a skip told? */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, olderServer, olderServerSkip, throwawayCluster, throwawayServer } from '../support/postgres.ts';
import { checkoutRoot, nothingRunsOn } from '../support/postgres-process.ts';
import { skipUnless } from '../support/skip-unless.ts';

leakCheck(after);

const asRoot = { skip: process.geteuid?.() === 0 ? false : 'a test as root: this is an ordinary user' };

const directory = mkdtempSync(join(checkoutRoot, 'test/postgres/.planted-'));
after(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a test file with this text as the test runner would; answers what it printed and whether it passed. */
async function runPlanted(body: string, temporary = tmpdir()): Promise<{ passed: boolean; output: string }> {
  const file = join(directory, `planted-${readdirSync(directory).length}.test.ts`);
  const head = `
    import { after, describe, test } from 'node:test';
    import { setInterval as every, setTimeout as later } from 'node:timers';
    import net from 'node:net';
    import { spawn } from 'node:child_process';
    import { open } from 'node:fs/promises';
    import pg from 'pg';
    import { leakCheck } from '../../support/leak-check.ts';
    import { databaseFor, throwawayCluster } from '../../support/postgres.ts';
  `;
  writeFileSync(file, head + body);
  const child = spawn(
    process.execPath,
    ['-C', 'source', '--test', '--test-isolation=none', '--test-force-exit', '--test-reporter=tap', file],
    { cwd: checkoutRoot, env: { ...process.env, NODE_TEST_CONTEXT: undefined, TMPDIR: temporary } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = await once(child, 'close');
  return { passed: code === 0, output };
}

const leaks: readonly (readonly [name: string, code: string, told: RegExp])[] = [
  ['a timer', 'setInterval(() => {}, 1_000);', /Timeout made at .*planted-\d+\.test\.ts:\d+/],
  ['a timer that keeps nothing alive', 'setTimeout(() => {}, 60_000).unref();', /Timeout made at/],
  [
    'a server',
    "const server = net.createServer().listen(0, '127.0.0.1'); await new Promise((resolve) => server.once('listening', resolve));",
    /TCPSERVERWRAP made at/,
  ],
  ['a child process', "spawn('sleep', ['8'], { stdio: 'ignore' }).unref();", /child process \d+: sleep 8/],
  [
    'an open file',
    '(globalThis as { kept?: unknown }).kept = await open(import.meta.filename);',
    /open file: .*planted-\d+\.test\.ts/,
  ],
  [
    'a client of the database',
    `const client = new pg.Client({ connectionString: (await throwawayCluster()).url('postgres'), application_name: 'forgotten' });
     client.on('error', () => {});
     await client.connect();`,
    /client of the throwaway server: forgotten as postgres on postgres, idle/,
  ],
];

test('the leak check finds what a file leaves behind', async () => {
  const { passed, output } = await runPlanted(`
    leakCheck(after);
    ${leaks.map(([name, code]) => `test(${JSON.stringify(name)}, async () => { ${code} });`).join('\n')}
  `);
  assert.equal(passed, false);
  assert.match(output, /planted-\d+\.test\.ts leaves behind:/);
  for (const [name, , told] of leaks) assert.match(output, told, name);
});

test('the leak check finds what a test leaves behind, each its own', async () => {
  const { output } = await runPlanted(
    leaks.map(([name, code]) => `test(${JSON.stringify(name)}, async (t) => { leakCheck(t); ${code} });`).join('\n'),
  );
  const reports = output.split(/^# Subtest: /m).slice(1);
  assert.deepEqual(
    reports.map((report) => /^not ok \d+ - (.*)$/m.exec(report)?.[1]),
    leaks.map(([name]) => name),
    output,
  );
  for (const [i, [name, , told]] of leaks.entries()) assert.match(reports[i] ?? '', told, name);
  assert.doesNotMatch(
    reports[1] ?? '',
    /Timeout made[^]*Timeout made/,
    'the timer of the test before is not told again',
  );
});

test('the leak check passes what is released, in whatever order, and what it is not to see', async () => {
  const { passed, output } = await runPlanted(`
    leakCheck(after);
    test('clean', async (t) => {
      leakCheck(t);
      const timer = setInterval(() => {}, 1_000);
      const server = net.createServer().listen(0, '127.0.0.1');
      const child = spawn('sleep', ['30'], { stdio: 'ignore' });
      const database = await databaseFor(t);
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      console.log('output makes a stream');
      AbortSignal.timeout(60_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
      t.after(async () => {
        clearInterval(timer);
        server.close();
        child.kill();
        await client.end();
      });
    });
    describe('a suite', () => {
      test('with a limit of time', { timeout: 60_000 }, async () => {});
    });
  `);
  assert.ok(passed, output);
});

test('a file can have a database for all its tests, and release what uses it later', async () => {
  const file = (release: string): string => `
    import { afterEach } from 'node:test';
    leakCheck(after);
    const database = await databaseFor({ after, afterEach });
    const pool = new pg.Pool({ connectionString: database.url, application_name: 'pool' });
    pool.on('error', () => {});
    ${release}
    describe('tests', () => {
      test('one', async () => { await pool.query('CREATE TABLE t (i int)'); });
      test('two', async () => { await pool.query('SELECT FROM t'); });
    });
  `;
  const clean = await runPlanted(file('after(async () => { await pool.end(); });'));
  assert.ok(clean.passed, clean.output);
  const forgotten = await runPlanted(file(''));
  assert.equal(forgotten.passed, false);
  assert.match(forgotten.output, /client of the throwaway server: pool as postgres on test_1_empty/);
});

test('a forgotten client of a test database is told by the test itself', async () => {
  const { passed, output } = await runPlanted(`
    test('forgets', async (t) => {
      const database = await databaseFor(t);
      const client = new pg.Client({ connectionString: database.url, application_name: 'forgotten' });
      client.on('error', () => {});
      await client.connect();
    });`);
  assert.equal(passed, false);
  assert.match(output, /Clients are still connected to test_1_empty: forgotten as postgres/);
});

test('the database of a failed test is kept with its server’s data, others go', async (t) => {
  const temporary = mkdtempSync(join(tmpdir(), 'kept-'));
  t.after(() => {
    rmSync(temporary, { recursive: true, force: true });
  });
  const template = `const template = { name: 'tasks', migrate: async (url: string) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('CREATE TABLE task (id int)');
      await client.end();
    } };`;
  const clean = await runPlanted(
    `${template}\ntest('passes', async (t) => { await databaseFor(t, { template }); });`,
    temporary,
  );
  assert.ok(clean.passed, clean.output);
  assert.deepEqual(readdirSync(temporary), [], 'neither data nor sockets stay');

  const failed = await runPlanted(
    `${template}
    test('fails', async (t) => { await databaseFor(t, { template }); throw new Error('planted'); });
    test('has a subtest that fails', async (t) => {
      await databaseFor(t, { template });
      await t.test('inner', () => { throw new Error('planted'); });
    });
    test('passes', async (t) => { await databaseFor(t, { template }); });`,
    temporary,
  );
  const kept = [...failed.output.matchAll(/Kept the database (\S+) of a failed test; .* in (\S+)/g)];
  assert.deepEqual(
    kept.map((match) => match[1]),
    ['test_1_tasks', 'test_2_tasks'],
  );
  const dataDirectory = kept[0]?.[2] ?? '';
  assert.ok(existsSync(join(dataDirectory, 'PG_VERSION')), failed.output);
  await nothingRunsOn(dirname(dataDirectory), 5_000);
});

test('a skip without what it needs is a failure where everything is required', () => {
  const former = process.env['AUTOPILOT_REQUIRE_ALL'];
  try {
    delete process.env['AUTOPILOT_REQUIRE_ALL'];
    assert.equal(skipUnless(true, 'Redis', 'no server'), false);
    assert.equal(skipUnless(false, 'Redis', 'no server'), 'Redis: no server');
    process.env['AUTOPILOT_REQUIRE_ALL'] = '1';
    assert.equal(skipUnless(true, 'Redis', 'no server'), false);
    assert.throws(() => skipUnless(false, 'Redis', 'no server'), /Redis is not available: no server/);
  } finally {
    if (former === undefined) delete process.env['AUTOPILOT_REQUIRE_ALL'];
    else process.env['AUTOPILOT_REQUIRE_ALL'] = former;
  }
});

async function majorOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("SELECT current_setting('server_version_num')::int / 10000 AS major");
  await client.end();
  return rows[0].major;
}

test('databases are clones of a template that is made once', async (t) => {
  let migrations = 0;
  const template = {
    name: 'counted',
    migrate: async (url: string) => {
      migrations += 1;
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('CREATE TABLE kept AS SELECT generate_series(1, 100) AS id');
      await client.end();
    },
  };
  const both = await Promise.all([databaseFor(t, { template }), databaseFor(t, { template })]);
  assert.equal(migrations, 1);
  assert.notEqual(both[0].name, both[1].name);
  for (const { url } of both) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    assert.equal((await client.query('DELETE FROM kept')).rowCount, 100);
    await client.end();
  }
  assert.equal(await throwawayCluster(), both[0].server);
});

test('a server of the test’s own has its settings', async (t) => {
  const server = await throwawayServer(t, { settings: { 'auto_explain.log_min_duration': '0' } });
  assert.notEqual(server, await throwawayCluster());
  assert.equal(await majorOf(server.url('postgres')), 18);
});

test('a server works also where root has no user namespaces', asRoot, async (t) => {
  const server = await throwawayServer(t, { isolation: 'other-uid' });
  assert.equal(await majorOf(server.url('postgres')), 18);
});

test('the older server is a real PostgreSQL 15', { skip: olderServerSkip() }, async (t) => {
  const server = await olderServer();
  const database = await databaseFor(t, { server });
  assert.equal(await majorOf(database.url), 15);
  assert.equal(server.majorVersion, 15);
});
