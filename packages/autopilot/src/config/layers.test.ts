import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SettingValues } from '../contract/configuration.ts';
import { effectiveOf, type Layers, noLayers } from './layers.ts';
import { registry } from './registry.ts';

const order = ['preset', 'file', 'environment', 'fleet', 'instance'] as const;
const key = 'monitoring.maxRoutes';

test('of every two layers the stronger one wins, and says so', () => {
  for (const [index, stronger] of order.entries()) {
    const alone = effectiveOf({ ...noLayers, [stronger]: { [key]: 50 } }).provenance.get(key);
    assert.deepEqual([alone?.value, alone?.layer], [50, stronger]);
    for (const weaker of order.slice(0, index)) {
      const both = { ...noLayers, [weaker]: { [key]: 40 }, [stronger]: { [key]: 50 } };
      const found = effectiveOf(both).provenance.get(key);
      assert.deepEqual(found, {
        value: 50,
        layer: stronger,
        said: [
          { layer: weaker, value: 40 },
          { layer: stronger, value: 50 },
        ],
      });
    }
  }
  assert.equal(effectiveOf(noLayers).provenance.get(key)?.layer, 'default');
});

test('safe mode goes back to the defaults over every layer, and says where it did', () => {
  const layers = Object.fromEntries(order.map((layer) => [layer, { [key]: 50 }])) as unknown as Layers; // every layer is named
  const { values, provenance } = effectiveOf(layers, true);
  assert.deepEqual(values, {});
  assert.equal(provenance.get(key)?.value, 1_000);
  assert.equal(provenance.get(key)?.layer, 'safe mode');
  assert.equal(provenance.get('monitoring.maxTenants')?.layer, 'default');
});

test('a value that can not be used is passed over for what lies under it, and named; so is a key of a later release', () => {
  const found = effectiveOf({
    ...noLayers,
    file: { [key]: 40 },
    fleet: { [key]: 5, 'compression.later': 1 },
    instance: { [key]: null },
  });
  assert.deepEqual([found.values[key], found.provenance.get(key)?.layer], [40, 'file']);
  assert.deepEqual(found.trouble, [
    'monitoring.maxRoutes is 5; it must be from 10 to 20000 (routes) (fleet); it is passed over',
  ]);
  assert.deepEqual(found.unknown, ['compression.later']);
});

test('whatever layers say, the effective value is that of the strongest that says something usable', () => {
  const values: fc.Arbitrary<SettingValues> = fc.dictionary(
    fc.constantFrom(...registry.keys()),
    fc.oneof(fc.integer({ min: -5, max: 2_000 }), fc.boolean(), fc.constant(null), fc.constant('text')),
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(fc.tuple(values, values, values, values, values), (several) => {
      const layers = Object.fromEntries(order.map((layer, index) => [layer, several[index] ?? {}]));
      const { provenance } = effectiveOf({ ...noLayers, ...layers });
      for (const [name, { value, layer, said }] of provenance) {
        assert.equal(said.at(-1)?.layer ?? 'default', layer);
        assert.equal(value, said.at(-1)?.value ?? registry.get(name)?.default);
      }
    }),
  );
});
