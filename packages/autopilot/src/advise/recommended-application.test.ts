import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PoolAdvice } from '../contract/pool-advice.ts';
import { recommendedApplication } from './recommended-application.ts';

const at = (size: number, waitMeanMs: number | null) => ({
  size,
  utilization: 8 / size,
  waitProbability: 0.5,
  waitMeanMs,
  waitP95Ms: null,
});
const pool: PoolAdvice = {
  pool: 'main',
  database: 'orders',
  instances: 2,
  size: 10,
  ratePerSecond: 100,
  useMs: 80,
  useVariation: 1,
  waitMeanMs: 9,
  predictions: [at(5, null), at(10, 10), at(14, 1)],
  action: 'change',
  advised: 14,
  reasons: ['In the busiest minute callers wait 30 ms.'],
};
const routes = [
  { route: 'GET /list', requests: 1_000, meanMs: 30 },
  { route: 'GET /idle', requests: 0, meanMs: 0 },
];
const settings = { minBytes: 1_024, effort: 'adaptive', poolMax: null };
const bodies = { bytesOut: 1e6, savedShare: 0.8, smallAnswers: 500, smallBytes: 4e5 };
const seen = { routes, measuredMs: 300_000, bodies, busyRatio: 0.2, ...settings };

test('a pool that callers wait for grows, judged by the time of each route; what it had before takes it back', () => {
  const [one, , effort] = recommendedApplication('orders', [pool], seen);
  assert.deepEqual(one?.recommendation.change, ['PATCH /api/v1/config {"database":{"poolMax":14}}']);
  assert.deepEqual(one.recommendation.undo, ['PATCH /api/v1/config {"database":{"poolMax":null}}']);
  assert.deepEqual(one.change, { kind: 'application-settings', settings: { 'database.poolMax': 14 } });
  assert.deepEqual([Object.keys(one.affected), one.aim, one.recommendation.automatic], [['GET /list'], 'gain', true]);
  // 200 callers a second wait 9 ms less, of requests that take 100 ms a second in all: more than could be promised.
  assert.ok(Math.abs((one.effect ?? 0) - 0.1) < 1e-9, String(one.effect));
  assert.match(one.recommendation.evidence.join(), /At 5: 100 % in use, callers wait without end/);
  assert.equal(effort?.recommendation.verdict, 'leave');
});

test('a pool that takes more than it needs may shrink unless routes become slower; sizes that differ are for people', () => {
  const [smaller] = recommendedApplication('orders', [{ ...pool, size: 14, advised: 10 }], seen);
  assert.deepEqual([smaller?.aim, smaller?.effect], ['no harm', 1]);
  const [two] = recommendedApplication('orders', [pool, { ...pool, pool: 'other' }], seen);
  assert.match(two?.recommendation.obstacle ?? '', /holds for all 2 pools/);
  const [quiet] = recommendedApplication('orders', [pool], { ...seen, routes: [] });
  assert.match(quiet?.recommendation.obstacle ?? '', /No requests were measured/);
  const [left] = recommendedApplication('orders', [{ ...pool, action: 'leave', advised: 10 }], seen);
  assert.deepEqual([left?.recommendation.verdict, left?.recommendation.reason], ['leave', pool.reasons[0]]);
});

test('the threshold of compression is halved where much is sent in small bodies and processes have time', () => {
  const threshold = (more: Partial<typeof seen> | { readonly bodies: null }) =>
    recommendedApplication('orders', [], { ...seen, ...more })[1];
  const one = threshold({});
  assert.deepEqual(one?.change, { kind: 'application-settings', settings: { 'compression.minBytes': 512 } });
  assert.match(one.recommendation.reason, /40 % of the bytes sent are in bodies under 1024 bytes, 800 bytes each/);
  // 400,000 bytes in five minutes, by 40 %.
  assert.match(one.recommendation.evidence.join(), /about 1\.92 MB an hour/);
  const left = (more: Parameters<typeof threshold>[0]): string => threshold(more)?.recommendation.reason ?? '';
  assert.match(left({ busyRatio: 0.9 }), /90 % busy/);
  assert.match(left({ bodies: { ...bodies, smallBytes: 1e5 } }), /^10 % of the bytes/);
  assert.match(left({ bodies: { ...bodies, smallAnswers: 4_000 } }), /would reach few/);
  assert.match(left({ minBytes: 256 }), /would reach few/);
  assert.match(left({ bodies: null }), /No bodies/);
});

test('effort that somebody has fixed is given back to the load', () => {
  const [none, , one] = recommendedApplication('orders', [], { ...seen, effort: 'smallest' });
  assert.match(none?.recommendation.reason ?? '', /No pool/);
  assert.deepEqual(one?.change, { kind: 'application-settings', settings: { 'compression.effort': 'adaptive' } });
  assert.equal(one.aim, 'no harm');
});
