import type { Clock } from '../kernel/clock.ts';
import type { Recorder, Sink } from './observation.ts';
import { type RequestContext, RequestScope } from './request-scope.ts';

/** What is known about one run of a background job before it begins. */
export interface JobRun {
  /** From when on it could have begun, as a Date or in ms since 1970: when it was queued, or due. Absent: its wait is not measured. */
  readonly queuedAt?: Date | number;
  /** 1 for the first run of a job, 2 for the first retry; default 1. */
  readonly attempt?: number;
}

/** Longer names of kinds are cut. */
const LONGEST_KIND = 200;

/**
 * Measures background jobs: wait, duration, failures, retries and database time by kind. While a job runs, statements are
 * attributed to "job <kind>" as they are to a route while a request is handled.
 */
export class JobRecorder implements Recorder {
  readonly name = 'job';
  readonly #clock: Clock;
  readonly #context: RequestContext;
  #sink: Sink | null = null;

  constructor(clock: Clock, context: RequestContext) {
    this.#clock = clock;
    this.#context = context;
  }

  attach(sink: Sink): Disposable {
    this.#sink = sink;
    return {
      [Symbol.dispose]: () => {
        if (this.#sink === sink) this.#sink = null;
      },
    };
  }

  /** Runs `work` and answers what it answers, or fails as it fails. */
  async run<Result>(
    kind: string,
    { queuedAt, attempt = 1 }: JobRun,
    work: () => Result | Promise<Result>,
  ): Promise<Result> {
    if (this.#sink === null) return await work();
    const job = kind.slice(0, LONGEST_KIND);
    const scope = new RequestScope(this.#clock.monotonicMs());
    scope.route = `job ${job}`;
    const waitMs = queuedAt === undefined ? null : waitOf(this.#clock.now() - Number(queuedAt));
    let failed = true;
    try {
      // Within the scope also while it awaits: what the work awaits inherits it.
      const result = await this.#context.run(scope, work);
      failed = false;
      return result;
    } finally {
      const atMs = this.#clock.monotonicMs();
      this.#sink?.record({
        kind: 'job',
        atMs,
        job,
        durationMs: atMs - scope.startedAtMs,
        waitMs,
        failed,
        retried: attempt > 1,
        databaseMs: scope.databaseMs(atMs),
        databaseCalls: scope.databaseCalls,
      });
    }
  }
}

/** null where the time that was given is none. Who queued it may have a clock that is ahead: nothing waits less than no time. */
function waitOf(ms: number): number | null {
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
