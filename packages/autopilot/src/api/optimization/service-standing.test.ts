import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deduction, HealthComponent } from '../../contract/performance.ts';
import { incidentOf } from './service-standing.ts';

const deduction = (measure: string, points: number): Deduction => ({
  measure,
  points,
  reason: `${measure} costs ${points}.`,
  value: 1,
  limit: 0,
  link: '/autopilot/',
});
const component = (...deductions: readonly Deduction[]): HealthComponent => ({
  name: 'requests',
  score: 40,
  status: 'unhealthy',
  confidence: 1,
  deductions,
  notes: [],
});

test('what fails is an incident; what is slow is not, and a single error is not', () => {
  const found = incidentOf({
    components: [
      component(deduction('p95Ms', 25)),
      component(deduction('errorRatio', 30), deduction('poolFailed', 60)),
    ],
  });
  assert.equal(found, 'errorRatio costs 30. poolFailed costs 60.');
  assert.equal(incidentOf({ components: [component(deduction('p99Ms', 90), deduction('errorRatio', 2))] }), null);
});
