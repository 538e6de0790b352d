import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzAcceptEncoding } from '../../../../test/support/accept-encoding-fuzz.ts';
import { random } from '../../../../test/support/random.ts';
import { CodingReader, readAcceptEncoding } from './accepted-codings.ts';

const first = (header: string | undefined): string | null => new CodingReader().read(header).best[0] ?? null;

test('the coding is what RFC 9110 section 12.5.3 asks for', () => {
  const cases: readonly (readonly [string | undefined, string | null])[] = [
    [undefined, null],
    ['', null],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['deflate', 'deflate'],
    ['gzip;q=0, *', 'zstd'],
    ['zstd;q=0, br;q=0, *', 'gzip'],
    ['*;q=0', null],
    ['*', 'zstd'],
    ['identity;q=0', null],
    ['identity;q=0, gzip', 'gzip'],
    ['identity;q=0.5, gzip;q=0.1', null],
    ['identity, gzip;q=0.9', null],
    ['br;q=0.2, gzip;q=0.8', 'gzip'],
    ['gzip;q=0.000', null],
    ['gzip ; q=1.0 , br ; Q=0.9', 'gzip'],
    ['gzip;q=nonsense', null],
    ['gzip;q=2', null],
    ['gzip;q=0.1234', null],
    ['gzip;q=', null],
    ['gzip;level=9', 'gzip'],
    [',, ;, gzip', 'gzip'],
    ['gzip;q=0, gzip;q=1', 'gzip'],
    [`gzip${' '.repeat(600)}`, 'gzip'],
  ];
  for (const [header, coding] of cases) assert.equal(first(header), coding, String(header));
});

test('all that are liked most are told, the answer as it is unless it is excluded, a dictionary only by its name', () => {
  assert.deepEqual(readAcceptEncoding('gzip, br;q=0.5, zstd').best, ['zstd', 'gzip']);
  for (const header of ['gzip', '*', 'gzip;q=0', 'identity;q=0.1, *;q=0']) {
    assert.ok(readAcceptEncoding(header).identity, header);
  }
  for (const header of ['identity;q=0', '*;q=0', 'gzip, *;q=0', 'identity;q=x']) {
    assert.ok(!readAcceptEncoding(header).identity, header);
  }
  for (const header of ['dcz', 'gzip, br, zstd, dcb, dcz']) assert.ok(readAcceptEncoding(header).dictionary, header);
  for (const header of ['*', 'gzip', 'dcz;q=0', 'gzip, dcz;q=0.5']) {
    assert.ok(!readAcceptEncoding(header).dictionary, header);
  }
});

test('whatever is sent, it is read as it says: by another reader, for 20,000 made-up headers', () => {
  assert.deepEqual(fuzzAcceptEncoding(20_000, random(Date.now() | 0)).wrong, []);
});

test('what is remembered is bounded, and one who sends odd texts drives out none that is in use', () => {
  const reader = new CodingReader();
  const browser = reader.read('gzip, deflate, br, zstd');
  for (let i = 0; i < 5_000; i++) {
    reader.read(`gzip, odd-${i}`);
    if (i % 100 === 0) assert.equal(reader.read('gzip, deflate, br, zstd'), browser);
  }
  reader.read(`gzip, ${'x'.repeat(10_000)}`);
  assert.ok(reader.size <= 256);
});
