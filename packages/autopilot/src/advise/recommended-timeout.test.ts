import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationSeen } from './recommended-application.ts';
import { recommendedTimeout, type StatementTimes, type TimeoutsSeen } from './recommended-timeout.ts';
import type { WorkedOut } from './worked-out.ts';

const seen: ApplicationSeen = {
  routes: [{ route: 'GET /orders', requests: 1_000, meanMs: 20 }],
  measuredMs: 300_000,
  bodies: null,
  busyRatio: 0.1,
  minBytes: 1_024,
  effort: 'adaptive',
  poolMax: 10,
};
const list: StatementTimes = { text: 'SELECT * FROM orders', calls: 50_000, p999Ms: 40, maxMs: 900 };
const report: StatementTimes = { text: 'SELECT sum(total)\n FROM orders', calls: 12, p999Ms: 2_000, maxMs: 2_000 };

function advised(times: Partial<TimeoutsSeen>): WorkedOut {
  const all = { statements: [list, report], measuredMs: 86_400_000, timeoutMs: 0, setBy: '', ...times };
  return recommendedTimeout('main', all, seen);
}
const valueOf = ({ change }: WorkedOut): unknown =>
  change?.kind === 'application-settings' ? change.settings['database.statementTimeoutMs'] : undefined;

test('where nothing ran away there is nothing to be ended, and that is said with figures', () => {
  const { recommendation } = advised({});
  assert.equal(recommendation.verdict, 'leave');
  assert.match(
    recommendation.reason,
    /^No timeout is known .* longest call took 2 s\. One of 10 s would have ended none/,
  );
  assert.match(advised({ statements: [] }).recommendation.reason, /^No statement was measured/);
});

test('a statement that ran away is worth a timeout of four times what is usual, of all that are called rarely too', () => {
  const one = advised({ statements: [{ ...list, maxMs: 480_000 }, report] });
  assert.equal(valueOf(one), 10_000);
  const { recommendation, aim } = one;
  assert.equal(aim, 'no harm');
  assert.match(recommendation.reason, /A statement ran away, for up to 8 min/);
  assert.match(recommendation.evidence.join('\n'), /usually up to 40 ms: SELECT \* FROM orders/);
  assert.deepEqual(recommendation.undo, ['PATCH /api/v1/config {"database":{"statementTimeoutMs":null}}']);
  // The five minutes of a report that is asked for now and then are its usual time.
  const rare = advised({ statements: [list, { ...report, maxMs: 300_000 }] });
  assert.match(rare.recommendation.reason, /A timeout that leaves them alone would be over 10 min/);
});

test('a timeout that is near what is usual is raised, one that is far off and lets statements run away is lowered, others stay', () => {
  const tight = advised({ timeoutMs: 3_000, setBy: 'the role orders' });
  assert.equal(valueOf(tight), 10_000);
  assert.match(tight.recommendation.reason, /^It is 3 s, set by the role orders\. .*on a bad day/);
  const runaway = [{ ...list, maxMs: 150_000 }, report];
  const loose = advised({ statements: runaway, timeoutMs: 200_000, setBy: 'database.statementTimeoutMs' });
  assert.equal(valueOf(loose), 10_000);
  assert.deepEqual(loose.recommendation.undo, ['PATCH /api/v1/config {"database":{"statementTimeoutMs":200000}}']);
  const fine = advised({ timeoutMs: 30_000, setBy: 'the role orders' });
  assert.match(fine.recommendation.reason, /neither too tight nor too loose/);
});
