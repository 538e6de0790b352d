import { hash, randomBytes } from 'node:crypto';

/** The marks of tests that are kept apart: a secret for each, as long as it runs. */
export class LiveMarks {
  readonly #digests = new Map<string, string>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** What agents are told. */
  get digests(): readonly string[] {
    return [...this.#digests.values()];
  }

  /** The secret of a test; agents have been told of it when this returns, and know it as soon as they hear. */
  make(id: string): string {
    const mark = randomBytes(32).toString('base64url');
    this.#digests.set(id, hash('sha256', mark, 'base64url'));
    this.#onChange();
    return mark;
  }

  /** A test is over. */
  drop(id: string): void {
    if (this.#digests.delete(id)) this.#onChange();
  }
}
