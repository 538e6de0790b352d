import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLinkTarget } from './link-environment.ts';

const key = '0123456789abcdef0123456789abcdef';

test('a control plane elsewhere is an http or https origin and a key', () => {
  assert.equal(readLinkTarget({}), null);
  assert.equal(readLinkTarget({ AUTOPILOT_URL: '', AUTOPILOT_LINK_KEY: key }), null);
  const target = readLinkTarget({ AUTOPILOT_URL: 'https://plane.example:8443', AUTOPILOT_LINK_KEY: `${key},older` });
  assert.deepEqual([target?.url.origin, target?.key], ['https://plane.example:8443', key]);
});

test('anything else is refused, without repeating a secret', () => {
  for (const [url, given, why] of [
    ['plane', key, /AUTOPILOT_URL is no URL/],
    ['ftp://plane', key, /AUTOPILOT_URL/],
    ['http://plane/base', key, /AUTOPILOT_URL/],
    ['http://plane/?a=1', key, /AUTOPILOT_URL/],
    ['http://user:s3cret-s3cret@plane', key, /a URL with a sign-in \(of plane\)/],
    ['http://plane', undefined, /AUTOPILOT_LINK_KEY is not set/],
    ['http://plane', 's3cret-s3cret', /AUTOPILOT_LINK_KEY is 13 characters long/],
  ] as const) {
    assert.throws(
      () => readLinkTarget({ AUTOPILOT_URL: url, AUTOPILOT_LINK_KEY: given }),
      (error: Error & { code?: string }) =>
        error.code === 'AP_ENVIRONMENT_INVALID' && why.test(error.message) && !error.message.includes('s3cret'),
      url,
    );
  }
});
