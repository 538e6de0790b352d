/**
 * Keeps what is to be ended together, and ends it, the last first. It is the part of DisposableStack that we use:
 * Node has that from 24 on, and this library runs from 22.18 on.
 */
export class Disposables implements Disposable {
  #kept: Disposable[] = [];
  #disposed = false;

  /** Kept until {@link dispose}; after that it is ended at once. */
  use(resource: Disposable): void {
    if (this.#disposed) resource[Symbol.dispose]();
    else this.#kept.push(resource);
  }

  /** Ends everything, also what comes after one that fails; then throws the first failure. Does nothing the second time. */
  dispose(): void {
    this.#disposed = true;
    const kept = this.#kept.reverse();
    this.#kept = [];
    const failures: unknown[] = [];
    for (const resource of kept) {
      try {
        resource[Symbol.dispose]();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
