import { type CodePlace, placeKey } from '../contract/code-place.ts';

/** Of every agent: one that makes up places without end makes others forget theirs, and no more. */
const MAX_PLACES = 20_000;
const MAX_TEXT = 300;
const MAX_FRAMES = 3;
const MAX_TENANTS = 5;

/** Where in the code of applications things were seen, as agents said it, within a bound; those not said for longest make room. */
export class KnownPlaces {
  /** In the order in which they were said last. */
  readonly #places = new Map<string, { readonly service: string; readonly place: CodePlace }>();

  learn(service: string, place: CodePlace): void {
    const name = `${service}\u0000${placeKey(place)}`;
    // What another instance said last of the same code was of other requests.
    const tenants = new Set([...(place.tenants ?? []), ...(this.#places.get(name)?.place.tenants ?? [])]);
    this.#places.delete(name);
    this.#places.set(name, { service, place: { ...place, tenants: [...tenants].slice(0, MAX_TENANTS) } });
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= MAX_PLACES) break;
      this.#places.delete(oldest);
    }
  }

  /** Of all that run the service: two instances say the same of the same code. */
  of(service: string): readonly CodePlace[] {
    return Array.from(this.#places.values()).flatMap((one) => (one.service === service ? [one.place] : []));
  }
}

/** What comes over a link may be anything. null: it is no place. */
export function placeOf(value: unknown): CodePlace | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kind, database, key, route, frames, at, count, tenants = [] } = value as Partial<CodePlace>; // each part is looked at here
  const isText = (one: unknown): one is string => typeof one === 'string' && one.length <= MAX_TEXT;
  if ((kind !== 'statement' && kind !== 'leak' && kind !== 'list') || !isText(database) || !isText(key)) return null;
  if (route !== null && !isText(route)) return null;
  if (!Array.isArray(frames) || frames.length > MAX_FRAMES || !frames.every(isText)) return null;
  if (typeof at !== 'number' || typeof count !== 'number' || !Number.isFinite(at + count)) return null;
  if (!Array.isArray(tenants) || tenants.length > MAX_TENANTS || !tenants.every(isText)) return null;
  return { kind, database, key, route, frames, at, count, tenants };
}
