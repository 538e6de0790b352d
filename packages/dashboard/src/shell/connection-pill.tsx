import type { ReactElement } from 'react';
import { clockTime } from '../format/time.ts';
import type { Freshness } from '../live/freshness.ts';

interface ConnectionPillProps {
  readonly freshness: Freshness;
  /** True where the control plane answers, but no instance of the service does. */
  readonly isSilent: boolean;
}

/** Says whether the numbers are of the present. Announced when it changes, not each second. */
export function ConnectionPill({ freshness, isSilent }: ConnectionPillProps): ReactElement {
  const isSilentNow = freshness.state === 'live' && isSilent;
  return (
    <span className="connection-pill" data-state={isSilentNow ? 'silent' : freshness.state} role="status">
      <span className="connection-dot" />
      <span className="numbers">{isSilentNow ? 'Service silent' : wordsFor(freshness)}</span>
    </span>
  );
}

function wordsFor(freshness: Freshness): string {
  switch (freshness.state) {
    case 'connecting':
      return 'Connecting';
    case 'live':
      return 'Live';
    case 'reconnecting':
      return 'Reconnecting';
    case 'stale':
      return `Stale since ${clockTime(freshness.since)}`;
    case 'unreachable':
      return 'No answer';
    case 'refused':
      return freshness.failure.problem?.status === 401 ? 'Signed out' : 'Refused';
  }
}
