import type { Dismissal, Journal, JsonValue, Trial, TrialNote, TrialState } from '../ports.ts';
import { hasEnded, scopeTaken } from '../trial-refusals.ts';

const KEPT = 2_000;

/** A journal that ends with this process: beside a MemoryConfigStore, and for tests. */
export class MemoryJournal implements Journal {
  readonly #trials = new Map<string, Trial>();
  readonly #notes = new Map<string, TrialNote[]>();
  readonly #dismissals = new Map<string, Map<string, Dismissal>>();

  write(trial: Trial, from?: TrialState): Promise<boolean> {
    const before = this.#trials.get(trial.id);
    if (before?.state === 'reverted' || before?.state === 'refused') return Promise.resolve(false);
    if (before !== undefined && from !== undefined && before.state !== from) return Promise.resolve(false);
    const { scope } = trial;
    const others = [...this.#trials.values()].filter(({ id }) => id !== trial.id);
    if (scope !== null && !hasEnded(trial.state)) {
      if (others.some((one) => one.scope === scope && !hasEnded(one.state))) return Promise.reject(scopeTaken(scope));
    }
    const now = new Date().toISOString();
    this.#trials.set(trial.id, { ...structuredClone(trial), at: before?.at ?? now, updatedAt: now });
    const notes = this.#notes.get(trial.id);
    if (notes !== undefined && hasEnded(trial.state)) {
      this.#notes.set(
        trial.id,
        notes.filter(({ kind }) => kind === 'step'),
      );
    }
    for (const [id, { state }] of this.#trials) {
      if (this.#trials.size <= KEPT) break;
      if (!hasEnded(state)) continue;
      this.#trials.delete(id);
      this.#notes.delete(id);
    }
    return Promise.resolve(true);
  }

  open(service?: string): Promise<readonly Trial[]> {
    return Promise.resolve(
      [...this.#trials.values()].filter(
        (trial) => !hasEnded(trial.state) && (service === undefined || trial.service === service),
      ),
    );
  }

  history(service: string, limit: number, part?: Parameters<Journal['history']>[2]): Promise<readonly Trial[]> {
    const ofService = [...this.#trials.values()].filter(
      (trial) =>
        trial.service === service &&
        (part === undefined || ('kind' in part ? trial.kind === part.kind : trial.scope !== null)),
    );
    return Promise.resolve(ofService.reverse().slice(0, limit));
  }

  read(id: string): Promise<Trial | null> {
    return Promise.resolve(this.#trials.get(id) ?? null);
  }

  note(trial: string, kind: TrialNote['kind'], detail: JsonValue): Promise<void> {
    const notes = this.#notes.get(trial) ?? [];
    notes.push({ kind, at: new Date().toISOString(), detail: structuredClone(detail) });
    this.#notes.set(trial, notes);
    return Promise.resolve();
  }

  notes(trial: string, kinds: readonly TrialNote['kind'][]): Promise<readonly TrialNote[]> {
    return Promise.resolve((this.#notes.get(trial) ?? []).filter(({ kind }) => kinds.includes(kind)));
  }

  dismissals(service: string): Promise<readonly Dismissal[]> {
    return Promise.resolve([...(this.#dismissals.get(service)?.values() ?? [])]);
  }

  dismiss(service: string, dismissal: Omit<Dismissal, 'at'>): Promise<void> {
    const ofService = this.#dismissals.get(service) ?? new Map<string, Dismissal>();
    ofService.set(dismissal.recommendation, { ...dismissal, at: new Date().toISOString() });
    this.#dismissals.set(service, ofService);
    return Promise.resolve();
  }
}
