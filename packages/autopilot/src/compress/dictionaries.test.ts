import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { Dictionaries, type Dictionary, isPersonal, mayBeKept } from './dictionaries.ts';
import { RouteCompression } from './route-compression.ts';

const route = new RouteCompression('GET /tasks');
const nameOf = (body: Uint8Array): string => `:${createHash('sha256').update(body).digest('base64')}:`;
const list = (changed: number, rows = 300): Buffer =>
  Buffer.from(
    JSON.stringify(
      Array.from({ length: rows }, (_, id) => ({
        id: createHash('md5').update(`${id}`).digest('hex'),
        title: id % 20 === 0 ? `Changed ${changed * 7_919 + id}` : `Task number ${id}`,
      })),
    ),
  );

/** What a client does that has `dictionary` (RFC 9842, section 5). */
function decode(coded: Uint8Array, dictionary: Uint8Array): Buffer {
  const bytes = Buffer.from(coded);
  assert.equal(bytes.subarray(0, 8).toString('hex'), '5e2a4d1820000000');
  assert.ok(bytes.subarray(8, 40).equals(createHash('sha256').update(dictionary).digest()));
  return zstdDecompressSync(bytes.subarray(40), { dictionary });
}

function known(dictionaries: Dictionaries, body: Uint8Array, nowMs = 0): Dictionary {
  const found = dictionaries.find(route, nameOf(body), nowMs);
  assert.ok(found !== null);
  return found;
}

for (const reuse of [true, false]) {
  test(`an answer is sent as what is new since another one, ${reuse ? 'contexts used again' : 'by the public functions'}`, () => {
    using dictionaries = new Dictionaries(reuse ? {} : { openContext: () => null });
    const first = list(1);
    assert.ok(dictionaries.offer(route, '/tasks', first, 0, 1_000_000));
    const dictionary = known(dictionaries, first);
    for (let changed = 2; changed < 6; changed++) {
      const body = list(changed);
      const coded = dictionaries.encode(dictionary, body);
      assert.ok(coded !== null && coded.byteLength < body.byteLength / 20, String(coded?.byteLength));
      assert.ok(decode(coded, first).equals(body));
      assert.ok(!dictionaries.isStale(body.byteLength, coded.byteLength));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (body) => {
        const coded = dictionaries.encode(dictionary, body);
        assert.ok(coded !== null && decode(coded, first).equals(body));
      }),
      { numRuns: 50 },
    );
  });
}

test('a hash that is not known, is malformed, or is of another route is nobody’s', () => {
  using dictionaries = new Dictionaries();
  const body = list(1);
  dictionaries.offer(route, '/tasks', body, 0, 1_000_000);
  const other = new RouteCompression('GET /users');
  assert.equal(dictionaries.find(other, nameOf(body), 0), null);
  for (const header of [undefined, '', '::', 'x', nameOf(list(2)), nameOf(body).slice(1)]) {
    assert.equal(dictionaries.find(route, header, 0), null);
  }
  assert.ok(dictionaries.find(route, ` ${nameOf(body)} `, 0) !== null);
});

test('versions are bounded in number, bytes and frequency; what is in use stays', () => {
  using dictionaries = new Dictionaries();
  const length = list(1).byteLength;
  for (let i = 1; i <= 8; i++) assert.ok(dictionaries.offer(route, '/tasks', list(i), i * 1_000, 1_000_000));
  assert.ok(!dictionaries.offer(route, '/tasks', list(9), 9_000, 1_000_000));
  // The same answer again is the same dictionary.
  assert.ok(dictionaries.offer(route, '/tasks', list(8), 8_001, 1_000_000));
  known(dictionaries, list(1), 200_000);
  // The second has rested longest, and for over five minutes.
  assert.ok(dictionaries.offer(route, '/tasks', list(9), 302_001, 1_000_000));
  assert.ok(!dictionaries.offer(route, '/tasks', list(10), 302_002, 1_000_000));
  assert.equal(dictionaries.find(route, nameOf(list(2)), 302_000), null);
  known(dictionaries, list(1), 302_003);
  dictionaries.limit(length * 3.5);
  assert.ok(dictionaries.byteLength <= length * 3.5 && dictionaries.byteLength > length * 2);
  known(dictionaries, list(1), 302_004);
  assert.ok(!dictionaries.offer(new RouteCompression('a'), '/tasks', list(11), 0, length));
  assert.ok(!dictionaries.offer(new RouteCompression('b'), '/tasks/:id', list(11), 0, 1_000_000));
});

test('more dictionaries than contexts may be open are used by turns', () => {
  using dictionaries = new Dictionaries();
  const routes = Array.from({ length: 3 }, (_, id) => new RouteCompression(`GET /${id}`));
  const all: Dictionary[] = [];
  for (const [at, one] of routes.entries()) {
    for (let i = 0; i < 8; i++) {
      const body = list(at * 10 + i, 40);
      assert.ok(dictionaries.offer(one, `/${at}`, body, i * 1_000, 1_000_000));
      const found = dictionaries.find(one, nameOf(body), i * 1_000);
      if (found !== null) all.push(found);
    }
  }
  assert.equal(all.length, 24);
  for (const dictionary of [...all, ...all]) {
    const coded = dictionaries.encode(dictionary, list(99, 40));
    assert.ok(coded !== null && decode(coded, dictionary.bytes).equals(list(99, 40)));
  }
});

test('what a client may not keep is no dictionary', () => {
  for (const text of ['max-age=60', 'public, max-age=1', 'private,Max-Age="10"']) assert.ok(mayBeKept(text), text);
  for (const text of ['', 'no-store', 'max-age=0', 'max-age=60, no-store', 'no-cache, max-age=60', 's-maxage=60']) {
    assert.ok(!mayBeKept(text), text);
  }
  assert.ok(!mayBeKept(undefined));
});

test('an answer that says it is for one who asks is nobody else’s dictionary', () => {
  const of = (headers: Readonly<Record<string, string>>): boolean => isPersonal({ header: (name) => headers[name] });
  for (const vary of ['Cookie', 'accept-encoding, authorization', '*']) assert.ok(of({ vary }), vary);
  assert.ok(of({ 'cache-control': 'max-age=60, private' }));
  assert.ok(of({ 'set-cookie': 'a=b' }));
  assert.ok(!of({ vary: 'accept-encoding, origin, x-cookie', 'cache-control': 'public, max-age=60' }));
  assert.ok(!of({}));
});
