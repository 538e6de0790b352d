import type { Dismissal } from '../storage/ports.ts';

/** What was declined is told again once it promises so many times as much. */
const MATERIAL = 2;
/** ms an hour: twice of next to nothing is nothing. */
const LEAST_PROMISED = 1;

/**
 * The dismissal that still holds for a recommendation of these parts; null: none does. One of fewer parts than were declined is
 * declined too, one with a part more is another one. It ends when the evidence changes materially.
 * @param promised ms that it saves an hour, as far as is known now
 */
export function dismissalOf(
  parts: readonly string[],
  promised: number,
  dismissals: readonly Dismissal[],
): Dismissal | null {
  const newest = dismissals.findLast((one) => parts.length > 0 && parts.every((part) => one.parts.includes(part)));
  if (newest === undefined) return null;
  return promised <= MATERIAL * Math.max(newest.promised, LEAST_PROMISED) ? newest : null;
}
