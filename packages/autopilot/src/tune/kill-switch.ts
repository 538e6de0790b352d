import type { Guard } from './orders.ts';

/** Stops whatever nobody asked for, in one place for all of it. What people ask for goes on, or nobody could mend anything. */
export function killSwitch(stopped: () => { readonly stopped: boolean; readonly because: string }): Guard {
  return {
    name: 'kill switch',
    check: ({ origin }) => {
      const { stopped: isStopped, because } = stopped();
      return Promise.resolve(isStopped && origin === 'autopilot' ? { ok: false, reason: because } : { ok: true });
    },
  };
}
