import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentencesOf, validatorOf } from './shape-validator.ts';

test('a text that no database can hold is refused with its name', () => {
  const validator = validatorOf({ kind: 'object', fields: { id: { kind: 'string', maxLength: 64 } } });
  assert.ok(validator.safeParse({ id: 'a' }).success);
  const { error } = validator.safeParse({ id: 'a\0' });
  assert.ok(error !== undefined);
  assert.deepEqual(
    sentencesOf(error, () => 'a\0'),
    ['id is "a\\u0000": a zero byte is in no text'],
  );
});
