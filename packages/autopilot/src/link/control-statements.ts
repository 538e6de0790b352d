import type { StatementText } from '../contract/series.ts';

/** Longer texts are cut; the dashboard and the API show no more. */
const MAX_TEXT_LENGTH = 2000;
/** All texts together: about 20,000 of usual length, from every agent. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** Texts of statements by their ids, within a bound; those not heard of for longest make room. */
export class StatementTexts {
  /** In the order in which they were last sent. */
  readonly #texts: Map<string, string> = new Map();
  #characters = 0;

  set(service: string, { id, database, text }: StatementText): void {
    const name = nameOf(service, database, id);
    this.#remove(name);
    const kept = text.slice(0, MAX_TEXT_LENGTH);
    this.#texts.set(name, kept);
    this.#characters += name.length + kept.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#characters <= MAX_CHARACTERS) break;
      this.#remove(oldest);
    }
  }

  get(service: string, database: string, id: string): string | undefined {
    return this.#texts.get(nameOf(service, database, id));
  }

  #remove(name: string): void {
    const text = this.#texts.get(name);
    if (text === undefined) return;
    this.#texts.delete(name);
    this.#characters -= name.length + text.length;
  }
}

function nameOf(service: string, database: string, id: string): string {
  return `${service}\u0000${database}\u0000${id}`;
}
