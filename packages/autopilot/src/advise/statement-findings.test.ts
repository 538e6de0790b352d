import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlowStatement } from '../contract/database.ts';
import { unknownText } from '../contract/statement-plan.ts';
import type { PlanNode } from '../postgres/explain-statement.ts';
import { planFindings, statementFindings } from './statement-findings.ts';

type Judged = Omit<SlowStatement, 'findings'>;

/** A statement that there is nothing to say about. */
const sound: Judged = {
  statement: 'a',
  queryId: '1',
  text: 'SELECT id, name FROM task WHERE id = $1',
  role: 'app',
  calls: 5_000,
  totalMs: 5_000,
  meanMs: 1,
  maxMs: 5,
  timeShare: 0.1,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
  rowsPerCall: 1,
  planMs: 100,
  bytesReadPerCall: 0,
  cacheHitRatio: 1,
  tempBytes: 0,
  walBytes: 0,
  ioMs: 0,
  listValues: 0,
  routes: [{ route: 'GET /a', callsPerRequest: 1, repeats: 0, callsPerRepeat: null, frames: [], tenants: [] }],
  trend: {
    state: 'steady',
    meanMs: 1,
    usualMeanMs: 1,
    pagesPerCall: 4,
    usualPagesPerCall: 4,
    planChange: null,
  },
};

const kindsOf = (more: Partial<Judged>): readonly string[] =>
  statementFindings({ ...sound, ...more }).map(({ kind }) => kind);

test('a sound statement gets no complaint', () => {
  assert.deepEqual(kindsOf({}), []);
});

/** Those that a test database can't be brought to in a moment; the others are in test/postgres/database-findings.test.ts. */
const planted: readonly (readonly [kind: string, more: Partial<Judged>, almost: Partial<Judged>])[] = [
  [
    'n-plus-one',
    {
      routes: [
        { route: 'GET /a', callsPerRequest: 2, repeats: 3, callsPerRepeat: 40, frames: ['tasks.ts:12'], tenants: [] },
      ],
    },
    { routes: [{ route: 'GET /a', callsPerRequest: 2, repeats: 2, callsPerRepeat: 40, frames: [], tenants: [] }] },
  ],
  [
    'slower-than-usual',
    { trend: { ...sound.trend, state: 'slower', meanMs: 3 } },
    { trend: { ...sound.trend, meanMs: 3 } },
  ],
  [
    'plan-changed',
    { trend: { ...sound.trend, planChange: { at: '2026-01-01T00:00:00Z', costBefore: 10, cost: 1_000 } } },
    { trend: { ...sound.trend, planChange: { at: '2026-01-01T00:00:00Z', costBefore: 10, cost: 11 } } },
  ],
  ['long-in-list', { listValues: 2_000 }, { listValues: 499 }],
  ['dear-planning', { planMs: 15_000 }, { planMs: 4_000 }],
  ['reads-much', { bytesReadPerCall: 50e6, cacheHitRatio: 0.3 }, { bytesReadPerCall: 5e6 }],
  ['uneven', { p99Ms: 400 }, { p99Ms: 90 }],
];

for (const [kind, more, almost] of planted) {
  test(`${kind} is named, and not before`, () => {
    assert.deepEqual(kindsOf(more), [kind]);
    assert.deepEqual(kindsOf(almost), []);
  });
}

test('a statement whose text is not known is judged by its numbers; of COMMIT and DDL nothing is advised', () => {
  const repeats = [{ route: 'GET /a', callsPerRequest: 20, repeats: 0, callsPerRepeat: null, frames: [], tenants: [] }];
  assert.deepEqual(kindsOf({ text: unknownText('a'), routes: repeats }), ['n-plus-one']);
  assert.deepEqual(kindsOf({ text: 'COMMIT', routes: repeats }), []);
});

test('a nested scan is named where both sides together are many rows', () => {
  const scan: PlanNode = {
    'Node Type': 'Seq Scan',
    'Relation Name': 'task',
    'Plan Rows': 20_000,
    'Plan Width': 8,
    'Total Cost': 300,
  };
  const kept: PlanNode = { ...scan, 'Node Type': 'Materialize', Plans: [scan] };
  const join = (outerRows: number, inner: PlanNode): PlanNode => ({
    ...scan,
    'Node Type': 'Nested Loop',
    'Plan Rows': 100,
    Plans: [{ ...scan, 'Node Type': 'Index Scan', 'Plan Rows': outerRows }, inner],
  });
  const named = (root: PlanNode): readonly string[] =>
    planFindings('1', root, () => 20_000, 4e6).map(({ kind }) => kind);
  assert.deepEqual(named(join(100, kept)), ['nested-scan']);
  assert.deepEqual(named(join(100, scan)), ['nested-scan']);
  assert.deepEqual(named(join(1, scan)), [], 'the rows are read once');
});
