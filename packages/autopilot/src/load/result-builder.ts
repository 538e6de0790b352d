import { ExponentialHistogram } from '../kernel/histogram.ts';
import {
  type ErrorCount,
  latencySummary,
  type PartResult,
  type RequestCounts,
  type StepResult,
  type WindowResult,
} from './result.ts';
import { AFTER_WINDOW, type CellDelta, OTHER_ERRORS, PREPARE_WINDOW, type WindowDelta } from './tally.ts';

/** More windows than this are merged in pairs, so that a soak of any length takes the same memory. */
const MOST_WINDOWS = 1200;
const MOST_ERROR_KINDS = 200;
const COUNTED = ['done', 'failed', 'timedOut', 'unfinished', 'bytesReceived'] as const;

/** A sum of request counts that grows. */
export class PartSum {
  iterations = 0;
  dropped = 0;
  readonly counts: Record<(typeof COUNTED)[number], number> = {
    done: 0,
    failed: 0,
    timedOut: 0,
    unfinished: 0,
    bytesReceived: 0,
  };
  readonly response: ExponentialHistogram = new ExponentialHistogram();
  readonly service: ExponentialHistogram = new ExponentialHistogram();

  add(counts: Omit<RequestCounts, 'requests'>): void {
    for (const field of COUNTED) this.counts[field] += counts[field];
  }

  get requestCounts(): RequestCounts {
    const { done, failed, timedOut, unfinished } = this.counts;
    return { requests: done + failed + timedOut + unfinished, ...this.counts };
  }

  part(durationMs: number): PartResult {
    const { done, failed, timedOut } = this.counts;
    const ended = done + failed + timedOut;
    return {
      durationMs,
      iterations: this.iterations,
      dropped: this.dropped,
      ...this.requestCounts,
      ratePerSecond: durationMs > 0 ? (1000 * done) / durationMs : 0,
      errorRatio: ended > 0 ? (failed + timedOut) / ended : null,
      response: latencySummary(this.response),
      service: latencySummary(this.service),
    };
  }
}

/** Counts of one step and its failures by kind. */
export class StepSum extends PartSum {
  readonly errors: Map<string, number> = new Map();

  fail(kind: string, count: number): void {
    const counted = this.errors.has(kind) || this.errors.size < MOST_ERROR_KINDS ? kind : OTHER_ERRORS;
    this.errors.set(counted, (this.errors.get(counted) ?? 0) + count);
  }

  step(name: string): StepResult {
    const errors: ErrorCount[] = [...this.errors].map(([kind, count]) => ({ kind, count }));
    return {
      name,
      ...this.requestCounts,
      response: latencySummary(this.response),
      service: latencySummary(this.service),
      errors: errors.sort((a, b) => b.count - a.count),
    };
  }
}

/** Puts together what the workers count. */
export class ResultBuilder {
  readonly prepare: PartSum = new PartSum();
  readonly warmup: PartSum = new PartSum();
  readonly measured: PartSum = new PartSum();
  readonly after: PartSum = new PartSum();
  readonly #steps: StepSum[] = [];
  /** By the number of the window, in units of #secondsAWindow. */
  #windows: Map<number, PartSum> = new Map();
  #secondsAWindow = 1;
  /** Response times of what came since the last call of takeRecent(). */
  #recent: ExponentialHistogram = new ExponentialHistogram();

  add(deltas: readonly WindowDelta[]): void {
    for (const delta of deltas) this.#addWindow(delta);
    while (this.#windows.size > MOST_WINDOWS) this.#coarsen();
  }

  takeRecent(): ExponentialHistogram {
    const recent = this.#recent;
    this.#recent = new ExponentialHistogram();
    return recent;
  }

  steps(names: readonly string[]): StepResult[] {
    return this.#steps.flatMap((step, row) => [step.step(names[row] ?? '')]);
  }

  /** In order. The first and the last are cut to the run. */
  windows(warmupMs: number, measuredMs: number): WindowResult[] {
    const width = 1000 * this.#secondsAWindow;
    return [...this.#windows]
      .sort(([a], [b]) => a - b)
      .map(([number, sum]) => {
        const fromMs = Math.max(-warmupMs, number * width);
        // A window never spans both parts: the warm-up's end is where counting starts.
        const untilMs = Math.min(number < 0 ? 0 : Math.max(measuredMs, fromMs + 1), (number + 1) * width);
        return {
          fromMs,
          durationMs: untilMs - fromMs,
          iterations: sum.iterations,
          dropped: sum.dropped,
          ...sum.requestCounts,
          response: latencySummary(sum.response),
        };
      });
  }

  #addWindow(delta: WindowDelta): void {
    const part = this.#partOf(delta.window);
    const inLoad = part === this.warmup || part === this.measured;
    const sums = inLoad ? [part, this.#window(delta.window)] : [part];
    const waited = ExponentialHistogram.decode(delta.droppedWait);
    for (const sum of sums) {
      sum.iterations += delta.iterations;
      sum.dropped += delta.dropped;
      sum.response.merge(waited);
    }
    for (const cell of delta.cells) {
      const response = ExponentialHistogram.decode(cell.response);
      const service = ExponentialHistogram.decode(cell.service);
      for (const sum of sums) merge(sum, cell, response, service);
      if (inLoad) this.#recent.merge(response);
      if (part === this.measured) {
        const step = (this.#steps[cell.row] ??= new StepSum());
        merge(step, cell, response, service);
        for (const [kind, count] of cell.errors) step.fail(kind, count);
      }
    }
  }

  #partOf(window: number): PartSum {
    if (window === PREPARE_WINDOW) return this.prepare;
    if (window === AFTER_WINDOW) return this.after;
    return window < 0 ? this.warmup : this.measured;
  }

  #window(second: number): PartSum {
    const number = Math.floor(second / this.#secondsAWindow);
    let sum = this.#windows.get(number);
    if (sum === undefined) {
      sum = new PartSum();
      this.#windows.set(number, sum);
    }
    return sum;
  }

  #coarsen(): void {
    this.#secondsAWindow *= 2;
    const old = this.#windows;
    this.#windows = new Map();
    for (const [number, sum] of old) {
      const into = this.#window(number * (this.#secondsAWindow / 2));
      into.iterations += sum.iterations;
      into.dropped += sum.dropped;
      into.add(sum.requestCounts);
      into.response.merge(sum.response);
    }
  }
}

function merge(sum: PartSum, cell: CellDelta, response: ExponentialHistogram, service: ExponentialHistogram): void {
  sum.add(cell);
  sum.response.merge(response);
  sum.service.merge(service);
}
