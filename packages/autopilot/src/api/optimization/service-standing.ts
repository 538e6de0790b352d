import type { Deduction, Health } from '../../contract/performance.ts';
import type { TrialFacts } from '../../tune/trial-guards.ts';

/** What guards go by that is about a service as a whole. */
export type ServiceStanding = Pick<TrialFacts, 'busyRatio' | 'ioRatio' | 'incident'>;

/** What fails, or is gone. Slowness is none of it: that is what tuning is for. */
const FAILURES: readonly string[] = ['errorRatio', 'callErrorRatio', 'poolFailed', 'lostInstances', 'silentMs'];
/** Of 100: at this much somebody would be called. */
const LEAST_POINTS = 20;

/** What fails in a service just now, in the words of its health; null: nothing that would hold anything up. */
export function incidentOf({ components }: Pick<Health, 'components'>): string | null {
  const failing = components
    .flatMap(({ deductions }) => deductions)
    .filter(({ measure, points }: Deduction) => FAILURES.includes(measure) && points >= LEAST_POINTS);
  return failing.length === 0 ? null : failing.map(({ reason }) => reason).join(' ');
}
