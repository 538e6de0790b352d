/** How long a server had something of ours to answer, an upper limit of the load on it, and how many statements that were. */
export class LoadMeter {
  #ms = 0;
  #statements = 0;
  /** Statements sent and not answered, and since when there are any. */
  #open = 0;
  #openSinceMs = 0;

  get ms(): number {
    return this.#ms;
  }

  get statements(): number {
    return this.#statements;
  }

  /** Counts one statement and the time until it is answered; what is asked meanwhile shares that time. */
  async during<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#open === 0) this.#openSinceMs = performance.now();
    this.#open += 1;
    this.#statements += 1;
    try {
      return await ask();
    } finally {
      this.#open -= 1;
      if (this.#open === 0) this.#ms += performance.now() - this.#openSinceMs;
    }
  }
}
