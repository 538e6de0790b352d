import type { BenchmarkReport } from '../contract/benchmarks.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { OwnedProcess } from '../load/owned-process.ts';
import type { BenchmarkOrder, BenchmarkProgress, BenchmarkWord } from './benchmark-protocol.ts';

/** Runs a benchmark in a process of its own, which ends when this one does, however it ends. */
export class BenchmarkRunner {
  /** @throws AutopilotError AP_LOAD_WORKER_FAILED when the process broke or was stopped */
  readonly report: Promise<BenchmarkReport>;
  readonly #process: OwnedProcess<BenchmarkOrder, BenchmarkWord>;

  constructor(order: BenchmarkOrder, onProgress: (progress: BenchmarkProgress) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<BenchmarkReport>();
    this.report = promise;
    // Whoever waits hears of it; nobody waiting is no reason to end this process.
    promise.catch(() => undefined);
    const broke = (how: string): void =>
      reject(new AutopilotError('AP_LOAD_WORKER_FAILED', `The process of the benchmark ${how}.`));
    this.#process = new OwnedProcess({
      program: './benchmark-process',
      base: import.meta.url,
      onWord: (word) => {
        switch (word.kind) {
          case 'progress':
            onProgress(word);
            break;
          case 'ended':
            resolve(word.report);
            break;
          case 'failed':
            broke(`failed: ${word.message}`);
            break;
        }
      },
      onGone: broke,
    });
    this.#process.tell(order);
  }

  /** Ends it at once: half a benchmark has no score. */
  stop(): void {
    this.#process.kill();
  }

  /** Resolves when the process is gone. */
  gone(): Promise<void> {
    return this.#process.gone();
  }
}
