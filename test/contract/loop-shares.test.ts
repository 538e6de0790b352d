import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { leakCheck } from '../support/leak-check.ts';
import { startPlantedMix, worstError } from '../support/planted-mix.ts';

leakCheck(after);

/** How far an estimated share may be from the true one, as a ratio of it. */
const FARTHEST = 0.1;
/** Where others take so much of the processor, what interrupts a small route counts as its own, */
const BUSY = 0.05;
/** and its share may be off by so much of the whole. */
const FARTHEST_WHEN_BUSY = 0.06;

test('shares of the event loop of four routes of known work are within a tenth of the truth at any concurrency', async (t) => {
  await using mix = await startPlantedMix(0.8);
  for (const concurrency of [1, 10, 100]) {
    let shares = await mix.ask(concurrency, 1_500);
    // An estimate gets better with time: on a busy machine there are fewer requests in it.
    const isNear = (): boolean =>
      worstError(shares) <= FARTHEST ||
      (mix.interruptedShare() > BUSY &&
        shares.every(({ share, estimate }) => Math.abs(estimate - share) <= FARTHEST_WHEN_BUSY));
    for (let more = 0; more < 12 && !isNear(); more++) shares = await mix.ask(concurrency, 1_000, 'again');
    const told = shares.map(({ path, share, estimate }) => `${path} ${share.toFixed(3)} ~ ${estimate.toFixed(3)}`);
    t.diagnostic(`${concurrency} at once, ${mix.interruptedShare().toFixed(2)} interrupted: ${told.join(', ')}`);
    assert.ok(isNear(), `at ${concurrency}: ${told.join(', ')}`);
  }
});
