import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../kernel/errors.ts';

/** Waits for work that can't be hurried, and no longer than this; what becomes of it afterwards is its own affair. */
export async function atMost(limitMs: number, work: Promise<unknown> | undefined): Promise<void> {
  const limit = new AbortController();
  try {
    await Promise.race([work, delay(limitMs, undefined, { signal: limit.signal }).catch(() => {})]);
  } finally {
    limit.abort();
  }
}

/** Does work again and again; what goes wrong is told, and the next turn comes. */
export function repeat(
  everyMs: number,
  onTrouble: (message: string, cause: unknown) => void,
  work: () => Promise<unknown>,
): NodeJS.Timeout {
  return setInterval(() => {
    work().catch((error: unknown) => onTrouble(`Regular work failed: ${messageOf(error)}`, error));
  }, everyMs);
}
