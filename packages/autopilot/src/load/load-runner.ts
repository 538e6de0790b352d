import { type ChildProcess, fork } from 'node:child_process';
import { AutopilotError } from '../kernel/errors.ts';
import type { LoadReport, LoadTestKind, StressStep } from './load-report.ts';
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

/**
 * Runs a load test in a process of its own: whatever it takes of processor and memory, the control plane goes on answering.
 * The process ends when this one does, however it ends.
 */
export class LoadRunner {
  /** @throws AutopilotError AP_LOAD_WORKER_FAILED when the process broke, AP_LOAD_PLAN_INVALID when it could not run the plan */
  readonly report: Promise<LoadReport>;
  readonly #child: ChildProcess;
  #killing: NodeJS.Timeout | undefined;

  constructor(test: LoadTestKind, plan: LoadPlan, options: SentOptions, { onProgress, onStep }: RunnerListener) {
    const isSource = import.meta.url.endsWith('.ts');
    const child = fork(new URL(isSource ? './load-process.ts' : './load-process.js', import.meta.url), {
      execArgv: isSource ? ['-C', 'source'] : [],
      // Nothing of this process's secrets is needed there.
      env: { PATH: process.env['PATH'] },
      serialization: 'advanced',
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<LoadReport>();
    this.report = promise;
    // Whoever waits hears of it; nobody waiting is no reason to end this process.
    promise.catch(() => undefined);
    child.on('message', (word: LoadWord) => {
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
    });
    const broke = (what: string): void => {
      clearTimeout(this.#killing);
      reject(new AutopilotError('AP_LOAD_WORKER_FAILED', `The process of the load test ${what}.`));
    };
    child.on('error', (error) => broke(`failed: ${error.message}`));
    child.on('exit', (code, signal) => broke(`ended early (${signal ?? `code ${code}`})`));
    this.#tell({ kind: 'start', test, plan, options });
  }

  /** The target's own figures, about once a second. */
  feed(vitals: TargetVitals): void {
    this.#tell({ kind: 'vitals', vitals });
  }

  /** Ends the test: nothing more is sent, and what was measured is its report. */
  stop(): void {
    this.#tell({ kind: 'stop' });
    this.#killing ??= setTimeout(() => this.kill(), STOP_MS);
  }

  /** Ends the process at once; there is no report. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Resolves when the process is gone. */
  async gone(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
  }

  #tell(order: LoadOrder): void {
    // A process that is gone hears nothing, and its end is told.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }
}
