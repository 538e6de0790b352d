import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Principal, Scope, TokenDigest } from '../contract/principal.ts';
import type { EpochMs } from '../kernel/clock.ts';
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

/** A token that is known by its digest, and who hears of its use. */
export interface KeptGrant extends TokenDigest {
  readonly onUse?: (at: EpochMs) => void;
}

interface Grant {
  readonly digest: Uint8Array;
  readonly principal: Principal;
  readonly expiresAt: EpochMs | null;
  readonly onUse: ((at: EpochMs) => void) | null;
}

/**
 * Recognises tokens. Only their SHA-256 digests are kept, and digests are compared in constant time, so that neither
 * the memory nor the time of a refusal says anything about a token. A fast digest is enough: tokens are random, not chosen.
 */
export class TokenVerifier {
  readonly #given: readonly Grant[];
  readonly #now: () => EpochMs;
  #kept: readonly Grant[] = [];

  /** @throws AutopilotError AP_TOKEN_WEAK for a token that is too short, too long, or has characters a header can't carry. */
  constructor(grants: readonly TokenGrant[], now: () => EpochMs = Date.now) {
    this.#now = now;
    this.#given = grants.map(({ id, token, scopes }) => {
      checkToken(token);
      return { digest: digestOf(token), principal: { id, scopes, by: 'token' }, expiresAt: null, onUse: null };
    });
  }

  /** Of tokens that another process verifies; see {@link TokenVerifier.digests}. What is no digest is left out. */
  static ofDigests(digests: readonly TokenDigest[]): TokenVerifier {
    const verifier = new TokenVerifier([]);
    verifier.keep(digests);
    return verifier;
  }

  /** Recognises these too, in place of those that were kept before. What is no digest is left out. */
  keep(grants: readonly KeptGrant[]): void {
    this.#kept = grants
      .map(({ id, sha256, scopes, expiresAt, onUse }) => ({
        digest: Buffer.from(sha256, 'base64url'),
        principal: { id, scopes, by: 'token' } as const,
        expiresAt: expiresAt ?? null,
        onUse: onUse ?? null,
      }))
      .filter(({ digest }) => digest.length === DIGEST_BYTES);
  }

  /** What another process needs to recognise the tokens it was made with, and can't present itself. */
  get givenDigests(): readonly TokenDigest[] {
    return this.#given.map(digestGrant);
  }

  /** The same of all that it recognises now. */
  get digests(): readonly TokenDigest[] {
    return [...this.#given, ...this.#kept].filter((grant) => isAlive(grant, this.#now)).map(digestGrant);
  }

  /** Who presents this token; null when nobody does. */
  verify(token: string): Principal | null {
    const digest = digestOf(token.slice(0, MAX_TOKEN_LENGTH + 1));
    let found: Grant | null = null;
    // All are looked at, so that the time does not tell which one matched.
    for (const grant of this.#given) if (timingSafeEqual(grant.digest, digest)) found = grant;
    for (const grant of this.#kept) if (timingSafeEqual(grant.digest, digest)) found = grant;
    if (found === null || !isAlive(found, this.#now)) return null;
    found.onUse?.(this.#now());
    return found.principal;
  }
}

/** A token's digest, as it is kept: SHA-256 in base64url. */
export function tokenDigest(token: string): string {
  return Buffer.from(digestOf(token)).toString('base64url');
}

function isAlive({ expiresAt }: Grant, now: () => EpochMs): boolean {
  return expiresAt === null || expiresAt > now();
}

function digestGrant({ digest, principal: { id, scopes }, expiresAt }: Grant): TokenDigest {
  return {
    id,
    sha256: Buffer.from(digest).toString('base64url'),
    scopes,
    ...(expiresAt === null ? {} : { expiresAt }),
  };
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
