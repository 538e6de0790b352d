import type { TimeSpan } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatSpan } from '../format/time.ts';
import { reportedParts, reportedShare } from './reported-parts.ts';

interface ReportedBarProps {
  readonly reported: readonly TimeSpan[];
  readonly from: number;
  readonly to: number;
}

/** When an instance reported within the range; hatched where it did not. */
export function ReportedBar({ reported, from, to }: ReportedBarProps): ReactElement {
  const share = reportedShare(reported, from, to);
  const words = `Reported ${formatSpan(share * (to - from))} of ${formatSpan(to - from)}`;
  return (
    <div className="reported-bar" role="img" aria-label={words} title={words}>
      {reportedParts(reported, from, to).map(({ left, width }) => (
        <span key={left} style={{ left: `${left}%`, width: `${width}%` }} />
      ))}
    </div>
  );
}
