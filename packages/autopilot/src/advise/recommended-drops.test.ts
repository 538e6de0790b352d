import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveSettings } from '../config/live-settings.ts';
import type { DatabaseIndex, StatementStatistics } from '../contract/database.ts';
import { indexFindings, nameOf } from './index-findings.ts';
import { type DroppableIndex, droppableIndexes, recommendedDrops } from './recommended-drops.ts';
import type { WhatIfAnswer } from './what-if.ts';

const DAY_MS = 86_400_000;
const LIST = 'SELECT title FROM task WHERE board = $1';

function indexOf(index: string, keys: string, more: Partial<DatabaseIndex> = {}): DatabaseIndex {
  const made = { schema: 'public', table: 'task', index, method: 'btree', columns: keys.split(', '), included: [] };
  const definition = `CREATE INDEX ${index} ON public.task USING btree (${keys})`;
  const use = { scans: 100, rowsRead: 0, rowsFetched: 0, lastScanAt: null, cacheHitRatio: null, bloat: null };
  const kind = { isUnique: false, isPrimary: false, backsConstraint: false, isValid: true };
  return { ...made, condition: null, definition, ...kind, bytes: 5e6, rows: 1e5, ...use, findings: [], ...more };
}

/** As a look at a database judges them that has counted for `days`. */
function judged(indexes: readonly DatabaseIndex[], days: number): readonly DatabaseIndex[] {
  const surroundings = { observedMs: days * DAY_MS, writes: new Map(), servers: 1, unseenStandbys: 0 };
  const findings = indexFindings(indexes, surroundings);
  return indexes.map((one) => ({ ...one, findings: findings.get(nameOf(one)) ?? [] }));
}

const all = [
  indexOf('task_board_state', 'board, state'),
  indexOf('task_board', 'board'),
  indexOf('task_never', 'due_at', { scans: 0 }),
  indexOf('task_unique', 'title, id', { scans: 0, isUnique: true }),
  indexOf('task_key', 'id', { scans: 0, isUnique: true, isPrimary: true, backsConstraint: true }),
  indexOf('task_key_again', 'id', { isUnique: true }),
];

function planned(costAfter: number): WhatIfAnswer {
  const effect = {
    sql: LIST,
    calls: 10,
    costBefore: 100,
    costAfter,
    planBefore: [],
    planAfter: [],
    isReplanned: false,
  };
  return { kind: 'known', effects: [effect], fidelity: 'The copy planned 1 of 1 statements as the server does.' };
}

const statement = { queryId: '7', text: LIST, calls: 10, totalMs: 100, meanMs: 10 } as StatementStatistics;
const seen = { statements: [statement], countedMs: DAY_MS };

test('superfluous are those that begin another one, and after optimization.unusedMs those that nothing uses; never what keeps values unique', () => {
  const live = new LiveSettings();
  const names = (days: number): readonly string[] =>
    droppableIndexes(judged(all, days), live.current.optimization.unusedMs).droppable.map(({ index }) => index.index);
  assert.deepEqual(names(20), ['task_board']);
  assert.deepEqual(names(40), ['task_board', 'task_never']);
  live.swap({ 'optimization.unusedMs': 60 * DAY_MS });
  assert.deepEqual(names(40), ['task_board']);
  const { declined } = droppableIndexes(judged(all, 40), live.current.optimization.unusedMs);
  assert.match(declined.join('\n'), /task_never: nothing has used it in 40 days, and 60 days are waited for/);
  assert.match(declined.join('\n'), /task_key_again: it keeps values unique/);
});

test('an index is dropped only when the workload is planned without it as well; its definition takes it back', () => {
  const [one] = droppableIndexes(judged(all, 40), 0).droppable;
  assert.ok(one !== undefined);
  const [drop] = recommendedDrops('main', [one], [planned(100)], [], seen);
  assert.deepEqual(drop?.recommendation.change, ['DROP INDEX CONCURRENTLY "public"."task_board";']);
  assert.deepEqual(drop.recommendation.undo, [
    'CREATE INDEX CONCURRENTLY task_board ON public.task USING btree (board);',
  ]);
  assert.deepEqual([drop.recommendation.automatic, drop.aim, Object.keys(drop.affected)], [true, 'no harm', ['7']]);
  const [missed] = recommendedDrops('main', [one], [planned(300)], [], seen);
  assert.equal(missed?.recommendation.verdict, 'leave');
  assert.match(missed.recommendation.reason, /1 statement would be planned without it at 300 % of the cost/);
  const [unknown] = recommendedDrops('main', [one], [{ kind: 'unknown', reason: 'It is a part.' }], [], seen);
  assert.match(unknown?.recommendation.reason ?? '', /not known\. It is a part/);
  const [blind] = recommendedDrops('main', [one], [planned(100)], [], { ...seen, statements: [] });
  assert.deepEqual([blind?.recommendation.verdict, blind?.recommendation.automatic], ['change', false]);
});

test('of one that is dropped because nothing uses it the scans are kept: one more speaks against it', () => {
  const unused: DroppableIndex | undefined = droppableIndexes(judged(all, 40), 0).droppable[1];
  assert.ok(unused !== undefined);
  const [drop] = recommendedDrops('main', [unused], [planned(100)], [], seen);
  assert.deepEqual(drop?.change?.kind === 'indexes' ? drop.change.drop.map(({ scans }) => scans) : null, [0]);
  const [left] = recommendedDrops('main', [], [], ['a: because'], seen);
  assert.deepEqual([left?.recommendation.verdict, left?.recommendation.evidence], ['leave', ['a: because']]);
});
