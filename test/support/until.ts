import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@teamflow/autopilot/client';

/** Asks again until the answer satisfies; answers that the server refuses, or does not give, count as not yet. Fails after the limit. */
export async function until<T>(
  limitMs: number,
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean = () => true,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      last = await ask();
      // `as`: what ask() has just given.
      if (satisfies(last as T)) return last as T;
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof TypeError)) throw error;
      last = error;
    }
    assert.ok(
      performance.now() < end,
      `not within ${limitMs} ms; the last answer: ${JSON.stringify(last)?.slice(0, 2000)}`,
    );
    await sleep(50);
  }
}
