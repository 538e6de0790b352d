import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { LiveMarks } from './test-marks.ts';

test('a mark is good while its test runs, and not when the test could not be begun', () => {
  const told: (readonly string[])[] = [];
  const marks: LiveMarks = new LiveMarks(() => told.push(marks.digests));
  const mark = marks.begin('one', (made) => made);
  assert.deepEqual(marks.digests, [hash('sha256', mark, 'base64url')]);
  const failing = (): never =>
    marks.begin('two', () => {
      throw new Error('no more processes');
    });
  assert.throws(failing, /no more processes/);
  assert.equal(marks.digests.length, 1);
  marks.drop('one');
  assert.deepEqual(
    told.map(({ length }) => length),
    [1, 2, 1, 0],
  );
});
