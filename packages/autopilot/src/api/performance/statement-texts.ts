import type { StatementText } from '../../contract/series.ts';
import { unknownText } from '../../contract/statement-plan.ts';
import type { StatementName } from '../../storage/ports.ts';

/** What agents have said of statements. */
export interface HeardTexts {
  /** undefined when it never came, or had to make room. */
  statementText(service: string, database: string, id: string): string | undefined;
  /** Remembers a text as if it had come. */
  learnText(service: string, text: StatementText): void;
}

/** What is kept of them. */
export interface KeptTexts {
  statementTexts(service: string, names: readonly StatementName[]): Promise<readonly StatementText[]>;
}

/** After it could not be asked, history is left alone for this long. */
const REST_MS = 10_000;
/** A text that is not kept is asked for again after this: the agent may write it meanwhile. */
const ASK_AGAIN_MS = 60_000;
const MOST_MISSING = 10_000;

/** Texts of statements: those heard from the agents, and for statements of which none has spoken since the start, those in history. */
export class StatementTextSource {
  readonly #heard: HeardTexts;
  readonly #kept: KeptTexts | null;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  /** When each was asked for in vain. */
  #missing: Map<string, number> = new Map();

  /** `kept`: null without history. */
  constructor(heard: HeardTexts, kept: KeptTexts | null) {
    this.#heard = heard;
    this.#kept = kept;
  }

  /** The texts in the order of `names`; for one that is not known, words that say so. */
  async find(service: string, names: readonly StatementName[]): Promise<readonly string[]> {
    const nowMs = performance.now();
    const unknown = names.filter(
      ({ database, id }) =>
        this.#heard.statementText(service, database, id) === undefined &&
        nowMs - (this.#missing.get(nameOf(service, database, id)) ?? Number.NEGATIVE_INFINITY) >= ASK_AGAIN_MS,
    );
    if (unknown.length > 0 && this.#kept !== null && nowMs >= this.#restsUntilMs) {
      try {
        for (const text of await this.#kept.statementTexts(service, unknown)) this.#heard.learnText(service, text);
        this.#noteMissing(service, unknown, nowMs);
      } catch {
        // What goes wrong with history is told where facts are read from it.
        this.#restsUntilMs = nowMs + REST_MS;
      }
    }
    return names.map(({ database, id }) => this.#heard.statementText(service, database, id) ?? unknownText(id));
  }

  #noteMissing(service: string, asked: readonly StatementName[], nowMs: number): void {
    if (this.#missing.size > MOST_MISSING) this.#missing = new Map();
    for (const { database, id } of asked) {
      if (this.#heard.statementText(service, database, id) === undefined)
        this.#missing.set(nameOf(service, database, id), nowMs);
    }
  }
}

function nameOf(service: string, database: string, id: string): string {
  return `${service}\u0000${database}\u0000${id}`;
}
