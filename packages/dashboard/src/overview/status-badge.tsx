import type { HealthStatus } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { AlarmIcon, CheckIcon, UnknownIcon, WarningIcon } from '../shell/icons.tsx';

const drawings: Readonly<Record<HealthStatus, () => ReactElement>> = {
  healthy: CheckIcon,
  degraded: WarningIcon,
  unhealthy: AlarmIcon,
  unknown: UnknownIcon,
};

/** A status by word, shape and colour, in this order of trust. */
export function StatusBadge({ status }: { readonly status: HealthStatus }): ReactElement {
  const Drawing = drawings[status];
  return (
    <span className="status-badge" data-status={status}>
      <Drawing />
      {status.charAt(0).toUpperCase() + status.slice(1)}
    </span>
  );
}
