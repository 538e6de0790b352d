import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfileTree } from '@teamflow/autopilot/contract';
import { boxesOf, callsOf, hotPlaces, ownerOf, placeText } from './flame-layout.ts';

const frame = (name: string, file = 'src/app.ts'): ProfileTree['frames'][number] => ({ name, file, line: 3 });
const tree: ProfileTree = {
  frames: [{ name: 'GET /', file: '', line: 0 }, { name: 'POST /', file: '', line: 0 }, frame('a'), frame('b')],
  // GET / 0 + a 10 + b 20; POST / 5 + b 15
  nodes: [
    [0, -1, 0],
    [2, 0, 10],
    [3, 1, 20],
    [1, -1, 5],
    [3, 3, 15],
  ],
  total: 50,
  samples: 50,
  notes: [],
};

test('calls have what they took with all they called', () => {
  const calls = callsOf(tree);
  assert.deepEqual(
    calls.map(({ total, self, parent, children }) => [total, self, parent, children]),
    [
      [30, 0, -1, [1]],
      [30, 10, 0, [2]],
      [20, 20, 1, []],
      [20, 5, -1, [4]],
      [15, 15, 3, []],
    ],
  );
  assert.deepEqual(
    hotPlaces(calls, 9).map(({ frame: place, self }) => [place.name, self]),
    [
      ['b', 35],
      ['a', 10],
    ],
  );
});

test('boxes stand beside each other by what they took, or one across the whole width under those above it', () => {
  const calls = callsOf(tree);
  const drawn = (focus: number | null): readonly unknown[] =>
    boxesOf(calls, focus).map(({ call, depth, left, width }) => [
      call.frame.name,
      depth,
      Math.round(left * 100),
      Math.round(width * 100),
    ]);
  assert.deepEqual(drawn(null), [
    ['GET /', 0, 0, 60],
    ['a', 1, 0, 60],
    ['b', 2, 0, 40],
    ['POST /', 0, 60, 40],
    ['b', 1, 60, 30],
  ]);
  assert.deepEqual(drawn(2), [
    ['GET /', 0, 0, 100],
    ['a', 1, 0, 100],
    ['b', 2, 0, 100],
  ]);
  assert.deepEqual(boxesOf([], null), []);
});

test('a place says where it is and whose', () => {
  assert.equal(placeText(frame('a')), 'a src/app.ts:3');
  assert.equal(placeText({ name: '(garbage collector)', file: '', line: 0 }), '(garbage collector)');
  assert.deepEqual(
    ['src/app.ts', 'pg/lib/client.js', '@scope/a/b.js', 'node:net', 'server/a.mjs', 'main.js'].map((file) =>
      ownerOf(frame('f', file)),
    ),
    ['own', 'package', 'package', 'platform', 'own', 'own'],
  );
});
