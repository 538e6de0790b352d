import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EffectiveSetting } from '@teamflow/autopilot/contract';
import { fieldText, isUsable, patchOf, readText, valueHint, valueText, withChange } from './draft.ts';

const number: EffectiveSetting = {
  value: 1_000,
  layer: 'default',
  default: 1_000,
  kind: 'integer',
  unit: 'routes',
  min: 10,
  max: 5_000,
  apply: 'live',
  risk: 'low',
  on: 'agent',
  description: 'Routes.',
  variable: 'AUTOPILOT__MONITORING__MAX_ROUTES',
  layers: [],
};

test('what is typed becomes a value of the setting, or says why it can not', () => {
  assert.deepEqual(readText(number, ' 2,000 '), { state: 'usable', value: 2_000 });
  for (const [text, trouble] of [
    ['', /number is needed/],
    ['ten', /no number/],
    ['10.5', /no whole number/],
    ['5', /from 10 to 5,000/],
    ['1e9', /from 10 to 5,000/],
  ] as const) {
    const read = readText(number, text);
    assert.ok(read.state === 'unusable', text);
    assert.match(read.trouble, trouble);
  }
  assert.deepEqual(readText({ ...number, default: null }, ''), { state: 'usable', value: null });
  assert.deepEqual(readText({ ...number, kind: 'number', max: 1, min: 0 }, '0.25'), { state: 'usable', value: 0.25 });
  assert.deepEqual(readText({ ...number, kind: 'texts' }, 'a\n\n b '), { state: 'usable', value: ['a', 'b'] });
  assert.deepEqual(readText({ ...number, kind: 'boolean' }, 'false'), { state: 'usable', value: false });
});

test('a draft is of the version it was begun on, and is gone with its last change', () => {
  const first = withChange(null, 7, 'api.maxStreams', { state: 'usable', value: 5 });
  const second = withChange(first, 8, 'api.longestStreamMs', { state: 'unusable', text: 'x', trouble: 'no number' });
  assert.ok(first !== null && second !== null);
  assert.deepEqual([second.base, isUsable(first), isUsable(second)], [7, true, false]);
  assert.deepEqual(patchOf(second), { api: { maxStreams: 5 } });
  const third = withChange(second, 8, 'monitoring.requests', { state: 'usable', value: null });
  assert.deepEqual(third && patchOf(third), { api: { maxStreams: 5 }, monitoring: { requests: null } });
  assert.equal(withChange(first, 8, 'api.maxStreams', null), null);
});

test('values are written for reading, and back as they are typed', () => {
  assert.deepEqual(
    [undefined, null, true, 600_000, '', ['a', 'b'], []].map((value) => valueText(value, 'ms')),
    ['not set', 'left to the application', 'on', '600,000 ms', '(empty)', 'a, b', '(none)'],
  );
  assert.equal(valueText(0.000_01, 'ratio'), '0.00001');
  assert.deepEqual(
    [valueHint(600_000, 'ms'), valueHint(90_000, 'ms'), valueHint(500, 'ms'), valueHint(7_200_000, 'ms')],
    ['10 min', '1.5 min', null, '2 h'],
  );
  assert.deepEqual(
    [valueHint(16_777_216, 'bytes'), valueHint(1_000_000, 'bytes'), valueHint(0.001, 'ratio'), valueHint(50, 'routes')],
    ['16 MiB', null, '0.1 %', null],
  );
  assert.deepEqual([fieldText(null), fieldText(['a', 'b']), fieldText(0.5)], ['', 'a\nb', '0.5']);
});
