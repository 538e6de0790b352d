import type { KnownName } from '../contract/known-name.ts';

/** Of every agent: one that makes up names without end makes others forget theirs, and no more. */
const MAX_NAMES = 50_000;
const MAX_TEXT = 300;

/** How applications call their tenants and users, as agents said it, within a bound; those not said for longest make room. */
export class HeardNames {
  readonly #names = new Map<string, string>();

  learn(service: string, value: unknown): void {
    // What comes over a link may be anything.
    if (typeof value !== 'object' || value === null) return;
    const { kind, id, name } = value as Partial<KnownName>; // each part is looked at here
    if (kind !== 'tenant' && kind !== 'user') return;
    if (typeof id !== 'string' || typeof name !== 'string' || id.length > MAX_TEXT || name.length > MAX_TEXT) return;
    const key = keyOf(service, kind, id);
    this.#names.delete(key);
    this.#names.set(key, name);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MAX_NAMES) break;
      this.#names.delete(oldest);
    }
  }

  /** null: no agent has said it since this control plane started. */
  of(service: string, kind: KnownName['kind'], id: string): string | null {
    return this.#names.get(keyOf(service, kind, id)) ?? null;
  }
}

function keyOf(service: string, kind: KnownName['kind'], id: string): string {
  return `${service}\u0000${kind}\u0000${id}`;
}
