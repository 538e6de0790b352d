import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserOf } from './browser-name.ts';

test('browsers are named by what only they say', () => {
  const agents = [
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1',
    'curl/8.5.0',
    null,
  ];
  assert.deepEqual(agents.map(browserOf), [
    'Firefox on Linux',
    'Edge on Windows',
    'Safari on iPhone or iPad',
    'curl',
    'Not known',
  ]);
});
