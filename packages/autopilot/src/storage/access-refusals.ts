import { AutopilotError } from '../kernel/errors.ts';
import { MAX_LIVE_TOKENS } from './ports.ts';

/** One active token more than there can be. */
export function tooManyTokens(): AutopilotError {
  return new AutopilotError('AP_ACCESS_TOKENS_FULL', `${MAX_LIVE_TOKENS} tokens are active, which is the most.`, {
    remedy: 'Revoke one that nobody uses any more; GET /api/v1/access/tokens says when each was used last.',
  });
}
