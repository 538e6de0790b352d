import type { InstanceStatus } from '@teamflow/autopilot/contract';
import type { ReleaseLine } from '../chart/chart-scope.ts';

/** When the first instance of each release started, oldest first. */
export function releasesIn(instances: readonly InstanceStatus[]): readonly ReleaseLine[] {
  const first = new Map<string, string>();
  for (const { release, startedAt } of instances) {
    const known = first.get(release);
    if (known === undefined || startedAt < known) first.set(release, startedAt);
  }
  return Array.from(first, ([release, at]) => ({ release, at })).sort((a, b) => (a.at < b.at ? -1 : 1));
}
