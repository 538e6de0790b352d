import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sqlPieces } from './sql-words.ts';

test('keywords are told apart, in any case and only as whole words', () => {
  const keywords = sqlPieces('SELECT selected FROM orders where "id" = ?').filter(({ isKeyword }) => isKeyword);
  assert.deepEqual(
    keywords.map(({ text }) => text),
    ['SELECT', 'FROM', 'where'],
  );
});

test('no letter is lost', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(
        sqlPieces(text)
          .map((piece) => piece.text)
          .join(''),
        text,
      );
    }),
  );
});
