import type { TrialSpread } from '../contract/tuning.ts';
import type { TrialSample } from './trial-judgement.ts';

/** How the time a call was spread before the change and after it. */
export interface TrialSpreads {
  readonly before: TrialSpread | null;
  readonly after: TrialSpread | null;
}

const SHARES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1] as const;

/** Of each affected statement, over the samples: those go when the trial has ended, this stays. */
export function spreadsOf(
  affected: readonly string[],
  before: readonly TrialSample[],
  after: readonly TrialSample[],
): Readonly<Record<string, TrialSpreads>> {
  return Object.fromEntries(
    affected.map((id) => [id, { before: spreadOf(before, id), after: spreadOf(after, id) }] as const),
  );
}

function spreadOf(samples: readonly TrialSample[], id: string): TrialSpread | null {
  const means = samples
    .flatMap(({ statements: { [id]: use } }) => (use === undefined || use.calls === 0 ? [] : [use.totalMs / use.calls]))
    .sort((a, b) => a - b);
  if (means.length === 0) return null;
  return { stretches: means.length, quantiles: SHARES.map((share) => quantileOf(means, share)) };
}

/** Between two neighbours in proportion, as most statistics programs do (type 7 of Hyndman & Fan 1996). */
function quantileOf(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low = 0, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}
