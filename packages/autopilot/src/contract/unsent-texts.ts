import type { StatementText, Window } from './series.ts';

/** Statements remembered as sent; over it all are forgotten, and texts are sent again. */
const MAX_SENT = 20_000;

/** The texts that a receiver of windows does not have yet. */
export class UnsentTexts {
  readonly #textOf: (database: string, id: string) => StatementText | null;
  readonly #validMs: number;
  #sent: Set<string> = new Set();
  #sinceMs = 0;

  /**
   * `textOf`: null for a statement that is not known any more. `validMs`: after it all are sent again, in case the receiver has
   * forgotten them; default: never.
   */
  constructor(
    textOf: (database: string, id: string) => StatementText | null,
    validMs: number = Number.POSITIVE_INFINITY,
  ) {
    this.#textOf = textOf;
    this.#validMs = validMs;
  }

  /** Of the statements in these windows, those that were not sent. */
  of(windows: readonly Window[]): readonly StatementText[] {
    const nowMs = performance.now();
    if (this.#sent.size > MAX_SENT || nowMs - this.#sinceMs > this.#validMs) {
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

  /** The receiver has them. */
  sent(texts: readonly StatementText[]): void {
    for (const { database, id } of texts) this.#sent.add(`${database}\n${id}`);
  }
}
