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

  /**
   * Begins a test with a secret of its own; agents have been told of it before, and know it as soon as they hear. It is good until
   * it is dropped; of a test that can't be begun it never was.
   */
  begin<Work>(id: string, work: (mark: string) => Work): Work {
    const mark = randomBytes(32).toString('base64url');
    this.#digests.set(id, hash('sha256', mark, 'base64url'));
    this.#onChange();
    try {
      return work(mark);
    } catch (error) {
      this.drop(id);
      throw error;
    }
  }

  /** A test is over. */
  drop(id: string): void {
    if (this.#digests.delete(id)) this.#onChange();
  }
}
