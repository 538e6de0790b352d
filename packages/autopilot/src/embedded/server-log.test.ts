import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServerLog } from './server-log.ts';

test('lines come out whole, however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))),
      fc.array(fc.nat({ max: 40 })),
      (lines, cuts) => {
        const seen: string[] = [];
        const log = new ServerLog((line) => seen.push(line));
        let bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        for (const cut of cuts) {
          log.write(bytes.subarray(0, cut));
          bytes = bytes.subarray(cut);
        }
        log.write(bytes);
        log.end();
        assert.deepEqual(seen, lines);
      },
    ),
  );
});

test('memory is bounded, in lines and in characters', () => {
  const seen: number[] = [];
  const log = new ServerLog((line) => seen.push(line.length));
  for (let i = 0; i < 100; i++) log.write(Buffer.alloc(10_000, 'x'));
  assert.ok(seen.length >= 60, 'an endless line is handed on in pieces');
  for (let i = 0; i < 1_000; i++) log.write(Buffer.from(`line ${i}\n`));
  log.write(Buffer.from('the end'));
  log.end();
  const tail = log.tail().split('\n');
  assert.equal(tail.length, 40);
  assert.equal(tail.at(-1), 'the end');
  assert.ok(log.tail().length < 40 * 401);
});

test('a reader that throws stops nothing', () => {
  const log = new ServerLog(() => {
    throw new Error('reader');
  });
  log.write(Buffer.from('one\ntwo\n'));
  assert.equal(log.tail(), 'one\ntwo');
});
