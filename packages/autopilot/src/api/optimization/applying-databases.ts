import { ObservedDatabase } from '../../postgres/observed-database.ts';

/** Watched databases as whoever may change them sees them: its rights, and what speaks against a change. Connects at the first use. */
export class ApplyingDatabases {
  readonly #urlOf: (database: string) => string;
  readonly #known = new Map<string, ObservedDatabase>();

  /** @param urlOf the address with the right to change one. @throws AutopilotError AP_DATABASE_UNKNOWN */
  constructor(urlOf: (database: string) => string) {
    this.#urlOf = urlOf;
  }

  /** Throws as the address is looked for. */
  of(database: string): ObservedDatabase {
    const known = this.#known.get(database);
    if (known !== undefined) return known;
    const made = new ObservedDatabase(this.#urlOf(database), { maxConnections: 1 });
    this.#known.set(database, made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#known.values()].map((one) => one.close()));
  }
}
