import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Choice, type SelectionProblem, selectIndexes } from './index-selection.ts';

const choice = (id: string, change: Partial<Choice> = {}): Choice => ({
  id,
  table: 't',
  bytes: 1e6,
  writeCost: 0,
  ...change,
});

/** Statements that cost 1,000 each, less with one of the indexes that help them. */
function problem(
  candidates: readonly Choice[],
  statements: readonly Readonly<Record<string, number>>[],
  change: Partial<SelectionProblem> = {},
): SelectionProblem {
  return {
    candidates,
    existing: [],
    cost: (on) =>
      Promise.resolve(
        statements.reduce(
          (sum, helped) =>
            sum + Math.min(1_000, ...Object.entries(helped).flatMap(([id, cost]) => (on.has(id) ? cost : []))),
          0,
        ),
      ),
    budgetBytes: 1e9,
    mostPerTable: 5,
    credits: new Map(),
    over: () => false,
    ...change,
  };
}

test('what helps is chosen, what another does as well is not, each with its reason', async () => {
  const { chosen, rejected, costBefore, costAfter } = await selectIndexes(
    problem([choice('a'), choice('ab'), choice('useless')], [{ a: 50, ab: 10 }, { ab: 10 }]),
  );
  assert.deepEqual(chosen, ['ab']);
  assert.deepEqual([costBefore, costAfter], [2_000, 20]);
  assert.match(rejected.find(({ id }) => id === 'useless')?.reason ?? '', /No plan/);
  assert.equal(rejected.length, 2);
});

test('writes that pay more than reads save keep an index away', async () => {
  const one = [{ a: 400 }];
  assert.deepEqual((await selectIndexes(problem([choice('a', { writeCost: 100 })], one))).chosen, ['a']);
  const { chosen, rejected } = await selectIndexes(problem([choice('a', { writeCost: 700 })], one));
  assert.deepEqual(chosen, []);
  assert.match(rejected[0]?.reason ?? '', /costs its writes 70\.0 %/);
});

test('neither the storage nor the number for a table is exceeded', async () => {
  const two = [choice('a', { bytes: 6e6 }), choice('b', { bytes: 6e6 })];
  const statements = [{ a: 10 }, { b: 500 }];
  assert.deepEqual((await selectIndexes(problem(two, statements, { budgetBytes: 1e7 }))).chosen, ['a']);
  assert.deepEqual((await selectIndexes(problem(two, statements, { mostPerTable: 1 }))).chosen, ['a']);
});

test('one that came first and is beaten by a pair of better ones goes again', async () => {
  const candidates = [choice('both'), choice('x', { bytes: 3e6 }), choice('y', { bytes: 3e6 })];
  const { chosen } = await selectIndexes(
    problem(candidates, [
      { both: 300, x: 10 },
      { both: 300, y: 10 },
    ]),
  );
  assert.deepEqual(new Set(chosen), new Set(['x', 'y']));
});

test('when the time is over it is what statements would choose for themselves, within the limits', async () => {
  const candidates = [choice('a'), choice('b', { bytes: 2e9 }), choice('c', { writeCost: 900 }), choice('d')];
  const statements = [{ a: 1 }, { b: 1 }, { c: 200 }, { d: 600 }];
  const credits = new Map([
    ['a', 999],
    ['b', 999],
    ['c', 800],
    ['d', 400],
  ]);
  const { chosen, costAfter } = await selectIndexes(problem(candidates, statements, { credits, over: () => true }));
  assert.deepEqual([chosen, costAfter], [['a', 'd'], 2_601]);
});

test('a set to begin with that grows too dear for each other gives way to a grown one', async () => {
  const candidates = [choice('ab'), choice('a'), choice('b')];
  const statements = [
    { ab: 20, a: 10 },
    { ab: 20, b: 10 },
  ];
  const credits = new Map([
    ['a', 990],
    ['b', 990],
  ]);
  const dear = candidates.map((one) => ({ ...one, writeCost: 200 }));
  assert.deepEqual((await selectIndexes(problem(dear, statements, { credits }))).chosen, ['ab']);
});

test('when the time is over nothing is chosen that was not weighed', async () => {
  const { chosen, rejected } = await selectIndexes(problem([choice('a')], [{ a: 1 }], { over: () => true }));
  assert.deepEqual(chosen, []);
  assert.match(rejected[0]?.reason ?? '', /time/);
});
