import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf } from './growth.ts';

const DAY_MS = 86_400_000;
const now = Date.UTC(2026, 0, 1);
const facts = {
  database: 'app',
  sequences: [
    {
      schema: 'public',
      sequence: 's',
      column: 'public.task.id',
      lastValue: 2e9,
      maxValue: 2_147_483_647,
      usedRatio: 0.93,
    },
    {
      schema: 'public',
      sequence: 'calm',
      column: 'public.team.id',
      lastValue: 5,
      maxValue: 2_147_483_647,
      usedRatio: 0,
    },
  ],
  wraparound: [
    { database: 'app', transactionAge: 1e9, multixactAge: 0, freezeMaxAge: 2e8, usedRatio: 0.5 },
    { database: 'other', transactionAge: 2e9, multixactAge: 0, freezeMaxAge: 2e8, usedRatio: 0.9 },
  ],
  trends: new Map([
    ['public.task', { growthBytesPerDay: 1e9, deadRowsPerDay: 0, insertedRowsPerDay: 14_748_364.7 }],
    ['public.team', { growthBytesPerDay: -1e6, deadRowsPerDay: 0, insertedRowsPerDay: 0 }],
  ]),
  samples: Array.from({ length: 49 }, (_, at) => ({
    at: now - DAY_MS + (at * DAY_MS) / 48,
    values: { identifiers: 1e7 / 48 },
  })),
  disk: { freeBytes: 1e12, totalBytes: 4e12 },
};

test('disk, sequences and identifiers run out at the pace of the days that were watched', () => {
  const { bytesPerDay, runsOut } = growthOf(facts, now);
  assert.equal(bytesPerDay, 999e6);
  const days = runsOut.map(({ what, at }) => [what, at === null ? null : Math.round((Date.parse(at) - now) / DAY_MS)]);
  assert.deepEqual(days, [
    ['public.s', 10],
    ['transaction identifiers of app', 100],
    ['the disk', 1001],
  ]);
});

test('what is not known, or not used up, has no end', () => {
  const calm = { ...facts, trends: new Map(), samples: [], disk: null };
  assert.deepEqual(
    growthOf(calm, now).runsOut.map(({ what, at }) => [what, at]),
    [['transaction identifiers of app', null]],
  );
  const [state] = facts.wraparound;
  const young = {
    ...facts,
    disk: null,
    sequences: [],
    wraparound: state === undefined ? [] : [{ ...state, transactionAge: 1e8 }],
  };
  assert.equal(growthOf(young, now).runsOut[0]?.at, null, 'vacuum has not come to it yet');
});
