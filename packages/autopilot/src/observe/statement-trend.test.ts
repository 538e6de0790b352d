import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementCounters } from '../contract/statement-counters.ts';
import type { Counters, StatementStep } from '../storage/database-history.ts';
import { statementTrend } from './statement-trend.ts';

function counters(calls: number, meanMs: number): Counters {
  const zero = Object.fromEntries(statementCounters.map((name) => [name, 0]));
  // Every name is written.
  return { ...zero, calls, totalMs: calls * meanMs, buffersHit: calls * 3 } as Counters;
}

function hoursOf(...means: readonly number[]): StatementStep[] {
  return means.map((mean, at) => ({ queryId: '1', role: 'app', at: at * 3_600_000, counters: counters(100, mean) }));
}

const recent = (calls: number, meanMs: number) => ({ queryId: '1', role: 'app', counters: counters(calls, meanMs) });

test('half as long again and longer than its hours is slower; a daily rush hour is none', () => {
  const judge = (mean: number, ...hours: readonly number[]) =>
    statementTrend({ recent: recent(100, mean), hours: hoursOf(...hours), isLongWatched: true }).state;
  assert.equal(judge(20, 10, 10, 11, 9), 'slower');
  assert.equal(judge(14, 10, 10, 11, 9), 'steady');
  assert.equal(judge(20, 10, 10, 25, 9, 10), 'steady', 'it was so before');
  assert.equal(judge(5, 10, 10, 11, 9), 'faster');
  assert.equal(judge(0.2, 0.1, 0.1, 0.1), 'steady', 'a tenth of a millisecond is nobody’s trouble');
});

test('little evidence is told as such', () => {
  const long = { isLongWatched: true };
  assert.equal(statementTrend({ recent: recent(5, 90), hours: hoursOf(10, 10, 10), ...long }).state, 'unknown');
  assert.equal(statementTrend({ recent: recent(100, 90), hours: hoursOf(10, 10), ...long }).state, 'unknown');
  assert.equal(statementTrend({ recent: recent(100, 90), hours: [], ...long }).state, 'new');
  assert.equal(statementTrend({ recent: recent(100, 90), hours: [], isLongWatched: false }).state, 'unknown');
  const { usualMeanMs, pagesPerCall } = statementTrend({
    recent: recent(100, 30),
    hours: hoursOf(10, 10, 10),
    ...long,
  });
  assert.deepEqual([usualMeanMs, pagesPerCall], [10, 3]);
});
