import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SettingValue, SettingValues } from '../contract/configuration.ts';
import { LiveSettings } from './live-settings.ts';
import { registry, type Settings, settingsOf, valueAt } from './registry.ts';
import { type SettingDeclaration, troubleWith } from './setting.ts';

/** Values that a declaration allows. */
function allowed(declaration: SettingDeclaration): fc.Arbitrary<SettingValue> {
  switch (declaration.kind) {
    case 'integer':
      return fc.integer({ min: declaration.min, max: declaration.max });
    case 'number':
      return fc.double({ min: declaration.min, max: declaration.max, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...declaration.values);
    case 'text':
      return fc.constant('text'.slice(0, declaration.maxLength));
    case 'texts':
      return fc.constant(['one'].slice(0, declaration.maxItems));
  }
}

const anyValues: fc.Arbitrary<SettingValues> = fc
  .tuple(
    fc.record(Object.fromEntries([...registry].map(([key, declaration]) => [key, allowed(declaration)]))),
    fc.subarray([...registry.keys()]),
  )
  .map(([values, keys]) => Object.fromEntries(keys.map((key) => [key, values[key] ?? null])));

test('every declaration is sound: a sentence or more, a default within its range, a tuner within it too', () => {
  for (const [key, declaration] of registry) {
    assert.match(key, /^[a-z]+\.[a-z][a-zA-Z0-9]*$/);
    assert.match(declaration.description, /^[A-Z].*\.$/, key);
    assert.equal(troubleWith(declaration, declaration.default), null, key);
    if (declaration.kind !== 'integer' && declaration.kind !== 'number') continue;
    assert.ok(declaration.min < declaration.max, key);
    const { tuner } = declaration;
    if (tuner === undefined) continue;
    assert.equal(troubleWith(declaration, tuner.min), null, key);
    assert.equal(troubleWith(declaration, tuner.max), null, key);
  }
});

test('values out of range, of another type or not finite are refused with what they are', () => {
  const declaration = registry.get('monitoring.maxRoutes');
  assert.ok(declaration);
  for (const value of [9, 20_001, 10.5, '10', null, Number.NaN, Number.POSITIVE_INFINITY, true, [10], undefined]) {
    assert.notEqual(troubleWith(declaration, value), null, String(value));
  }
  const optional = registry.get('database.poolMax');
  assert.ok(optional);
  assert.equal(troubleWith(optional, null), null);
});

test('settings are frozen all through, and unknown keys change nothing', () => {
  const settings = settingsOf({ 'monitoring.maxRoutes': 50, 'no.such': 1, __proto__: 2 });
  assert.equal(settings.monitoring.maxRoutes, 50);
  assert.equal(settings.monitoring.maxTenants, 1_000);
  assert.ok(Object.isFrozen(settings) && Object.values(settings).every((group) => Object.isFrozen(group)));
  assert.deepEqual(settingsOf({ 'monitoring.maxRoutes': 1_000 }), settingsOf());
});

test('a change is seen whole by every consumer, and one that changes nothing reaches none', () => {
  const live = new LiveSettings();
  const seen: Settings[] = [];
  const first = live.use({ name: 'first', apply: (next) => seen.push(next) });
  live.use({
    name: 'second',
    apply: (next) => {
      // Whoever looks while the change is under way sees what the consumer is told.
      assert.equal(live.current, next);
      seen.push(next);
    },
  });
  assert.deepEqual(live.swap({ 'monitoring.maxRoutes': 20, 'monitoring.requests': false }), {
    state: 'applied',
    changed: ['monitoring.requests', 'monitoring.maxRoutes'],
    pendingRestart: [],
  });
  assert.equal(seen.length, 4);
  assert.equal(seen[2], seen[3]);
  assert.equal(live.swap({ 'monitoring.maxRoutes': 20, 'monitoring.requests': false }).state, 'unchanged');
  first[Symbol.dispose]();
  live.swap({});
  assert.equal(seen.length, 5);
});

test('a watcher is told when its own value changes, and only then', () => {
  const live = new LiveSettings();
  const told: number[] = [];
  const watching = live.watch(
    'routes',
    ({ monitoring }) => monitoring.maxRoutes,
    (value) => told.push(value),
  );
  live.swap({ 'monitoring.maxTenants': 20 });
  live.swap({ 'monitoring.maxTenants': 20, 'monitoring.maxRoutes': 30 });
  watching[Symbol.dispose]();
  live.swap({});
  assert.deepEqual(told, [30]);
});

test('whatever is changed and whoever refuses it, everybody ends with the same values, those that were accepted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyValues, fc.integer({ min: -3, max: 3 })), { maxLength: 12 }), (changes) => {
      const live = new LiveSettings();
      let refuser = -1;
      const states: Settings[] = [];
      for (const index of [0, 1, 2, 3]) {
        live.use({
          name: `consumer ${index}`,
          apply: (next) => {
            // The worst kind: it has taken the value before it refuses.
            states[index] = next;
            if (index === refuser) {
              refuser = -1;
              throw new Error('not with me');
            }
          },
        });
      }
      let accepted = live.current;
      for (const [values, by] of changes) {
        refuser = by;
        const swap = live.swap(values);
        if (swap.state === 'refused') {
          assert.equal(swap.reason, `consumer ${by} refused the change: not with me.`);
          assert.equal(live.current, accepted);
        } else {
          for (const key of registry.keys()) {
            const kept = registry.get(key)?.apply === 'restart' ? accepted : settingsOf(values);
            assert.deepEqual(valueAt(live.current, key), valueAt(kept, key));
          }
        }
        accepted = live.current;
        for (const state of states) assert.deepEqual(state, accepted);
      }
    }),
  );
});

test('a consumer that can not go back is named too', () => {
  const live = new LiveSettings();
  let broken = false;
  live.use({
    name: 'glass',
    apply: () => {
      if (broken) throw new Error('broken');
      broken = live.current.monitoring.maxRoutes === 20;
    },
  });
  live.use({
    name: 'stone',
    apply: ({ monitoring }) => {
      if (monitoring.maxRoutes === 20) throw new Error('no');
    },
  });
  assert.deepEqual(live.swap({ 'monitoring.maxRoutes': 20 }), {
    state: 'refused',
    reason: 'stone refused the change: no. glass could not go back to the values from before: broken.',
  });
});
