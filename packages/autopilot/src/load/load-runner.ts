import { AutopilotError } from '../kernel/errors.ts';
import type { LoadReport, LoadTestKind, StressStep } from './load-report.ts';
import { OwnedProcess } from './owned-process.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadProgress } from './run-load.ts';
import type { LoadOrder, LoadWord, SentOptions } from './runner-protocol.ts';
import type { TargetVitals } from './shared-state.ts';

/** Told while a test runs. */
export interface RunnerListener {
  readonly onProgress: (progress: LoadProgress) => void;
  readonly onStep: (step: StressStep) => void;
}

/** Longest that a process may take to report after it was told to stop. */
const STOP_MS = 5000;

/** Runs a load test in a process of its own, which ends when this one does, however it ends. */
export class LoadRunner {
  /** @throws AutopilotError AP_LOAD_WORKER_FAILED when the process broke, AP_LOAD_PLAN_INVALID when it could not run the plan */
  readonly report: Promise<LoadReport>;
  readonly #process: OwnedProcess<LoadOrder, LoadWord>;

  constructor(test: LoadTestKind, plan: LoadPlan, options: SentOptions, { onProgress, onStep }: RunnerListener) {
    const { promise, resolve, reject } = Promise.withResolvers<LoadReport>();
    this.report = promise;
    // Whoever waits hears of it; nobody waiting is no reason to end this process.
    promise.catch(() => undefined);
    this.#process = new OwnedProcess({
      program: './load-process',
      base: import.meta.url,
      onWord: (word) => {
        switch (word.kind) {
          case 'progress':
            onProgress(word.progress);
            break;
          case 'step':
            onStep(word.step);
            break;
          case 'ended':
            resolve(word.report);
            break;
          case 'failed':
            reject(
              new AutopilotError(
                'AP_LOAD_PLAN_INVALID',
                word.message,
                word.remedy === null ? {} : { remedy: word.remedy },
              ),
            );
            break;
        }
      },
      onGone: (how) => reject(new AutopilotError('AP_LOAD_WORKER_FAILED', `The process of the load test ${how}.`)),
    });
    this.#process.tell({ kind: 'start', test, plan, options });
  }

  /** The target's own figures, several times a second. */
  feed(vitals: TargetVitals): void {
    this.#process.tell({ kind: 'vitals', vitals });
  }

  /** Ends the test: nothing more is sent, and what was measured is its report. */
  stop(): void {
    this.#process.tell({ kind: 'stop' });
    this.#process.kill(STOP_MS);
  }

  /** Resolves when the process is gone. */
  gone(): Promise<void> {
    return this.#process.gone();
  }
}
