import type { Agent } from '@teamflow/autopilot';
import type { Pool } from 'pg';

/** An agent that measures nothing, and remembers which jobs it was given. */
export class FakeJobAgent implements Pick<Agent, 'instrument' | 'job' | 'followJobConcurrency'> {
  readonly ran: { readonly kind: string; readonly attempt: number | undefined }[] = [];
  #apply: (concurrency: number) => void = () => {};

  instrument<P extends Pool>(pool: P): P {
    return pool;
  }

  async job<Result>(
    kind: string,
    { attempt }: { readonly attempt?: number },
    work: () => Result | Promise<Result>,
  ): Promise<Result> {
    this.ran.push({ kind, attempt });
    return await work();
  }

  followJobConcurrency(own: number, apply: (concurrency: number) => void): Disposable {
    this.#apply = apply;
    apply(own);
    return { [Symbol.dispose]: () => {} };
  }

  /** As when the setting changes. */
  setConcurrency(concurrency: number): void {
    this.#apply(concurrency);
  }
}
