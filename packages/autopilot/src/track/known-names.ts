import type { KnownName } from '../contract/known-name.ts';

const LONGEST_NAME = 120;
/** Of each kind; the one that was learnt first makes room. */
const MOST_NAMES = 2_000;

/** Names that the application has given its tenants and users, within a bound. One that is known costs a look-up. Never throws. */
export class KnownNames {
  readonly #names: Readonly<
    Record<KnownName['kind'], Map<string, { readonly name: string; readonly revision: number }>>
  > = { tenant: new Map(), user: new Map() };
  #revision = 0;

  /** Counts up with each change. */
  get revision(): number {
    return this.#revision;
  }

  /** What is not a text, or an empty one, is no name. */
  learn(kind: KnownName['kind'], id: string, given: unknown): void {
    if (typeof given !== 'string' || given === '') return;
    const names = this.#names[kind];
    // A copy: a slice would keep the long text alive.
    const name = given.length > LONGEST_NAME ? Buffer.from(given.slice(0, LONGEST_NAME)).toString() : given;
    if (names.get(id)?.name === name) return;
    names.delete(id);
    for (const oldest of names.keys()) {
      if (names.size < MOST_NAMES) break;
      names.delete(oldest);
    }
    this.#revision++;
    names.set(id, { name, revision: this.#revision });
  }

  /** What has changed since `revision`. */
  since(revision: number): readonly KnownName[] {
    if (revision >= this.#revision) return [];
    return (['tenant', 'user'] as const).flatMap((kind) =>
      [...this.#names[kind]].flatMap(([id, one]) => (one.revision > revision ? [{ kind, id, name: one.name }] : [])),
    );
  }
}
