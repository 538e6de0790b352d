import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BenchmarkReport } from '../contract/benchmarks.ts';
import { compareBenchmarks } from './compare-benchmarks.ts';
import { type Rounds, scoreParts } from './score-parts.ts';
import { SUITE_VERSION, suite } from './suite.ts';
import { taskList } from './task-list.ts';

/** Every measure `factor` times as good as the reference. */
function roundsOf(factor: number, more: Readonly<Record<string, Rounds>> = {}): ReadonlyMap<string, Rounds> {
  const all = suite.flatMap((part) =>
    part.measures.map(({ id, better, reference }): [string, Rounds] => {
      const value = better === 'higher' ? reference * factor : reference / factor;
      return [`${part.id}/${id}`, [0.99, 1, 1.01].map((noise) => noise * value)];
    }),
  );
  return new Map([...all, ...Object.entries(more)]);
}

function reportOf(rounds: ReadonlyMap<string, Rounds>, more: Partial<BenchmarkReport> = {}): BenchmarkReport {
  return {
    suite: SUITE_VERSION,
    ...scoreParts({ rounds, leftOut: new Map() }),
    invalidReasons: [],
    machine: {
      host: 'a',
      platform: 'linux',
      processor: 'p',
      cores: 2,
      memoryBytes: 1,
      node: '24.0.0',
      database: '18.0',
      releases: [],
    },
    othersBusyRatio: 0,
    tookMs: 1,
    ...more,
  };
}

const near = (value: number | null | undefined, wanted: number): void =>
  assert.ok(Math.abs((value ?? Number.NaN) - wanted) < 1e-6, `${value} is not ${wanted}`);

describe('the score', () => {
  it('is 100 at the references, and twice that where everything is twice as good', () => {
    near(scoreParts({ rounds: roundsOf(1), leftOut: new Map() }).score, 100);
    near(scoreParts({ rounds: roundsOf(2), leftOut: new Map() }).score, 200);
    near(
      suite.reduce((sum, { weight }) => sum + weight, 0),
      1,
    );
  });

  it('leaves out what could not be measured, says so, and weighs the rest', () => {
    const rounds = roundsOf(1, { 'database/commit': { leftOut: 'no database' }, 'runtime/json': [240, 240, 240] });
    const { score, parts, composition } = scoreParts({ rounds, leftOut: new Map([['api', 'nobody to ask']]) });
    const [runtime, , database, api, cache] = parts;
    near(runtime?.score, 100 * 2 ** (1 / 5));
    near(database?.score, 100);
    assert.equal(database?.measures.at(-1)?.leftOut, 'no database');
    assert.deepEqual([api?.score, api?.leftOut], [null, 'nobody to ask']);
    near(cache?.score, 100);
    near(score, 100 * 2 ** (0.2 / 5 / 0.7));
    assert.match(composition, /runtime 29 %, compression 21 %, database 43 %, cache 7 %.*Without api\.$/);
    const nothing = scoreParts({ rounds: new Map(), leftOut: new Map() });
    assert.deepEqual([nothing.score, nothing.parts[0]?.leftOut], [null, 'Nothing of it could be measured.']);
  });
});

describe('two benchmarks', () => {
  it('differ where no round reaches one of the other, by more than the margin', () => {
    const before = reportOf(roundsOf(1));
    assert.equal(compareBenchmarks(before, before).verdict, 'no-difference');
    assert.equal(compareBenchmarks(before, reportOf(roundsOf(1.04))).verdict, 'no-difference');
    assert.equal(compareBenchmarks(before, reportOf(roundsOf(1.1))).verdict, 'better');
    assert.equal(compareBenchmarks(before, reportOf(roundsOf(0.9))).verdict, 'worse');
    const slower = reportOf(roundsOf(1, { 'database/sort': [50, 51, 52], 'api/requests': [18e3, 18.1e3, 18.2e3] }));
    const { verdict, figures } = compareBenchmarks(before, slower);
    assert.equal(verdict, 'mixed');
    assert.deepEqual(
      figures.filter((one) => one.verdict !== 'no-difference').map((one) => [one.measure, one.verdict]),
      [
        ['sort', 'worse'],
        ['requests', 'better'],
      ],
    );
  });

  it('are not compared across versions, or where one is not valid; another machine is named', () => {
    const before = reportOf(roundsOf(1));
    assert.equal(compareBenchmarks(before, null).verdict, 'not-comparable');
    assert.match(
      compareBenchmarks(before, { ...before, suite: SUITE_VERSION + 1 }).reasons.join(' '),
      /different versions/,
    );
    const invalid = compareBenchmarks({ ...before, invalidReasons: ['The machine was busy.'] }, before);
    assert.deepEqual([invalid.verdict, invalid.figures.length > 0], ['not-comparable', true]);
    const elsewhere = { ...before, machine: { ...before.machine, host: 'b' } };
    assert.deepEqual(compareBenchmarks(before, elsewhere).reasons, ['Another host: a before, b now.']);
  });
});

it('the list of tasks is always the same, and about as long as asked for', () => {
  const text = taskList(20_000);
  assert.equal(text, taskList(20_000));
  assert.ok(text.length >= 20_000 && text.length < 21_000);
  assert.ok(Array.isArray((JSON.parse(text) as { tasks: unknown }).tasks)); // our own text
});
