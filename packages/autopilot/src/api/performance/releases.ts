import type { ReleaseMark } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { PerformanceSources } from './sources.ts';

/** The releases of a service that were first seen in [from, to), oldest first. */
export async function releasesWithin(
  { releases }: PerformanceSources,
  service: string,
  { from, to }: { readonly from: EpochMs; readonly to: EpochMs },
): Promise<readonly ReleaseMark[]> {
  return (await releases(service)).filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
}
