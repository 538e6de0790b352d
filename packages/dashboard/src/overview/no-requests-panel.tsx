import type { Dashboard } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { readToken } from '../session/token.ts';

/** Before there is anything to see: what to do to see something. */
export function NoRequestsPanel({ dashboard }: { readonly dashboard: Dashboard }): ReactElement | null {
  if (dashboard.instances.length === 0) {
    return (
      <section className="hint card" aria-labelledby="hint-title">
        <h2 id="hint-title">No application is linked yet</h2>
        <p>
          An application with the agent, <code>createAgent({"{ service: 'orders' }"})</code>, starts a control plane of
          its own and links to it. It appears within a second of its start, here if this is the one it started.
        </p>
      </section>
    );
  }
  const hasTrend =
    dashboard.trends['traffic']?.columns['requestRate']?.some((rate) => rate !== null && rate > 0) ?? false;
  if (dashboard.traffic.requests > 0 || hasTrend) return null;
  // Asked through the application's port this page has the application's address; on the control plane's own it has not.
  const address = readToken() === null ? `${location.origin}/` : 'http://127.0.0.1:3000/';
  return (
    <section className="hint card" aria-labelledby="hint-title">
      <h2 id="hint-title">No requests in this time window</h2>
      <p>
        The service runs and is measured. Make a request and watch it appear within two seconds:{' '}
        <code className="hint-command">curl {address}</code>
      </p>
    </section>
  );
}
