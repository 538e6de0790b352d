import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentValues, readEnvironmentLayer, variableOf } from './environment-layer.ts';
import { registry } from './registry.ts';

test('each setting has a variable of its own', () => {
  assert.equal(variableOf('monitoring.maxRouteStatements'), 'AUTOPILOT__MONITORING__MAX_ROUTE_STATEMENTS');
  assert.equal(variableOf('health.p95Ms'), 'AUTOPILOT__HEALTH__P95_MS');
  assert.equal(new Set([...registry.keys()].map(variableOf)).size, registry.size);
});

test('variables become values of the kind that the setting has; others are named', () => {
  const layer = readEnvironmentLayer({
    AUTOPILOT__MONITORING__MAX_ROUTES: '20',
    AUTOPILOT__MONITORING__REQUESTS: 'false',
    AUTOPILOT__HEALTH__ERROR_RATIO: '0.01',
    AUTOPILOT__MONITORING__MAX_TENANTS: '',
    AUTOPILOT__MONITORING__MAX_STATEMENT: '20',
    AUTOPILOT__MONITORING__RUNTIME: 'maybe',
    AUTOPILOT_SERVICE: 'orders',
  });
  assert.deepEqual(layer, {
    values: { 'monitoring.maxRoutes': 20, 'monitoring.requests': false, 'health.errorRatio': 0.01 },
    errors: ['AUTOPILOT__MONITORING__RUNTIME is "maybe", which is neither true nor false'],
    unknown: ['AUTOPILOT__MONITORING__MAX_STATEMENT (AUTOPILOT__MONITORING__MAX_STATEMENTS was probably meant)'],
  });
});

test('a start is refused with every variable that can not be used; an unknown one is only told', () => {
  assert.throws(
    () => environmentValues({ AUTOPILOT__API__MAX_STREAMS: '0', AUTOPILOT__HEALTH__P95_MS: 'fast' }, () => {}),
    {
      code: 'AP_ENVIRONMENT_INVALID',
      message:
        'AUTOPILOT__API__MAX_STREAMS is 0; it must be from 1 to 10000 (streams); AUTOPILOT__HEALTH__P95_MS is "fast", which is no number.',
    },
  );
  const told: string[] = [];
  assert.deepEqual(
    environmentValues({ AUTOPILOT__NO__SUCH: '1' }, (message) => told.push(message)),
    {},
  );
  assert.deepEqual(told, ['No setting of this release is named by AUTOPILOT__NO__SUCH.']);
});
