import { hasScope, type Principal } from '../../contract/principal.ts';
import { AutopilotError } from '../../kernel/errors.ts';

/**
 * A GET that does something must not be what a link can make a browser do with its session.
 * @param path what is posted to instead
 * @throws AutopilotError AP_FORBIDDEN
 */
export function mustBeToken(principal: Principal | null, path: string): asserts principal is Principal {
  if (principal !== null && principal.by === 'token' && hasScope(principal.scopes, 'operate')) return;
  throw new AutopilotError('AP_FORBIDDEN', 'This is started by GET with a token of the scope operate only.', {
    remedy: `Send such a token, or POST ${path}.`,
  });
}
