import { setTimeout as sleep } from 'node:timers/promises';

/** Requests at a steady rate, counted when they were answered: what a test holds history against. */
export class RequestDriver implements AsyncDisposable {
  /** When each was answered. */
  readonly answeredAt: number[] = [];
  #failed = 0;
  readonly #stop = new AbortController();
  readonly #running: readonly Promise<void>[];

  constructor(url: string, workers = 4) {
    this.#running = Array.from({ length: workers }, async () => {
      while (!this.#stop.signal.aborted) {
        try {
          const response = await fetch(url);
          await response.text();
          if (response.ok) this.answeredAt.push(Date.now());
          else this.#failed++;
        } catch {
          this.#failed++;
        }
        await sleep(10);
      }
    });
  }

  /** Requests without an answer, or with one that says so. */
  get failed(): number {
    return this.#failed;
  }

  /** Lets requests under way end; what was sent is then counted. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
