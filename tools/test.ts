/**
 * `npm test`: the checks, then every test, in an order that lets the quick ones speak first.
 *
 * `npm test -- unit postgres` runs those suites (`check` is one of them), `npm test -- histogram` the test files
 * whose path holds the word, `npm test -- postgres store` both conditions. With AUTOPILOT_REQUIRE_ALL=1 a test
 * that skips itself has failed. The last line is `N passed, N failed, N skipped`; exit code 1 unless everything
 * passed and something ran.
 */
import { availableParallelism } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { checksOf, runChecks } from './check.ts';
import { inParallel, killAll } from './child-process.ts';
import { runTestProcess } from './test-process.ts';
import type { ResultLine } from './test-reporter.ts';
import { findTests, runningOrder, type Suite, suites } from './test-suites.ts';
import { Tally } from './test-tally.ts';

export interface TestRun {
  readonly root: string;
  /** Names of suites and parts of paths; none: everything. */
  readonly filters: readonly string[];
  /** A skipped test is a failed one. */
  readonly requireAll: boolean;
  readonly write: (text: string) => void;
  /** The suites and their limits; the repository's own unless a test of the runner asks for others. */
  readonly suites?: readonly Suite[];
}

/** Runs what `run` selects and writes the report; true when everything passed and something ran. */
export async function runTests(run: TestRun): Promise<boolean> {
  const known = run.suites ?? suites;
  const names = run.filters.filter((filter) => filter === 'check' || known.some(({ name }) => name === filter));
  const words = run.filters.filter((filter) => !names.includes(filter));
  const isWanted = (suite: string): boolean => names.length === 0 || names.includes(suite);
  const tally = new Tally(run.root, run.requireAll, run.write);

  const withChecks = isWanted('check') && words.length === 0;
  const found = findTests(run.root);
  const selected = known
    .map((suite) => ({
      suite,
      files: isWanted(suite.name) ? filesWith(words, run.root, found.bySuite.get(suite.name) ?? []) : [],
    }))
    .filter(({ files }) => files.length > 0);

  if (withChecks) {
    tally.title('check');
    await runChecks(checksOf(run.root), ({ name }, { ok, output }, durationMs) =>
      tally.check(name, ok, output, durationMs),
    );
  }
  for (const { suite, files } of selected) {
    tally.title(suite.name, files.length);
    if (suite.processes === 'one') await runTogether(run.root, suite, files, tally);
    else {
      const { alone, together } = runningOrder(suite, files);
      const runFile = (file: string): Promise<void> => runAlone(run.root, suite, file, tally);
      await inParallel(alone, 1, runFile);
      await inParallel(together, atATime(suite), runFile);
    }
  }
  if (names.length === 0 && words.length === 0) {
    for (const { file, reason } of found.unrunnable) tally.trouble(file, reason, '');
  }
  if (selected.length === 0 && !(withChecks && names.length > 0)) {
    tally.trouble(
      'tests',
      words.length === 0 ? 'there is no test to run' : `no test file matches ${words.join(' ')}`,
      '',
    );
  }
  return tally.close();
}

function filesWith(words: readonly string[], root: string, files: readonly string[]): readonly string[] {
  if (words.length === 0) return files;
  return files.filter((path) => {
    const file = relative(root, path).split(sep).join('/');
    return words.some((word) => file.includes(word) || resolve(word) === path);
  });
}

/** More cores, more processes. */
function atATime(suite: Suite): number {
  return Math.max(suite.atATime, Math.min(4, availableParallelism()));
}

/** One process for all files. When it breaks, each file runs again alone, which names the one that broke it. */
async function runTogether(root: string, suite: Suite, files: readonly string[], tally: Tally): Promise<void> {
  const all: ResultLine[] = [];
  let ofFile: ResultLine[] = [];
  const show = (): void => {
    tally.show(ofFile[0]?.file ?? suite.name, ofFile, '');
    ofFile = [];
  };
  const { trouble, output } = await runTestProcess({ ...suite, root, files }, (result) => {
    if (ofFile.length > 0 && ofFile[0]?.file !== result.file) show();
    all.push(result);
    ofFile.push(result);
  });
  if (ofFile.length > 0) show();
  if (trouble === undefined) {
    tally.count(all);
    return;
  }
  tally.note(
    `the common process of these tests broke: ${trouble}\nrunning each file alone, to find the one that breaks it`,
  );
  const before = tally.failed;
  await inParallel(files, Math.max(2, availableParallelism()), (file) => runAlone(root, suite, file, tally));
  if (tally.failed === before) {
    tally.trouble(
      `${suite.name} tests together`,
      `${trouble}\neach file alone passes: one of them disturbs another`,
      output,
    );
  }
}

async function runAlone(root: string, suite: Suite, file: string, tally: Tally): Promise<void> {
  const results: ResultLine[] = [];
  const { trouble, output } = await runTestProcess({ ...suite, root, files: [file] }, (result) => {
    results.push(result);
  });
  if (results.length > 0) tally.show(file, results, output);
  tally.count(results);
  if (trouble !== undefined) tally.trouble(file, trouble, output);
}

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killAll();
      process.exit(130);
    });
  }
  const passed = await runTests({
    root: join(import.meta.dirname, '..'),
    filters: process.argv.slice(2),
    requireAll: process.env['AUTOPILOT_REQUIRE_ALL'] === '1',
    write: (text) => {
      process.stdout.write(text);
    },
  });
  process.exitCode = passed ? 0 : 1;
}
