import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { runTests } from './test.ts';
import { findTests, runningOrder, type Suite, suites } from './test-suites.ts';

const quick = { testLimitMs: 2_000, processLimitMs: 20_000, closeLimitMs: 500 };
/** The real suites with limits that a test can wait for. */
const quickSuites: readonly Suite[] = suites.map((suite) => ({ ...suite, ...quick }));

interface Run {
  readonly ok: boolean;
  readonly text: string;
  /** The last line. */
  readonly sum: string;
}

/** Runs the runner over a repository that holds `files`, bodies of test files that may use `test`, `describe` and `assert`. */
async function runOver(
  files: Readonly<Record<string, string>>,
  options: { readonly filters?: readonly string[]; readonly requireAll?: boolean } = {},
): Promise<Run> {
  const root = mkdtempSync(join(tmpdir(), 'runner-'));
  const imports = "import { after, describe, test } from 'node:test';\nimport assert from 'node:assert/strict';\n";
  let text = '';
  try {
    for (const [file, body] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), `${imports}${body}`);
    }
    const ok = await runTests({
      root,
      filters: options.filters ?? suites.map(({ name }) => name),
      requireAll: options.requireAll ?? false,
      write: (part) => {
        text += part;
      },
      suites: quickSuites,
    });
    return { ok, text, sum: text.trimEnd().split('\n').at(-1) ?? '' };
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('the test runner', { concurrency: 2 }, () => {
  test('adds up files of all suites', async () => {
    const { ok, text, sum } = await runOver({
      'packages/autopilot/src/kernel/a.test.ts':
        "test('one', () => {});\ndescribe('s', () => { test('two', () => {}); });",
      'apps/teamflow/server/b.test.ts': "test('three', async (t) => { await t.test('four', () => {}); });",
      'tools/c.test.ts': "test('five', () => {});",
      'test/postgres/d.test.ts': "test('six', () => {});",
      'test/e2e/e.test.ts': "test('seven', () => {});",
    });
    assert.equal(sum, '7 passed, 0 failed, 0 skipped', text);
    assert.equal(ok, true);
    assert.match(text, /^unit \(3 files\)$/m);
    assert.match(text, /^ {2}✔ test\/postgres\/d\.test\.ts: 1 passed/m);
  });

  test('shows a failure with its place, its reason and what the process wrote', async () => {
    const { ok, text, sum } = await runOver({
      'test/contract/a.test.ts':
        "describe('outer', () => { test('inner', () => { console.log('heard'); assert.equal(1, 2); }); test('fine', () => {}); });",
    });
    assert.equal(ok, false);
    assert.equal(sum, '1 passed, 1 failed, 0 skipped', text);
    assert.match(text, /✖ outer > inner\n\s+AssertionError .*1 !== 2/s);
    assert.match(text, /\| heard/);
    assert.match(text, /Failed:\n {2}✖ test\/contract\/a\.test\.ts: outer > inner/);
  });

  test('names each skipped test with its reason', async () => {
    const files = {
      'test/postgres/a.test.ts':
        "test('x', { skip: 'no redis here' }, () => {}); test('y', (t) => t.skip('no time')); test('z', { todo: true }, () => {}); test('fine', () => {});\ndescribe('whole', { skip: 'no suite' }, () => { test('q', () => {}); });",
    };
    const lenient = await runOver(files);
    assert.equal(lenient.sum, '1 passed, 0 failed, 4 skipped', lenient.text);
    assert.equal(lenient.ok, true);
    assert.match(lenient.text, /- test\/postgres\/a\.test\.ts: x: no redis here/);
    assert.match(lenient.text, /: y: no time/);
    assert.match(lenient.text, /: z: to do: no reason given/);
    assert.match(lenient.text, /: whole: no suite/);
    const strict = await runOver(files, { requireAll: true });
    assert.equal(strict.sum, '1 passed, 4 failed, 0 skipped');
    assert.equal(strict.ok, false);
  });

  test('files that run alone come first, then the longest; each name is that of a file', () => {
    const suite: Suite = {
      name: 's',
      processes: 'one-a-file',
      atATime: 2,
      ...quick,
      alone: ['c'],
      longest: ['d', 'b'],
    };
    const files = ['a', 'b', 'c', 'd'].map((name) => `/test/s/${name}.test.ts`);
    const { alone, together } = runningOrder(suite, files);
    assert.deepEqual(alone, ['/test/s/c.test.ts']);
    assert.deepEqual(together, ['/test/s/d.test.ts', '/test/s/b.test.ts', '/test/s/a.test.ts']);
    const { bySuite } = findTests(join(import.meta.dirname, '..'));
    for (const { name, alone = [], longest = [] } of suites) {
      const known = (bySuite.get(name) ?? []).map((file) => basename(file, '.test.ts'));
      assert.deepEqual(
        [...alone, ...longest].filter((file) => !known.includes(file)),
        [],
        name,
      );
    }
  });

  test('a run without a test fails', async () => {
    for (const files of [{}, { 'packages/autopilot/src/a.ts': 'export {};' }]) {
      const { ok, text, sum } = await runOver(files);
      assert.equal(sum, '0 passed, 1 failed, 0 skipped', text);
      assert.equal(ok, false);
      assert.match(text, /there is no test to run/);
    }
  });

  test('a file without a test fails', async () => {
    const { ok, text, sum } = await runOver({ 'test/fault/a.test.ts': '', 'tools/b.test.ts': "test('b', () => {});" });
    assert.equal(ok, false);
    assert.equal(sum, '1 passed, 1 failed, 0 skipped', text);
    assert.match(text, /✖ test\/fault\/a\.test\.ts: the file\n|✖ the file\n\s+it holds no test/);
  });

  test('a file that cannot be loaded fails by its name, and the others run', async () => {
    const { text, sum } = await runOver({
      'tools/a.test.ts': "throw new Error('bad module');",
      'tools/b.test.ts': "test('b', () => {});",
    });
    assert.equal(sum, '1 passed, 1 failed, 0 skipped', text);
    assert.match(text, /✖ tools\/a\.test\.ts/);
    assert.match(text, /bad module/);
  });

  test('a test that waits for ever is ended by its limit', async () => {
    const { text, sum } = await runOver({
      'tools/a.test.ts':
        "test('waits', () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()));\ntest('next', () => {});",
    });
    assert.match(sum, /failed/);
    assert.match(text, /✖ waits/);
  });

  test('a file that blocks its process is ended and named', async () => {
    const { ok, text } = await runOver({ 'test/fault/a.test.ts': "test('blocks', () => { for (;;) {} });" });
    assert.equal(ok, false);
    assert.match(text, /test\/fault\/a\.test\.ts: nothing happened for \d+ s/);
  });

  test('a file that ends the common process is found, and the others count', async () => {
    const { ok, text, sum } = await runOver({
      'tools/a.test.ts': "test('a', () => {});",
      'tools/b.test.ts': "test('b', () => { process.exit(0); });",
      'tools/c.test.ts': "test('c', () => {});",
    });
    assert.equal(ok, false);
    assert.equal(sum, '2 passed, 1 failed, 0 skipped', text);
    assert.match(text, /tools\/b\.test\.ts: the process ended \(exit code 0\) before its tests were over/);
  });

  test('a timer left running is found, with its file and its kind', async () => {
    const { ok, text, sum } = await runOver({
      'tools/a.test.ts': "test('a', () => {});",
      'tools/b.test.ts': "test('b', () => { setInterval(() => {}, 1_000); });",
    });
    assert.equal(ok, false);
    assert.equal(sum, '2 passed, 1 failed, 0 skipped', text);
    assert.match(text, /tools\/b\.test\.ts: its tests were over, but the process did not end: still open: Timeout/);
  });

  test('a process left behind is found and ended', {
    skip: process.platform !== 'linux' && 'process groups are read from /proc',
  }, async () => {
    const { ok, text } = await runOver({
      'test/fault/a.test.ts':
        "import { spawn } from 'node:child_process';\ntest('leaves', () => { spawn('sleep', ['61'], { stdio: 'ignore' }).unref(); });",
    });
    assert.equal(ok, false);
    assert.match(text, /it left processes behind \(now ended\):\n\s+sleep 61/);
  });

  test('a hook that fails after all tests counts, for its file', async () => {
    const { ok, text, sum } = await runOver({
      'tools/a.test.ts': "after(() => { throw new Error('left behind'); });\ntest('a', () => {});",
      'tools/b.test.ts': "test('b', () => {});",
    });
    assert.equal(ok, false);
    assert.equal(sum, '2 passed, 1 failed, 0 skipped', text);
    assert.match(text, /✖ tools\/a\.test\.ts: the file/);
    assert.match(text, /left behind/);
  });

  test('a failure outside of every test counts', async () => {
    const { ok, text } = await runOver({
      'test/fault/a.test.ts':
        "test('a', () => { setTimeout(() => { throw new Error('too late'); }, 50); });\ntest('b', () => new Promise((resolve) => setTimeout(resolve, 200)));",
    });
    assert.equal(ok, false);
    assert.match(text, /too late/);
  });

  test('filters by suite and by path', async () => {
    const files = {
      'tools/alpha.test.ts': "test('a', () => {});",
      'tools/beta.test.ts': "test('b', () => {}); test('b2', () => {});",
      'test/postgres/beta.test.ts': "test('c', () => {}); test('c2', () => {}); test('c3', () => {});",
    };
    const sumOf = async (...filters: string[]): Promise<string> => (await runOver(files, { filters })).sum;
    assert.equal(await sumOf('postgres'), '3 passed, 0 failed, 0 skipped');
    assert.equal(await sumOf('beta'), '5 passed, 0 failed, 0 skipped');
    assert.equal(await sumOf('unit', 'beta'), '2 passed, 0 failed, 0 skipped');
    assert.equal(await sumOf('tools/alpha.test.ts'), '1 passed, 0 failed, 0 skipped');
    assert.equal(await sumOf('gamma'), '0 passed, 1 failed, 0 skipped');
  });
});
