/** What a caller may do: `read` sees, `operate` starts work, `admin` changes configuration and rights. Each includes those before it. */
export type Scope = 'read' | 'operate' | 'admin';

export const scopes: readonly Scope[] = ['read', 'operate', 'admin'];

/** Names, as a URI component, the service of the application that forwards a call: the default of `service`. It opens nothing. */
export const SERVICE_HEADER = 'x-autopilot-service';

/** Who is calling. */
export interface Principal {
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** How the caller was recognised: an API token, or the application's own sign-in. */
  readonly by: 'token' | 'session';
}

/** What the application's own sign-in says of a user; see the host's option `principal`. */
export interface HostPrincipal {
  readonly id: string;
  /** Shown beside what this user has done, in place of the id; absent: the id is. */
  readonly name?: string | null | undefined;
  readonly scopes: readonly Scope[];
}

export function hasScope(granted: readonly Scope[], needed: Scope): boolean {
  const least = scopes.indexOf(needed);
  return granted.some((scope) => scopes.indexOf(scope) >= least);
}

/** A token as it may be handed to an agent: enough to recognise it, of no use to present. */
export interface TokenDigest {
  readonly id: string;
  /** SHA-256 of the token, base64url. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** ms since 1970; null or absent: it does not expire. */
  readonly expiresAt?: number | null;
}
