import type { Clock } from '../kernel/clock.ts';

/** Answers younger than this are given again: windows come once a second, so nothing newer is to be had. */
const FRESH_MS = 950;
const MAX_ANSWERS = 200;

/** Computes an answer once for all who ask the same within a second. */
export class RecentAnswers {
  readonly #clock: Clock;
  readonly #answers: Map<string, { readonly atMs: number; readonly answer: Promise<unknown> }> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `key` stands for all that `compute` depends on. A failure is not kept. */
  get<Answer>(key: string, compute: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(key);
    if (known !== undefined && this.#clock.monotonicMs() - known.atMs < FRESH_MS) {
      // The key names what was computed, so the answer under it has the type that this caller computes.
      return known.answer as Promise<Answer>;
    }
    return this.renew(key, compute);
  }

  /** Computes it now, for all who ask within the next second. */
  renew<Answer>(key: string, compute: () => Promise<Answer>): Promise<Answer> {
    const answer = compute();
    const entry = { atMs: this.#clock.monotonicMs(), answer };
    this.#answers.delete(key);
    this.#answers.set(key, entry);
    this.#forgetOld();
    answer.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    });
    return answer;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonicMs();
    for (const [key, { atMs }] of this.#answers) {
      if (now - atMs < FRESH_MS && this.#answers.size <= MAX_ANSWERS) break;
      this.#answers.delete(key);
    }
  }
}
