import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCompressible, isTransformable, varyByEncoding, weakTag } from './compressible.ts';

test('media types that become smaller are told from those that do not', () => {
  for (const type of [
    'application/json; charset=utf-8',
    'application/problem+json',
    'text/html',
    'image/svg+xml',
    'application/javascript',
  ])
    assert.ok(isCompressible(type), type);
  for (const type of ['text/event-stream', 'image/png', 'application/zip', 'application/octet-stream', 'video/mp4'])
    assert.ok(!isCompressible(type), type);
});

test('an answer is left alone that is a part, has no body, is coded already, or may not be changed', () => {
  const json = { 'content-type': 'application/json' };
  const transformable = (status: number, headers: Readonly<Record<string, string>>): boolean =>
    isTransformable({ status, header: (name) => headers[name] });
  assert.ok(transformable(200, json));
  assert.ok(transformable(404, json));
  for (const status of [101, 204, 205, 206, 304]) assert.ok(!transformable(status, json));
  assert.ok(!transformable(200, {}));
  assert.ok(!transformable(200, { ...json, 'content-encoding': 'gzip' }));
  assert.ok(!transformable(200, { ...json, 'content-range': 'bytes 0-1/2' }));
  assert.ok(!transformable(200, { ...json, 'cache-control': 'public, No-Transform' }));
});

test('vary is added to what is there, once', () => {
  assert.equal(varyByEncoding(undefined), 'accept-encoding');
  assert.equal(varyByEncoding('origin'), 'origin, accept-encoding');
  assert.equal(varyByEncoding(['origin', 'cookie']), 'origin, cookie, accept-encoding');
  assert.equal(varyByEncoding('Accept-Encoding, cookie'), 'Accept-Encoding, cookie');
  assert.equal(varyByEncoding('*'), '*');
  assert.equal(weakTag('"a"'), 'W/"a"');
  assert.equal(weakTag('W/"a"'), 'W/"a"');
});
