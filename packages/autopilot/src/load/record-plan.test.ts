import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlan } from './read-plan.ts';
import { recordPlan } from './record-plan.ts';

const traffic = {
  name: 'orders as observed',
  target: 'http://127.0.0.1:3000',
  routes: [
    { route: 'GET /orders', requests: 600 },
    { route: 'GET /orders/:orderId', requests: 200 },
    { route: 'GET /customers/:customerId', requests: 100 },
    { route: 'POST /orders', requests: 60 },
    { route: '(unmatched)', requests: 40 },
  ],
  ratesPerSecond: [10, null, 20],
  stepMs: 10_000,
  values: { orderId: ['7', '8'] },
};

test('a recorded plan has the mix and the shape of what it can replay, and says what it leaves out', () => {
  const recorded = recordPlan(traffic);
  assert.ok(recorded !== null);
  const plan = parsePlan(recorded.text);
  assert.deepEqual(plan, recorded.plan);
  assert.deepEqual(
    plan.flows.map(({ name, weight, steps }) => [name, weight, steps[0]?.path]),
    [
      ['GET /orders', 600, '/orders'],
      ['GET /orders/:orderId', 200, '/orders/${orderId}'],
    ],
  );
  assert.ok(plan.load.kind === 'replay');
  assert.deepEqual(plan.load.ratesPerSecond, [8, 0, 16]);
  assert.equal(recorded.leftOut.length, 3);
  assert.match(
    recorded.text,
    /^# Left out: GET \/customers\/:customerId \(10\.0 % of the requests\): nothing stands for customerId\.$/m,
  );
  assert.match(recorded.text, /^# Left out: POST \/orders \(6\.0 % of the requests\): only reads are recorded\.$/m);
});

test('nothing that can be replayed makes no plan', () => {
  assert.equal(recordPlan({ ...traffic, routes: [{ route: 'POST /orders', requests: 3 }] }), null);
  assert.equal(recordPlan({ ...traffic, ratesPerSecond: [null, 0] }), null);
});
