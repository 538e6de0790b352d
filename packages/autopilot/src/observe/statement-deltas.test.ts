import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { statementCounters } from '../contract/statement-counters.ts';
import type { CountedStatements } from '../postgres/statement-counts.ts';
import type { Counters } from '../storage/database-history.ts';
import { StatementDeltas } from './statement-deltas.ts';

function counters(calls: number): Counters {
  // Every name is written.
  return Object.fromEntries(statementCounters.map((name) => [name, calls])) as Counters;
}

function reading(
  calls: Readonly<Record<string, number>>,
  more: Partial<CountedStatements> & { readonly since?: string | null } = {},
): CountedStatements {
  const { since = null, ...head } = more;
  return {
    statements: Object.entries(calls).map(([queryId, count]) => ({
      queryId,
      role: 'app',
      since,
      counters: counters(count),
    })),
    evictions: 0,
    resetAt: 0,
    at: 0,
    max: 100,
    ...head,
  };
}

function calls(deltas: StatementDeltas, next: CountedStatements): Readonly<Record<string, number>> {
  return Object.fromEntries(deltas.advance(next).increases.map((one) => [one.queryId, one.counters.calls]));
}

test('counting begins with the first reading and goes on through resets, of one and of all', () => {
  const deltas = new StatementDeltas([]);
  assert.deepEqual(calls(deltas, reading({ a: 1_000 })), {}, 'what was before nobody knows the time of');
  assert.deepEqual(calls(deltas, reading({ a: 1_010, b: 3 })), { a: 10, b: 3 });
  assert.deepEqual(calls(deltas, reading({ a: 1_010, b: 3 })), {});
  assert.deepEqual(calls(deltas, reading({ a: 4, b: 3 })), { a: 4 }, 'one was reset');
  assert.deepEqual(calls(deltas, reading({ a: 20, b: 5 }, { resetAt: 1 })), { a: 20, b: 5 }, 'all were');
  assert.deepEqual(calls(deltas, reading({ b: 6 }, { resetAt: 1 })), { b: 1 });
  assert.deepEqual(calls(deltas, reading({ a: 30, b: 6 }, { resetAt: 1 })), { a: 30 }, 'forgotten and back');
});

test('one that was forgotten and came again is known by since when it counts', () => {
  const deltas = new StatementDeltas([]);
  deltas.advance(reading({ a: 5 }, { since: 'monday' }));
  assert.deepEqual(calls(deltas, reading({ a: 9 }, { since: 'tuesday' })), { a: 9 });
});

test('after a restart it goes on from what was kept', () => {
  const kept = { queryId: 'a', role: 'app', text: null, isOwn: false, since: null, counters: counters(40) };
  assert.deepEqual(calls(new StatementDeltas([kept]), reading({ a: 45, b: 2 })), { a: 5, b: 2 });
});

test('increases add up to the calls whatever happens, when each is read before it is forgotten', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('call' as const), which: fc.nat(3), times: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constantFrom('forget' as const, 'reset' as const), which: fc.nat(3), times: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const deltas = new StatementDeltas([]);
      let counted: Record<string, number> = {};
      let epoch = 0;
      deltas.advance(reading(counted, { resetAt: 0 }));
      let [called, seen] = [0, 0];
      for (const { kind, which, times } of steps) {
        if (kind === 'call') {
          counted[`s${which}`] = (counted[`s${which}`] ?? 0) + times;
          called += times;
        } else if (kind === 'reset') [counted, epoch] = [{}, epoch + 1];
        else delete counted[`s${which}`];
        for (const one of Object.values(calls(deltas, reading(counted, { resetAt: epoch })))) seen += one;
      }
      assert.equal(seen, called);
    }),
  );
});

test('calls that came and went between two readings are estimated from the evictions', () => {
  const deltas = new StatementDeltas([]);
  const some = (from: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`s${from + at}`, 1]));
  assert.equal(deltas.advance(reading(some(0))).unseenCalls, 0);
  // 300 others were called once each: 300 had to go, ten at a time, of which the 100 known were seen before.
  const { unseenCalls } = deltas.advance(reading(some(300), { evictions: 30 }));
  assert.equal(unseenCalls, 200);
  assert.equal(new StatementDeltas([]).advance(reading({}, { evictions: null })).unseenCalls, null);
});

test('calls between the last reading and a reset are estimated from the rate before', () => {
  const deltas = new StatementDeltas([]);
  const at = (seconds: number, a: number, resetAt = 0) =>
    deltas.advance(reading({ a }, { at: 1_000 * seconds, resetAt })).unseenCalls;
  assert.deepEqual([at(0, 0), at(10, 100), at(20, 200)], [0, 0, 0]);
  assert.equal(at(30, 60, 24_000), 40, 'four seconds of ten calls each');
  assert.equal(at(40, 160, 24_000), 0);
});
