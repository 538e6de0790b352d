import type { ReactElement } from 'react';
import { clockTime } from '../format/time.ts';
import type { Freshness } from '../live/freshness.ts';
import type { StreamFailure } from '../live/shared-stream.ts';
import { WarningIcon } from './icons.tsx';
import { ProblemPanel } from './problem-panel.tsx';
import './banner.css';

/** Says that what is shown is old, or that nothing can be shown; renders nothing while it is live. */
export function StaleBanner({
  freshness,
  onRetry,
}: {
  readonly freshness: Freshness;
  readonly onRetry: () => void;
}): ReactElement | null {
  switch (freshness.state) {
    case 'stale':
      return (
        <div className="banner" data-tone="warn" role="alert">
          <WarningIcon />
          <div className="banner-text">
            <strong className="numbers">These numbers are from {clockTime(freshness.since)}.</strong>{' '}
            <span>{reasonOf(freshness)} The dashboard keeps trying and goes on by itself.</span>
          </div>
          <button type="button" className="banner-action" onClick={onRetry}>
            Try now
          </button>
        </div>
      );
    case 'unreachable':
      return (
        <ProblemPanel
          title="The control plane does not answer"
          failure={outageOf(freshness.failure)}
          onRetry={onRetry}
        />
      );
    case 'connecting':
    case 'live':
    case 'reconnecting':
    case 'refused':
      return null;
  }
}

/** A browser says no more than "Failed to fetch": what that means is said here. */
function outageOf(failure: StreamFailure): StreamFailure {
  if (failure.problem !== null) return failure;
  return {
    problem: null,
    detail: `Nothing answers at ${location.origin}: it is starting, has ended, or can not be reached from here. The dashboard keeps trying.`,
  };
}

function reasonOf({ failure, isOpen }: Extract<Freshness, { readonly state: 'stale' }>): string {
  if (isOpen) return 'The connection is open, but nothing comes through it.';
  if (failure !== null && failure.problem !== null) return failure.detail;
  return 'The control plane can not be reached.';
}
