import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Principal, Scope, TokenDigest } from '../contract/principal.ts';
import { AutopilotError } from '../kernel/errors.ts';

/** A shorter one could be guessed: 32 characters of base64 are 192 bits. */
const MIN_TOKEN_LENGTH = 32;
const MAX_TOKEN_LENGTH = 512;
const DIGEST_BYTES = 32;

/** A token and what it opens. */
export interface TokenGrant {
  /** Who uses it, for the audit; not secret. */
  readonly id: string;
  readonly token: string;
  readonly scopes: readonly Scope[];
}

/** A new token: 256 random bits, recognisable for scanners of secrets by its prefix. */
export function makeToken(): string {
  return `autopilot_${randomBytes(32).toString('base64url')}`;
}

/**
 * Recognises tokens. Only their SHA-256 digests are kept, and digests are compared in constant time, so that neither
 * the memory nor the time of a refusal says anything about a token. A fast digest is enough: tokens are random, not chosen.
 */
export class TokenVerifier {
  #grants: readonly { readonly digest: Uint8Array; readonly principal: Principal }[];

  /** @throws AutopilotError AP_TOKEN_WEAK for a token that is too short, too long, or has characters a header can't carry. */
  constructor(grants: readonly TokenGrant[]) {
    this.#grants = grants.map(({ id, token, scopes }) => {
      checkToken(token);
      return { digest: digestOf(token), principal: { id, scopes, by: 'token' } };
    });
  }

  /** Of tokens that another process verifies; see {@link TokenVerifier.digests}. What is no digest is left out. */
  static ofDigests(digests: readonly TokenDigest[]): TokenVerifier {
    const verifier = new TokenVerifier([]);
    verifier.#grants = digests
      .map(({ id, sha256, scopes }) => ({
        digest: Buffer.from(sha256, 'base64url'),
        principal: { id, scopes, by: 'token' } as const,
      }))
      .filter(({ digest }) => digest.length === DIGEST_BYTES);
    return verifier;
  }

  /** What another process needs to recognise the same tokens, and can't present itself. */
  get digests(): readonly TokenDigest[] {
    return this.#grants.map(({ digest, principal: { id, scopes } }) => ({
      id,
      sha256: Buffer.from(digest).toString('base64url'),
      scopes,
    }));
  }

  /** Who presents this token; null when nobody does. */
  verify(token: string): Principal | null {
    const digest = digestOf(token.slice(0, MAX_TOKEN_LENGTH + 1));
    let found: Principal | null = null;
    // All are looked at, so that the time does not tell which one matched.
    for (const grant of this.#grants) if (timingSafeEqual(grant.digest, digest)) found = grant.principal;
    return found;
  }
}

function checkToken(token: string): void {
  const remedy = 'Give one made at random, for example by: openssl rand -base64 33. Left out, one is made and printed.';
  if (token.length < MIN_TOKEN_LENGTH || token.length > MAX_TOKEN_LENGTH) {
    throw new AutopilotError(
      'AP_TOKEN_WEAK',
      `The token has ${token.length} characters; it needs ${MIN_TOKEN_LENGTH} to ${MAX_TOKEN_LENGTH}.`,
      { remedy },
    );
  }
  if (!/^[\w\-.~+/]+=*$/.test(token)) {
    throw new AutopilotError(
      'AP_TOKEN_WEAK',
      'The token has characters that a Bearer header does not carry; letters, digits and - . _ ~ + / are allowed, and = at its end (RFC 6750).',
      { remedy },
    );
  }
}

function digestOf(token: string): Uint8Array {
  return createHash('sha256').update(token, 'utf8').digest();
}
