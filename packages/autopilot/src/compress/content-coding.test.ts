import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedCoding } from './content-coding.ts';

test('the coding is what RFC 9110 section 12.5.3 asks for', () => {
  const cases: readonly (readonly [string | undefined, string | null])[] = [
    [undefined, null],
    ['', null],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['deflate', null],
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
    [`gzip${' '.repeat(600)}`, null],
  ];
  for (const [header, coding] of cases) assert.equal(acceptedCoding(header), coding, String(header));
});
