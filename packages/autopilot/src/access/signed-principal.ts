import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type HostPrincipal, hasScope, type Principal, type Scope, scopes } from '../contract/principal.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';

/**
 * How an application tells its control plane who is calling: the principal that the application's own sign-in
 * established travels with each forwarded request, signed with the link key.
 *
 *   header = base64url(JSON claims) "." base64url(HMAC-SHA256(link key, base64url(JSON claims)))
 *
 * A captured header is of no use for long and works once: 30 s of life, a nonce that is remembered as long, an audience,
 * and at most the scopes that the key may grant.
 */
export const PRINCIPAL_HEADER = 'x-autopilot-principal';

const AUDIENCE = 'autopilot-control-plane';
const LIFE_MS = 30_000;
/** How far the clocks of two machines may differ. */
const CLOCK_SKEW_MS = 5_000;
/** Longest header read: a principal's id has at most 200 characters. */
const MAX_HEADER_LENGTH = 2_000;
const MAX_ID_LENGTH = 200;
/** Nonces remembered at most; beyond it new headers are refused until some expire. */
const MAX_NONCES = 100_000;

interface Claims {
  readonly sub: string;
  readonly scopes: readonly Scope[];
  readonly aud: string;
  /** ms since 1970 */
  readonly iat: EpochMs;
  readonly exp: EpochMs;
  readonly nonce: string;
  /** How the caller was recognised; absent: by the application's sign-in. */
  readonly by?: Principal['by'];
}

/** A key that principals may be signed with, and the highest scopes it can grant. */
export interface PrincipalKey {
  readonly key: string;
  readonly maxScopes: readonly Scope[];
  /** Held by control planes only, which have checked tokens: what they say of how a caller was recognised is believed. */
  readonly relays?: boolean;
}

export type Verification =
  | { readonly state: 'accepted'; readonly principal: Principal }
  | { readonly state: 'refused'; readonly reason: string };

/** The value of PRINCIPAL_HEADER for one forwarded request. Ids are cut at 200 characters. */
export function signPrincipal(
  principal: HostPrincipal,
  key: string,
  now: EpochMs,
  by: Principal['by'] = 'session',
): string {
  const claims: Claims = {
    sub: principal.id.slice(0, MAX_ID_LENGTH),
    scopes: principal.scopes,
    aud: AUDIENCE,
    iat: now,
    exp: now + LIFE_MS,
    nonce: randomBytes(12).toString('base64url'),
    ...(by === 'token' ? { by } : {}),
  };
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${payload}.${signature(payload, key).toString('base64url')}`;
}

/** Checks forwarded principals; remembers nonces, so one verifier serves one control plane. */
export class PrincipalVerifier {
  readonly #keys: () => readonly PrincipalKey[];
  readonly #clock: Clock;
  /** Nonce to expiry, in order of arrival. */
  readonly #seen: Map<string, EpochMs> = new Map();

  /** Two keys while rotating; the first that fits the signature decides the scopes. */
  constructor(keys: readonly PrincipalKey[] | (() => readonly PrincipalKey[]), clock: Clock) {
    this.#keys = typeof keys === 'function' ? keys : () => keys;
    this.#clock = clock;
  }

  verify(header: string): Verification {
    if (header.length > MAX_HEADER_LENGTH) return refused('it is too long');
    const [payload, given, ...rest] = header.split('.');
    if (payload === undefined || given === undefined || rest.length > 0) return refused('it has no signature');
    const bytes = Buffer.from(given, 'base64url');
    const key = this.#keys().find((candidate) => equal(bytes, signature(payload, candidate.key)));
    if (key === undefined) return refused('its signature fits no link key');
    const claims = parse(payload);
    if (claims === null) return refused('its claims can not be read');
    if (claims.aud !== AUDIENCE) return refused('it is meant for another audience');
    const now = this.#clock.now();
    if (claims.iat > now + CLOCK_SKEW_MS)
      return refused('it was signed in the future; check the clocks of both machines');
    if (claims.exp - claims.iat > LIFE_MS) return refused('it lives longer than 30 s');
    if (claims.exp + CLOCK_SKEW_MS <= now) return refused('it has expired');
    this.#forget(now);
    if (this.#seen.has(claims.nonce)) return refused('it was used before');
    if (this.#seen.size >= MAX_NONCES) return refused('too many requests are forwarded at once');
    this.#seen.set(claims.nonce, claims.exp + CLOCK_SKEW_MS);
    return {
      state: 'accepted',
      principal: {
        id: claims.sub,
        scopes: scopes.filter((scope) => hasScope(claims.scopes, scope) && hasScope(key.maxScopes, scope)),
        by: key.relays === true && claims.by === 'token' ? 'token' : 'session',
      },
    };
  }

  #forget(now: EpochMs): void {
    for (const [nonce, until] of this.#seen) {
      if (until > now) break;
      this.#seen.delete(nonce);
    }
  }
}

function signature(payload: string, key: string): Buffer {
  return createHmac('sha256', key).update(payload).digest();
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(reason: string): Verification {
  return { state: 'refused', reason };
}

/** The signature was checked before; this guards against another version's claims. */
function parse(payload: string): Claims | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isClaims(claims) ? claims : null;
  } catch {
    return null;
  }
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null) return false;
  const { sub, scopes: granted, aud, iat, exp, nonce } = value as Partial<Claims>; // `as`: each field is checked here
  return (
    typeof sub === 'string' &&
    Array.isArray(granted) &&
    granted.every((scope: unknown) => scopes.some((known) => known === scope)) &&
    typeof aud === 'string' &&
    Number.isFinite(iat) &&
    Number.isFinite(exp) &&
    typeof nonce === 'string'
  );
}
