import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInstance } from '@teamflow/autopilot/contract';
import { progressOf, standingOf } from './instance-standing.ts';

const web: ConfigInstance = {
  instance: 'web-1',
  role: 'agent',
  state: 'live',
  version: 4,
  current: true,
  safeMode: false,
  pendingRestart: [],
  error: null,
  acknowledgedAt: null,
};

test('an instance stands as it says, the worst first', () => {
  const words = (more: Partial<ConfigInstance>): string => {
    const { tone, words: said, detail } = standingOf({ ...web, ...more }, 5);
    return `${tone}: ${said}${detail === null ? '' : `. ${detail}`}`;
  };
  assert.equal(words({}), 'ok: version 4');
  assert.equal(words({ version: 0 }), 'ok: no version yet');
  assert.equal(words({ current: false }), 'warn: version 4. It has not taken version 5 yet.');
  assert.equal(words({ current: false, state: 'stalled' }), 'warn: version 4. It does not answer at present.');
  assert.equal(words({ pendingRestart: ['a.b'] }), 'warn: version 4. Waits for a restart: a.b');
  assert.equal(words({ error: 'a pool refuses', current: false }), 'bad: version 4. a pool refuses');
  assert.equal(words({ safeMode: true }), 'warn: safe mode. It runs with the defaults alone.');
  assert.equal(words({ state: 'gone' }), 'none: gone. ran version 4');
  assert.equal(words({ version: null }), 'ok: no version known');
});

test('a change has arrived where the version is in force, or a later one; who is gone is not waited for', () => {
  const list = (...instances: readonly ConfigInstance[]): Parameters<typeof progressOf>[0] => ({
    service: 'orders',
    version: 5,
    instances,
  });
  const five = { ...web, version: 5 };
  assert.deepEqual(progressOf(undefined, 5), { done: 0, all: 0 });
  assert.deepEqual(progressOf(list(five, web, { ...web, state: 'gone' }, { ...five, current: false }), 5), {
    done: 1,
    all: 3,
  });
  assert.deepEqual(progressOf(list(five), 4), { done: 1, all: 1 });
});
