import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptOf, withChange } from './draft.ts';
import { keepDraft, onDraftsChange, parseDrafts, readDrafts, textOf } from './kept-drafts.ts';

test('drafts come back from storage as they were; what is none is passed over', () => {
  const drafts = new Map([
    [
      'fleet',
      {
        base: 7,
        keptAt: 1_000,
        values: new Map([
          ['api.maxStreams', { state: 'usable', value: 5 } as const],
          ['load.targets', { state: 'usable', value: ['http://a'] } as const],
          ['health.p95Ms', { state: 'unusable', text: 'x', trouble: 'no number' } as const],
        ]),
      },
    ],
  ]);
  assert.deepEqual(parseDrafts(textOf(drafts)), drafts);
  for (const text of [
    null,
    '',
    '{',
    '7',
    '[7]',
    '[null]',
    '[{"scope":"a"}]',
    '[{"scope":"a","base":1,"keptAt":1,"values":[["k",{}]]}]',
  ]) {
    assert.equal(parseDrafts(text).size, 0, String(text));
  }
});

test('without storage they live as long as the page, and listeners hear of each change', () => {
  let heard = 0;
  const stop = onDraftsChange(() => heard++);
  const before = readDrafts();
  keepDraft('fleet', withChange(null, 3, 'api.maxStreams', { state: 'usable', value: 5 }), 1_000);
  assert.notEqual(readDrafts(), before);
  assert.equal(readDrafts(), readDrafts());
  assert.deepEqual([readDrafts().get('fleet')?.base, readDrafts().get('fleet')?.keptAt, heard], [3, 1_000, 1]);
  keepDraft('fleet', null, 2_000);
  assert.deepEqual([readDrafts().size, heard], [0, 2]);
  stop();
});

test('a change of a setting that is gone is no part of what is shown', () => {
  const draft = withChange(null, 3, 'old.setting', { state: 'usable', value: 5 });
  assert.equal(keptOf(draft, new Set(['api.maxStreams'])), null);
  const both = withChange(draft, 3, 'api.maxStreams', { state: 'usable', value: 5 });
  assert.deepEqual([...(keptOf(both, new Set(['api.maxStreams']))?.values.keys() ?? [])], ['api.maxStreams']);
});
