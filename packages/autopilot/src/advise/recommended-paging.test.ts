import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationSeen } from './recommended-application.ts';
import { type PagingSeen, recommendedPaging } from './recommended-paging.ts';
import type { WorkedOut } from './worked-out.ts';

const seen: ApplicationSeen = {
  routes: [{ route: 'GET /tasks', requests: 10_000, meanMs: 20 }],
  measuredMs: 300_000,
  bodies: null,
  busyRatio: 0.1,
  minBytes: 1_024,
  effort: 'adaptive',
  poolMax: 10,
};
const usual: PagingSeen = {
  measuredMs: 86_400_000,
  pages: 10_000,
  rows: 400_000,
  totalMs: 80_000,
  byDefault: 8_000,
  byDefaultMore: 6_000,
  byDefaultFollowed: 2_000,
  overTime: 10,
  defaultLimit: 50,
  maxLimit: 200,
  durationMs: 1_000,
};

function advised(paging: Partial<PagingSeen>): readonly [duration: WorkedOut, rows: WorkedOut] {
  const [duration, rows] = recommendedPaging('main', { ...usual, ...paging }, seen);
  assert.ok(duration !== undefined && rows !== undefined);
  return [duration, rows];
}
const settingsOf = ({ change }: WorkedOut): unknown =>
  change?.kind === 'application-settings' ? change.settings : undefined;

test('pages that take what they may, and callers that read on now and then, leave everything as it is, with figures', () => {
  const [duration, rows] = advised({});
  assert.match(duration.recommendation.reason, /^0\.1 % of 10,000 pages .* longer than 1 s/);
  assert.match(rows.recommendation.reason, /75 % had a further page, and of those 33 % were followed/);
  for (const { recommendation } of advised({ pages: 20, byDefault: 0 })) {
    assert.equal(recommendation.verdict, 'leave');
    assert.match(recommendation.reason, /too few/);
  }
});

test('where pages are cut for their time they may take half of it; once that is little, the rows are what is dear', () => {
  const [duration] = advised({ overTime: 500 });
  assert.deepEqual(settingsOf(duration), { 'paging.durationMs': 500 });
  assert.deepEqual(duration.recommendation.undo, ['PATCH /api/v1/config {"paging":{"durationMs":1000}}']);
  assert.match(advised({ overTime: 500, durationMs: 100 })[0].recommendation.reason, /see the advice on indexes/);
});

test('callers that seldom read on are sent half as many rows; those that do, twice as many, which no trial can judge', () => {
  const [, fewer] = advised({ byDefaultFollowed: 300 });
  assert.deepEqual(settingsOf(fewer), { 'paging.defaultLimit': 25 });
  assert.equal(fewer.recommendation.automatic, true);
  assert.ok((fewer.effect ?? 1) < 1);
  assert.equal(advised({ byDefaultFollowed: 0, byDefaultMore: 100 })[1].recommendation.verdict, 'leave', 'whole lists');
  const [, larger] = advised({ byDefaultFollowed: 5_000 });
  assert.deepEqual(settingsOf(larger), { 'paging.defaultLimit': 100 });
  assert.equal(larger.recommendation.automatic, false);
  assert.match(larger.recommendation.obstacle ?? '', /set it by hand/);
});
