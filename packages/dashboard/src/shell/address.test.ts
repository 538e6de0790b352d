import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BASE, partsOf, placeOf, routeAddress, searchOf, selectionOf } from './address.ts';

test('the selection is what the address says, and defaults where it says nothing usable', () => {
  assert.deepEqual(selectionOf(''), { minutes: 5, service: null, instance: null });
  assert.deepEqual(selectionOf('?minutes=15&service=orders&instance=web-1'), {
    minutes: 15,
    service: 'orders',
    instance: 'web-1',
  });
  assert.equal(selectionOf('?minutes=7').minutes, 5);
  assert.equal(searchOf({ minutes: 5, service: null, instance: null }), '');
  assert.equal(searchOf({ minutes: 60, service: null, instance: 'a b' }), '?instance=a+b&minutes=60');
});

test('pages by their address', () => {
  assert.deepEqual(placeOf('/autopilot'), { page: 'overview' });
  assert.deepEqual(placeOf('/autopilot/'), { page: 'overview' });
  assert.deepEqual(placeOf('/autopilot/routes/'), { page: 'unknown' });
  assert.deepEqual(placeOf('/autopilot/routes/%'), { page: 'unknown' });
  assert.deepEqual(placeOf('/autopilot/nowhere'), { page: 'unknown' });
  assert.deepEqual(placeOf('/autopilot/routes/GET%20%2Ftasks%2F%3Aid'), { page: 'route', route: 'GET /tasks/:id' });
});

test('every route finds back from its address, percent signs included', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (route) => {
      assert.deepEqual(placeOf(BASE + routeAddress(route)), { page: 'route', route });
    }),
  );
});

test('method and pattern', () => {
  assert.deepEqual(partsOf('GET /tasks/:id'), { method: 'GET', pattern: '/tasks/:id' });
  assert.deepEqual(partsOf('(unmatched)'), { method: null, pattern: '(unmatched)' });
});
