import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hasContent, varyBy, whyNotCoded } from './answer-rules.ts';
import { beginsEncoded, looksLikeNoise } from './body-probe.ts';
import { codedTag, noneMatchNames, routesCondition } from './entity-tag.ts';
import { globTest } from './glob.ts';
import { mediaTypeKind } from './media-type.ts';

test('media types that become smaller are told from those that do not, and from those that say nothing', () => {
  const kinds = {
    smaller:
      'application/json; charset=utf-8|application/problem+json|text/html|image/svg+xml|application/javascript|Application/JSON|application/x-ndjson|font/ttf|application/wasm|application/vnd.api+json',
    not: 'image/png|application/zip|video/mp4|audio/mpeg|application/pdf|font/woff2|application/gzip',
    unknown: 'application/octet-stream|',
    events: 'text/event-stream',
  };
  for (const [kind, types] of Object.entries(kinds)) {
    for (const type of types.split('|')) assert.equal(mediaTypeKind(type), kind, type);
  }
});

test('an answer is left alone that is a part, is coded already, or may not be changed', () => {
  const why = (status: number, headers: Readonly<Record<string, string>>, type = 'application/json'): string | null =>
    whyNotCoded({ status, header: (name) => headers[name] }, mediaTypeKind(type));
  assert.equal(why(200, {}), null);
  assert.equal(why(404, { 'content-encoding': 'identity', 'cache-control': 'public, max-age=3' }), null);
  assert.equal(why(206, {}), 'partial');
  assert.equal(why(200, { 'content-range': 'bytes 0-1/2' }), 'partial');
  assert.equal(why(200, { 'content-encoding': 'gzip' }), 'coded-already');
  assert.equal(why(200, { 'cache-control': 'public, No-Transform' }), 'no-transform');
  assert.equal(why(200, { 'cache-control': 'x-no-transform-me' }), null);
  assert.equal(why(200, {}, 'image/png'), 'media-type');
  for (const status of [101, 204, 205, 304]) assert.ok(!hasContent(status));
  for (const status of [200, 206, 404, 500]) assert.ok(hasContent(status));
});

test('vary is added to what is there, once', () => {
  const name = 'accept-encoding';
  assert.equal(varyBy(undefined, name), name);
  assert.equal(varyBy('origin', name), `origin, ${name}`);
  assert.equal(varyBy(['origin', 'cookie'], name), `origin, cookie, ${name}`);
  assert.equal(varyBy('Accept-Encoding, cookie', name), 'Accept-Encoding, cookie');
  assert.equal(varyBy('x-accept-encoding', name), `x-accept-encoding, ${name}`);
  assert.equal(varyBy('*', name), '*');
});

test('a coded answer has a tag of its own, and conditions reach the route as it wrote its tags', () => {
  assert.equal(codedTag('"a"', 'br', 'weak'), 'W/"a"');
  assert.equal(codedTag('"a"', 'br', 'suffix'), '"a;br"');
  assert.equal(codedTag('W/"a"', 'br', 'suffix'), 'W/"a"');
  assert.equal(routesCondition('"a;br", W/"b, c", "d;zstd"', false), '"a", W/"b, c", "d"');
  assert.equal(routesCondition('W/"a", "b;gzip"', true), '"a", "b"');
  assert.equal(routesCondition('"a;other"', false), '"a;other"');
  assert.equal(routesCondition('*', true), '*');
  assert.ok(noneMatchNames('W/"x", "a"', 'W/"a"'));
  assert.ok(noneMatchNames('*', '"a"'));
  assert.ok(!noneMatchNames('"ab", "b"', '"a"'));
});

test('a body that is compressed already is told by its first bytes, or looks like noise', () => {
  assert.ok(beginsEncoded(gzipSync('a')));
  assert.ok(beginsEncoded(Buffer.from('RIFF0000WEBPVP8 ')));
  assert.ok(!beginsEncoded(Buffer.from('{"a":1}')));
  assert.ok(!beginsEncoded(Buffer.alloc(0)));
  for (const bytes of [512, 2_000, 4_096, 100_000]) {
    assert.ok(looksLikeNoise(randomBytes(bytes)), String(bytes));
    assert.ok(!looksLikeNoise(Buffer.from(randomBytes(bytes).toString('base64'))), `base64 of ${bytes}`);
  }
  assert.ok(!looksLikeNoise(randomBytes(100)));
  // A header of text does not stand for what follows it.
  assert.ok(looksLikeNoise(Buffer.concat([Buffer.from('x'.repeat(1_000)), randomBytes(100_000)])));
});

test('a star is anything within a part of a path, two are anything', () => {
  const excluded = globTest(['/files/*', '/raw/**', 'image/*']);
  for (const text of ['/files/a.txt', '/raw/', '/raw/a/b', 'image/svg+xml']) assert.ok(excluded(text), text);
  for (const text of ['/files', '/files/a/b', '/x/raw/a', '/filesXa']) assert.ok(!excluded(text), text);
  assert.ok(!globTest([])('/'));
});
