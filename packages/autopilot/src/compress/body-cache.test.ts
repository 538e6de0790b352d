import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyCache } from './body-cache.ts';
import { codingLevels } from './coding-level.ts';

const [level, other] = codingLevels;
assert.ok(level !== undefined && other !== undefined);
const bytes = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);

test('a body is kept when it has come twice, and found by all of its bytes and its level', () => {
  const cache = new BodyCache();
  const body = bytes(1_000, 7);
  const coded = bytes(10, 1);
  cache.offer(level, body, coded, 100_000);
  assert.equal(cache.find(level, body), null);
  assert.equal(cache.byteLength, 0);
  cache.offer(level, body, coded, 100_000);
  assert.deepEqual(cache.find(level, body), coded);
  assert.equal(cache.find(other, body), null);
  // No byte of its fingerprint.
  const similar = Buffer.from(body);
  similar[2] = 8;
  assert.equal(cache.find(level, similar), null);
  // Whose body it was may write over it.
  body.fill(9);
  coded.fill(9);
  assert.deepEqual(cache.find(level, bytes(1_000, 7)), bytes(10, 1));
});

test('others of the same fingerprint take its place when it does not come any more', () => {
  const cache = new BodyCache();
  const bodies = Array.from({ length: 9 }, (_, i) => {
    const body = bytes(1_000, 7);
    body[2] = i;
    return body;
  });
  for (const body of [bodies[0], bodies[0], ...bodies.slice(1)]) {
    if (body === undefined || cache.find(level, body) !== null) continue;
    cache.offer(level, body, bytes(10, body[2] ?? 0), 100_000);
  }
  const found = bodies.filter((body) => cache.find(level, body) !== null);
  assert.equal(found.length, 1);
  assert.notEqual(found[0], bodies[0]);
});

test('it never holds more than its bound, nor answers with what another body became; what is in use stays', () => {
  const used = bytes(500, 255);
  fc.assert(
    fc.property(
      fc.array(fc.record({ length: fc.integer({ min: 1, max: 3_000 }), fill: fc.nat({ max: 20 }) }), { maxLength: 80 }),
      (asked) => {
        const cache = new BodyCache();
        for (let i = 0; i < 2; i++) cache.offer(level, used, bytes(1, 255), 10_000);
        for (const { length, fill } of asked) {
          const body = bytes(length, fill);
          const found = cache.find(level, body);
          if (found !== null) assert.deepEqual([...found], [fill, length & 255]);
          else for (let i = 0; i < 2; i++) cache.offer(level, body, Buffer.from([fill, length & 255]), 10_000);
          assert.ok(cache.byteLength <= 10_000);
          assert.ok(cache.find(level, used) !== null);
        }
        cache.limit(0);
        assert.equal(cache.byteLength, 0);
      },
    ),
  );
});
