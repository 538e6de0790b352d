import type { StatementText, Window } from '../contract/series.ts';

/** Statements remembered as sent; over it all are forgotten, and texts are sent again. */
const MAX_SENT = 20_000;
/** The store removes texts of which nothing is kept any more: they are sent again after a day, in case it has. */
const VALID_MS = 86_400_000;

/** The texts that a receiver of windows does not have yet. */
export class UnsentTexts {
  readonly #textOf: (database: string, id: string) => StatementText | null;
  #sent: Set<string> = new Set();
  #sinceMs = 0;

  /** `textOf`: null for a statement that is not known any more. */
  constructor(textOf: (database: string, id: string) => StatementText | null) {
    this.#textOf = textOf;
  }

  /** Of the statements in these windows, those that were not sent. */
  of(windows: readonly Window[]): readonly StatementText[] {
    const nowMs = performance.now();
    if (this.#sent.size > MAX_SENT || nowMs - this.#sinceMs > VALID_MS) {
      this.#sent = new Set();
      this.#sinceMs = nowMs;
    }
    const texts = new Map<string, StatementText>();
    for (const { series } of windows) {
      for (const { family, key, database } of series) {
        if (family !== 'statement' || database === null) continue;
        const name = `${database}\n${key}`;
        if (this.#sent.has(name) || texts.has(name)) continue;
        const text = this.#textOf(database, key);
        if (text !== null) texts.set(name, text);
      }
    }
    return [...texts.values()];
  }

  sent(texts: readonly StatementText[]): void {
    for (const { database, id } of texts) this.#sent.add(`${database}\n${id}`);
  }
}
