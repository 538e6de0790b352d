import { basename, join, relative, sep } from 'node:path';
import { codeFilesIn, isTestFile } from './syntax.ts';

/** A kind of tests: where they lie, how their processes are made and how long they may take. */
export interface Suite {
  readonly name: string;
  /** All files in one process, which is fast; or one process a file, for tests that start servers or kill things. */
  readonly processes: 'one' | 'one-a-file';
  /** How many processes at a time on two cores. */
  readonly atATime: number;
  /** Files that nothing else may run beside, as they promise how soon something is there: names without ".test.ts". */
  readonly alone?: readonly string[];
  /** Files that take longest, begun first, so that no core waits for one of them at the end. */
  readonly longest?: readonly string[];
  readonly testLimitMs: number;
  readonly processLimitMs: number;
  readonly closeLimitMs: number;
}

/** In the order in which they run: the quick ones speak first. */
export const suites: readonly Suite[] = [
  {
    name: 'unit',
    processes: 'one',
    atATime: 1,
    testLimitMs: 30_000,
    processLimitMs: 300_000,
    closeLimitMs: 5_000,
  },
  {
    name: 'contract',
    processes: 'one-a-file',
    atATime: 3,
    longest: ['load', 'metric-store', 'load-api', 'prometheus', 'loop-shares'],
    testLimitMs: 120_000,
    processLimitMs: 300_000,
    closeLimitMs: 10_000,
  },
  {
    name: 'postgres',
    processes: 'one-a-file',
    atATime: 3,
    longest: ['teamflow-start', 'store-history', 'teamflow-sample', 'store-clocks', 'store-disorder'],
    testLimitMs: 240_000,
    processLimitMs: 300_000,
    closeLimitMs: 10_000,
  },
  // Most of their time they wait for what was killed to come back.
  {
    name: 'fault',
    processes: 'one-a-file',
    atATime: 3,
    alone: ['fleet', 'load', 'two-halves'],
    longest: ['history', 'history-disorder', 'store-kill'],
    testLimitMs: 240_000,
    processLimitMs: 600_000,
    closeLimitMs: 15_000,
  },
  {
    name: 'e2e',
    processes: 'one-a-file',
    atATime: 3,
    alone: ['live-minute'],
    longest: ['teamflow-pages', 'dashboard-pages'],
    testLimitMs: 180_000,
    processLimitMs: 600_000,
    closeLimitMs: 15_000,
  },
];

export interface FoundTests {
  /** Suite name to its files, absolute. */
  readonly bySuite: ReadonlyMap<string, readonly string[]>;
  /** Test files that no suite would run, each with the reason. */
  readonly unrunnable: readonly { readonly file: string; readonly reason: string }[];
}

/** Finds the repository's test files and the suite of each: `test/<suite>/`, everything else is a unit test beside its source. */
export function findTests(root: string): FoundTests {
  const bySuite = new Map<string, string[]>(suites.map(({ name }) => [name, []]));
  const unrunnable = [];
  for (const folder of ['packages', 'apps', 'tools', 'bench', 'test']) {
    for (const path of codeFilesIn(join(root, folder))) {
      if (!isTestFile(path)) continue;
      const file = relative(root, path).split(sep).join('/');
      if (!path.endsWith('.test.ts')) {
        unrunnable.push({ file, reason: 'Node runs tests in .ts files only: it does not strip JSX' });
        continue;
      }
      const suite = /^test\/([^/]+)\//.exec(file)?.[1] ?? 'unit';
      const files = bySuite.get(suite) ?? bySuite.get('unit');
      files?.push(path);
    }
  }
  return { bySuite, unrunnable };
}

/** The files of a suite: first those that run alone, one after the other, then the rest, in the order in which they are begun. */
export interface RunningOrder {
  readonly alone: readonly string[];
  readonly together: readonly string[];
}

/** Puts the files of a suite in order; `files` keep theirs where the suite names none. */
export function runningOrder({ alone = [], longest = [] }: Suite, files: readonly string[]): RunningOrder {
  const nameOf = (file: string): string => basename(file, '.test.ts');
  const placeOf = (file: string): number => {
    const place = longest.indexOf(nameOf(file));
    return place < 0 ? longest.length : place;
  };
  const together = files.filter((file) => !alone.includes(nameOf(file)));
  return {
    alone: files.filter((file) => alone.includes(nameOf(file))),
    together: together.toSorted((a, b) => placeOf(a) - placeOf(b)),
  };
}
