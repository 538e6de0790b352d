import { AutopilotError } from '../kernel/errors.ts';
import type { TrialState } from './ports.ts';

/** A second trial of what is being tried already. */
export function scopeTaken(scope: string): AutopilotError {
  return new AutopilotError('AP_TRIAL_SCOPE_TAKEN', `A trial of ${scope} is open already.`, {
    remedy: 'Two at once could not be told apart by what they do: wait for its end, or revert it.',
  });
}

/** Whether nothing follows any more. */
export function hasEnded(state: TrialState): boolean {
  return state === 'kept' || state === 'reverted' || state === 'refused';
}
