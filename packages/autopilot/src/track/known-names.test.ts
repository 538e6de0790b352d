import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownNames } from './known-names.ts';

test('names are told when they are new or change, within a bound', () => {
  const names = new KnownNames();
  for (let time = 0; time < 3; time++) names.learn('tenant', 'a', 'Acme');
  for (const none of [undefined, null, '', 7]) names.learn('user', 'a', none);
  assert.deepEqual(names.since(0), [{ kind: 'tenant', id: 'a', name: 'Acme' }]);
  const { revision } = names;
  assert.deepEqual(names.since(revision), []);
  names.learn('tenant', 'a', 'Acme Inc.');
  names.learn('user', 'a', 'x'.repeat(500));
  assert.deepEqual(
    names.since(revision).map(({ kind, name }) => [kind, name.length]),
    [
      ['tenant', 9],
      ['user', 120],
    ],
  );
  for (let at = 0; at < 5_000; at++) names.learn('tenant', `t${at}`, 'one of many');
  assert.equal(names.since(0).length, 2_001);
});
