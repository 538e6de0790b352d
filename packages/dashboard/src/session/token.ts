const KEY = 'autopilot-token';
const listeners = new Set<() => void>();
// Where storage is refused the token lives as long as the page.
let withoutStorage: string | null = null;

/** The token this tab signed in with; null: the application's own session decides. */
export function readToken(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return withoutStorage;
  }
}

/** Keeps the token for this tab, until it is closed; null forgets it. */
export function keepToken(token: string | null): void {
  withoutStorage = token;
  try {
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // Kept in memory above.
  }
  for (const listener of listeners) listener();
}

export function onTokenChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Tells tabs with different sign-ins apart, so that they do not share a stream; FNV-1a. It stays in this browser and
 * guards nothing: it only names a channel.
 */
export function identityOf(token: string | null): string {
  if (token === null) return 'session';
  let hash = 0x811c9dc5;
  for (const character of token) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return `token-${(hash >>> 0).toString(16)}`;
}
