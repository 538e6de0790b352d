import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distinctOf } from './column-facts.ts';

test('in a share of the rows there are fewer different values, unless each stands in many', () => {
  assert.equal(distinctOf({ distinct: 50 }, 1_000_000, 1), 50);
  assert.equal(distinctOf({ distinct: -1 }, 1_000_000, 0.25), 250_000);
  assert.equal(Math.round(distinctOf({ distinct: 50 }, 1_000_000, 0.01)), 50);
  // Twenty rows of each value, of which a twentieth is there: 1 - 0.95 ^ 20 have at least one.
  assert.equal(Math.round(distinctOf({ distinct: 50_000 }, 1_000_000, 0.05)), 32_076);
  assert.equal(distinctOf({ distinct: -1 }, 0, 1), 1);
});
