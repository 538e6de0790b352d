import type { Journal, Trial } from '../ports.ts';

const KEPT = 2_000;

/** A journal that ends with this process: beside a MemoryConfigStore, and for tests. */
export class MemoryJournal implements Journal {
  readonly #trials = new Map<string, Trial>();

  write(trial: Trial): Promise<void> {
    const before = this.#trials.get(trial.id);
    const now = new Date().toISOString();
    this.#trials.set(trial.id, { ...structuredClone(trial), at: before?.at ?? now, updatedAt: now });
    for (const [id, { state }] of this.#trials) {
      if (this.#trials.size <= KEPT) break;
      if (state !== 'applying' && state !== 'watching') this.#trials.delete(id);
    }
    return Promise.resolve();
  }

  open(service?: string): Promise<readonly Trial[]> {
    return Promise.resolve(
      [...this.#trials.values()].filter(
        (trial) =>
          (trial.state === 'applying' || trial.state === 'watching') &&
          (service === undefined || trial.service === service),
      ),
    );
  }

  history(service: string, limit: number): Promise<readonly Trial[]> {
    const ofService = [...this.#trials.values()].filter((trial) => trial.service === service);
    return Promise.resolve(ofService.reverse().slice(0, limit));
  }
}
