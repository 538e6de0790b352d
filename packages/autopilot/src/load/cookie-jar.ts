/**
 * The cookies of one user for one origin (RFC 6265): a value by name and path, with its end.
 * Domains do not matter (there is one host), and neither does Secure (the plan decides how the host is reached).
 */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** Date.now() at which it ends; Infinity for one of the session. */
  readonly endsAt: number;
}

export class CookieJar {
  readonly #cookies: Map<string, Cookie> = new Map();
  /** The header for every path, while no cookie ends and all are for "/". */
  #header = '';
  #headerUntil: number = Number.POSITIVE_INFINITY;

  /** Takes the value of one Set-Cookie header. */
  set(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const equals = pair.indexOf('=');
    if (equals < 1) return;
    const name = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    // Nothing that would break out of the Cookie header.
    if (/[^\x21-\x7e]/.test(name) || /[^\x20-\x7e]/.test(value)) return;
    let path = '/';
    let endsAt = Number.POSITIVE_INFINITY;
    let maxAge: number | undefined;
    for (const attribute of attributes) {
      const [key = '', ...rest] = attribute.split('=');
      const text = rest.join('=').trim();
      switch (key.trim().toLowerCase()) {
        case 'path':
          if (text.startsWith('/')) path = text;
          break;
        case 'max-age':
          if (/^-?\d+$/.test(text)) maxAge = Number(text);
          break;
        case 'expires': {
          const at = Date.parse(text);
          if (!Number.isNaN(at)) endsAt = at;
          break;
        }
      }
    }
    // Max-Age wins over Expires (5.3, step 3).
    if (maxAge !== undefined) endsAt = maxAge <= 0 ? 0 : Date.now() + maxAge * 1000;
    const key = `${name};${path}`;
    if (endsAt <= Date.now()) this.#cookies.delete(key);
    else this.#cookies.set(key, { name, value, path, endsAt });
    this.#headerUntil = 0;
  }

  /** All of them, for a jar that goes on with them. */
  get cookies(): readonly Cookie[] {
    return [...this.#cookies.values()];
  }

  /** Goes on with those of another jar. */
  take(cookies: readonly Cookie[]): void {
    for (const cookie of cookies) this.#cookies.set(`${cookie.name};${cookie.path}`, cookie);
    this.#headerUntil = 0;
  }

  get(name: string): string | undefined {
    const now = Date.now();
    for (const cookie of this.#cookies.values()) {
      if (cookie.name === name && cookie.endsAt > now) return cookie.value;
    }
    return undefined;
  }

  /** Value of the Cookie header for a path; empty when there is none to send. */
  headerFor(path: string): string {
    if (this.#cookies.size === 0) return '';
    const now = Date.now();
    if (now < this.#headerUntil) return this.#header;
    const parts: string[] = [];
    let until = Number.POSITIVE_INFINITY;
    for (const cookie of this.#cookies.values()) {
      if (cookie.endsAt <= now) continue;
      until = Math.min(until, cookie.path === '/' ? cookie.endsAt : 0);
      if (pathMatches(path, cookie.path)) parts.push(`${cookie.name}=${cookie.value}`);
    }
    this.#header = parts.join('; ');
    this.#headerUntil = until;
    return this.#header;
  }
}

/** RFC 6265, 5.1.4. */
function pathMatches(path: string, of: string): boolean {
  if (of === '/') return true;
  const plain = path.split('?', 1)[0] ?? path;
  return plain.startsWith(of) && (plain.length === of.length || of.endsWith('/') || plain.charAt(of.length) === '/');
}
