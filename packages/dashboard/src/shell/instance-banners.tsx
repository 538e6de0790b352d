import type { InstanceStatus } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { clockTime, formatSpan } from '../format/time.ts';
import { AlarmIcon, WarningIcon } from './icons.tsx';
import './banner.css';

/** Loud where an instance is stalled, plain where none is left; the seconds tick in sight only, not for screen readers. */
export function InstanceBanners({ instances }: { readonly instances: readonly InstanceStatus[] }): ReactElement | null {
  const stalled = instances.filter(({ state }) => state === 'stalled');
  const isNoneLinked = instances.length > 0 && instances.every(({ state }) => state === 'gone');
  const lastSeenAt = instances
    .map((one) => one.lastSeenAt)
    .toSorted()
    .at(-1);
  if (stalled.length === 0 && !isNoneLinked) return null;
  return (
    <div className="banners">
      {stalled.map((one) => (
        <div key={one.instance} className="banner" data-tone="loud" role="alert">
          <AlarmIcon />
          <div className="banner-text">
            <strong>
              Instance {one.instance} has not answered
              <span className="numbers" aria-hidden="true">
                {' '}
                for {formatSpan(one.silentMs)}
              </span>
              : its event loop is blocked.
            </strong>{' '}
            <span>
              Requests that reach it wait. Its last numbers are from {clockTime(one.lastSeenAt)}; what it measures
              meanwhile appears when it answers again.
            </span>
          </div>
        </div>
      ))}
      {isNoneLinked && lastSeenAt !== undefined && (
        <div className="banner" data-tone="warn" role="alert">
          <WarningIcon />
          <div className="banner-text">
            <strong>No instance of this service is running.</strong>{' '}
            <span>
              The last one left at {clockTime(lastSeenAt)}. Numbers of the time window are still shown, and end there.
            </span>
          </div>
        </div>
      )}
    </div>
  );
}
