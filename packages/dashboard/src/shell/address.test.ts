import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BASE, partsOf, placeOf, routeAddress, type Selection, searchOf, selectionOf } from './address.ts';

const usual: Selection = selectionOf('');
const MINUTE = 60_000;

test('the selection is what the address says, and defaults where it says nothing usable', () => {
  const nothing = { compare: 'none', service: null, instance: null, release: null, database: null };
  assert.deepEqual(usual, { range: { kind: 'last', ms: 5 * MINUTE }, ...nothing });
  assert.deepEqual(selectionOf('?range=6h&service=orders&instance=web-1&release=1.2.0&compare=week'), {
    range: { kind: 'last', ms: 360 * MINUTE },
    compare: 'week',
    service: 'orders',
    instance: 'web-1',
    release: '1.2.0',
    database: null,
  });
  assert.deepEqual(selectionOf('?minutes=15').range, { kind: 'last', ms: 15 * MINUTE }, 'links of the first release');
  for (const search of ['?range=5', '?range=x', '?compare=x', '?from=2026-01-02T00:00:00Z', '?from=b&to=a']) {
    assert.deepEqual(selectionOf(search), usual, search);
  }
});

test('a link shows what was seen', () => {
  assert.equal(searchOf(usual), '');
  const instance = 'a b';
  assert.equal(searchOf({ ...usual, instance, range: { kind: 'last', ms: 60 * MINUTE } }), '?instance=a+b&range=1h');
  const fixed = searchOf({ ...usual, compare: 'day', range: { kind: 'fixed', from: 0, to: 90_000 } });
  assert.equal(fixed, '?from=1970-01-01T00:00:00.000Z&to=1970-01-01T00:01:30.000Z&compare=day');
  const name = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: null });
  const range = fc.oneof(
    fc.constantFrom(1, 5, 60, 1440, 129_600).map((minutes) => ({ kind: 'last' as const, ms: minutes * MINUTE })),
    fc.integer({ min: 0, max: 1e12 }).map((from) => ({ kind: 'fixed' as const, from, to: from + 1000 })),
  );
  const compare = fc.constantFrom('none' as const, 'previous' as const, 'day' as const, 'week' as const);
  fc.assert(
    fc.property(
      fc.record(
        { range, compare, service: name, instance: name, release: name, database: name },
        { noNullPrototype: true },
      ),
      (selection) => {
        assert.deepEqual(selectionOf(searchOf(selection)), selection);
      },
    ),
  );
});

test('pages by their address', () => {
  const patterns = ['/', '/instances', '/routes/:route'] as const;
  const pageOf = (path: string): string | undefined => placeOf(path, patterns)?.pattern;
  assert.deepEqual(['/autopilot', '/autopilot/', '/autopilot/instances'].map(pageOf), ['/', '/', '/instances']);
  for (const path of ['/autopilot/routes/', '/autopilot/routes/%', '/autopilot/nowhere', '/elsewhere']) {
    assert.equal(placeOf(path, patterns), null, path);
  }
  const place = placeOf('/autopilot/routes/GET%20%2Ftasks%2F%3Aid', patterns);
  assert.deepEqual(place, { pattern: '/routes/:route', parameter: 'GET /tasks/:id' });
});

test('every route finds back from its address, percent signs included', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (route) => {
      assert.equal(placeOf(BASE + routeAddress(route), ['/routes/:route'])?.parameter, route);
    }),
  );
});

test('method and pattern', () => {
  assert.deepEqual(partsOf('GET /tasks/:id'), { method: 'GET', pattern: '/tasks/:id' });
  assert.deepEqual(partsOf('(unmatched)'), { method: null, pattern: '(unmatched)' });
});
