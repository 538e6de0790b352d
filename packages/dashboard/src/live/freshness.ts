import type { EpochMs } from '@teamflow/autopilot/contract';
import type { StreamFailure, StreamSnapshot } from './shared-stream.ts';

/** How far what is on the screen may be believed to be the present. */
export type Freshness =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'reconnecting'; readonly since: EpochMs }
  | {
      readonly state: 'stale';
      readonly since: EpochMs;
      readonly failure: StreamFailure | null;
      readonly isOpen: boolean;
    }
  /** Nothing ever came. */
  | { readonly state: 'unreachable'; readonly failure: StreamFailure }
  | { readonly state: 'refused'; readonly failure: StreamFailure };

/** Documents come once a second: two and a half without one is late, */
const LATE_AFTER_MS = 2_500;
/** and five is not the present any more. */
const STALE_AFTER_MS = 5_000;

/**
 * Judges by the age of the last document alone, whatever the connection claims: a connection can be open and dead.
 * Ages are of the wall clock, because the monotonic one stands still while a laptop sleeps.
 */
export function freshnessOf(snapshot: StreamSnapshot<unknown>, now: EpochMs): Freshness {
  const { heardAt, link } = snapshot;
  if (link.state === 'refused') return { state: 'refused', failure: link.failure };
  const failure = link.state === 'waiting' ? link.failure : null;
  if (heardAt === null) return failure === null ? { state: 'connecting' } : { state: 'unreachable', failure };
  const age = now - heardAt;
  if (age < LATE_AFTER_MS) return { state: 'live' };
  if (age < STALE_AFTER_MS) return { state: 'reconnecting', since: heardAt };
  return { state: 'stale', since: heardAt, failure, isOpen: link.state === 'open' };
}

/** Whether two judgements read the same, so that nothing is drawn again. */
export function isSameFreshness(one: Freshness, other: Freshness): boolean {
  if (one.state !== other.state) return false;
  const since = (freshness: Freshness): EpochMs | null => ('since' in freshness ? freshness.since : null);
  const detail = (freshness: Freshness): string | null =>
    'failure' in freshness ? (freshness.failure?.detail ?? null) : null;
  return since(one) === since(other) && detail(one) === detail(other);
}
