import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettingAdvice, StatementStatistics } from '../contract/database.ts';
import { questionOf, recommendedSettings, type SettingPlace } from './recommended-settings.ts';
import type { WhatIfAnswer } from './what-if.ts';
import type { WorkedOut } from './worked-out.ts';

const LIST = 'SELECT title FROM task WHERE board = $1';

function adviceOf(setting: string, more: Partial<SettingAdvice> = {}): SettingAdvice {
  const sql = `ALTER SYSTEM SET ${setting} = '1.1'; SELECT pg_reload_conf();`;
  const told = {
    current: '4',
    advised: '1.1',
    severity: 'warning',
    because: 'It was seen.',
    evidence: {},
    effect: 'Better.',
  } as const;
  return { setting, needs: 'reload', sql, ...told, ...more };
}

function statementOf(queryId: string, text: string, tempBuffersWritten = 0): StatementStatistics {
  // What is not read is left out.
  return { queryId, text, calls: 10, totalMs: 100, meanMs: 10, tempBuffersWritten } as StatementStatistics;
}

function worked(
  advice: SettingAdvice,
  { answer, place = 'system', spilled = 0 }: { answer?: WhatIfAnswer; place?: SettingPlace; spilled?: number } = {},
): WorkedOut {
  const statements = [statementOf('7', LIST, spilled), statementOf('8', 'UPDATE task SET title = $1')];
  const answers = new Map(answer === undefined ? [] : [[advice.setting, answer] as const]);
  const places = new Map([[advice.setting, place]]);
  const [one] = recommendedSettings('main', [advice], answers, places, { statements, countedMs: 3_600_000 });
  assert.ok(one !== undefined);
  return one;
}

function planned(isReplanned: boolean): WhatIfAnswer {
  const effect = { sql: LIST, calls: 10, costBefore: 100, costAfter: 40, planBefore: [], planAfter: [], isReplanned };
  return { kind: 'known', effects: [effect], fidelity: 'The copy planned 1 of 1 statements as the server does.' };
}

test('a setting of the planner is about the statements that it plans otherwise; when it does for none, it is left', () => {
  const advice = adviceOf('random_page_cost');
  assert.deepEqual(questionOf(advice), { kind: 'with setting', setting: 'random_page_cost', value: '1.1' });
  const one = worked(advice, { answer: planned(true) });
  assert.deepEqual([one.effect, one.aim, Object.keys(one.affected), one.controls], [0.4, 'gain', ['7'], ['8']]);
  assert.deepEqual(one.recommendation.change, [advice.sql]);
  const left = worked(advice, { answer: planned(false) }).recommendation;
  assert.deepEqual([left.verdict, left.reason], ['leave', 'None of 1 statements would be planned otherwise.']);
  assert.match(worked(advice).recommendation.reason, /is not known/);
});

test('work_mem is about the statements that spill, settings of checkpoints about those that write', () => {
  const spilling = worked(adviceOf('work_mem', { advised: '64MB' }), { spilled: 5_000 });
  assert.deepEqual([spilling.effect, Object.keys(spilling.affected)], [0.5, ['7']]);
  assert.equal(worked(adviceOf('work_mem')).recommendation.verdict, 'leave');
  const checkpoints = worked(adviceOf('max_wal_size'));
  assert.deepEqual([checkpoints.aim, Object.keys(checkpoints.affected)], ['no harm', ['8']]);
});

test('what takes a restart, is about safety, or may not be set is not tried; else the widest place is taken', () => {
  const obstacle = (advice: SettingAdvice, place: SettingPlace = 'system'): string =>
    worked(advice, { place, spilled: 5_000 }).recommendation.obstacle ?? '';
  assert.match(obstacle(adviceOf('shared_buffers', { needs: 'restart' })), /restart/);
  assert.match(obstacle(adviceOf('fsync', { severity: 'critical' })), /safety/);
  assert.match(obstacle(adviceOf('work_mem'), null), /GRANT SET, ALTER SYSTEM ON PARAMETER work_mem/);
  assert.equal(obstacle(adviceOf('work_mem'), 'database'), '');
  const { recommendation, change } = worked(adviceOf('work_mem'), { place: 'database', spilled: 5_000 });
  assert.match(recommendation.evidence.join(), /only new connections take it/);
  assert.deepEqual(change, {
    kind: 'server-settings',
    place: { kind: 'database' },
    values: [{ name: 'work_mem', value: '1.1' }],
  });
});
