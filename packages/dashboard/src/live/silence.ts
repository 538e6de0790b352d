import type { Dashboard, EpochMs } from '@teamflow/autopilot/contract';

/** Since when none of the instances on show answers; null while one does, or none is known. */
export function silenceOf(dashboard: Dashboard | undefined, instance: string | null): EpochMs | null {
  const shown = dashboard?.instances.filter((one) => instance === null || one.instance === instance) ?? [];
  if (shown.length === 0 || shown.some(({ state }) => state === 'live')) return null;
  return Math.max(...shown.map(({ lastSeenAt }) => Date.parse(lastSeenAt)));
}
