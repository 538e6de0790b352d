import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signatureOf } from '../postgres/plan-shape.ts';
import { indexesOf, nodesOf, type PlanNode, planLines } from './plan-tree.ts';

const costs = { 'Startup Cost': 0, 'Total Cost': 8.5, 'Plan Rows': 3 };
const plan: PlanNode = {
  ...costs,
  'Node Type': 'Limit',
  Plans: [
    {
      ...costs,
      'Node Type': 'Index Scan',
      'Relation Name': 'orders',
      Alias: 'o',
      'Index Name': 'orders_customer',
      'Scan Direction': 'Backward',
      'Index Cond': '(customer_id = 7)',
    },
  ],
};

test('a plan tells its nodes, its indexes and its way, whatever it costs', () => {
  assert.equal([...nodesOf(plan)].length, 2);
  assert.deepEqual([...indexesOf(plan)], ['orders_customer']);
  assert.equal(signatureOf(plan), 'Limit(Index Scan:orders:orders_customer:backward)');
  const cheaper: PlanNode = { ...plan, 'Total Cost': 1 };
  assert.equal(signatureOf(cheaper), signatureOf(plan));
});

test('a plan reads like EXPLAIN', () => {
  assert.deepEqual(planLines(plan), [
    'Limit  (cost=0.00..8.50 rows=3)',
    '  -> Index Scan using orders_customer on orders o  (cost=0.00..8.50 rows=3)',
    '      Index Cond: (customer_id = 7)',
  ]);
});
