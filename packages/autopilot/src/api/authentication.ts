import { PRINCIPAL_HEADER, type PrincipalVerifier } from '../access/signed-principal.ts';
import type { TokenVerifier } from '../access/token.ts';
import { hasScope, type Principal, type Scope } from '../contract/principal.ts';
import { AutopilotError } from '../kernel/errors.ts';

/** What may open the API. */
export interface Doors {
  readonly tokens: TokenVerifier;
  readonly principals: PrincipalVerifier;
}

/** A refusal, with what the WWW-Authenticate header says of it (RFC 6750, section 3). */
export class AccessRefused extends AutopilotError {
  readonly challenge: string;

  constructor(code: 'AP_UNAUTHENTICATED' | 'AP_FORBIDDEN', message: string, remedy: string, challenge: string) {
    super(code, message, { remedy });
    this.challenge = challenge;
  }
}

const REALM = 'Bearer realm="autopilot"';

/**
 * Who is calling, if that is enough for `scope`: a token of ours, or else the principal that the application signed.
 * An Authorization header that is no token of ours may be the application's own, so it only counts when nothing else is
 * there.
 *
 * A page of another site that a browser was made to send here (DNS rebinding, forged requests) gains nothing: it has no
 * token, nothing here is opened by a cookie or by where a request comes from, and no answer allows another origin.
 *
 * @throws AccessRefused
 */
export function authenticate(headers: Headers, scope: Scope, { tokens, principals }: Doors): Principal {
  const principal = principalOf(headers, tokens, principals);
  if (hasScope(principal.scopes, scope)) return principal;
  const has = principal.scopes.length === 0 ? 'no scope' : `only the scope ${principal.scopes.join(', ')}`;
  throw new AccessRefused(
    'AP_FORBIDDEN',
    `This call needs the scope "${scope}"; ${principal.id} has ${has}.`,
    'Ask an administrator for a token or a role with this scope.',
    `${REALM}, error="insufficient_scope", scope="${scope}"`,
  );
}

/** Who is calling, whatever that is enough for; null: nobody who is known here. */
export function identify(headers: Headers, { tokens, principals }: Doors): Principal | null {
  try {
    return principalOf(headers, tokens, principals);
  } catch {
    // Every refusal: the one who is asked in the end says which.
    return null;
  }
}

function principalOf(headers: Headers, tokens: TokenVerifier, principals: PrincipalVerifier): Principal {
  const authorization = headers.get('authorization');
  const presented = authorization === null ? null : (/^Bearer +([^ ]+) *$/i.exec(authorization)?.[1] ?? null);
  const byToken = presented === null ? null : tokens.verify(presented);
  if (byToken !== null) return byToken;
  const signed = headers.get(PRINCIPAL_HEADER);
  if (signed !== null) {
    const verification = principals.verify(signed);
    if (verification.state === 'accepted') return verification.principal;
    throw new AccessRefused(
      'AP_UNAUTHENTICATED',
      `The forwarded principal was not accepted: ${verification.reason}.`,
      'Ask again through the application; if that does not help, compare the link keys and the clocks of both.',
      `${REALM}, error="invalid_token"`,
    );
  }
  if (authorization !== null) {
    const what = presented === null ? 'is no Bearer token' : 'holds a token that is not known here';
    throw new AccessRefused(
      'AP_UNAUTHENTICATED',
      `The Authorization header ${what}.`,
      'Use the token in AUTOPILOT_TOKEN, the one that the control plane printed when it started, or one that an administrator made and that was not revoked and has not expired.',
      `${REALM}, error="invalid_token"`,
    );
  }
  throw new AccessRefused(
    'AP_UNAUTHENTICATED',
    'This call needs a token, or a sign-in at the application that forwards to this control plane.',
    'Send "Authorization: Bearer <token>" with the token in AUTOPILOT_TOKEN, or the one that was printed at the start; or sign in to the application and open /autopilot/ there.',
    REALM,
  );
}
