import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type KneeSearchOptions, type LevelOutcome, searchKnee } from './knee-search.ts';

const options: KneeSearchOptions = { from: 10, most: 10_000, fewest: 1, tolerance: 0.03, whole: false };
const knee =
  (at: number) =>
  (level: number): Promise<LevelOutcome> =>
    Promise.resolve(level <= at ? 'met' : 'missed');

describe('the search for the knee', () => {
  test('finds it within its tolerance, above and below where it began', async () => {
    for (const at of [1.5, 9, 10, 37, 500, 2999, 7500]) {
      const { state, low, high } = await searchKnee(options, knee(at));
      assert.equal(state, 'found');
      assert.ok(low !== null && high !== null && low <= at && at < high && high / low <= 1.03, `${at}: ${low} ${high}`);
    }
  });

  test('of whole users ends at neighbours', async () => {
    const { low, high } = await searchKnee({ ...options, from: 3, whole: true }, knee(7));
    assert.deepEqual([low, high], [7, 8]);
  });

  test('measures a miss again, so that one pause does not decide', async () => {
    let hiccup = true;
    const { low } = await searchKnee(options, async (level, coarse) => {
      if (!coarse && hiccup) {
        hiccup = false;
        return 'missed';
      }
      return await knee(500)(level);
    });
    assert.ok(low !== null && low > 480, String(low));
  });

  test('says why there is none', async () => {
    assert.equal((await searchKnee(options, knee(1e9))).state, 'not-reached');
    assert.equal((await searchKnee(options, knee(0))).state, 'never-met');
    const spent = await searchKnee(options, async (level) => (level > 100 ? 'unclear' : 'met'));
    assert.match(spent.reason ?? '', /generator/);
    assert.equal(spent.low, 80);
    let held = 2;
    const shaken = await searchKnee(options, async (level) => (held-- > 0 ? 'unclear' : await knee(40)(level)));
    assert.equal(shaken.state, 'found');
    const ended = await searchKnee({ ...options, ended: () => 'stopped' }, knee(5));
    assert.deepEqual(ended, { state: 'ended', low: null, high: null, reason: 'stopped' });
  });
});
